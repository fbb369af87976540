import type { Hono } from 'hono'
import { type ApiEnv, answer, bodyOf, countIn } from './answers.ts'
import { type Webhooks, wireWebhook, wireWebhookMini } from './webhooks.ts'

/** @see https://developer.box.com/reference/resources/webhook/ */
export function webhookRoutes(app: Hono<ApiEnv>, webhooks: Webhooks): void {
  app.get('/2.0/webhooks', c => {
    const limit = Math.max(1, Math.min(countIn(c, 'limit', 100), 1000))
    const start = countIn(c, 'marker', 0)
    const all = [...webhooks.all.values()]
    return answer(c, {
      entries: all.slice(start, start + limit).map(wireWebhookMini),
      limit,
      next_marker: start + limit < all.length ? String(start + limit) : null,
      prev_marker: start > 0 ? String(Math.max(0, start - limit)) : null,
    })
  })
  app.post('/2.0/webhooks', async c => answer(c, wireWebhook(webhooks.create(await bodyOf(c))), 201))
  app.get('/2.0/webhooks/:id', c => answer(c, wireWebhook(webhooks.webhook(c.req.param('id')))))
  app.put('/2.0/webhooks/:id', async c =>
    answer(c, wireWebhook(webhooks.update(c.req.param('id'), await bodyOf(c)))),
  )
  app.delete('/2.0/webhooks/:id', c => {
    webhooks.delete(c.req.param('id'))
    return c.body(null, 204)
  })
}
