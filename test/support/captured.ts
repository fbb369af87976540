import type { Format } from '../../cli/verify/capture.ts'
import type { Case } from './manglings.ts'

/** A way in which people keep a request. */
export type Rendering = {
  readonly name: string
  readonly format: Format
  /** Whether any bytes can be the body; otherwise only UTF-8. */
  readonly binary: boolean
  /** Whether carriage returns stay. */
  readonly exact: boolean
  /** Whether it tells when the request was received. */
  readonly timed: boolean
  readonly render: (one: Case) => Buffer
}

const text = ({ request }: Case): string => Buffer.from(request.body).toString()
const iso = ({ at }: Case): string => new Date(at).toISOString()
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))
const pairs = ({ request }: Case): [string, string][] => Object.entries(request.headers)
const target = ({ request: { path = '/', query } }: Case): string => (query ? `${path}?${query}` : path)
const capitals = (name: string): string => name.toUpperCase()

const http = (one: Case, lineEnd: string): Buffer =>
  Buffer.concat([
    Buffer.from(`${one.request.method} ${target(one)} HTTP/1.1${lineEnd}`),
    Buffer.from(
      pairs(one)
        .map(([name, value]) => `${capitals(name)}: ${value}${lineEnd}`)
        .join(''),
    ),
    Buffer.from(lineEnd),
    one.request.body,
  ])

/** A command with each word quoted; a character for each byte. */
const curl = (one: Case, quote: (word: string) => string, lineEnd: string): Buffer => {
  const headers = pairs(one).map(([name, value]) => `  -H ${quote(`${name}: ${value}`)}`)
  const body = Buffer.from(one.request.body).toString('latin1')
  const data = body === '' ? [] : [`  --data-raw ${quote(body)}`]
  const first = `curl ${quote(`https://example.com${target(one)}`)} -X ${one.request.method}`
  return Buffer.from([first, ...headers, ...data].join(lineEnd), 'latin1')
}

export const singleQuoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`
export const doubleQuoted = (word: string): string => `"${word.replace(/[$`"\\]/g, '\\$&')}"`
export const ansiQuoted = (word: string): string =>
  `$'${[...word].map(char => (/[\w ]/.test(char) ? char : `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`)).join('')}'`

/** As Chrome copies a command for cmd.exe. */
export const caretQuoted = (word: string): string =>
  `^"${word
    .replace(/\\/g, '\\\\')
    .replace(/"/g, '\\"')
    .replace(/[^a-zA-Z0-9\s_\-:=+~'/.',?;()*`]/g, '^$&')
    .replace(/%(?=[a-zA-Z0-9_])/g, '%^')
    .replace(/\r?\n/g, '^\n\n')}^"`

const gateway2 = (one: Case, isBase64Encoded: boolean): object => ({
  version: '2.0',
  rawPath: one.request.path,
  rawQueryString: one.request.query,
  headers: one.request.headers,
  requestContext: {
    http: { method: one.request.method, path: one.request.path },
    stage: '$default',
    timeEpoch: one.at,
  },
  body: Buffer.from(one.request.body).toString(isBase64Encoded ? 'base64' : 'utf8'),
  isBase64Encoded,
})

const gateway1 = (one: Case): object => ({
  httpMethod: one.request.method,
  path: one.request.path,
  headers: null,
  multiValueHeaders: Object.fromEntries(pairs(one).map(([name, value]) => [name, [value]])),
  multiValueQueryStringParameters: null,
  requestContext: { stage: 'prod', requestTimeEpoch: one.at },
  body: Buffer.from(one.request.body).toString('base64'),
  isBase64Encoded: true,
})

const harEntry = (one: Case): object => ({
  startedDateTime: iso(one),
  request: {
    method: one.request.method,
    url: `https://example.com${target(one)}`,
    headers: pairs(one).map(([name, value]) => ({ name: capitals(name), value })),
    postData: { mimeType: 'application/json', text: text(one) },
  },
  response: { status: 401 },
})

const rendering = (
  name: string,
  format: Format,
  render: Rendering['render'],
  { binary = false, timed = false, exact = true } = {},
): Rendering => ({ name, format, render, binary, timed, exact })

export const RENDERINGS: readonly Rendering[] = [
  rendering('HTTP with CRLF', 'http', one => http(one, '\r\n'), { binary: true }),
  rendering('HTTP with LF', 'http', one => http(one, '\n'), { binary: true }),
  rendering(
    'HTTP without its first line',
    'http',
    one => {
      const whole = http(one, '\n')
      return whole.subarray(whole.indexOf('\n') + 1)
    },
    { binary: true },
  ),
  rendering('HTTP in UTF-16, as PowerShell saves it', 'http', one =>
    Buffer.from(`\ufeff${http(one, '\r\n').toString()}`, 'utf16le'),
  ),
  rendering('a HAR', 'har', one => json({ log: { entries: [harEntry(one)] } }), { timed: true }),
  rendering('curl in single quotes', 'curl', one => curl(one, singleQuoted, ' \\\n'), { binary: true }),
  rendering('curl in double quotes', 'curl', one => curl(one, doubleQuoted, ' \\\r\n'), { binary: true }),
  rendering('curl in the quotes of bash', 'curl', one => curl(one, ansiQuoted, ' \\\n'), { binary: true }),
  rendering('curl for cmd.exe', 'curl', one => curl(one, caretQuoted, ' ^\r\n'), { exact: false }),
  rendering('an event 2.0', 'lambda', one => json(gateway2(one, true)), { binary: true, timed: true }),
  rendering('an event 2.0 with text', 'lambda', one => json(gateway2(one, false)), { timed: true }),
  rendering('an event 1.0', 'lambda', one => json(gateway1(one)), { binary: true, timed: true }),
  rendering(
    'an event in a line of a log',
    'lambda',
    one => Buffer.from(`${iso(one)}\t7f3c-11\tINFO\t${JSON.stringify(gateway2(one, true))}`),
    { binary: true, timed: true },
  ),
  rendering(
    'an event within a message',
    'lambda',
    one => json({ level: 'info', message: JSON.stringify(gateway1(one)) }),
    {
      binary: true,
      timed: true,
    },
  ),
  rendering(
    'an export with lists of values',
    'json',
    one =>
      json({
        uuid: 'u',
        method: one.request.method,
        url: `https://example.com${target(one)}`,
        headers: Object.fromEntries(pairs(one).map(([name, value]) => [name, [value]])),
        content: text(one),
        created_at: iso(one).slice(0, 19).replace('T', ' '),
      }),
    { timed: true },
  ),
  rendering(
    'an export of Node with bytes',
    'json',
    one =>
      json({
        method: one.request.method,
        url: target(one),
        rawHeaders: pairs(one).flat(),
        rawBody: Buffer.from(one.request.body),
      }),
    { binary: true },
  ),
]
