import type { Context } from 'hono'
import { isObject } from '../../../lib/base/json.ts'
import type { WireObject, WireValue } from '../events/shapes.ts'
import type { Content } from '../state/content.ts'
import type { User } from '../state/items.ts'
import { BoxRefusal, invalidParameter } from '../state/refusal.ts'

/** What each call to the API carries with it. */
export type ApiEnv = { Variables: { requestId: string } }
export type ApiContext = Context<ApiEnv>

/** @throws BoxRefusal (400) where the body is no JSON object */
export async function bodyOf(c: ApiContext): Promise<Record<string, unknown>> {
  const body: unknown = await c.req.json().catch(() => undefined)
  if (!isObject(body)) throw new BoxRefusal(400, 'bad_request', 'Could not parse JSON')
  return body
}

/** The id that an object in a body names, as in `{"parent": {"id": "0"}}`. */
export function idIn(body: Record<string, unknown>, field: string): string {
  const { [field]: named } = body
  if (!isObject(named) || typeof named.id !== 'string')
    throw invalidParameter(`${field}.id`, `'${field}.id' is required`)
  return named.id
}

export function textIn(body: Record<string, unknown>, field: string): string {
  const { [field]: text } = body
  if (typeof text !== 'string' || text === '') throw invalidParameter(field, `'${field}' is required`)
  return text
}

/** A whole number from the query, 0 or more. */
export function countIn(c: ApiContext, name: string, usual: number): number {
  const text = c.req.query(name)
  if (text === undefined || text === '') return usual
  if (!/^\d+$/.test(text)) throw invalidParameter(name, `Invalid value '${text}'`)
  return Number(text)
}

/** Whoever a call acts for: the user of its As-User header, where there is such a one, or the app itself. */
export const actorOf = (c: ApiContext, content: Content): User =>
  content.users.get(c.req.header('as-user') ?? '') ?? content.owner

export const answer = (c: ApiContext, body: WireObject, status: 200 | 201 = 200): Response =>
  c.body(JSON.stringify(body satisfies WireValue), status, { 'content-type': 'application/json' })

const INSUFFICIENT_SCOPE =
  'Bearer realm="Service", error="insufficient_scope", error_description="The request requires higher privileges than provided by the access token."'

/**
 * A refusal as Box answers it. Of a missing scope Box tells in the header alone, as reports of it show
 * (github.com/box/box-windows-sdk-v2/issues/264, github.com/cburnette/boxr/issues/20).
 * @see https://developer.box.com/reference/resources/client-error/
 */
/** What Box answers where something is not ready yet: no content, and when to ask again, in whole seconds. */
export const notReady = (retryAfterSeconds: number): Response =>
  new Response(null, {
    status: 202,
    headers: { 'retry-after': String(Math.max(1, Math.ceil(retryAfterSeconds))) },
  })

export function failure(refusal: BoxRefusal, requestId: string, retryAfterSeconds?: number): Response {
  const { status, code, message, contextInfo } = refusal
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  if (retryAfterSeconds !== undefined) headers['retry-after'] = String(retryAfterSeconds)
  if (status === 401) headers['www-authenticate'] = 'Bearer realm="Service", error="invalid_token"'
  if (code === 'insufficient_scope') {
    headers['www-authenticate'] = INSUFFICIENT_SCOPE
    return new Response(null, { status, headers })
  }
  const body = {
    type: 'error',
    status,
    code,
    message,
    help_url: 'https://developer.box.com/guides/api-calls/permissions-and-errors/common-errors/',
    request_id: requestId,
    ...(contextInfo ? { context_info: contextInfo } : {}),
  }
  return new Response(JSON.stringify(body), { status, headers })
}
