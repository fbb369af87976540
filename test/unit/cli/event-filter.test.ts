import { describe, expect, test } from 'vitest'
import {
  createEventMatcher,
  type EventFilter,
  STATUSES,
  type StatusFilter,
} from '../../../cli/events/event-filter.ts'
import { buildTimeline } from '../../../cli/events/event-timeline.ts'
import { mergeNewestFirst } from '../../../cli/stage/merge-newest.ts'
import { momentText, parseMoment } from '../../../cli/terminal/moment.ts'
import { growingTable } from '../../../cli/terminal/table.ts'
import { type EventRecord, FRESH_RUN } from '../../../lib/ledger/record.ts'
import { type RecordParts, recordOf } from '../../support/records.ts'

const NOW = Date.parse('2026-11-25T12:00:00Z')

const event = (more: RecordParts = {}): EventRecord =>
  recordOf({ receivedAt: new Date(NOW - 1000).toISOString(), ...more })

const done = { ...FRESH_RUN, status: 'done' } as const
const failed = { ...FRESH_RUN, status: 'failed' } as const
const skipped = { ...FRESH_RUN, status: 'skipped' } as const
const EVENTS: Readonly<Record<string, EventRecord>> = {
  ignored: event(),
  done: event({ runs: { a: done, b: skipped } }),
  dead: event({ status: 'dead', runs: { a: failed, b: done } }),
  dropped: event({ status: 'dead', runs: { a: failed }, dropped: { at: '', reason: '' } }),
  running: event({ status: 'open', leaseUntil: NOW + 1, runs: { a: FRESH_RUN, b: failed } }),
  waiting: event({ status: 'open', runs: { a: { ...FRESH_RUN, nextAt: NOW + 1 } } }),
}

const fitting = (filter: EventFilter): string[] => {
  const isMeant = createEventMatcher(filter, NOW)
  return Object.keys(EVENTS).filter(name => EVENTS[name] && isMeant(EVENTS[name]))
}

describe('a filter of events', () => {
  test.each<[StatusFilter, string[], string[]]>([
    ['open', ['running', 'waiting'], ['running', 'waiting']],
    ['running', ['running'], ['running']],
    ['waiting', ['waiting'], ['waiting']],
    ['done', ['ignored', 'done'], ['done']],
    ['dead', ['dead', 'dropped'], ['dead', 'dropped']],
    ['failed', ['dead', 'dropped', 'running'], ['dead', 'dropped']],
    ['skipped', ['done'], []],
    ['ignored', ['ignored'], []],
    ['dropped', ['dropped'], ['dropped']],
  ])('finds what is %s: events, and with an automation its runs', (status, ofEvents, ofA) => {
    expect(fitting({ statuses: [status] })).toEqual(ofEvents)
    expect(fitting({ statuses: [status], automations: ['a'] })).toEqual(ofA)
  })

  test('has every status covered above, takes any of several, and all of different kinds', () => {
    expect(Object.keys(STATUSES)).toHaveLength(9)
    expect(fitting({})).toEqual(Object.keys(EVENTS))
    expect(fitting({ automations: ['b'] })).toEqual(['done', 'dead', 'running'])
    expect(fitting({ statuses: ['waiting', 'ignored'] })).toEqual(['ignored', 'waiting'])
    expect(fitting({ statuses: ['done'], automations: ['b', 'x'], triggers: ['FILE.UPLOADED'] })).toEqual([
      'dead',
    ])
    expect(fitting({ triggers: ['FILE.LOCKED'] })).toEqual([])
    expect(fitting({ automations: ['constructor'] })).toEqual([])
  })

  test('knows both spellings of a trigger', () => {
    const isMeant = createEventMatcher({ triggers: ['SIGN_REQUEST.SIGN_SIGNER_SIGNED'] }, NOW)
    expect(isMeant(event({ trigger: 'SIGN_REQUEST.SIGNER_SIGNED' }))).toBe(true)
  })
})

test.each([
  ['90s', NOW - 90_000],
  ['2h', NOW - 7_200_000],
  ['9999999d', 0],
  ['2026-11-25', Date.parse('2026-11-25T00:00:00Z')],
  ['2026-11-25T10:30', Date.parse('2026-11-25T10:30:00Z')],
  ['2026-11-25T10:30:15.5Z', Date.parse('2026-11-25T10:30:15.500Z')],
  ['2026-11-25T10:30+02:00', Date.parse('2026-11-25T08:30:00Z')],
  ['2026-13-45', undefined],
  ['yesterday', undefined],
  ['', undefined],
])('%j is the moment %j', (text, at) => expect(parseMoment(text, NOW)).toBe(at))

test('a moment is told with how far it is away', () => {
  expect(momentText(NOW - 180_000, NOW)).toBe('2026-11-25T11:57:00Z (3m ago)')
  expect(momentText(NOW + 7_200_000, NOW)).toBe('2026-11-25T14:00:00Z (in 2h)')
  expect(momentText(Number.NaN, NOW)).toBe('an unknown time')
})

test('events of several sources come as one, the newest first', async () => {
  async function* source(...ages: number[]) {
    for (const age of ages)
      yield event({ eventId: String(age), receivedAt: new Date(NOW - age).toISOString() })
  }
  const found: string[] = []
  for await (const { eventId } of mergeNewestFirst([source(1, 4, 5), source(), source(2, 3, 9)]))
    found.push(eventId)
  expect(found).toEqual(['1', '2', '3', '4', '5', '9'])
})

test('a table that grows keeps its columns, and never makes one narrower', () => {
  const lines = growingTable()
  expect(
    lines([
      ['A', 'B'],
      ['long one', 'x'],
    ]),
  ).toBe('A         B\nlong one  x')
  expect(lines([['y', 'z']])).toBe('y         z')
})

describe('a timeline', () => {
  const at = (ms: number) => new Date(NOW + ms).toISOString()
  const line = (ms: number, event: string, more: object = {}) => ({
    function: 'automate',
    time: at(ms),
    level: 'info',
    event,
    ...more,
  })

  test('has deliveries, attempts, calls and ends in order, each once', () => {
    const record = event({
      receivedAt: at(0),
      runs: { a: { ...done, attempts: 2, startedAt: NOW + 300, finishedAt: NOW + 900 } },
    })
    const timeline = buildTimeline(record, {
      deliveries: [
        { deliveryId: 'd', at: NOW + 5, status: 202, code: 'accepted', key: 'primary', attempt: 2 },
      ],
      lines: [
        line(901, 'run_done', { automation: 'a', ms: 600 }),
        line(300, 'run_started', { automation: 'a', attempt: 2 }),
        line(500, 'box_call', { automation: 'a', method: 'PUT', path: '/2.0/files/1', status: 429, ms: 7 }),
        line(6, 'delivery_accepted', { function: 'ingest', deliveryId: 'd' }),
        line(950, 'event_duplicate'),
      ],
    })
    expect(timeline.map(({ at: when, where, what }) => [when - NOW, where, what])).toEqual([
      [5, 'ingest', 'delivery d accepted, signed with the primary key, Box’s attempt 2'],
      [300, 'a', 'run started, attempt 2'],
      [500, 'a', 'PUT /2.0/files/1 → 429, 7 ms'],
      [901, 'a', 'run done after 600 ms'],
      [950, 'queue', 'event duplicate: finished before, so nothing is done'],
    ])
  })

  test('of the ledger alone has what it knows', () => {
    const dropped = { at: at(9000), reason: 'It is gone.', by: 'ada' }
    const runs = { a: { ...failed, attempts: 3, startedAt: NOW + 300, finishedAt: NOW + 900 } }
    const timeline = buildTimeline(event({ receivedAt: at(0), runs, dropped }), { deliveries: [], lines: [] })
    expect(timeline).toEqual([
      { at: NOW, where: 'ingest', what: 'delivery d received', by: 'ledger' },
      { at: NOW + 300, where: 'a', what: 'run started, attempt 3', by: 'ledger' },
      { at: NOW + 900, where: 'a', what: 'failed permanently', by: 'ledger' },
      { at: NOW + 9000, where: 'queue', what: 'dead letter dropped by ada: It is gone.', by: 'ledger' },
    ])
  })
})
