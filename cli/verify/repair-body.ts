import { decodeUtf8, type JsonStyle, writeBoxJson } from './box-json.ts'
import type { BodyCause } from './causes.ts'

/** What may have happened to a body. */
type BodyChange = { readonly cause: BodyCause; readonly evidence: string }

/** A body as it may have been before one change. */
export type BodyRepair = BodyChange & { readonly bytes: Uint8Array }

/**
 * Undoes each change that may have happened to a body, one at a time. Yields a few times the body's size in all; never
 * throws.
 */
export function* repairBody(body: Buffer): Generator<BodyRepair> {
  yield* decodeBase64(body)
  yield* decodeForm(body)
  yield* decodeCharset(body)
  yield* trimBody(body)
  yield* closeJson(body)
  yield* rewriteJson(body)
}

function* decodeBase64(body: Buffer): Generator<BodyRepair> {
  const text = body.toString('latin1')
  if (!/^[\w+/=\s-]{4,}$/.test(text)) return
  const bytes = Buffer.from(text, 'base64')
  yield { cause: 'body_base64', bytes, evidence: 'The body is base64 of the bytes that were signed.' }
}

function* decodeForm(body: Buffer): Generator<BodyRepair> {
  const text = decodeUtf8(body)?.replace(/=$/, '')
  if (!text?.includes('%')) return
  const evidence = 'Characters of the body are written as %XX, as in a form.'
  for (const encoded of [text.replaceAll('+', ' '), text])
    try {
      yield { cause: 'body_url_encoded', bytes: Buffer.from(decodeURIComponent(encoded)), evidence }
    } catch {
      return
    }
}

/**
 * Undoes a wrong character encoding, and the rewriting that came before it: Box writes nothing but ASCII, so a wrong encoding
 * can only damage JSON that was written again.
 */
function* decodeCharset(body: Buffer): Generator<BodyRepair> {
  for (const { text, evidence } of readCharsets(body)) {
    const bytes = Buffer.from(text)
    yield { cause: 'body_charset', bytes, evidence }
    for (const form of writeBoxJson(bytes)?.forms ?? [])
      yield { cause: 'body_charset', bytes: form, evidence: `${evidence} The JSON was written again before.` }
  }
}

type CharsetReading = { readonly text: string; readonly evidence: string }

function readCharsets(body: Buffer): CharsetReading[] {
  const wide = decodeUtf16(body)
  if (wide !== undefined) return [{ text: wide, evidence: 'The body is in UTF-16; UTF-8 was signed.' }]
  const text = decodeUtf8(body)
  if (text === undefined)
    return [{ text: body.toString('latin1'), evidence: 'The body is in Latin-1; UTF-8 was signed.' }]
  if (text.startsWith('\ufeff'))
    return [{ text: text.slice(1), evidence: 'A byte-order mark stands before the body.' }]
  const evidence = 'UTF-8 was read as Latin-1 and written as UTF-8 again: é has become Ã©.'
  const bytes = /[^\0-\x7f]/.test(text) ? encodeWindows1252(text) : undefined
  const before = bytes && decodeUtf8(bytes)
  return before === undefined ? [] : [{ text: before, evidence }]
}

function decodeUtf16(body: Buffer): string | undefined {
  const [first, second, third, fourth] = body
  if (fourth === undefined) return undefined
  const isLittle = (first === 0xff && second === 0xfe) || (first !== 0 && second === 0 && fourth === 0)
  const isBig = (first === 0xfe && second === 0xff) || (first === 0 && second !== 0 && third === 0)
  if (isLittle) return new TextDecoder('utf-16le').decode(body)
  return isBig ? new TextDecoder('utf-16be').decode(body) : undefined
}

/** The bytes of Windows-1252 by character, where they differ from Latin-1. */
const WINDOWS_1252: ReadonlyMap<string, number> = new Map(
  Array.from({ length: 32 }, (_, index) => [
    new TextDecoder('windows-1252').decode(Uint8Array.of(0x80 + index)),
    0x80 + index,
  ]),
)

/** Encodes text in Windows-1252, and with it in Latin-1. @returns undefined where it has other characters */
function encodeWindows1252(text: string): Buffer | undefined {
  const bytes = Buffer.alloc(text.length)
  for (let at = 0; at < text.length; at += 1) {
    const byte = WINDOWS_1252.get(text[at] ?? '') ?? text.charCodeAt(at)
    if (byte > 0xff) return undefined
    bytes[at] = byte
  }
  return bytes
}

function* trimBody(body: Buffer): Generator<BodyRepair> {
  const bytes = Buffer.from(body.toString('latin1').trim(), 'latin1')
  const more = body.length - bytes.length
  if (more > 0) yield { cause: 'body_newline', bytes, evidence: `Bytes of white space around it: ${more}.` }
}

/** Adds what a body of Box may end with, for one that is a few bytes short. */
function* closeJson(body: Buffer): Generator<BodyRepair> {
  for (const end of ['}', ']}', '}}', '[]}']) {
    const bytes = Buffer.concat([body, Buffer.from(end)])
    yield { cause: 'body_truncated', bytes, evidence: `Bytes missing at its end: ${end.length}.` }
  }
}

function* rewriteJson(body: Buffer): Generator<BodyRepair> {
  const json = writeBoxJson(body)
  if (!json) return
  const evidence = describeStyle(json.style)
  for (const bytes of json.forms) yield { cause: 'body_reserialised', bytes, evidence }
}

function describeStyle({ spaces, slashes, characters }: JsonStyle): string {
  const differences = [
    ...(spaces > 0 ? [`white space between tokens (${spaces})`] : []),
    ...(slashes > 0 ? [`/ where Box writes \\/ (${slashes})`] : []),
    ...(characters > 0 ? [`characters beyond ASCII where Box writes \\uXXXX (${characters})`] : []),
  ]
  return `Its JSON differs from that of Box by: ${differences.join(', ') || 'other escapes'}.`
}

/**
 * Names the changes that a body shows where none can be undone. Never throws.
 * @param contentLength what the header content-length says
 */
export function suspectChanges(body: Buffer, contentLength = 0): BodyChange[] {
  if (contentLength > body.length) {
    const evidence = `content-length is ${contentLength}, and the body has ${body.length} bytes.`
    return [{ cause: 'body_truncated', evidence }]
  }
  if (body[0] === 0x7b && !body.includes('}', -2))
    return [{ cause: 'body_truncated', evidence: `The JSON is still open after ${body.length} bytes.` }]
  const changes: BodyChange[] = []
  const lost = (decodeUtf8(body)?.split('\ufffd').length ?? 1) - 1
  if (lost > 0)
    changes.push({ cause: 'body_charset', evidence: `Characters lost to U+FFFD, for good: ${lost}.` })
  const json = writeBoxJson(body)
  if (json && !json.forms.slice(0, 2).some(form => form.equals(body))) {
    const evidence = `${describeStyle(json.style)} The order of fields or a number may have changed too, which cannot be undone.`
    changes.push({ cause: 'body_reserialised', evidence })
  }
  return changes
}
