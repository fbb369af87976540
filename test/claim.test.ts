import { describe, expect, test } from 'vitest'
import { type ClaimInput, LEASE_MARGIN_MS, planClaim } from '../lib/claim.ts'
import type { Failure } from '../lib/message.ts'
import { type EventRecord, FRESH_RUN, type RunRecord } from '../lib/record.ts'
import { DEFAULT_RETRY } from '../lib/retry.ts'

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

const record = (
  runs: Record<string, Partial<RunRecord>>,
  change: Partial<EventRecord> = {},
): EventRecord => ({
  eventId: 'e',
  deliveryId: 'd',
  trigger: 'FILE.DOWNLOADED',
  source: 'file:1',
  receivedAt: '',
  origin: 'webhook',
  status: 'open',
  version: 4,
  leaseToken: 'old',
  leaseUntil: 0,
  redrives: 0,
  runs: Object.fromEntries(Object.entries(runs).map(([name, run]) => [name, { ...FRESH_RUN, ...run }])),
  ...change,
})

function plan(change: Partial<ClaimInput> & { names?: string[] } = {}) {
  const automations = (change.names ?? ['a']).map(bound)
  const planned = planClaim({
    record: undefined,
    concerned: automations,
    deployed: automations,
    skipped: () => undefined,
    failure: undefined,
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
    expect(plan({ skipped: () => ({ skip: 'why not' }) })).toMatchObject({
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
