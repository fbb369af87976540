import type { Format } from '../../cli/verify/read-captures.ts'
import type { Case } from './manglings.ts'

/** A way in which people keep a request. */
export type Rendering = {
  readonly name: string
  readonly format: Format
  /** Whether any bytes can be the body; otherwise only UTF-8. */
  readonly binary: boolean
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
  { binary = false, timed = false } = {},
): Rendering => ({ name, format, render, binary, timed })

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
  rendering('an event 2.0', 'lambda', one => json(gateway2(one, true)), { binary: true, timed: true }),
  rendering('an event 2.0 with text', 'lambda', one => json(gateway2(one, false)), { timed: true }),
  rendering('an event 1.0', 'lambda', one => json(gateway1(one)), { binary: true, timed: true }),
  rendering(
    'an event in a line of a log',
    'lambda',
    one => Buffer.from(`${iso(one)}\t7f3c-11\tINFO\t${JSON.stringify(gateway2(one, true))}`),
    { binary: true, timed: true },
  ),
]
