import { withoutChunkSizes } from '../../lib/doctor/body-repairs.ts'
import type { CapturedRequest } from '../../lib/doctor/patient.ts'

export type HttpRequest = CapturedRequest & { readonly notes: readonly string[] }

/**
 * Reads the text of an HTTP request: its line, which may be missing, headers, an empty line, and the body's bytes. Lines
 * end with CRLF or LF.
 * @returns undefined where it is none. Never throws.
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-2.1
 */
export function parseHttp(bytes: Buffer): HttpRequest | undefined {
  let at = 0
  while (bytes[at] === 0x0a || bytes[at] === 0x0d) at += 1
  const first = lineAt(bytes, at)
  const start = REQUEST_LINE.exec(first.text)
  if (start) at = first.next
  const fields = headersFrom(bytes, at)
  if (!fields || (!start && Object.keys(fields.headers).length === 0)) return undefined
  const { headers } = fields
  const [, method, target = ''] = start ?? []
  return {
    method: method ?? headers[':method'],
    ...targetOf(target || headers[':path'] || ''),
    headers,
    ...bodyOf(bytes.subarray(fields.end), headers),
  }
}

const REQUEST_LINE = /^([A-Z]{3,10}) (\S{1,8192})(?: HTTP\/[0-9.]{1,4})?\s*$/
const FIELD = /^(:?[!#$%&'*+.^_`|~\w-]{1,256})[ \t]*:(.*)$/

/** Path and query of a request's target, or of a whole address. Never throws. */
export function targetOf(target: string): Pick<CapturedRequest, 'path' | 'query'> {
  if (target === '') return { query: '' }
  const url = URL.parse(target)
  if (url && /^https?:$/.test(url.protocol)) return { path: url.pathname, query: url.search.slice(1) }
  const [path = '', ...query] = target.split('?')
  return { path, query: query.join('?') }
}

type Line = { readonly text: string; readonly next: number }

function lineAt(bytes: Buffer, at: number): Line {
  const end = bytes.indexOf('\n', at)
  const next = end < 0 ? bytes.length : end + 1
  const text = bytes.toString('latin1', at, end < 0 ? bytes.length : end)
  return { text: text.endsWith('\r') ? text.slice(0, -1) : text, next }
}

/** @returns undefined where a line is no header; a body may follow without an empty line if it is JSON */
function headersFrom(
  bytes: Buffer,
  from: number,
): { readonly headers: Record<string, string>; readonly end: number } | undefined {
  const headers = new Map<string, string>()
  let last = ''
  let at = from
  while (at < bytes.length) {
    const { text, next } = lineAt(bytes, at)
    if (text === '') return { headers: Object.fromEntries(headers), end: next }
    if (/^[{["]/.test(text)) break
    const [, name, value = ''] = FIELD.exec(text) ?? []
    if (name) {
      last = name.toLowerCase()
      headers.set(last, joined(headers.get(last), value.trim()))
    } else if (/^[ \t]/.test(text) && last !== '') headers.set(last, `${headers.get(last)} ${text.trim()}`)
    else return undefined
    at = next
  }
  return { headers: Object.fromEntries(headers), end: at }
}

const joined = (before: string | undefined, value: string): string =>
  before === undefined ? value : `${before},${value}`

/** The body as HTTP ends it, with what an editor has put behind it left out. */
function bodyOf(
  rest: Buffer,
  headers: Readonly<Record<string, string>>,
): Pick<HttpRequest, 'body' | 'notes'> {
  if (/chunked/i.test(headers['transfer-encoding'] ?? '')) {
    const body = withoutChunkSizes(rest)
    if (body) return { body, notes: ['The body came in chunks, which are put together here.'] }
  }
  const length = headers['content-length'] ?? ''
  const more = /^\d{1,9}$/.test(length) ? rest.subarray(Number(length)).toString('latin1') : ''
  if (more === '\n' || more === '\r\n') {
    const notes = ['The line end after the body is left out: it is beyond content-length.']
    return { body: rest.subarray(0, Number(length)), notes }
  }
  return { body: rest, notes: [] }
}
