import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { automation } from '../../../lib/automation/automation.ts'
import { createHistory } from '../../../lib/ledger/history.ts'
import { type Embedded, startEmbedded } from '../../support/embedded.ts'
import { createEngine, type Engine, NOW } from '../../support/engine.ts'

let embedded: Embedded
beforeAll(async () => {
  embedded = await startEmbedded()
})
afterAll(() => embedded.stop())

let engine: Engine
const ran: { id: string; key: string; item: unknown }[] = []
const notes = automation({
  name: 'notes',
  on: ['FILE.LOCKED', 'SHARED_LINK.CREATED', 'SIGN_REQUEST.COMPLETED', 'NO_ACTIVE_SESSION'],
  watch: { folder: '100001' },
  run({ event, idempotencyKey }) {
    ran.push({ id: event.id, key: idempotencyKey, item: event.item })
  },
})
beforeEach(async () => {
  ran.length = 0
  engine = await createEngine(embedded, [notes])
})

const body = (payload: object) => Buffer.from(JSON.stringify(payload))
const eventsOf = async (item: string) => {
  const history = createHistory({ dynamodb: embedded.dynamodb, table: embedded.table })
  const found: { eventId: string; status: string; code: string | undefined }[] = []
  for await (const { eventId, status, error } of history.ofItem(item, {
    from: 0,
    to: NOW + 86_400_000,
  }))
    found.push({ eventId, status, code: error?.code })
  return found
}

describe('an event', () => {
  test('has one id in the ledger, in the run and in its key', async () => {
    const raw = '{"id":1.0,"trigger":"FILE.LOCKED","source":{"type":"file","id":"700001"}}'
    const id = await engine.sendBody(Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(raw)]))
    await engine.work()
    expect(id).toBe('1.0')
    expect(ran).toEqual([{ id, key: `${id}:notes`, item: { type: 'file', id: '700001' } }])
    expect(await engine.record(id)).toMatchObject({ eventId: id, trigger: 'FILE.LOCKED', status: 'done' })
  })

  // The shapes that receivers in production have seen, which used to be dead-lettered for good.
  test.each([
    ['a signed file', 'SIGN_REQUEST.COMPLETED', { id: '700002', type: 'file' }, 'file:700002'],
    ['a link without an id', 'SHARED_LINK.CREATED', { item: { id: '700003', type: 'file' } }, 'file:700003'],
    [
      'a link of a folder',
      'SHARED_LINK.CREATED',
      { type: 'shared', url: 'https://app.box.com/s/x', item: { id: '700004', type: 'folder' } },
      'folder:700004',
    ],
    [
      'a web link',
      'SHARED_LINK.CREATED',
      { type: 'shared', item: { id: '700005', type: 'web_link' } },
      'web_link:700005',
    ],
    ['nothing at all', 'FILE.LOCKED', null, 'none'],
  ])('about %s runs, and is found by its item', async (_, trigger, source, key) => {
    const id = await engine.sendBody(body({ id: `e-${key}`, trigger, source }))
    await engine.work()
    expect(ran).toHaveLength(1)
    expect(await engine.record(id)).toMatchObject({ status: 'done', source: key })
    expect(await engine.deadLetters()).toEqual([])
    if (key !== 'none')
      expect(await eventsOf(key)).toEqual([{ eventId: id, status: 'done', code: undefined }])
  })

  test('that can’t be read is found by its item', async () => {
    const source = { type: 'file', id: '700006' }
    const id = await engine.sendBody(body({ id: 'no-trigger', source }))
    await engine.sendForeign(JSON.stringify({ id: 'foreign', trigger: 'FILE.LOCKED', source }))
    await engine.sendForeign('not JSON')
    await engine.work()
    expect(await engine.deadLetters()).toHaveLength(3)
    const found = await eventsOf('file:700006')
    expect(found.map(one => Object.values(one)).sort()).toEqual([
      ['foreign', 'dead', 'message_unreadable'],
      [id, 'dead', 'event_unreadable'],
    ])
  })
})

describe('the end of a session, which has neither an id nor a time', () => {
  const ended = body({ type: 'webhook_event', webhook: { id: '53' }, trigger: 'NO_ACTIVE_SESSION' })

  test('runs once however often Box redelivers it, and again when the session ends again', async () => {
    const first = await engine.sendBody(ended, 'delivery-1')
    await engine.work()
    engine.clock.advance(3_600_000)
    expect(await engine.sendBody(ended, 'delivery-2')).toBe(first)
    await engine.work()
    expect(ran.map(({ id }) => id)).toEqual([first])
    engine.clock.advance(86_400_000)
    const second = await engine.sendBody(ended, 'delivery-3')
    await engine.work()
    expect(ran.map(({ id }) => id)).toEqual([first, second])
    expect(second).not.toBe(first)
  })
})
