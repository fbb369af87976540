import fc from 'fast-check'
import type { CapturedRequest } from '../../cli/verify/capture-http.ts'
import type { Cause } from '../../cli/verify/causes.ts'
import { AGE_MAX_SECONDS, type SignatureKeys, SKEW_MAX_SECONDS, sign } from '../../lib/ingest/signature.ts'
import { wireBody } from '../../local/box/events/payload.ts'
import { anyCharacter } from './any-character.ts'

/** A moment, as Box writes it and in milliseconds since the epoch. */
export const SENT = '2026-11-23T10:00:00-07:00'
export const AT = Date.parse(SENT) + 2000

/** How old a delivery may be, and how far ahead, as by default. */
export const BOUNDS = { ageMaxSeconds: AGE_MAX_SECONDS, skewMaxSeconds: SKEW_MAX_SECONDS }

export type Pair = { readonly primary: string; readonly secondary: string }

/** A delivery with the keys that are given to `verify`. */
export type Case = { readonly request: CapturedRequest; readonly keys: SignatureKeys; readonly at: number }

/** Keys as Box generates them: letters and digits, hard to guess, two different ones. */
export const keyPair: fc.Arbitrary<Pair> = fc
  .tuple(
    ...(['p', 's'] as const).map(first => fc.stringMatching(/^[A-Za-z0-9]{31}$/).map(rest => first + rest)),
  )
  .map(([primary = '', secondary = '']) => ({ primary, secondary }))

/** Objects with texts of every kind, which JSON carries there and back. */
export const payload = fc
  .record({
    type: fc.constant('webhook_event'),
    id: fc.uuid(),
    // One character at least that Box escapes.
    name: fc.string({ unit: anyCharacter, maxLength: 30 }).map(rest => `Ü${rest}`),
    url: fc.webPath().map(path => `https://app.box.com${path}`),
    source: fc.dictionary(fc.string({ maxLength: 8 }), fc.jsonValue({ maxDepth: 2 }), {
      maxKeys: 4,
      noNullPrototype: true,
    }),
  })
  // What JSON can't carry, such as -0, is not asked of it.
  .map((value): Record<string, unknown> => JSON.parse(JSON.stringify(value)))

/** Box's own form of a payload. */
export const wireOf = (value: Record<string, unknown>): Buffer => wireBody(JSON.parse(JSON.stringify(value)))

/** A delivery as Box sends it. */
export function genuine(body: Buffer, keys: Pair, timestamp = SENT): Case {
  const headers = {
    'content-type': 'application/json',
    'box-delivery-id': 'f96bb54b-ee16-4fc5-aa65-8c2d9e5b546f',
    'box-delivery-timestamp': timestamp,
    'box-signature-version': '1',
    'box-signature-algorithm': 'HmacSHA256',
    'box-signature-primary': sign(body, timestamp, keys.primary),
    'box-signature-secondary': sign(body, timestamp, keys.secondary),
  }
  const request = { method: 'POST', path: '/box/webhook', query: '', headers, body, notes: [] }
  return { request, keys, at: AT }
}

export type Mangling = {
  readonly name: string
  readonly cause: Cause
  readonly mangle: (one: Case) => Case
  /** Whether ingest refuses the delivery for it. */
  readonly refused: boolean
}

const text = ({ request }: Case): string => Buffer.from(request.body).toString()
const json = (one: Case): unknown => JSON.parse(text(one))

const withKeys = (one: Case, change: (key: string) => string): Case => ({
  ...one,
  keys: { primary: change(one.keys.primary ?? ''), secondary: change(one.keys.secondary ?? '') },
})

const body = (name: string, cause: Cause, change: (one: Case) => Uint8Array | string): Mangling => ({
  name,
  cause,
  refused: true,
  mangle: one => ({ ...one, request: { ...one.request, body: Buffer.from(change(one)) } }),
})
const other = (name: string, cause: Cause, mangle: (one: Case) => Case, refused = true): Mangling => ({
  name,
  cause,
  refused,
  mangle,
})

/** Writes JSON as Python's json.dumps does: blanks after commas and colons, ASCII alone. */
function dumpAsPython(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(dumpAsPython).join(', ')}]`
  if (typeof value !== 'object' || value === null)
    return JSON.stringify(value).replace(
      /[\u007f-\uffff]/g,
      unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    )
  return `{${Object.entries(value)
    .map(([name, one]) => `${dumpAsPython(name)}: ${dumpAsPython(one)}`)
    .join(', ')}}`
}

/** Everything that happens to deliveries, with the cause that `verify` must name. */
export const MANGLINGS: readonly Mangling[] = [
  body('JSON.stringify(JSON.parse(body))', 'body_reserialised', one => JSON.stringify(json(one))),
  body('JSON with indentation', 'body_reserialised', one => JSON.stringify(json(one), null, 2)),
  body("Python's json.dumps", 'body_reserialised', one => dumpAsPython(json(one))),
  body('JSON that PHP writes without escaping slashes', 'body_reserialised', one =>
    text(one).replaceAll('\\/', '/'),
  ),
  body('base64 that is not decoded', 'body_base64', one => Buffer.from(one.request.body).toString('base64')),
  body('base64 in lines', 'body_base64', one =>
    Buffer.from(one.request.body).toString('base64').replace(/.{76}/g, '$&\n'),
  ),
  body('a line end added', 'body_newline', one => `${text(one)}\n`),
  body('a line end of Windows added', 'body_newline', one => `${text(one)}\r\n`),
  body('white space around it', 'body_newline', one => ` ${text(one)} \n\n`),
  body('URL encoding', 'body_url_encoded', one => encodeURIComponent(text(one))),
  body('a form made of it', 'body_url_encoded', one => new URLSearchParams([[text(one), '']]).toString()),
  body('a byte-order mark', 'body_charset', one => `\ufeff${text(one)}`),
  body('UTF-16', 'body_charset', one => Buffer.from(text(one), 'utf16le')),
  body('UTF-16, big end first', 'body_charset', one => Buffer.from(text(one), 'utf16le').swap16()),
  body('UTF-8 read as Latin-1', 'body_charset', one =>
    Buffer.from(JSON.stringify(json(one))).toString('latin1'),
  ),
  body('UTF-8 read as Windows-1252', 'body_charset', one =>
    new TextDecoder('windows-1252').decode(Buffer.from(JSON.stringify(json(one)))),
  ),
  body('the last bracket cut off', 'body_truncated', one => one.request.body.subarray(0, -1)),
  body('the first half of it', 'body_truncated', one =>
    one.request.body.subarray(0, one.request.body.length / 2),
  ),
  other(
    'the keys swapped',
    'keys_swapped',
    one => ({ ...one, keys: { primary: one.keys.secondary, secondary: one.keys.primary } }),
    false,
  ),
  other(
    'the secondary key of before',
    'wrong_key',
    one => ({ ...one, keys: { ...one.keys, secondary: 'before-0123456789-0123456789' } }),
    false,
  ),
  other('keys of another application', 'wrong_key', one =>
    withKeys(one, key => `${key.slice(1)}${key.startsWith('p') ? '!' : '?'}`),
  ),
  other('keys in quotes', 'key_quoted', one => withKeys(one, key => `"${key}"`)),
  other('keys in escaped quotes and a blank', 'key_quoted', one => withKeys(one, key => `\\"${key}\\" `)),
  other('keys with a line break within', 'key_quoted', one =>
    withKeys(one, key => `${key.slice(0, 20)}\n${key.slice(20)}`),
  ),
  other('keys with a line end', 'key_quoted', one => withKeys(one, key => `${key}\n`), false),
  other('eleven minutes', 'clock', one => ({ ...one, at: one.at + 660_000 })),
  other('a clock that is two minutes slow', 'clock', one => ({ ...one, at: one.at - 122_000 })),
]

/** Mangles a delivery where the body still allows it, and leaves it as it is otherwise. */
export function tryMangle(one: Case, { mangle }: Mangling): Case {
  try {
    return mangle(one)
  } catch {
    return one
  }
}
