import type { Hono } from 'hono'
import type { DeliveryEntry, Journal } from '../journal.ts'
import { codeOf } from './inspector.ts'

/**
 * What commands ask the local stack for where they would read a deployed stage's logs: what was heard of one event, by its id
 * or by that of a delivery, and which deliveries were turned away.
 */
export function heardRoutes(page: Hono, journal: Journal): void {
  page.get('/_local/heard', c => {
    const id = c.req.query('id') ?? ''
    const has = (one: DeliveryEntry) => one.deliveryId === id
    const entry = journal.event(id) ?? journal.events.find(({ deliveries }) => deliveries.some(has))
    return c.json({
      eventId: entry?.eventId ?? null,
      deliveries: (entry?.deliveries ?? []).map(({ deliveryId, at, ms, attempt, status, answer }) => ({
        deliveryId,
        at,
        ms,
        attempt,
        status,
        code: codeOf(answer),
      })),
      lines: entry?.lines ?? [],
    })
  })
  page.get('/_local/refused', c => {
    const since = Number(c.req.query('since') ?? 0)
    const refused = journal.events
      .flatMap(({ deliveries }) => deliveries)
      .filter(({ at, status }) => at >= since && status >= 400)
    return c.json({ codes: refused.map(({ answer }) => codeOf(answer)) })
  })
}
