/** A request as it was captured. */
export type CapturedRequest = {
  /** Undefined where the capture does not have it. */
  readonly method?: string | undefined
  /** The path without the query; undefined where the capture does not have it. */
  readonly path?: string | undefined
  /** What follows the question mark, encoded; empty where nothing does. */
  readonly query: string
  /** Names in lower case; the values of one name joined by a comma. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  /** What was left out or assumed in reading. */
  readonly notes: readonly string[]
}

/**
 * Reads the text of an HTTP request: its line, which may be missing, headers, an empty line, and the body's bytes. Lines
 * end with CRLF or LF.
 * @returns undefined where it is not one. Never throws.
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-2.1
 */
export function parseHttp(bytes: Buffer): CapturedRequest | undefined {
  let line = readLine(bytes, 0)
  const [, method, target = ''] =
    /^([A-Z]{3,10}) (\S{1,8192})(?: HTTP\/[0-9.]{1,4})?\s*$/.exec(line.text) ?? []
  if (method !== undefined) line = readLine(bytes, line.next)
  const pairs: [name: string, value: string][] = []
  for (; line.text !== ''; line = readLine(bytes, line.next)) {
    const [, name, value = ''] = /^([!#$%&'*+.^_`|~\w-]{1,256})[ \t]*:(.*)$/.exec(line.text) ?? []
    if (name === undefined) return undefined
    pairs.push([name, value.trim()])
  }
  if (method === undefined && pairs.length === 0) return undefined
  const headers = joinHeaders(pairs)
  return { method, ...parseTarget(target), headers, ...readBody(bytes.subarray(line.next), headers) }
}

function readLine(bytes: Buffer, from: number): { readonly text: string; readonly next: number } {
  const lineEnd = bytes.indexOf('\n', from)
  const end = lineEnd < 0 ? bytes.length : lineEnd
  return { text: bytes.toString('latin1', from, end).replace(/\r$/, ''), next: lineEnd < 0 ? end : end + 1 }
}

/** Joins the values of one name by a comma, as HTTP does, under its name in lower case. */
export function joinHeaders(
  pairs: readonly (readonly [name: string, value: string])[],
): Record<string, string> {
  const headers = Map.groupBy(pairs, ([name]) => name.toLowerCase())
  return Object.fromEntries(
    [...headers].map(([name, all]) => [name, all.map(([, value]) => value).join(',')]),
  )
}

/** Splits a request's target, or a whole address, into path and query. Never throws. */
export function parseTarget(target: string): Pick<CapturedRequest, 'path' | 'query'> {
  if (target === '') return { query: '' }
  const url = URL.parse(target)
  if (url && /^https?:$/.test(url.protocol)) return { path: url.pathname, query: url.search.slice(1) }
  const [path = '', ...query] = target.split('?')
  return { path, query: query.join('?') }
}

/** Reads the body as HTTP ends it, without the line end that an editor has put after it. */
function readBody(
  rest: Buffer,
  headers: Readonly<Record<string, string>>,
): Pick<CapturedRequest, 'body' | 'notes'> {
  const length = headers['content-length'] ?? ''
  const more = /^\d{1,9}$/.test(length) ? rest.subarray(Number(length)).toString('latin1') : ''
  if (more !== '\n' && more !== '\r\n') return { body: rest, notes: [] }
  const notes = ['The line end after the body is left out: it is beyond content-length.']
  return { body: rest.subarray(0, Number(length)), notes }
}
