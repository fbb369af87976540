import { BatchWriteItemCommand } from '@aws-sdk/client-dynamodb'
import { marshall } from '@aws-sdk/util-dynamodb'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { createHistory, type History, type Span } from '../../../lib/ledger/history.ts'
import { createLedger, dayOf, type Ledger } from '../../../lib/ledger/ledger.ts'
import { RECORD_FIELDS } from '../../../lib/ledger/record.ts'
import { useEmbedded } from '../../support/embedded.ts'
import { recordOf } from '../../support/records.ts'

const aws = useEmbedded()
let ledger: Ledger
let history: History
beforeAll(() => {
  ledger = createLedger({ dynamodb: aws.dynamodb, table: aws.table, now: Date.now })
  history = createHistory({ dynamodb: aws.dynamodb, table: aws.table })
})

const DAY = 86_400_000
const START = Date.parse('2026-11-01T00:00:00.000Z')

async function put(eventId: string, receivedAt: number, source = 'none'): Promise<void> {
  const event = { eventId, deliveryId: 'd', trigger: 'FILE.UPLOADED', source, origin: 'webhook' }
  await ledger.open(
    { ...event, receivedAt: new Date(receivedAt).toISOString(), payload: new Uint8Array([1, 2, 3]) },
    { lease: { token: eventId, until: 0 }, status: 'done', redrives: 0, runs: {} },
  )
}

async function idsOf(found: AsyncIterable<{ readonly eventId: string }>): Promise<string[]> {
  const ids: string[] = []
  for await (const { eventId } of found) ids.push(eventId)
  return ids
}

describe('what the ledger has of many events', { timeout: 60_000 }, () => {
  test('is found by time and by item, over days and pages, the newest first', async () => {
    // Of one item more than a page has.
    const events = Array.from({ length: 330 }, (_, i) => ({
      id: `event-${i}`,
      at: START + i * 1_600_000,
      source: `file:${i % 3}`,
    }))
    for (let from = 0; from < events.length; from += 25) {
      const requests = events.slice(from, from + 25).map(({ id: eventId, at, source }) => {
        const record = recordOf({ eventId, source, receivedAt: new Date(at).toISOString() })
        const Item = marshall({ ...record, receivedOn: dayOf(record.receivedAt) })
        return { PutRequest: { Item } }
      })
      await aws.dynamodb.send(new BatchWriteItemCommand({ RequestItems: { [aws.table]: requests } }))
    }
    const expected = ({ from, to }: Span, source?: string) =>
      events
        .filter(({ at, source: own }) => at >= from && at <= to && (source ?? own) === own)
        .map(({ id }) => id)
        .reverse()
    const all = { from: START, to: START + 10 * DAY }
    expect(await idsOf(history.received(all))).toEqual(expected(all))
    expect(await idsOf(history.ofItem('file:1', all))).toEqual(expected(all, 'file:1'))

    const time = fc.integer({ min: START - DAY, max: START + 8 * DAY })
    await fc.assert(
      fc.asyncProperty(time, time, async (one, other) => {
        const span = { from: Math.min(one, other), to: Math.max(one, other) }
        expect(await idsOf(history.received(span))).toEqual(expected(span))
        expect(await idsOf(history.ofItem('file:2', span))).toEqual(expected(span, 'file:2'))
      }),
      { numRuns: 5 },
    )
  })

  test('is nothing where there is nothing, and where the span ends before it begins', async () => {
    expect(await idsOf(history.ofItem('file:nobody', { from: 0, to: START }))).toEqual([])
    expect(await idsOf(history.received({ from: START + DAY, to: START }))).toEqual([])
  })

  test('passes over a record that has expired since the index named it', async () => {
    const span = { from: START - 9 * DAY, to: START - 8 * DAY }
    await put('stays', span.from, 'file:left')
    await put('goes', span.from + 1, 'file:left')
    aws.dynamodb.middlewareStack.add(
      (next, { commandName }) =>
        async args => {
          if (commandName === 'BatchGetItemCommand') await aws.remove('goes')
          return next(args)
        },
      { step: 'initialize', name: 'expire' },
    )
    const found = await idsOf(history.ofItem('file:left', span))
    aws.dynamodb.middlewareStack.remove('expire')
    expect(found).toEqual(['stays'])
  })

  test('comes whole but for the payload, which comes where it is asked for', async () => {
    const span = { from: START - 20 * DAY, to: START - 19 * DAY }
    await put('whole', span.from, 'file:whole')
    const known = await ledger.read('whole')
    const { payload, ...rest } = known ?? {}
    for await (const record of history.ofItem('file:whole', span)) expect(record).toEqual(rest)
    const full = createHistory({ dynamodb: aws.dynamodb, table: aws.table, payloads: true })
    for await (const record of full.ofItem('file:whole', span)) expect(record).toEqual(known)
    expect(payload).toBeDefined()
    for (const field of Object.keys(known ?? {})) expect(RECORD_FIELDS).toContain(field)
  })
})
