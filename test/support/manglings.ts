import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import type { Cause } from '../../lib/doctor/causes.ts'
import type { CapturedRequest } from '../../lib/doctor/patient.ts'
import { type SignatureKeys, sign } from '../../lib/ingest/signature.ts'
import { wireBody } from '../../local/box/events/payload.ts'
import { anyCharacter } from './any-character.ts'

/** A moment, as Box writes it and in milliseconds since the epoch. */
export const SENT = '2026-11-23T10:00:00-07:00'
export const AT = Date.parse(SENT) + 2000

export type Pair = { readonly primary: string; readonly secondary: string }

/** A delivery with the keys that are given to the doctor. */
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
  return { request: { method: 'POST', path: '/box/webhook', query: '', headers, body }, keys, at: AT }
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

const withBody = (one: Case, body: Uint8Array | string): Case => ({
  ...one,
  request: { ...one.request, body: Buffer.from(body) },
})
const withHeaders = (one: Case, change: (headers: Record<string, string>) => void): Case => {
  const headers = { ...one.request.headers }
  change(headers)
  return { ...one, request: { ...one.request, headers } }
}
const withHeader = (one: Case, name: string, value: (before: string) => string): Case =>
  withHeaders(one, headers => {
    headers[name] = value(headers[name] ?? '')
  })
const withKeys = (one: Case, change: (key: string) => string): Case => ({
  ...one,
  keys: { primary: change(one.keys.primary ?? ''), secondary: change(one.keys.secondary ?? '') },
})
const resigned = (one: Case, signed: (body: Uint8Array, timestamp: string) => [Uint8Array, string]): Case => {
  const [body, timestamp] = signed(one.request.body, SENT)
  return withHeaders(one, headers => {
    headers['box-signature-primary'] = sign(body, timestamp, one.keys.primary ?? '')
    headers['box-signature-secondary'] = sign(body, timestamp, one.keys.secondary ?? '')
  })
}
const signatures = ['box-signature-primary', 'box-signature-secondary'] as const
const withSignatures = (one: Case, change: (before: string) => string): Case =>
  signatures.reduce((changed, name) => withHeader(changed, name, change), one)

const body = (name: string, cause: Cause, change: (one: Case) => Uint8Array | string): Mangling => ({
  name,
  cause,
  refused: true,
  mangle: one => withBody(one, change(one)),
})
const other = (name: string, cause: Cause, mangle: (one: Case) => Case, refused = true): Mangling => ({
  name,
  cause,
  refused,
  mangle,
})

/** As Python's json.dumps writes: blanks after commas and colons, ASCII alone. */
function pythonic(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(pythonic).join(', ')}]`
  if (typeof value !== 'object' || value === null)
    return JSON.stringify(value).replace(
      /[\u007f-\uffff]/g,
      unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    )
  return `{${Object.entries(value)
    .map(([name, one]) => `${pythonic(name)}: ${pythonic(one)}`)
    .join(', ')}}`
}

const chunked = (bytes: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n0\r\n\r\n')])

/** Everything that people do to deliveries, with what the doctor must call it. */
export const MANGLINGS: readonly Mangling[] = [
  body('JSON.stringify(JSON.parse(body))', 'body_reserialised', one => JSON.stringify(json(one))),
  body('JSON that is printed with indentation', 'body_reserialised', one =>
    JSON.stringify(json(one), null, 2),
  ),
  body("Python's json.dumps", 'body_reserialised', one => pythonic(json(one))),
  body('JSON that PHP writes without escaping slashes', 'body_reserialised', one =>
    text(one).replaceAll('\\/', '/'),
  ),
  body('base64 that is not decoded', 'body_base64', one => Buffer.from(one.request.body).toString('base64')),
  body('JSON.stringify over the body’s text', 'body_double_encoded', one => JSON.stringify(text(one))),
  body('JSON.stringify over the body’s text, without its quotes', 'body_double_encoded', one =>
    JSON.stringify(text(one)).slice(1, -1),
  ),
  body('gzip', 'body_compressed', one => gzipSync(one.request.body)),
  body('a line end added', 'body_newline_added', one => `${text(one)}\n`),
  body('a line end of Windows added', 'body_newline_added', one => `${text(one)}\r\n`),
  body('a byte-order mark', 'body_bom', one => `\ufeff${text(one)}`),
  body('URL encoding', 'body_url_encoded', one => encodeURIComponent(text(one))),
  body('a form made of it', 'body_url_encoded', one => new URLSearchParams([[text(one), '']]).toString()),
  body('UTF-16', 'body_charset', one => Buffer.from(text(one), 'utf16le')),
  body('UTF-8 read as Latin-1', 'body_charset', one =>
    Buffer.from(JSON.stringify(json(one))).toString('latin1'),
  ),
  body('UTF-8 read as Windows-1252', 'body_charset', one =>
    new TextDecoder('windows-1252').decode(Buffer.from(JSON.stringify(json(one)))),
  ),
  body('chunks', 'body_chunked', one => chunked(one.request.body)),
  body('zeros after it', 'body_extra_bytes', one => Buffer.concat([one.request.body, Buffer.alloc(7)])),
  body('the first half of it', 'body_truncated', one =>
    one.request.body.subarray(0, one.request.body.length / 2),
  ),
  body('nothing left of it', 'body_missing', () => ''),
  other('a body that is taken for base64', 'body_not_base64', one => ({
    ...one,
    request: { ...one.request, undecoded: one.request.body, body: Buffer.from(text(one), 'base64') },
  })),
  other('the primary signature header and the other taken away', 'header_missing', one =>
    withHeaders(one, headers => {
      for (const name of signatures) delete headers[name]
    }),
  ),
  other('the timestamp header taken away', 'header_missing', one =>
    withHeaders(one, headers => {
      delete headers['box-delivery-timestamp']
    }),
  ),
  other('headers by the names that Django gives them', 'header_renamed', one =>
    withHeaders(one, headers => {
      for (const [name, value] of Object.entries(headers)) {
        delete headers[name]
        headers[`HTTP_${name.toUpperCase().replaceAll('-', '_')}`] = value
      }
    }),
  ),
  other('headers that came twice', 'header_repeated', one =>
    withSignatures(one, value => `${value}, ${value}`),
  ),
  other('another version', 'version_unsupported', one => withHeader(one, 'box-signature-version', () => '2')),
  other('another algorithm', 'algorithm_unsupported', one =>
    withHeader(one, 'box-signature-algorithm', value => value.toLowerCase()),
  ),
  other('the time in UTC', 'timestamp_reformatted', one =>
    withHeader(one, 'box-delivery-timestamp', value => new Date(value).toISOString()),
  ),
  other('the time as a number', 'timestamp_reformatted', one =>
    withHeader(one, 'box-delivery-timestamp', value => String(Date.parse(value) / 1000)),
  ),
  other('the time as HTTP writes it', 'timestamp_reformatted', one =>
    withHeader(one, 'box-delivery-timestamp', value => new Date(value).toUTCString()),
  ),
  other('the time without its zone', 'timestamp_reformatted', one =>
    withHeader(one, 'box-delivery-timestamp', value => value.slice(0, 19).replace('T', ' ')),
  ),
  other('eleven minutes', 'timestamp_too_old', one => ({ ...one, at: one.at + 660_000 })),
  other('a clock that is two minutes behind', 'timestamp_in_future', one => ({
    ...one,
    at: one.at - 122_000,
  })),
  other('signatures in hex', 'signature_encoding', one =>
    withSignatures(one, value => Buffer.from(value, 'base64').toString('hex')),
  ),
  other('URL-safe signatures', 'signature_encoding', one =>
    withSignatures(one, value => Buffer.from(value, 'base64').toString('base64url')),
  ),
  other('signatures with their scheme', 'signature_encoding', one =>
    withSignatures(one, value => `sha256=${value}`),
  ),
  other('the timestamp signed before the body', 'signed_otherwise', one =>
    resigned(one, (bytes, timestamp) => [Buffer.concat([Buffer.from(timestamp), bytes]), '']),
  ),
  other('the body signed without the timestamp', 'signed_otherwise', one =>
    resigned(one, bytes => [bytes, '']),
  ),
  other(
    'the keys swapped',
    'keys_swapped',
    one => ({ ...one, keys: { primary: one.keys.secondary, secondary: one.keys.primary } }),
    false,
  ),
  other(
    'the secondary key of before',
    'key_outdated',
    one => ({ ...one, keys: { ...one.keys, secondary: 'before-0123456789-0123456789' } }),
    false,
  ),
  other('keys of another application', 'wrong_key', one =>
    withKeys(one, key => `${key.slice(1)}${key.startsWith('p') ? '!' : '?'}`),
  ),
  other('keys in quotes', 'key_quoted', one => withKeys(one, key => `"${key}"`)),
  other('keys with a line break within', 'key_whitespace', one =>
    withKeys(one, key => `${key.slice(0, 20)}\n${key.slice(20)}`),
  ),
  other('keys with a line end', 'key_whitespace', one => withKeys(one, key => `${key}\n`), false),
  other('keys in base64', 'key_encoded', one => withKeys(one, key => Buffer.from(key).toString('base64'))),
  other('no keys', 'no_key', one => ({ ...one, keys: {} })),
  other('a GET', 'method_changed', one => ({ ...one, request: { ...one.request, method: 'GET' } })),
  other('a callback of V1 in its place', 'v1_payload', one => ({
    ...one,
    request: {
      method: 'POST',
      path: '/box/v1',
      query: '',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: Buffer.from('event_type=uploaded&item_id=1234&item_type=file&token=t'),
    },
  })),
]
