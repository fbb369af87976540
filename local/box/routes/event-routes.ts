import type { Hono } from 'hono'
import type { EventLog } from '../events/event-log.ts'
import type { Content } from '../state/content.ts'
import { invalidParameter } from '../state/refusal.ts'
import { type ApiContext, type ApiEnv, actorOf, countIn } from './answers.ts'

/** Box gives at most so many events at a time, and so many where nobody says how many. */
const LIMIT = { most: 500, usual: 100 }

/** @see https://developer.box.com/reference/get-events/ */
export function eventRoutes(app: Hono<ApiEnv>, content: Content, events: EventLog): void {
  app.get('/2.0/events', c => {
    const limit = countIn(c, 'limit', LIMIT.usual)
    if (limit < 1 || limit > LIMIT.most) throw invalidParameter('limit', `Invalid value '${limit}'`)
    const { entries, next } = events.page({
      streamType: c.req.query('stream_type') || 'all',
      position: c.req.query('stream_position'),
      limit,
      types: (c.req.query('event_type') ?? '').split(',').filter(Boolean),
      after: timeIn(c, 'created_after', 0),
      before: timeIn(c, 'created_before', Number.POSITIVE_INFINITY),
      by: actorOf(c, content),
    })
    const json = `{"chunk_size":${entries.length},"next_stream_position":${next},"entries":${JSON.stringify(entries)}}`
    return c.body(json, 200, { 'content-type': 'application/json' })
  })
}

function timeIn(c: ApiContext, name: string, usual: number): number {
  const text = c.req.query(name)
  if (text === undefined || text === '') return usual
  const at = Date.parse(text)
  if (Number.isNaN(at)) throw invalidParameter(name, `Invalid value '${text}'`)
  return at
}
