import { describe, expect, test } from 'vitest'
import { createLedger, LeaseLost } from '../../../lib/ledger/ledger.ts'
import { FRESH_RUN } from '../../../lib/ledger/record.ts'
import { useEmbedded } from '../../support/embedded.ts'

const embedded = useEmbedded()

const NOW = Date.parse('2026-11-23T10:00:00Z')
let events = 0

/** A ledger on the real API, and an event that nobody has seen. */
function fresh() {
  events += 1
  const eventId = `event-${events}`
  const ledger = createLedger({ dynamodb: embedded.dynamodb, table: embedded.table, now: () => NOW })
  const event = {
    eventId,
    deliveryId: 'd1',
    trigger: 'FILE.DOWNLOADED',
    source: 'file:1',
    receivedAt: '2026-11-23T10:00:00.000Z',
    origin: 'webhook',
    payload: new Uint8Array([1, 2, 3]),
  }
  const claim = (token: string) => ({
    lease: { token, until: NOW + 60_000 },
    status: 'open' as const,
    redrives: 0,
    runs: { a: { ...FRESH_RUN, attempts: 1 }, b: { ...FRESH_RUN, attempts: 1 } },
  })
  return { ledger, event, eventId, claim }
}

describe('the ledger on DynamoDB', () => {
  test('keeps an event as it was claimed', async () => {
    const { ledger, event, eventId, claim } = fresh()
    expect(await ledger.read(eventId)).toBeUndefined()
    expect(await ledger.open(event, claim('t1'))).toMatchObject({ claimed: true })
    expect(await ledger.read(eventId)).toEqual({
      ...event,
      status: 'open',
      version: 1,
      leaseToken: 't1',
      leaseUntil: NOW + 60_000,
      redrives: 0,
      runs: claim('t1').runs,
    })
  })

  test('gives a new event to one of many who want it at the same time', async () => {
    const { ledger, event, claim } = fresh()
    const answers = await Promise.all(['t1', 't2', 't3', 't4'].map(token => ledger.open(event, claim(token))))
    expect(answers.filter(({ claimed }) => claimed)).toHaveLength(1)
    const tokens = new Set(answers.map(({ record }) => record.leaseToken))
    expect(tokens.size).toBe(1)
  })

  test('knows its own claim again when the answer to the first try got lost', async () => {
    const { ledger, event, claim } = fresh()
    await ledger.open(event, claim('t1'))
    expect(await ledger.open(event, claim('t1'))).toMatchObject({ claimed: true })
    const { record } = await ledger.open(event, claim('t2'))
    expect(await ledger.claim(record, claim('t3'))).toBe(true)
    expect(await ledger.claim(record, claim('t3'))).toBe(true)
    expect(await ledger.claim(record, claim('t4'))).toBe(false)
  })

  test('gives an event anew to one of many who read the same', async () => {
    const { ledger, event, claim } = fresh()
    const { record } = await ledger.open(event, claim('t1'))
    const answers = await Promise.all(['t2', 't3', 't4'].map(token => ledger.claim(record, claim(token))))
    expect(answers.filter(Boolean)).toHaveLength(1)
  })

  test('does not give an event on what was read before a run finished', async () => {
    const { ledger, event, eventId, claim } = fresh()
    const { record } = await ledger.open(event, claim('t1'))
    await ledger.write(eventId, 't1', { runs: { a: { ...FRESH_RUN, status: 'done' } } })
    expect(await ledger.claim(record, claim('t2'))).toBe(false)
  })

  test('takes an outcome only from the lease’s holder', async () => {
    const { ledger, event, eventId, claim } = fresh()
    const { record } = await ledger.open(event, claim('t1'))
    await ledger.claim(record, claim('t2'))
    const done = { runs: { a: { ...FRESH_RUN, status: 'done' as const } } }
    await expect(ledger.write(eventId, 't1', done)).rejects.toThrow(LeaseLost)
    await expect(ledger.keepStep(eventId, 't1', 'a', 's', '1')).rejects.toThrow(LeaseLost)
    await ledger.write(eventId, 't2', done)
    expect((await ledger.read(eventId))?.runs.a?.status).toBe('done')
  })

  test('an outcome written twice, because the first answer got lost, stands as once', async () => {
    const { ledger, event, eventId, claim } = fresh()
    await ledger.open(event, claim('t1'))
    const last = {
      runs: { a: { ...FRESH_RUN, status: 'done' as const }, b: { ...FRESH_RUN, status: 'done' as const } },
      close: { status: 'done' as const, release: true },
    }
    await ledger.write(eventId, 't1', last)
    await ledger.write(eventId, 't1', last)
    expect(await ledger.read(eventId)).toMatchObject({ status: 'done', leaseUntil: 0, runs: last.runs })
  })

  test('keeps steps beside each other, under any name', async () => {
    const { ledger, event, eventId, claim } = fresh()
    await ledger.open(event, claim('t1'))
    await ledger.keepStep(eventId, 't1', 'a', 'first step / #1', '{"x":1}')
    await ledger.keepStep(eventId, 't1', 'a', 'status', '2')
    const record = await ledger.read(eventId)
    expect(record?.runs.a?.steps).toEqual({ 'first step / #1': '{"x":1}', status: '2' })
  })

  test('lets every write renew the time for which the record is kept, 35 days', async () => {
    const { ledger, event, eventId, claim } = fresh()
    await ledger.open(event, claim('t1'))
    const later = createLedger({
      dynamodb: embedded.dynamodb,
      table: embedded.table,
      now: () => NOW + 86_400_000,
    })
    await later.write(eventId, 't1', { runs: {} })
    expect(await embedded.item(eventId)).toMatchObject({
      expiresAt: { N: String(NOW / 1000 + 36 * 86_400) },
    })
  })
})
