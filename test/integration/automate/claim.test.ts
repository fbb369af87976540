import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type ClaimInput, LEASE_MARGIN_MS, planClaim } from '../../../lib/automate/claim.ts'
import { DEFAULT_RETRY } from '../../../lib/base/retry.ts'
import { type EventRecord, isSettled, statusOf } from '../../../lib/ledger/record.ts'
import type { Failure, Replay } from '../../../lib/queue/message.ts'
import { type RecordParts, recordOf } from '../../support/records.ts'

const NOW = 1_000_000
const bound = (name: string) => ({
  automation: {
    name,
    on: ['FILE.DOWNLOADED'] as const,
    watch: [{ type: 'folder', id: '1' }] as const,
    settings: {},
    retry: { ...DEFAULT_RETRY, attempts: 3 },
    run: () => {},
  },
  settings: {},
  watch: [{ type: 'folder', id: '1' }] as const,
})

const record = (runs: Required<RecordParts>['runs'], change: RecordParts = {}): EventRecord =>
  recordOf({ trigger: 'FILE.DOWNLOADED', status: 'open', version: 4, leaseToken: 'old', runs, ...change })

function plan(change: Partial<ClaimInput> & { names?: string[] } = {}) {
  const automations = (change.names ?? ['a']).map(bound)
  const planned = planClaim({
    record: undefined,
    concerned: automations,
    deployed: automations,
    brought: [],
    filters: new Map(),
    alone: true,
    failure: undefined,
    replay: undefined,
    lease: { token: 'new', until: NOW + 60_000 },
    now: NOW,
    ...change,
  })
  if (planned.kind !== 'claim') return planned
  return { ...planned, start: planned.start.map(({ automation }) => automation.name) }
}

const deadLetter = (runs: { name: string; redrives: number }[], redrives = 0): Failure => ({
  code: 'c',
  message: 'm',
  at: '',
  redrives,
  automations: runs.map(run => ({ ...run, code: 'c', message: 'm', attempts: 3 })),
})

describe('a new event', () => {
  test('starts every automation it concerns, with the attempt counted', () => {
    expect(plan({ names: ['a', 'b'] })).toMatchObject({
      kind: 'claim',
      start: ['a', 'b'],
      exhausted: [],
      claim: { status: 'open', lease: { token: 'new' }, runs: { a: { attempts: 1 }, b: { attempts: 1 } } },
    })
  })

  test('that concerns nothing, or that every filter leaves alone, is done with one write and no lease', () => {
    expect(plan({ names: [] })).toMatchObject({ claim: { status: 'done', lease: { until: 0 } }, start: [] })
    expect(plan({ filters: new Map([['a', { kind: 'skip', reason: 'why not' }]]) })).toMatchObject({
      claim: { status: 'done', lease: { until: 0 }, runs: { a: { status: 'skipped', reason: 'why not' } } },
      start: [],
    })
  })
})

describe('an event seen before', () => {
  test('is finished when it is done or dead', () => {
    for (const status of ['done', 'dead'] as const)
      expect(plan({ record: record({ a: { status: 'done' } }, { status }) })).toEqual({ kind: 'finished' })
  })

  test('is left to whoever holds its lease, and a while longer because clocks differ', () => {
    const leased = record({ a: {} }, { leaseUntil: NOW - LEASE_MARGIN_MS + 1 })
    expect(plan({ record: leased })).toEqual({ kind: 'wait', reason: 'leased', until: NOW + 1 })
    const over = record({ a: {} }, { leaseUntil: NOW - LEASE_MARGIN_MS })
    expect(plan({ record: over })).toMatchObject({ kind: 'claim', start: ['a'] })
  })

  test('runs only what is unfinished and due', () => {
    const runs = {
      a: { status: 'done', attempts: 1 },
      b: { attempts: 1, nextAt: NOW },
      c: { attempts: 1, nextAt: NOW + 1 },
    } as const
    expect(plan({ names: ['a', 'b', 'c'], record: record(runs) })).toMatchObject({
      start: ['b'],
      claim: { runs: { b: { attempts: 2 } } },
    })
  })

  test('waits for the first run that is due, without counting anything', () => {
    const runs = { a: { nextAt: NOW + 9 }, b: { nextAt: NOW + 5 } }
    expect(plan({ names: ['a', 'b'], record: record(runs) })).toEqual({
      kind: 'wait',
      reason: 'not_due',
      until: NOW + 5,
    })
  })

  test('with its attempts used up is given up by the claim, so that a run that kills its process ends', () => {
    const used = record({ a: { attempts: 3 } })
    expect(plan({ record: used })).toMatchObject({ kind: 'claim', start: [], exhausted: ['a'] })
  })

  test('a run of an automation that is not deployed waits for an hour, then is skipped, saying so', () => {
    const waiting = record({ gone: { attempts: 1 } })
    expect(plan({ names: [], record: waiting })).toMatchObject({
      start: [],
      claim: {
        status: 'open',
        lease: { until: 0 },
        runs: { gone: { status: 'pending', attempts: 1, throttles: 1, nextAt: NOW + 300_000 } },
      },
    })
    const waited = record({ gone: { attempts: 1, throttles: 12 } })
    expect(plan({ names: [], record: waited })).toMatchObject({
      claim: {
        status: 'done',
        runs: { gone: { status: 'skipped', reason: expect.stringContaining('not deployed') } },
      },
    })
  })

  test('an automation deployed since then runs as well while the event is open', () => {
    const open = record({ a: { attempts: 1 } })
    expect(plan({ names: ['a', 'b'], record: open })).toMatchObject({ start: ['a', 'b'] })
  })
})

describe('a redrive', () => {
  const dead = record(
    { a: { status: 'failed', attempts: 3, redrives: 1, steps: { s: '1' } }, b: { status: 'done' } },
    { status: 'dead' },
  )

  test('takes back just the runs that its dead letter names, with attempts afresh and steps kept', () => {
    const failure = deadLetter([{ name: 'a', redrives: 1 }])
    expect(plan({ names: ['a', 'b'], record: dead, failure })).toMatchObject({
      start: ['a'],
      claim: { runs: { a: { status: 'pending', attempts: 1, redrives: 2, steps: { s: '1' } } } },
    })
  })

  test('that comes back a second time takes back nothing', () => {
    for (const redrives of [0, 2])
      expect(plan({ record: dead, failure: deadLetter([{ name: 'a', redrives }]) })).toEqual({
        kind: 'finished',
      })
  })

  test('of a whole event works once', () => {
    const whole = record({}, { status: 'dead', redrives: 1 })
    expect(plan({ record: whole, failure: deadLetter([], 1) })).toMatchObject({
      start: ['a'],
      claim: { redrives: 2 },
    })
    expect(plan({ record: whole, failure: deadLetter([], 0) })).toEqual({ kind: 'finished' })
  })

  test('a plain duplicate of a dead event takes back nothing', () => {
    expect(plan({ record: dead })).toEqual({ kind: 'finished' })
  })
})

describe('a replay', () => {
  const steps = { s: '1' }
  const runs = {
    a: { status: 'done', attempts: 1, steps },
    b: { status: 'failed', attempts: 3, redrives: 1, steps },
    c: { status: 'skipped' },
  } as const
  const dead = record(runs, { status: 'dead' })
  const replay = (named: Replay['runs'], more: Partial<Replay> = {}): Replay => ({
    runs: named,
    redrives: 0,
    ...more,
  })

  test('takes back just the settled runs that it names, with attempts afresh and steps kept', () => {
    const asked = replay([
      { name: 'b', redrives: 1 },
      { name: 'c', redrives: 0 },
    ])
    const planned = plan({ names: ['a', 'b', 'c'], record: dead, replay: asked })
    expect(planned).toMatchObject({
      start: ['b', 'c'],
      claim: {
        status: 'open',
        redrives: 0,
        runs: { b: { attempts: 1, redrives: 2, steps }, c: { redrives: 1 } },
      },
    })
    expect(planned).not.toHaveProperty('claim.runs.a')
  })

  test('of a run that was done does its steps anew', () => {
    const asked = replay([{ name: 'a', redrives: 0 }])
    expect(plan({ names: ['a'], record: dead, replay: asked })).toMatchObject({
      start: ['a'],
      claim: { runs: { a: { status: 'pending', attempts: 1, redrives: 1, steps: {} } } },
    })
  })

  test('that comes a second time, or after a redrive, takes back nothing', () => {
    for (const redrives of [0, 2])
      expect(plan({ record: dead, replay: replay([{ name: 'b', redrives }]) })).toEqual({ kind: 'finished' })
  })

  test('leaves a run alone that is under way', () => {
    const open = record({ a: { attempts: 1, nextAt: NOW + 9, steps } })
    expect(plan({ record: open, replay: replay([{ name: 'a', redrives: 0 }]) })).toEqual({
      kind: 'wait',
      reason: 'not_due',
      until: NOW + 9,
    })
  })

  test('waits for whoever holds the lease', () => {
    const leased = record(runs, { status: 'dead', leaseUntil: NOW + 1 })
    expect(plan({ record: leased, replay: replay([{ name: 'b', redrives: 1 }]) })).toMatchObject({
      kind: 'wait',
      reason: 'leased',
    })
  })

  test('starts automations that were deployed since, once, unless it is for another one alone', () => {
    const done = record({ a: { status: 'done' } }, { status: 'done' })
    const started = plan({ names: ['a', 'new'], record: done, replay: replay([]) })
    expect(started).toMatchObject({
      start: ['new'],
      claim: { status: 'open', runs: { new: { attempts: 1 } } },
    })
    const after = record({ a: { status: 'done' }, new: { status: 'done' } }, { status: 'done' })
    expect(plan({ names: ['a', 'new'], record: after, replay: replay([]) })).toEqual({ kind: 'finished' })
    for (const [only, start] of [
      ['new', ['new']],
      ['a', undefined],
    ] as const) {
      const planned = plan({
        names: ['a', 'new', 'other'],
        record: done,
        replay: replay([], { only: [only] }),
      })
      expect(planned).toMatchObject(start ? { start } : { kind: 'finished' })
    }
  })

  test('of a done event without force does nothing', () => {
    const done = record({ a: { status: 'done' } }, { status: 'done' })
    expect(plan({ record: done, replay: replay([]) })).toEqual({ kind: 'finished' })
  })

  test('of an event that is dead as a whole works once, like a redrive', () => {
    const whole = record({}, { status: 'dead', redrives: 1 })
    expect(plan({ record: whole, replay: replay([], { redrives: 1 }) })).toMatchObject({
      start: ['a'],
      claim: { redrives: 2 },
    })
    expect(plan({ names: [], record: whole, replay: replay([], { redrives: 0 }) })).toEqual({
      kind: 'finished',
    })
    expect(plan({ names: ['b'], record: dead, replay: replay([]) })).toEqual({ kind: 'finished' })
  })

  test('of an event whose record has expired is as a new event', () => {
    const asked = replay([{ name: 'a', redrives: 3 }])
    expect(plan({ names: ['a', 'b'], replay: asked })).toMatchObject({ start: ['a', 'b'] })
    expect(plan({ names: ['a', 'b'], replay: { ...asked, only: ['b'] } })).toMatchObject({ start: ['b'] })
  })

  test('never touches a run that is unnamed, pending or counted otherwise, and its copy takes back nothing', () => {
    const names = ['a', 'b', 'c']
    const run = fc.record({
      status: fc.constantFrom('pending', 'done', 'skipped', 'failed'),
      redrives: fc.integer({ min: 0, max: 2 }),
      attempts: fc.constant(1),
    })
    const named = fc.uniqueArray(
      fc.record({ name: fc.constantFrom(...names, 'gone'), redrives: fc.integer({ min: 0, max: 2 }) }),
      { selector: ({ name }) => name },
    )
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), run), named, (runs, asked) => {
        const seen = record(runs)
        const before = { ...seen, status: statusOf(seen.runs) }
        const input = { names, record: before, replay: replay(asked), concerned: [] }
        // Whoever asks names settled runs only; see lib/operations/replay.ts.
        const copied = replay(asked.filter(({ name }) => before.runs[name] && isSettled(before.runs[name])))
        const planned = plan(input)
        if (planned.kind !== 'claim') return
        for (const [name, was] of Object.entries(before.runs)) {
          const isNamed = asked.some(one => one.name === name && one.redrives === was.redrives)
          const isTaken = isSettled(was) && isNamed
          expect(planned.runs[name]?.redrives).toBe(was.redrives + (isTaken ? 1 : 0))
          if (isSettled(was) && !isTaken) expect(planned.runs[name]).toEqual(was)
        }
        const settled = Object.fromEntries(
          Object.entries(planned.runs).map(([name, one]) => [name, { ...one, status: 'done' as const }]),
        )
        expect(
          plan({ ...input, replay: copied, record: { ...before, runs: settled, status: 'done' } }),
        ).toEqual({
          kind: 'finished',
        })
      }),
    )
  })
})
