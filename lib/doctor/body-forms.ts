import { createHash } from 'node:crypto'
import { type BodyCause, type BodyContext, REPAIRS } from './body-repairs.ts'

/** One thing undone that may have happened to a body on its way. */
type Undone = { readonly cause: BodyCause; readonly evidence: string }

/** Bytes that may be those that were signed, with all that had to be undone to get them. */
export type BodyForm = { readonly bytes: Buffer; readonly undone: readonly Undone[] }

/** How many things may have happened one after the other. */
const DEPTH_MAX = 4
const FORMS_MAX = 96
/** Of all forms together. */
const BYTES_MAX = 48 * 1024 * 1024

/**
 * Everything that a body may have been before something changed it, the nearest first: as it is, with one thing undone,
 * with two, and so on, within bounds of number and size. Never throws.
 */
export function bodyForms(body: Uint8Array, context: BodyContext = {}): readonly BodyForm[] {
  const found: (BodyForm & { readonly next: number })[] = [{ bytes: Buffer.from(body), undone: [], next: 0 }]
  const seen = new Set([keyOf(body)])
  let bytes = body.length
  // What is found is looked at in its turn: level after level.
  for (const { bytes: from, undone, next } of found) {
    if (undone.length === DEPTH_MAX) break
    for (const [index, { cause, undo }] of REPAIRS.entries()) {
      if (index < next) continue
      for (const one of undo(from, context)) {
        if (found.length >= FORMS_MAX || bytes + one.bytes.length > BYTES_MAX) return found
        const key = keyOf(one.bytes)
        if (one.bytes.length === 0 || seen.has(key)) continue
        seen.add(key)
        bytes += one.bytes.length
        found.push({
          bytes: one.bytes,
          undone: [...undone, { cause, evidence: one.evidence }],
          next: index + 1,
        })
      }
    }
  }
  return found
}

/** A text that is equal just where the bytes are. */
const keyOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
