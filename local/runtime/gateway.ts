import { randomUUID } from 'node:crypto'
import { isObject } from '../../lib/base/json.ts'

export type GatewayOptions = {
  readonly invoke: (event: unknown) => Promise<unknown>
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** The payload format: 2.0 as HTTP APIs use by default (and here), or 1.0. */
  readonly format?: '2.0' | '1.0'
  /** Passes every body on as base64, as API Gateway does for content that it takes for binary. */
  readonly alwaysBase64?: boolean
  /** Told of each request, once it is answered. */
  readonly onAnswer?: (answer: GatewayAnswer) => void
}

export type GatewayAnswer = {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly ms: number
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly requestBody: string
  readonly requestBytes: Uint8Array
  readonly status: number
  readonly body: string
}

/** A request with what both payload formats need of it. */
type Asked = {
  readonly request: Request
  readonly url: URL
  readonly at: number
  readonly body: string | undefined
  readonly isBase64Encoded: boolean
}

/** The largest body that API Gateway takes, in bytes. */
const BODY_BYTES_MAX = 10 * 1024 * 1024

/**
 * Stands in for API Gateway: turns a request into the event that a Lambda gets, and the Lambda's answer into a response.
 * A function that fails is a 500, as with HTTP APIs; only REST APIs make it a 502.
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
export function createGateway(options: GatewayOptions): (request: Request) => Promise<Response> {
  const { invoke, now, format = '2.0', alwaysBase64 = false, onAnswer } = options
  return async request => {
    const at = now()
    const url = new URL(request.url)
    const bytes = await bytesOf(request)
    if (bytes === undefined) return plain(400, 'Bad Request')
    const answer = async (): Promise<Response> => {
      if (bytes.length > BODY_BYTES_MAX) return plain(413, 'Request Entity Too Large')
      const asked = { request, url, at, ...bodyOf(bytes, alwaysBase64) }
      try {
        const result = await invoke(format === '2.0' ? eventV2(asked) : eventV1(asked))
        return responseOf(result, format)
      } catch {
        return plain(500, 'Internal Server Error')
      }
    }
    const response = await answer()
    onAnswer?.({
      at,
      ms: now() - at,
      method: request.method,
      path: url.pathname,
      headers: Object.fromEntries(request.headers),
      requestBody: bytes.toString(),
      requestBytes: bytes,
      status: response.status,
      body: await response.clone().text(),
    })
    return response
  }
}

/** The body; undefined where the sender hung up before its end, so that nobody is there to be answered. */
const bytesOf = (request: Request): Promise<Buffer | undefined> =>
  request.arrayBuffer().then(Buffer.from, () => undefined)

const plain = (status: number, message: string): Response => Response.json({ message }, { status })

/** A body goes as text where it is UTF-8, and as base64 where a text would change it. */
function bodyOf(bytes: Buffer, alwaysBase64: boolean): Pick<Asked, 'body' | 'isBase64Encoded'> {
  if (bytes.length === 0) return { body: undefined, isBase64Encoded: false }
  const text = bytes.toString('utf8')
  return !alwaysBase64 && Buffer.from(text).equals(bytes)
    ? { body: text, isBase64Encoded: false }
    : { body: bytes.toString('base64'), isBase64Encoded: true }
}

/** Which route of the deployed API a path matches. */
const routeOf = (path: string): string => (path === '/box/webhook' ? 'ANY /box/webhook' : '$default')

function eventV2({ request, url, at, body, isBase64Encoded }: Asked) {
  const { cookie, ...headers } = Object.fromEntries(request.headers)
  const query = [...url.searchParams.keys()].map(key => [key, url.searchParams.getAll(key).join(',')])
  const routeKey = routeOf(url.pathname)
  return {
    version: '2.0',
    routeKey,
    rawPath: url.pathname,
    rawQueryString: url.search.slice(1),
    ...(cookie === undefined ? {} : { cookies: cookie.split(/; ?/) }),
    headers,
    ...(query.length > 0 ? { queryStringParameters: Object.fromEntries(query) } : {}),
    requestContext: {
      ...contextOf(url),
      domainPrefix: 'local',
      http: {
        method: request.method,
        path: url.pathname,
        protocol: 'HTTP/1.1',
        sourceIp: '127.0.0.1',
        userAgent: request.headers.get('user-agent') ?? '',
      },
      routeKey,
      stage: '$default',
      time: commonLogTime(at),
      timeEpoch: at,
    },
    ...(body === undefined ? {} : { body }),
    isBase64Encoded,
  }
}

function eventV1({ request, url, at, body, isBase64Encoded }: Asked) {
  // A REST API passes header names on as the sender spelt them.
  const headers = [...request.headers].map(([name, value]) => [titleCase(name), value] as const)
  const query = [...url.searchParams.keys()].map(key => [key, url.searchParams.getAll(key)])
  return {
    version: '1.0',
    resource: '/{proxy+}',
    path: url.pathname,
    httpMethod: request.method,
    headers: Object.fromEntries(headers),
    multiValueHeaders: Object.fromEntries(headers.map(([name, value]) => [name, [value]])),
    queryStringParameters: query.length > 0 ? Object.fromEntries(url.searchParams) : null,
    multiValueQueryStringParameters: query.length > 0 ? Object.fromEntries(query) : null,
    pathParameters: null,
    stageVariables: null,
    requestContext: {
      ...contextOf(url),
      httpMethod: request.method,
      identity: { sourceIp: '127.0.0.1', userAgent: request.headers.get('user-agent') },
      path: url.pathname,
      protocol: 'HTTP/1.1',
      requestTime: commonLogTime(at),
      requestTimeEpoch: at,
      resourcePath: '/{proxy+}',
      stage: 'local',
    },
    body: body ?? null,
    isBase64Encoded,
  }
}

const contextOf = ({ hostname }: URL) => ({
  accountId: '000000000000',
  apiId: 'local',
  domainName: hostname,
  requestId: randomUUID(),
})

/** API Gateway writes times as access logs do: 12/Mar/2020:19:03:58 +0000. */
function commonLogTime(at: number): string {
  const [, day, month, year, time] = new Date(at).toUTCString().split(' ')
  return `${day}/${month}/${year}:${time} +0000`
}

const titleCase = (name: string): string => name.replace(/(^|-)[a-z]/g, letter => letter.toUpperCase())

/** Statuses whose responses carry no body. */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304])

/** Throws where the result can be no response. In format 2.0, a result without a status code is itself the body. */
function responseOf(result: unknown, format: '2.0' | '1.0'): Response {
  if (!isObject(result) || result.statusCode === undefined) {
    if (format === '2.0') return Response.json(result ?? null)
    throw new TypeError('The function answered without a status code.')
  }
  const { statusCode, headers, multiValueHeaders, cookies, body, isBase64Encoded } = result
  const status = Number(statusCode)
  const sent = new Headers()
  for (const [name, value] of Object.entries(isObject(headers) ? headers : {})) sent.set(name, String(value))
  for (const [name, values] of Object.entries(isObject(multiValueHeaders) ? multiValueHeaders : {}))
    for (const value of Array.isArray(values) ? values : []) sent.append(name, String(value))
  for (const cookie of Array.isArray(cookies) ? cookies : []) sent.append('set-cookie', String(cookie))
  const text = typeof body === 'string' ? body : ''
  const bytes = Buffer.from(text, isBase64Encoded === true ? 'base64' : 'utf8')
  return new Response(WITHOUT_BODY.has(status) ? null : Uint8Array.from(bytes), { status, headers: sent })
}
