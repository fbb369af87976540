import { randomUUID } from 'node:crypto'

export type GatewayOptions = {
  readonly invoke: (event: unknown) => Promise<unknown>
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** The payload format: 2.0 as HTTP APIs use (the default), or 1.0 as REST APIs do. */
  readonly format?: '2.0' | '1.0'
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
  readonly status: number
  readonly body: string
}

/** The largest body that API Gateway takes, in bytes. */
const BODY_BYTES_MAX = 10 * 1024 * 1024

/**
 * Stands in for API Gateway: turns a request into the event that a Lambda gets, and the Lambda's answer into a response.
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
export function createGateway(options: GatewayOptions): (request: Request) => Promise<Response> {
  const { invoke, now, format = '2.0', onAnswer } = options
  return async request => {
    const at = now()
    const url = new URL(request.url)
    const bytes = Buffer.from(await request.arrayBuffer())
    let response: { status: number; headers: Record<string, string>; body: Buffer }
    if (bytes.length > BODY_BYTES_MAX) response = plain(413, 'Request Entity Too Large')
    else {
      const event = format === '2.0' ? eventV2(request, url, bytes, at) : eventV1(request, url, bytes, at)
      response = await invoke(event).then(responseOf, () => plain(500, 'Internal Server Error'))
    }
    const { status, headers, body } = response
    onAnswer?.({
      at,
      ms: now() - at,
      method: request.method,
      path: url.pathname,
      headers: Object.fromEntries(request.headers),
      requestBody: bytes.toString(),
      status,
      body: body.toString(),
    })
    return new Response(status === 204 ? null : Uint8Array.from(body), { status, headers })
  }
}

function plain(status: number, message: string) {
  const body = Buffer.from(JSON.stringify({ message }))
  return { status, headers: { 'content-type': 'application/json' }, body }
}

/** A body goes as text where it is UTF-8, and as base64 where a text would change it. */
function bodyOf(bytes: Buffer): { body?: string; isBase64Encoded: boolean } {
  if (bytes.length === 0) return { isBase64Encoded: false }
  const text = bytes.toString('utf8')
  return Buffer.from(text).equals(bytes)
    ? { body: text, isBase64Encoded: false }
    : { body: bytes.toString('base64'), isBase64Encoded: true }
}

function eventV2(request: Request, url: URL, bytes: Buffer, at: number) {
  const query = Object.fromEntries(
    [...url.searchParams.keys()].map(key => [key, url.searchParams.getAll(key).join(',')]),
  )
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: url.pathname,
    rawQueryString: url.search.slice(1),
    headers: Object.fromEntries(request.headers),
    ...(url.search.length > 1 ? { queryStringParameters: query } : {}),
    requestContext: {
      accountId: '000000000000',
      apiId: 'local',
      domainName: url.hostname,
      domainPrefix: 'local',
      http: {
        method: request.method,
        path: url.pathname,
        protocol: 'HTTP/1.1',
        sourceIp: '127.0.0.1',
        userAgent: request.headers.get('user-agent') ?? '',
      },
      requestId: randomUUID(),
      routeKey: '$default',
      stage: '$default',
      time: new Date(at).toUTCString(),
      timeEpoch: at,
    },
    ...bodyOf(bytes),
  }
}

function eventV1(request: Request, url: URL, bytes: Buffer, at: number) {
  const { body = null, isBase64Encoded } = bodyOf(bytes)
  // A REST API passes header names on as the sender spelt them.
  const headers = [...request.headers].map(([name, value]) => [titleCase(name), value] as const)
  return {
    version: '1.0',
    resource: '/{proxy+}',
    path: url.pathname,
    httpMethod: request.method,
    headers: Object.fromEntries(headers),
    multiValueHeaders: Object.fromEntries(headers.map(([name, value]) => [name, [value]])),
    queryStringParameters: url.search.length > 1 ? Object.fromEntries(url.searchParams) : null,
    multiValueQueryStringParameters: null,
    pathParameters: null,
    stageVariables: null,
    requestContext: {
      accountId: '000000000000',
      apiId: 'local',
      httpMethod: request.method,
      path: url.pathname,
      requestId: randomUUID(),
      requestTimeEpoch: at,
      resourcePath: '/{proxy+}',
      stage: 'local',
    },
    body,
    isBase64Encoded,
  }
}

const titleCase = (name: string): string => name.replace(/(^|-)[a-z]/g, letter => letter.toUpperCase())

function responseOf(result: unknown) {
  if (typeof result !== 'object' || result === null || !('statusCode' in result))
    return plain(500, 'Internal Server Error')
  const { statusCode } = result
  const headers =
    'headers' in result && result.headers instanceof Object ? Object.entries(result.headers) : []
  const text = 'body' in result && typeof result.body === 'string' ? result.body : ''
  const encoded = 'isBase64Encoded' in result && result.isBase64Encoded === true
  return {
    status: typeof statusCode === 'number' ? statusCode : 500,
    headers: Object.fromEntries(headers.map(([name, value]) => [name, String(value)])),
    body: Buffer.from(text, encoded ? 'base64' : 'utf8'),
  }
}
