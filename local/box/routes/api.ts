import { Hono } from 'hono'
import type { Clock } from '../../../lib/base/clock.ts'
import type { EventLog } from '../events/event-log.ts'
import { type Conditions, pause } from '../state/conditions.ts'
import type { Content } from '../state/content.ts'
import { type Fault, faultRefusal, hangUp, takeFault } from '../state/faults.ts'
import { OngoingChanges } from '../state/ongoing-changes.ts'
import { BoxRefusal } from '../state/refusal.ts'
import type { Tokens } from '../state/tokens.ts'
import type { Webhooks } from '../state/webhooks.ts'
import { type ApiContext, type ApiEnv, failure, notReady } from './answers.ts'
import { collaborationRoutes } from './collaboration-routes.ts'
import { eventRoutes } from './event-routes.ts'
import { itemRoutes } from './item-routes.ts'
import { webhookRoutes } from './webhook-routes.ts'

/** One call to the API, and how it was answered. */
export type ApiCall = {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly ms: number
  readonly method: string
  readonly path: string
  readonly asUser: string | undefined
  readonly userAgent: string | undefined
  /** HTTP status; 0 where the call was left without an answer. */
  readonly status: number
  readonly requestId: string
}

export type ApiOptions = {
  readonly content: Content
  readonly webhooks: Webhooks
  readonly events: EventLog
  readonly tokens: Tokens
  readonly faults: readonly Fault[]
  readonly newId: () => string
  readonly clock: Clock
  readonly conditions: Readonly<Conditions>
  readonly onCall: (call: ApiCall) => void
  /** Ends the calls that are left without an answer. */
  readonly closing: AbortSignal
}

const TOKEN_PATH = '/oauth2/token'

/**
 * Box's API as far as automations and webhooks need it, at the paths of https://api.box.com and, below `/api/2.0`, of
 * https://upload.box.com.
 */
export function createApi(options: ApiOptions): Hono<ApiEnv> {
  const { content, webhooks, events, newId, clock, onCall } = options
  const app = new Hono<ApiEnv>()
  app.use(async (c, next) => {
    const at = clock.now()
    const requestId = newId()
    c.set('requestId', requestId)
    const refused = await refusalOf(c, options)
    if (refused) c.res = refused.response
    else await next()
    c.res.headers.set('box-request-id', requestId)
    const { method, path } = c.req
    const [asUser, userAgent] = [c.req.header('as-user'), c.req.header('user-agent')]
    const status = refused?.unanswered ? 0 : c.res.status
    onCall({ at, ms: clock.now() - at, method, path, asUser, userAgent, status, requestId })
  })
  app.onError((error, c) => {
    const unexpected = () => new BoxRefusal(500, 'internal_server_error', error.message)
    return failure(error instanceof BoxRefusal ? error : unexpected(), c.get('requestId'))
  })
  app.notFound(c => failure(notEmulated(c.req.method, c.req.path), c.get('requestId')))
  tokenRoute(app, options)
  itemRoutes(app, { ...options, changes: new OngoingChanges(options) })
  collaborationRoutes(app, content)
  webhookRoutes(app, webhooks, content)
  eventRoutes(app, content, events)
  return app
}

const notEmulated = (method: string, path: string): BoxRefusal =>
  new BoxRefusal(
    404,
    'not_found',
    `The emulated Box does not have ${method} ${path}. It has files, folders, shared links, collaborations, users, webhooks and events; replace other calls in the test.`,
  )

type Refused = { readonly response: Response; readonly unanswered?: true }

/** What keeps a call from its route: a fault that is due, or no valid token. */
async function refusalOf(c: ApiContext, options: ApiOptions): Promise<Refused | undefined> {
  const requestId = c.get('requestId')
  const fault = takeFault(options.faults, c.req.method, c.req.path)
  if (fault?.status === 'timeout') {
    await hangUp(c.req.raw.signal, options.closing)
    return { response: failure(faultRefusal(504), requestId), unanswered: true }
  }
  if (fault?.status === 202) return { response: notReady(fault.retryAfterSeconds ?? 1) }
  if (fault)
    return { response: failure(faultRefusal(fault.status, fault.code), requestId, fault.retryAfterSeconds) }
  if (c.req.path === TOKEN_PATH || options.tokens.isValid(c.req.header('authorization'))) return undefined
  return { response: failure(new BoxRefusal(401, 'unauthorized', 'Unauthorized'), requestId) }
}

function tokenRoute(app: Hono<ApiEnv>, { tokens, clock, conditions, closing }: ApiOptions): void {
  app.post(TOKEN_PATH, async c => {
    const form = new URLSearchParams(await c.req.text())
    await pause(clock, conditions.tokenDelayMs, closing)
    try {
      return c.json(tokens.grant(form))
    } catch (error) {
      if (!(error instanceof BoxRefusal)) throw error
      return c.json({ error: error.code, error_description: error.message }, 400)
    }
  })
}
