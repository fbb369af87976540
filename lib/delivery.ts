import type { APIGatewayProxyEvent, APIGatewayProxyEventV2 } from 'aws-lambda'

/** One HTTP request that may be a delivery from Box, whichever payload format API Gateway used for it. */
export type Delivery = {
  readonly method: string
  /** The path without the stage's prefix. */
  readonly path: string
  /** Lower-case names; repeated headers joined by a comma. */
  readonly headers: Readonly<Record<string, string>>
  /** The bytes that came over the wire. */
  readonly body: Uint8Array
}

/**
 * Reads an API Gateway request in payload format 2.0 (HTTP API, function URL) or 1.0 (REST API).
 * @returns the request, with the body's bytes restored from base64 where API Gateway encoded them
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
export function deliveryFromGateway(event: APIGatewayProxyEvent | APIGatewayProxyEventV2): Delivery {
  const body = Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8')
  if ('rawPath' in event) {
    const { http, stage } = event.requestContext
    return {
      method: http.method,
      path: withoutStage(event.rawPath, stage),
      headers: lowerCase(event.headers),
      body,
    }
  }
  return {
    method: event.httpMethod,
    path: event.path,
    headers: lowerCase(event.multiValueHeaders ?? event.headers),
    body,
  }
}

/** HTTP APIs put a named stage in front of the raw path; `$default` leaves it alone. */
function withoutStage(path: string, stage: string): string {
  const prefix = `/${stage}`
  return path === prefix || path.startsWith(`${prefix}/`) ? path.slice(prefix.length) || '/' : path
}

function lowerCase(
  headers: Readonly<Record<string, string | string[] | undefined>> | null,
): Record<string, string> {
  const lower: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers ?? {})) {
    if (value === undefined) continue
    const key = name.toLowerCase()
    const text = Array.isArray(value) ? value.join(',') : value
    lower[key] = key in lower ? `${lower[key]},${text}` : text
  }
  return lower
}
