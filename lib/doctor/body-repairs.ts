import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib'
import { type JsonStyle, jsonEnd, utf8, wireJson } from './wire-json.ts'

export type BodyCause =
  | 'body_chunked'
  | 'body_not_base64'
  | 'body_url_encoded'
  | 'body_double_encoded'
  | 'body_base64'
  | 'body_compressed'
  | 'body_charset'
  | 'body_bom'
  | 'body_newline_added'
  | 'body_newline_removed'
  | 'body_extra_bytes'
  | 'body_truncated'
  | 'body_line_endings'
  | 'body_reserialised'

export type BodyContext = {
  /** The value of content-encoding. */
  readonly contentEncoding?: string | undefined
  /** The value of content-length, in bytes. */
  readonly contentLength?: number | undefined
  /** The body's text as it was before the capture's flag had it decoded from base64. */
  readonly undecoded?: Uint8Array | undefined
}

type Candidate = { readonly bytes: Buffer; readonly evidence: string }
/** One thing that may have happened to a body, and how it is undone. */
export type Repair = {
  readonly cause: BodyCause
  readonly undo: (bytes: Buffer, context: BodyContext) => readonly Candidate[]
}

/** What a compressed body may become. */
const INFLATED_MAX = 8 * 1024 * 1024

/** In the order in which they are undone: what was done last comes first, and each once. */
export const REPAIRS: readonly Repair[] = [
  { cause: 'body_chunked', undo: withoutChunks },
  { cause: 'body_not_base64', undo: undecoded },
  { cause: 'body_url_encoded', undo: urlDecoded },
  { cause: 'body_double_encoded', undo: unquoted },
  { cause: 'body_base64', undo: fromBase64 },
  { cause: 'body_compressed', undo: inflated },
  { cause: 'body_charset', undo: transcoded },
  { cause: 'body_bom', undo: withoutBom },
  { cause: 'body_newline_added', undo: withoutLineEnd },
  { cause: 'body_extra_bytes', undo: withoutMore },
  { cause: 'body_truncated', undo: closed },
  { cause: 'body_line_endings', undo: otherLineEnds },
  { cause: 'body_reserialised', undo: asBoxWrites },
  { cause: 'body_newline_removed', undo: withLineEnd },
]

function withoutChunks(bytes: Buffer): Candidate[] {
  const whole = withoutChunkSizes(bytes)
  return whole ? [{ bytes: whole, evidence: 'Chunks with their sizes stand in the body.' }] : []
}

/**
 * Puts a body together that came in chunks.
 * @returns undefined where it is none that is whole. Never throws.
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-7.1
 */
export function withoutChunkSizes(bytes: Buffer): Buffer | undefined {
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const lineEnd = bytes.indexOf('\r\n', at)
    const size = lineEnd < 0 || lineEnd - at > 64 ? '' : bytes.toString('latin1', at, lineEnd).split(';')[0]
    if (!size || !/^[0-9a-f]{1,8}$/i.test(size.trim())) return undefined
    const length = Number.parseInt(size, 16)
    const start = lineEnd + 2
    if (length === 0) return Buffer.concat(parts)
    if (bytes.toString('latin1', start + length, start + length + 2) !== '\r\n') return undefined
    parts.push(bytes.subarray(start, start + length))
    at = start + length + 2
  }
  return undefined
}

function undecoded(_: Buffer, context: BodyContext): Candidate[] {
  const evidence = 'isBase64Encoded is true, and the body is no base64.'
  return context.undecoded ? [{ bytes: Buffer.from(context.undecoded), evidence }] : []
}

function urlDecoded(bytes: Buffer): Candidate[] {
  if (!bytes.includes('%')) return []
  const text = utf8(bytes)
  if (text === undefined) return []
  const whole = text.endsWith('=') ? text.slice(0, -1) : text
  return [whole.replaceAll('+', ' '), whole].flatMap(one => {
    try {
      const decoded = Buffer.from(decodeURIComponent(one))
      return [{ bytes: decoded, evidence: 'Characters of the body stand as %XX, as in a form.' }]
    } catch {
      return []
    }
  })
}

function unquoted(bytes: Buffer): Candidate[] {
  const text = utf8(bytes)?.trim()
  if (text === undefined) return []
  const quoted = text.startsWith('"') && text.endsWith('"')
  const loose = text.startsWith('{\\"') || text.startsWith('[{\\"') || text.startsWith('{\\n')
  if (!quoted && !loose) return []
  const value = parsed(quoted ? text : `"${text}"`)
  return typeof value === 'string'
    ? [
        {
          bytes: Buffer.from(value),
          evidence: 'The body is one JSON string, with the JSON that was signed within it.',
        },
      ]
    : []
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

function fromBase64(bytes: Buffer): Candidate[] {
  const text = bytes.toString('latin1')
  if (!/^[\w+/=\s-]{4,}$/.test(text)) return []
  return [{ bytes: Buffer.from(text, 'base64'), evidence: 'The body is base64 of what was signed.' }]
}

function inflated(bytes: Buffer, { contentEncoding }: BodyContext): Candidate[] {
  const [first, second] = bytes
  const ways = [
    ...(first === 0x1f && second === 0x8b ? [{ name: 'gzip', inflate: gunzipSync }] : []),
    ...(first === 0x78 ? [{ name: 'deflate', inflate: inflateSync }] : []),
    ...(contentEncoding?.includes('br') ? [{ name: 'brotli', inflate: brotliDecompressSync }] : []),
  ]
  return ways.flatMap(({ name, inflate }) => {
    try {
      const evidence = `The body is compressed (${name}).`
      return [{ bytes: inflate(bytes, { maxOutputLength: INFLATED_MAX }), evidence }]
    } catch {
      return []
    }
  })
}

/** Windows-1252 by character, where it is another than in Latin-1. */
const WINDOWS_1252: ReadonlyMap<string, number> = new Map(
  Array.from({ length: 32 }, (_, index) => [
    new TextDecoder('windows-1252').decode(Uint8Array.of(0x80 + index)),
    0x80 + index,
  ]),
)

function transcoded(bytes: Buffer): Candidate[] {
  const wide = fromUtf16(bytes)
  if (wide !== undefined)
    return [{ bytes: Buffer.from(wide), evidence: 'The body is in UTF-16; UTF-8 was signed.' }]
  const text = utf8(bytes)
  if (text === undefined) {
    const evidence = 'The body is in Latin-1; UTF-8 was signed.'
    return [{ bytes: Buffer.from(bytes.toString('latin1')), evidence }]
  }
  if (!/[^\0-\x7f]/.test(text)) return []
  const evidence = 'UTF-8 was read as Latin-1 and written as UTF-8 again: é has become Ã©, and so on.'
  return [latin1Of(text), windows1252Of(text)].flatMap(one =>
    one && utf8(one) !== undefined ? [{ bytes: one, evidence }] : [],
  )
}

function fromUtf16(bytes: Buffer): string | undefined {
  if (bytes.length < 4 || bytes.length % 2 === 1) return undefined
  const little =
    (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] !== 0 && bytes[1] === 0 && bytes[3] === 0)
  const big = (bytes[0] === 0xfe && bytes[1] === 0xff) || (bytes[0] === 0 && bytes[1] !== 0 && bytes[2] === 0)
  if (little) return new TextDecoder('utf-16le').decode(bytes)
  return big ? new TextDecoder('utf-16be').decode(bytes) : undefined
}

const latin1Of = (text: string): Buffer | undefined =>
  /[^\0-\xff]/.test(text) ? undefined : Buffer.from(text, 'latin1')

function windows1252Of(text: string): Buffer | undefined {
  const bytes = Buffer.alloc(text.length)
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    const byte = WINDOWS_1252.get(text[at] ?? '') ?? code
    if (byte > 0xff) return undefined
    bytes[at] = byte
  }
  return bytes
}

function withoutBom(bytes: Buffer): Candidate[] {
  if (!bytes.subarray(0, 3).equals(Buffer.from('\ufeff'))) return []
  return [{ bytes: bytes.subarray(3), evidence: 'A byte-order mark of 3 bytes stands before the body.' }]
}

const isSpace = (byte: number | undefined): boolean =>
  byte === 0x0a || byte === 0x0d || byte === 0x20 || byte === 0x09

function withoutLineEnd(bytes: Buffer): Candidate[] {
  let end = bytes.length
  if (bytes[end - 1] === 0x0a) end -= 1
  if (bytes[end - 1] === 0x0d) end -= 1
  let start = 0
  let last = bytes.length
  while (isSpace(bytes[last - 1])) last -= 1
  while (start < last && isSpace(bytes[start])) start += 1
  const cut = (from: number, to: number): Candidate[] => {
    const more = bytes.length - (to - from)
    if (more === 0) return []
    const evidence = `White space ${from === 0 ? 'behind' : 'around'} the body: ${counted(more, 'byte')}.`
    return [{ bytes: bytes.subarray(from, to), evidence }]
  }
  return [...cut(0, end), ...cut(0, last), ...cut(start, last)]
}

function withoutMore(bytes: Buffer, { contentLength }: BodyContext): Candidate[] {
  const candidates: Candidate[] = []
  const cut = (end: number, evidence: string) => {
    if (end > 0 && end < bytes.length) candidates.push({ bytes: bytes.subarray(0, end), evidence })
  }
  if (contentLength !== undefined)
    cut(contentLength, `content-length is ${contentLength}, and the body has ${bytes.length} bytes.`)
  const text = bytes.toString('latin1')
  const { end } = jsonEnd(text)
  if (end !== undefined)
    cut(end, `${bytes.length - end} bytes come after the end of the JSON, which has ${end} bytes.`)
  let zeros = bytes.length
  while (bytes[zeros - 1] === 0) zeros -= 1
  cut(zeros, `${bytes.length - zeros} zero bytes follow the body.`)
  return candidates
}

function closed(bytes: Buffer): Candidate[] {
  const text = bytes.toString('latin1')
  const { closers } = jsonEnd(text)
  if (closers === undefined || closers.length > 64 || parsed(text + closers) === undefined) return []
  const evidence = `The JSON ends ${counted(closers.length, 'byte')} too early.`
  return [{ bytes: Buffer.from(text + closers, 'latin1'), evidence }]
}

function otherLineEnds(bytes: Buffer): Candidate[] {
  if (!bytes.includes('\n')) return []
  const text = bytes.toString('latin1')
  const lf = text.replaceAll('\r\n', '\n')
  return [
    ...(lf === text
      ? []
      : [{ bytes: Buffer.from(lf, 'latin1'), evidence: 'Lines end with CRLF; LF was signed.' }]),
    {
      bytes: Buffer.from(lf.replaceAll('\n', '\r\n'), 'latin1'),
      evidence: 'Lines end with LF; CRLF was signed.',
    },
  ]
}

function asBoxWrites(bytes: Buffer): Candidate[] {
  const json = wireJson(bytes)
  return (json?.forms ?? []).map(form => ({ bytes: form, evidence: styleEvidence(json?.style) }))
}

/** Says in what a JSON text differs from Box's form, and who writes it so. */
export function styleEvidence(style: JsonStyle | undefined): string {
  if (!style) return 'It is no JSON.'
  const { spaces, lineEnds, slashes, characters } = style
  const differences = [
    ...(spaces > 0
      ? [`${counted(spaces, 'character')} of white space between tokens, where Box writes none`]
      : []),
    ...(slashes > 0 ? [`${counted(slashes, 'slash', 'slashes')} as /, where Box writes \\/`] : []),
    ...(characters > 0
      ? [`${counted(characters, 'character')} beyond ASCII as such, where Box writes \\uXXXX`]
      : []),
  ]
  const told = differences.length > 0 ? differences.join('; ') : 'other escapes than Box writes'
  return `The body has ${told}. ${writer(spaces, lineEnds)}`
}

const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`

function writer(spaces: number, lineEnds: number): string {
  if (lineEnds > 0) return 'Printing JSON with indentation does that.'
  return spaces > 0
    ? "Python's json.dumps writes JSON so."
    : 'JSON.stringify and its like in other languages write JSON so.'
}

function withLineEnd(bytes: Buffer): Candidate[] {
  const evidence = 'A line end that was signed is missing at the end of the body.'
  return ['\n', '\r\n'].map(end => ({ bytes: Buffer.concat([bytes, Buffer.from(end)]), evidence }))
}
