import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { LogLine } from '../../../lib/log/log.ts'
import { describeLine, durationText, eventTimeline, scaleOf } from '../../../lib/operations/event-timeline.ts'
import type { DeliveryEntry } from '../../../local/journal.ts'

const AT = Date.parse('2026-11-23T10:00:00Z')
const NAME = 'remove-shared-link'

const line = (ms: number, event: string, fields: Partial<LogLine> = {}): LogLine => ({
  function: 'automate',
  time: new Date(AT + ms).toISOString(),
  level: 'info',
  event,
  ...fields,
})

const delivery = (ms: number, fields: Partial<DeliveryEntry> = {}): DeliveryEntry => ({
  seq: 1,
  deliveryId: 'd',
  at: AT + ms,
  ms: 20,
  attempt: 1,
  method: 'POST',
  path: '/box/webhook',
  headers: {},
  body: '{}',
  status: 202,
  answer: '{"code":"accepted"}',
  ...fields,
})

const accepted = line(10, 'delivery_accepted', { function: 'ingest', key: 'primary' })

describe('an event’s story', () => {
  test('a plain life: ingest, queue, run, end', () => {
    const { lanes, steps } = eventTimeline({
      deliveries: [delivery(0)],
      lines: [
        accepted,
        line(50, 'run_started', { automation: NAME, attempt: 1 }),
        line(80, 'box_call', { automation: NAME, method: 'PUT', path: '/2.0/files/1', status: 200, ms: 25 }),
        line(90, 'run_done', { automation: NAME, attempt: 1, ms: 40 }),
        line(95, 'event_finished', { status: 'done' }),
      ],
    })
    expect(
      lanes.map(({ name, spans }) => [name, spans.map(({ from, to, tone }) => [from - AT, to - AT, tone])]),
    ).toEqual([
      ['ingest', [[0, 20, 'good']]],
      ['queue', [[10, 50, 'wait']]],
      [NAME, [[50, 90, 'good']]],
    ])
    expect(steps.map(({ text }) => text)).toEqual([
      'delivered by Box',
      'verified with the primary key, and queued',
      'answered 202 accepted',
      'run started, attempt 1',
      'PUT /2.0/files/1 → 200, 25 ms',
      'run done after 40 ms',
      'event finished: done',
    ])
  })

  test('a failure waits on the queue until the next attempt', () => {
    const failure = {
      automation: NAME,
      code: 'box_unavailable',
      message: 'no',
      delaySeconds: 5,
      level: 'warn',
    }
    const { lanes } = eventTimeline({
      deliveries: [],
      lines: [
        accepted,
        line(50, 'run_started', { automation: NAME, attempt: 1 }),
        line(60, 'run_retrying', failure),
        line(5060, 'run_started', { automation: NAME, attempt: 2 }),
        line(5070, 'run_done', { automation: NAME, ms: 10 }),
        line(5075, 'event_finished', { status: 'done' }),
      ],
    })
    expect(lanes.find(({ name }) => name === 'queue')?.spans).toMatchObject([
      { from: AT + 10, to: AT + 50, text: 'waiting for a worker' },
      { from: AT + 60, to: AT + 5060, text: 'waiting 5 s (box_unavailable)' },
    ])
    expect(lanes.find(({ name }) => name === NAME)?.spans).toMatchObject([{ tone: 'wait' }, { tone: 'good' }])
  })

  test('an attempt without an end was cut off where the next begins, and is under way where none does', () => {
    const lines = [
      line(50, 'run_started', { automation: NAME, attempt: 1 }),
      line(70, 'box_call', { automation: NAME, method: 'GET', path: '/', status: 0, ms: 5 }),
      line(9000, 'run_started', { automation: NAME, attempt: 2 }),
    ]
    expect(eventTimeline({ deliveries: [], lines }).lanes[0]?.spans).toMatchObject([
      { from: AT + 50, to: AT + 70, tone: 'bad', text: 'attempt 1: cut off' },
      { from: AT + 9000, tone: 'wait', text: 'attempt 2: under way' },
    ])
  })

  test('Box’s own retries are shown with the wait between them', () => {
    const { lanes } = eventTimeline({
      deliveries: [
        delivery(0, { status: 503, answer: 'down', nextAttemptAt: AT + 30_020 }),
        delivery(30_020, { attempt: 2 }),
      ],
      lines: [],
    })
    expect(lanes[0]?.spans.map(({ tone, text }) => [tone, text])).toEqual([
      ['bad', 'answered 503 after 20 ms'],
      ['wait', 'until Box delivers it again'],
      ['good', 'answered 202 accepted after 20 ms'],
    ])
  })

  const anyLine = fc
    .record({
      ms: fc.nat(100_000),
      event: fc.constantFrom(
        'run_started',
        'run_done',
        'run_retrying',
        'box_call',
        'event_finished',
        'event_waiting',
        'x',
      ),
      automation: fc.option(fc.constantFrom('a', 'b'), { nil: undefined }),
      attempt: fc.nat(3),
    })
    .map(({ ms, event, ...fields }) => line(ms, event, fields))

  test('whatever was heard, in any order: every line is told once, and no time runs backwards', () => {
    fc.assert(
      fc.property(fc.array(anyLine), lines => {
        const story = eventTimeline({ deliveries: [delivery(0)], lines })
        const told = story.steps.filter(({ lane }) => lane !== 'ingest')
        const expected = lines.filter(
          ({ automation, event }) => automation !== undefined || event !== undefined,
        )
        expect(told.length).toBeGreaterThanOrEqual(expected.length)
        for (const { spans } of story.lanes)
          for (const { from, to } of spans) expect(to).toBeGreaterThanOrEqual(from)
        const shuffled = eventTimeline({ deliveries: [delivery(0)], lines: [...lines].reverse() })
        expect(shuffled.steps.map(({ at }) => at)).toEqual(story.steps.map(({ at }) => at))
      }),
    )
  })

  test('the picture’s axis keeps the order of all moments, from edge to edge', () => {
    fc.assert(
      fc.property(fc.array(anyLine, { minLength: 2 }), lines => {
        const story = eventTimeline({ deliveries: [delivery(0)], lines })
        const scale = scaleOf(story)
        const moments = story.lanes.flatMap(({ spans, marks }) => [
          ...spans.flatMap(({ from, to }) => [from, to]),
          ...marks.map(({ at }) => at),
        ])
        const places = [...new Set(moments)].sort((a, b) => a - b).map(scale)
        expect(places[0]).toBe(0)
        expect(places.at(-1)).toBeCloseTo(1)
        for (const [index, place] of places.entries()) expect(place).toBeGreaterThan(places[index - 1] ?? -1)
      }),
    )
  })
})

test('log lines and durations are said in words', () => {
  expect(describeLine(line(0, 'some_news', { code: 'x', message: 'why' }))).toBe('some news (x, why)')
  expect(describeLine(line(0, 'event_dead_lettered', { code: 'box_forbidden' }))).toBe(
    'put on the dead-letter queue (box_forbidden)',
  )
  expect([12.4, 3400, 125_000, 3_720_000, Number.NaN].map(durationText)).toEqual([
    '12 ms',
    '3.4 s',
    '2 min 5 s',
    '1 h 2 min',
    '?',
  ])
})
