import { createHash, type Hash } from 'node:crypto'
import type { KeyName, SignatureKeys } from '../ingest/signature.ts'
import { type BodyForm, bodyForms } from './body-forms.ts'
import type { BodyContext } from './body-repairs.ts'
import {
  type KeyForm,
  keyForms,
  type SignatureForm,
  signatureForms,
  timestampForms,
} from './signing-forms.ts'

export type SearchInput = {
  readonly body: Uint8Array
  /** The text of the BOX-DELIVERY-TIMESTAMP header; empty where it is missing. */
  readonly timestamp: string
  readonly signatures: Readonly<Record<KeyName, string | undefined>>
  /** As they were given, white space around them included. */
  readonly keys: SignatureKeys
  readonly context?: BodyContext
}

/** What was signed, beside the body and then the timestamp as Box does it. */
type Layout = 'timestamp first' | 'body alone' | 'timestamp, dot, body' | 'body, dot, timestamp'

/** A signature header that fits a key. */
export type Pairing = {
  readonly header: KeyName
  readonly key: KeyName
  readonly keyForm: KeyForm
  readonly signatureForm: SignatureForm
}

/** What was signed, so that a signature fits. That it fits is the proof. */
export type Explanation = {
  readonly body: BodyForm
  /** The timestamp's text that was signed. */
  readonly timestamp: string
  /** Undefined where it is the body and then the timestamp. */
  readonly layout?: Layout
  readonly pairings: readonly Pairing[]
}

export type SearchResult = {
  readonly explanation?: Explanation
  /** How many bodies, keys, timestamps and layouts were tried with each other. */
  readonly tried: number
  /** Whether bounds kept it from trying everything it knows. */
  readonly cutShort: boolean
}

/** How many bytes may be put through SHA-256: about a second of one core. */
const HASHED_MAX = 768 * 1024 * 1024

type NamedKey = { readonly name: KeyName; readonly form: KeyForm; readonly order: number }
type Digest = { readonly header: KeyName; readonly form: SignatureForm }

/**
 * Looks for what was signed: the body, key and timestamp as they are, and then all that they may have been before
 * something changed them, in combination, what takes the fewest changes first. Bounded; never throws.
 */
export function searchSignature(input: SearchInput): SearchResult {
  const digests = (['primary', 'secondary'] as const).flatMap(header =>
    signatureForms(input.signatures[header] ?? '').map((form): Digest => ({ header, form })),
  )
  const keys = namedKeys(input.keys)
  if (digests.length === 0 || keys.length === 0) return { tried: 0, cutShort: false }
  const bodies = bodyForms(input.body, input.context)
  return new Search(digests, keys, bodies, input.timestamp).run()
}

/** Every form of both keys, the plain ones first. */
function namedKeys(keys: SignatureKeys): NamedKey[] {
  const all = (['primary', 'secondary'] as const).flatMap(name =>
    keys[name]?.trim() ? keyForms(keys[name]).map(form => ({ name, form, order: form.cause ? 1 : 0 })) : [],
  )
  return all.sort((a, b) => a.order - b.order)
}

class Search {
  readonly #wanted: ReadonlySet<string>
  readonly #digests: readonly Digest[]
  readonly #keys: readonly NamedKey[]
  readonly #bodies: readonly BodyForm[]
  readonly #timestamp: string
  #tried = 0
  #hashed = 0

  constructor(
    digests: readonly Digest[],
    keys: readonly NamedKey[],
    bodies: readonly BodyForm[],
    timestamp: string,
  ) {
    this.#digests = digests
    this.#keys = keys
    this.#bodies = bodies
    this.#timestamp = timestamp
    this.#wanted = new Set(digests.map(({ form }) => form.digest.toString('latin1')))
  }

  run(): SearchResult {
    const explanation = this.#asSigned() ?? this.#otherwiseTimed() ?? this.#otherwiseLaidOut()
    const cutShort = !explanation && this.#hashed > HASHED_MAX
    return { ...(explanation ? { explanation } : {}), tried: this.#tried, cutShort }
  }

  /** Body and timestamp in the right order, with the timestamp as it is. */
  #asSigned(): Explanation | undefined {
    const pairs = this.#bodies.flatMap(body =>
      this.#keys.map(key => ({ body, key, order: body.undone.length + key.order })),
    )
    for (const { body, key } of pairs.sort((a, b) => a.order - b.order))
      if (this.#fits(key, [body.bytes, this.#timestamp]))
        return this.#explained(body, this.#timestamp, undefined)
    return undefined
  }

  /** With the timestamp in other forms: a body's hash is kept, so that each form costs only its own bytes. */
  #otherwiseTimed(): Explanation | undefined {
    const timestamps = this.#timestamp === '' ? [] : timestampForms(this.#timestamp)
    if (timestamps.length === 0) return undefined
    for (const body of this.#bodies.filter(({ undone }) => undone.length <= 2))
      for (const key of this.#keys.filter(({ order }) => order === 0 || body.undone.length === 0)) {
        if (this.#isOver(body.bytes.length)) return undefined
        const hash = hmac(key.form.bytes)
        hash.inner.update(body.bytes)
        const found = timestamps.find(timestamp => this.#isWanted(hash, [timestamp]))
        if (found !== undefined) return this.#explained(body, found, undefined)
      }
    return undefined
  }

  #otherwiseLaidOut(): Explanation | undefined {
    for (const body of this.#bodies.filter(({ undone }) => undone.length <= 1))
      for (const key of this.#keys)
        for (const [layout, lay] of LAYOUTS)
          if (this.#fits(key, lay(body.bytes, this.#timestamp)))
            return this.#explained(body, this.#timestamp, layout)
    return undefined
  }

  #isOver(bytes: number): boolean {
    this.#hashed += bytes
    return this.#hashed > HASHED_MAX
  }

  #fits({ form }: NamedKey, parts: readonly (Buffer | string)[]): boolean {
    const bytes = parts.reduce((sum, part) => sum + part.length, 0)
    return !this.#isOver(bytes) && this.#isWanted(hmac(form.bytes), parts)
  }

  #isWanted(hash: Hmac, parts: readonly (Buffer | string)[]): boolean {
    this.#tried += 1
    return this.#wanted.has(finished(hash, parts).toString('latin1'))
  }

  /** Every header against every key, over what was signed. */
  #explained(body: BodyForm, timestamp: string, layout: Layout | undefined): Explanation {
    const lay = layout === undefined ? bodyThenTime : LAYOUTS.get(layout)
    const parts = (lay ?? bodyThenTime)(body.bytes, timestamp)
    const pairings = this.#keys.flatMap(({ name, form }) => {
      const digest = finished(hmac(form.bytes), parts)
      return this.#digests
        .filter(given => given.form.digest.equals(digest))
        .map(({ header, form: signatureForm }) => ({ header, key: name, keyForm: form, signatureForm }))
    })
    return { body, timestamp, pairings, ...(layout ? { layout } : {}) }
  }
}

type Lay = (body: Buffer, timestamp: string) => readonly (Buffer | string)[]

const bodyThenTime: Lay = (body, timestamp) => [body, timestamp]

const LAYOUTS: ReadonlyMap<Layout, Lay> = new Map<Layout, Lay>([
  ['timestamp first', (body, timestamp) => [timestamp, body]],
  ['body alone', body => [body]],
  ['timestamp, dot, body', (body, timestamp) => [timestamp, '.', body]],
  ['body, dot, timestamp', (body, timestamp) => [body, '.', timestamp]],
])

/** HMAC-SHA256 in its two halves, for node:crypto's own can't go on from a common beginning. */
type Hmac = { readonly inner: Hash; readonly outer: Hash }

const BLOCK_BYTES = 64

/** @see https://www.rfc-editor.org/rfc/rfc2104#section-2 */
function hmac(key: Buffer): Hmac {
  const block = Buffer.alloc(BLOCK_BYTES)
  const short = key.length > BLOCK_BYTES ? createHash('sha256').update(key).digest() : key
  short.copy(block)
  return {
    inner: createHash('sha256').update(block.map(byte => byte ^ 0x36)),
    outer: createHash('sha256').update(block.map(byte => byte ^ 0x5c)),
  }
}

/** The digest over what was hashed so far and these parts; what it began with can be used again. */
function finished({ inner, outer }: Hmac, parts: readonly (Buffer | string)[]): Buffer {
  const hash = inner.copy()
  for (const part of parts) hash.update(part)
  return outer.copy().update(hash.digest()).digest()
}
