import type { Hono } from 'hono'
import type { Content } from '../state/content.ts'
import { invalidParameter } from '../state/refusal.ts'
import { type Webhook, type Webhooks, wireWebhook, wireWebhookMini } from '../state/webhooks.ts'
import { type ApiContext, type ApiEnv, actorOf, answer, bodyOf, countIn } from './answers.ts'

/** The most webhooks on one page. */
const PAGE_MAX = 1000

/** @see https://developer.box.com/reference/resources/webhook/ */
export function webhookRoutes(app: Hono<ApiEnv>, webhooks: Webhooks, content: Content): void {
  const user = (c: ApiContext) => actorOf(c, content)
  app.get('/2.0/webhooks', c => {
    const limit = Math.max(1, Math.min(countIn(c, 'limit', 100), PAGE_MAX))
    const all = webhooks.of(user(c))
    const after = lastBefore(c.req.query('marker'))
    const rest = all.filter(({ id }) => Number(id) > after)
    const page = rest.slice(0, limit)
    const passed = all.slice(0, all.length - rest.length)
    const previous = passed.at(-limit - 1)
    return answer(c, {
      entries: page.map(wireWebhookMini),
      limit,
      next_marker: rest.length > limit ? markerAfter(page.at(-1)) : null,
      prev_marker: passed.length > 0 ? markerAfter(previous) : null,
    })
  })
  app.post('/2.0/webhooks', async c => {
    const made = webhooks.create(await bodyOf(c), user(c))
    return answer(c, wireWebhook(made), 201)
  })
  app.get('/2.0/webhooks/:id', c => answer(c, wireWebhook(webhooks.webhook(c.req.param('id'), user(c)))))
  app.put('/2.0/webhooks/:id', async c =>
    answer(c, wireWebhook(webhooks.update(c.req.param('id'), await bodyOf(c), user(c)))),
  )
  app.delete('/2.0/webhooks/:id', c => {
    webhooks.delete(c.req.param('id'), user(c))
    return c.body(null, 204)
  })
}

/** A page begins after a webhook and not at a position, so that none is skipped when another is deleted meanwhile. */
const markerAfter = (webhook: Webhook | undefined): string =>
  Buffer.from(`after ${webhook?.id ?? 0}`).toString('base64url')

/** The id that a marker names; 0 for the first page. */
function lastBefore(marker: string | undefined): number {
  if (!marker) return 0
  const [, id] = /^after (\d{1,15})$/.exec(Buffer.from(marker, 'base64url').toString()) ?? []
  if (id === undefined) throw invalidParameter('marker', `Invalid value '${marker}'`)
  return Number(id)
}
