import { isObject } from '../base/json.ts'

/** One HTTP request that may be a delivery from Box, whichever payload format API Gateway used for it. */
export type Delivery = {
  readonly method: string
  /** The path as it came, without what API Gateway puts before a route: a domain's base path, a stage's name. */
  readonly path: string
  /** What follows the question mark, encoded as it came; empty where nothing does. */
  readonly query: string
  /** Lower-case names; repeated headers joined by a comma. */
  readonly headers: Readonly<Record<string, string>>
  /** The bytes that came over the wire. */
  readonly body: Uint8Array
  /** API Gateway's id of the request, which its access log has as well. */
  readonly requestId?: string
}

/**
 * Reads an API Gateway request in payload format 2.0 (HTTP API, function URL) or 1.0 (REST API). Never throws: what is
 * missing, or not of its type, is empty, and so no delivery.
 * @param event what the function was invoked with
 * @returns the request, with the body's bytes restored from base64 where API Gateway encoded them
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
export function deliveryFromGateway(event: unknown): Delivery {
  const request = object(event)
  const body = Buffer.from(text(request.body), request.isBase64Encoded === true ? 'base64' : 'utf8')
  const { http, stage, requestId: id } = object(request.requestContext)
  const requestId = plainId(text(id))
  const parameters = object(request.pathParameters)
  if (Object.hasOwn(request, 'rawPath')) {
    const path = text(request.rawPath)
    // `POST /box/webhook`; `$default` has no path.
    const route = text(request.routeKey).replace(/^[A-Z]+ /, '')
    return {
      method: text(object(http).method),
      path: routedPath(path, route, parameters) ?? withoutStage(path, text(stage)),
      query: text(request.rawQueryString),
      headers: lowerCase(object(request.headers)),
      body,
      requestId,
    }
  }
  const path = text(request.path)
  return {
    method: text(request.httpMethod),
    path: routedPath(path, text(request.resource), parameters) ?? path,
    query: encoded(object(request.multiValueQueryStringParameters)),
    headers: lowerCase(object(request.multiValueHeaders ?? request.headers)),
    body,
    requestId,
  }
}

/**
 * An id that somebody else has chosen, in a form that can stand in a log; empty where it has another. Box's delivery ids
 * are UUIDs, and a REST API takes over its callers' request ids.
 */
export const plainId = (id: string | undefined): string => (id && /^[\w=+/-]{1,64}$/.test(id) ? id : '')

const object = (value: unknown): Record<string, unknown> => (isObject(value) ? value : {})
const text = (value: unknown): string => (typeof value === 'string' ? value : '')

/** REST APIs pass a query on decoded. */
function encoded(query: Readonly<Record<string, unknown>>): string {
  const pairs = Object.entries(query).flatMap(([name, values]) =>
    (Array.isArray(values) ? values : []).map((value): [string, string] => [name, text(value)]),
  )
  return pairs.length === 0 ? '' : new URLSearchParams(pairs).toString()
}

/**
 * Finds the path of the route that API Gateway matched at the end of the path as it came. Nothing is decoded: a path that only
 * means the same as the route's is another.
 */
function routedPath(
  path: string,
  route: string,
  parameters: Readonly<Record<string, unknown>>,
): string | undefined {
  const filled = route.replace(
    /\{([^{}+]+)\+?\}/g,
    (parameter, name: string) => text(parameters[name]) || parameter,
  )
  return filled.startsWith('/') && path.endsWith(filled) ? filled : undefined
}

/** HTTP APIs put a stage's name in front of the raw path, except `$default`. */
function withoutStage(path: string, stage: string): string {
  if (stage === '' || stage === '$default') return path
  const prefix = `/${stage}`
  return path === prefix || path.startsWith(`${prefix}/`) ? path.slice(prefix.length) || '/' : path
}

/** Reads headers by their names in lower case; the values of one name are joined as HTTP joins repeated headers. */
export function lowerCase(headers: Readonly<Record<string, unknown>>): Record<string, string> {
  // Without a prototype even `__proto__` is a name like any other.
  const lower: Record<string, string> = Object.create(null)
  for (const name of Object.keys(headers)) {
    const value = oneValue(headers[name])
    if (value === undefined) continue
    const key = name.toLowerCase()
    lower[key] = lower[key] === undefined ? value : `${lower[key]},${value}`
  }
  return lower
}

function oneValue(given: unknown): string | undefined {
  if (!Array.isArray(given)) return typeof given === 'string' ? given : undefined
  const values = given.filter(one => typeof one === 'string')
  return values.length === 0 ? undefined : values.join(',')
}
