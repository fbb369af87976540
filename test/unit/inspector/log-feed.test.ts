import type { FilterLogEventsCommandInput } from '@aws-sdk/client-cloudwatch-logs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createLogFeed, type LoggedLine } from '../../../local/inspector/sources/log-feed.ts'
import { takeLine } from '../../../local/inspector/sources/stage-source.ts'
import { createJournal } from '../../../local/journal.ts'

const START = Date.parse('2026-11-23T10:00:00Z')

/** A log group whose lines become visible when the test says so, in pages of a few lines. */
function logGroup(pageSize: number) {
  const visible: LoggedLine[] = []
  let failing = false
  return {
    async readPage(input: FilterLogEventsCommandInput) {
      if (failing) throw new Error('throttled')
      const from = input.startTime ?? 0
      const found = visible
        .filter(({ at }) => at >= from)
        .sort((a, b) => a.at - b.at || a.id.localeCompare(b.id))
      const begin = Number(input.nextToken ?? 0)
      const page = found.slice(begin, begin + pageSize)
      return {
        events: page.map(({ id, at, text }) => ({ eventId: id, timestamp: at, message: `${text}\n` })),
        ...(begin + pageSize < found.length ? { nextToken: String(begin + pageSize) } : {}),
      }
    },
    show: (line: LoggedLine) => void visible.push(line),
    fail(on: boolean) {
      failing = on
    },
  }
}

describe('following a log group', () => {
  test('every line is heard once, however late, in whatever pages, and with failures in between', async () => {
    const line = fc.record({ at: fc.nat(100_000), late: fc.nat(90_000) })
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 60 }),
        fc.integer({ min: 1, max: 7 }),
        fc.array(fc.boolean(), { maxLength: 8 }),
        async (lines, pageSize, failures) => {
          const group = logGroup(pageSize)
          const heard: string[] = []
          const onLine = ({ id }: LoggedLine) => void heard.push(id)
          const feed = createLogFeed({
            readPage: group.readPage,
            group: 'g',
            since: START,
            onLine,
          })
          const shown = lines
            .map(({ at, late }, index) => ({
              id: `line-${index}`,
              at: START + at,
              text: '{}',
              from: at + late,
            }))
            .sort((a, b) => a.from - b.from)
          for (let now = 0, turn = 0; now <= 200_000; now += 10_000, turn += 1) {
            for (let next = shown[0]; next && next.from <= now; next = shown[0]) {
              group.show(next)
              shown.shift()
            }
            group.fail(failures[turn] ?? false)
            await feed.read().catch(() => {})
          }
          group.fail(false)
          for (let rest = 0; rest < 10; rest += 1) await feed.read()
          expect(heard.toSorted()).toEqual(lines.map((_, index) => `line-${index}`).toSorted())
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('a deployed stage’s log lines', () => {
  const told = (event: string, fields: object, at = START) => ({
    id: `${event} ${at}`,
    at,
    text: JSON.stringify({ time: new Date(at).toISOString(), level: 'info', event, ...fields }),
  })

  test('tell of deliveries, runs and ends', () => {
    const journal = createJournal()
    const accepted = { eventId: 'e', deliveryId: 'd', trigger: 'FILE.DOWNLOADED', key: 'secondary' }
    takeLine(journal, 'ingest', told('delivery_accepted', accepted))
    takeLine(
      journal,
      'automate',
      told('run_started', { eventId: 'e', automation: 'a', attempt: 1 }, START + 10),
    )
    takeLine(journal, 'automate', told('event_finished', { eventId: 'e', status: 'done' }, START + 20))
    takeLine(
      journal,
      'ingest',
      told('delivery_refused', { status: 401, code: 'signature_mismatch' }, START + 30),
    )
    takeLine(journal, 'automate', { id: 'x', at: START, text: 'START RequestId: 1' })
    expect(journal.events).toMatchObject([
      { status: 'refused', deliveries: [{ status: 401, answer: '{"code":"signature_mismatch"}' }] },
      {
        eventId: 'e',
        status: 'done',
        deliveries: [
          { deliveryId: 'd', status: 202, verdict: [{ ok: true, text: 'passed with the secondary key' }] },
        ],
        lines: [{ event: 'delivery_accepted' }, { event: 'run_started' }, { event: 'event_finished' }],
      },
    ])
  })

  test('and the ledger tells of events that no line is known of, without taking anything back', () => {
    const journal = createJournal()
    takeLine(
      journal,
      'automate',
      told('event_finished', { eventId: 'e', trigger: 'FILE.LOCKED', status: 'done' }),
    )
    const item = 'file:1'
    journal.recorded({ eventId: 'e', trigger: 'FILE.LOCKED', item, receivedAt: START, status: 'open' })
    journal.recorded({ eventId: 'f', trigger: 'FILE.COPIED', item, receivedAt: START, status: 'dead' })
    expect(journal.events).toMatchObject([
      { eventId: 'f', trigger: 'FILE.COPIED', status: 'dead', item },
      { eventId: 'e', status: 'done', item },
    ])
  })
})
