import { describe, expect, test } from 'vitest'
import type { Attempt } from '../../../local/box/events/delivery.ts'
import { createJournal } from '../../../local/journal.ts'

const AT = Date.parse('2026-01-01T00:00:00Z')

const payload = (id: string, source: unknown = { name: 'a.pdf' }) => JSON.stringify({ id, source })

const attempt = (eventId: string, fields: Partial<Attempt> = {}): Attempt => ({
  eventId,
  trigger: 'FILE.DOWNLOADED',
  webhookId: 'w',
  deliveryId: `delivery of ${eventId}`,
  attempt: 1,
  sentAt: AT,
  ms: 5,
  address: 'http://localhost/box/webhook',
  headers: {},
  body: Buffer.from(payload(eventId)),
  status: 202,
  answer: '{"code":"accepted"}',
  nextAttemptAt: undefined,
  ...fields,
})

const answer = (body: string, fields: { status?: number; deliveryId?: string } = {}) => ({
  at: AT,
  ms: 1,
  method: 'POST',
  path: '/box/webhook',
  headers: fields.deliveryId ? { 'box-delivery-id': fields.deliveryId } : {},
  requestBody: body,
  requestBytes: Buffer.from(body),
  status: fields.status ?? 202,
  body: '{}',
})

const line = (event: string, fields: Record<string, unknown> = {}) =>
  JSON.stringify({ time: new Date(AT).toISOString(), level: 'info', event, ...fields })

describe('the journal', () => {
  test('takes what Box and the front door say of one delivery as one', () => {
    const journal = createJournal()
    journal.answer(answer(payload('e'), { deliveryId: 'd' }))
    journal.attempt(attempt('e', { deliveryId: 'd' }))
    expect(journal.event('e')).toMatchObject({
      trigger: 'FILE.DOWNLOADED',
      item: 'a.pdf',
      status: 'queued',
      deliveries: [{ deliveryId: 'd', attempt: 1 }],
    })
  })

  test('follows an event to its end', () => {
    const journal = createJournal()
    const seen: string[] = []
    const unsubscribe = journal.subscribe(({ status }) => seen.push(status))
    journal.attempt(attempt('e', { status: 503 }))
    journal.attempt(attempt('e', { deliveryId: 'again', attempt: 2 }))
    for (const event of ['run_started', 'run_retrying', 'run_started', 'event_finished'])
      journal.line('automate', line(event, { eventId: 'e' }))
    unsubscribe()
    journal.attempt(attempt('e', { deliveryId: 'later' }))
    expect(seen).toEqual(['undelivered', 'queued', 'running', 'retrying', 'running', 'done'])
  })

  test('a forged delivery changes nothing about an accepted event', () => {
    const journal = createJournal()
    journal.attempt(attempt('e'))
    journal.line('automate', line('event_dead_lettered', { eventId: 'e' }))
    journal.attempt(attempt('e', { deliveryId: 'forged', status: 401 }))
    journal.attempt(attempt('other', { status: 401 }))
    expect(journal.event('e')?.status).toBe('dead')
    expect(journal.event('other')?.status).toBe('refused')
  })

  test('keeps a request that is no event under its path', () => {
    const journal = createJournal()
    journal.answer(answer('no JSON', { status: 400 }))
    expect(journal.event('POST /box/webhook')).toMatchObject({ status: 'refused', item: '' })
  })

  test('hands back a line that belongs to no event, and nothing for what is no line', () => {
    const journal = createJournal()
    expect(journal.line('ingest', line('signature_keys_unavailable'))).toMatchObject({ function: 'ingest' })
    expect(journal.line('ingest', 'a stack trace')).toBeUndefined()
    expect(journal.events).toEqual([])
  })

  test('finds the name where the source is about an item', () => {
    const journal = createJournal()
    journal.attempt(attempt('e', { body: Buffer.from(payload('e', { item: { name: 'folder' } })) }))
    expect(journal.event('e')?.item).toBe('folder')
  })

  test('forgets the oldest events where all together are too large, but never the one at hand', () => {
    const journal = createJournal({ charactersMax: 3000 })
    for (const id of ['1', '2', '3']) {
      const body = Buffer.from(JSON.stringify({ id, filler: 'x'.repeat(1400) }))
      journal.attempt(attempt(id, { body }))
    }
    expect(journal.events.map(({ eventId }) => eventId)).toEqual(['3', '2'])
    journal.attempt(attempt('large', { body: Buffer.from(JSON.stringify({ filler: 'x'.repeat(9000) })) }))
    expect(journal.events.map(({ eventId }) => eventId)).toEqual(['large'])
    for (let i = 0; i < 300; i += 1) journal.attempt(attempt('small', { deliveryId: String(i) }))
    expect(journal.event('small')?.deliveries).toHaveLength(100)
  })

  test('keeps a delivery’s place in the list when Box tells more of it, and lists a repetition apart', () => {
    const journal = createJournal()
    const verdict = [{ rule: 'verdict', ok: true, text: 'passed' }] as const
    journal.answer(answer(payload('e'), { deliveryId: 'd' }), verdict)
    journal.answer(answer(payload('f'), { deliveryId: 'other' }))
    journal.attempt(attempt('e', { deliveryId: 'd' }))
    journal.attempt(attempt('e', { deliveryId: 'd', attempt: 1 }))
    expect(journal.event('e')?.deliveries).toMatchObject([
      { seq: 1, attempt: 1, path: '/box/webhook', verdict },
      { seq: 4, attempt: 1 },
    ])
  })

  test('is bounded: in events, in what it keeps of each, and in the size of a body', () => {
    const journal = createJournal({ eventsMax: 2 })
    for (const id of ['1', '2', '3']) journal.attempt(attempt(id))
    expect(journal.events.map(({ eventId }) => eventId)).toEqual(['3', '2'])
    for (let i = 0; i < 1100; i += 1) {
      journal.attempt(attempt('3', { deliveryId: String(i) }))
      journal.line('automate', line('automation_log', { eventId: '3', i }))
    }
    expect(journal.event('3')?.deliveries).toHaveLength(100)
    expect(journal.event('3')?.lines).toHaveLength(1000)
    expect(journal.event('3')?.lines.at(-1)).toMatchObject({ i: 1099 })
    const large = JSON.stringify({ id: 'large', source: { name: 'large.bin' }, filler: 'x'.repeat(2 ** 20) })
    journal.answer(answer(large))
    expect(journal.event('large')?.deliveries[0]?.body.length).toBeLessThan(2 ** 18 + 100)
    expect(journal.event('large')?.item).toBe('large.bin')
  })
})
