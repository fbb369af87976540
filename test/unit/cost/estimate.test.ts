import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DEFAULTS } from '../../../cli/cost/assumptions.ts'
import { cellOf } from '../../../cli/cost/cell.ts'
import { estimate } from '../../../cli/cost/estimate.ts'
import { beyondFreeTier } from '../../../cli/cost/free-tier.ts'
import { parsePrices, pricesOf } from '../../../cli/cost/prices.ts'
import { QUANTITY_NAMES, type Usage } from '../../../cli/cost/quantities.ts'
import { type EventTrace, parseTrace, type Trace } from '../../../cli/cost/trace.ts'
import { usageOf, type Workload } from '../../../cli/cost/usage.ts'
import { ROOT } from '../../../infra/bundle.ts'

const read = (name: string) => readFileSync(join(ROOT, 'cli', 'cost', name), 'utf8')
const prices = pricesOf(parsePrices(read('prices.json'), 'prices.json'), 'us-east-1')
const real = parseTrace(read('trace.json'))

/** A trace of round numbers, so that what follows from it can be computed by hand. */
const NOTHING = { requests: {}, sqsUnits: 0, writeUnits: 0, readUnits: 0, logLines: 0, logBytes: 0 }
const event = (automations: number, bodyBytes: number, writeUnits: number): EventTrace => ({
  automations,
  bodyBytes,
  ingest: { ...NOTHING, sqsUnits: 1, logLines: 1, logBytes: 174 },
  automate: { ...NOTHING, writeUnits, logLines: 2, logBytes: 348 },
  poller: { ...NOTHING, sqsUnits: 2 },
  quiet: { ingest: { logLines: 0, logBytes: 0 }, automate: { logLines: 0, logBytes: 0 } },
  bytes: { item: 700, index: 200, message: 2000 },
})
const trace: Trace = {
  measured: '2026-11-25',
  stack: {
    secrets: 2,
    alarms: 10,
    dashboards: 1,
    metrics: ['a', 'b'],
    polledQueues: 2,
    indexes: 2,
    reconciliationsPerMonth: 730,
    memoryMb: { ingest: 256, automate: 512, reconcile: 512 },
    logRetentionDays: 30,
    automateEvents: 5,
    accessLogBytes: 174,
    keepDays: 35,
  },
  peakMemoryMb: { ingest: 100, automate: 100 },
  events: [event(1, 2000, 4), event(3, 2000, 6), event(1, 8000, 8), event(3, 8000, 12)],
  extras: {
    coldStart: { ingest: NOTHING, automate: NOTHING },
    duplicate: { ingest: NOTHING, automate: { ...NOTHING, writeUnits: 1 }, poller: NOTHING },
    retry: { automate: { ...NOTHING, writeUnits: 2, readUnits: 1, sqsUnits: 1 }, poller: NOTHING },
    throttle: { automate: NOTHING, poller: NOTHING },
    batchOfTen: { automate: NOTHING, poller: NOTHING },
    reconcile: { ...NOTHING, readUnits: 1 },
  },
}
const PLAIN = {
  ...DEFAULTS,
  duplicateShare: 0,
  retryShare: 0,
  coldShare: 0,
  keptSeconds: Number.POSITIVE_INFINITY,
}
const MILLION: Workload = {
  events: 1_000_000,
  automations: 1,
  bodyBytes: 1500,
  logSampleRate: 1,
  memoryMb: trace.stack.memoryMb,
}

describe('what a month takes', () => {
  const usage = usageOf(MILLION, trace, PLAIN)

  test('of requests and units is what the trace has of one event, as often as there are events', () => {
    expect(usage.httpRequests).toEqual({ fixed: 0, forEvents: 1_000_000 })
    // One to send, one to receive, one to delete.
    expect(usage.queueRequests.forEvents).toBe(3_000_000)
    expect(usage.writeUnits).toEqual({ fixed: 0, forEvents: 4_000_000 })
    expect(usage.readUnits).toEqual({ fixed: 730, forEvents: 0 })
    // 2 queues × 5 pollers × 730 h × 180 an hour.
    expect(usage.idlePolls).toEqual({ fixed: 1_314_000, forEvents: 0 })
  })

  test('of Lambda is memory by time', () => {
    expect(usage.ingestGbSeconds.forEvents).toBeCloseTo(1e6 * 0.02 * 0.25, 6)
    expect(usage.automateGbSeconds.forEvents).toBeCloseTo(1e6 * 0.3 * 0.5, 6)
    const busy = usageOf(MILLION, trace, { ...PLAIN, batch: 10 })
    expect(busy.automateInvocations.forEvents).toBe(100_000)
    // Five of ten events at a time: two rounds.
    expect(busy.automateGbSeconds.forEvents).toBeCloseTo(1e5 * 0.6 * 0.5, 6)
    expect(busy.queueRequests.forEvents).toBe(1_000_000 + 200_000)
  })

  test('of logs is every line with its 26 bytes, Lambda’s own three, and the access log', () => {
    const platform = 290 + 3 * 26
    const bytes = 200 + 2 * platform + (174 + 26) + (348 + 2 * 26)
    expect(usage.logGb.forEvents).toBeCloseTo((1e6 * bytes) / 2 ** 30, 9)
    const quiet = usageOf({ ...MILLION, logSampleRate: 0.1 }, trace, PLAIN)
    expect(quiet.logGb.forEvents).toBeCloseTo((1e6 * (200 + 2 * platform + 60)) / 2 ** 30, 9)
  })

  test('of what comes again is what the trace has of it', () => {
    const again = usageOf(MILLION, trace, { ...PLAIN, duplicateShare: 0.1, retryShare: 0.2 })
    expect(again.httpRequests.forEvents).toBe(1_100_000)
    expect(again.writeUnits.forEvents).toBe(4_000_000 + 100_000 + 2 * 200_000)
    expect(again.readUnits.forEvents).toBe(200_000)
    expect(again.automateInvocations.forEvents).toBe(1_300_000)
  })

  test('is billed in whole units: 64 KB received at a time, 512 KB at the front door', () => {
    const large = {
      ...trace,
      events: [{ ...event(1, 600_000, 4), bytes: { item: 700, index: 200, message: 65_537 } }],
    }
    const more = usageOf({ ...MILLION, bodyBytes: 600_000 }, large, PLAIN)
    expect(more.queueRequests.forEvents).toBe(4_000_000)
    expect(more.httpRequests.forEvents).toBe(2_000_000)
  })
})

describe('the cell of the trace', () => {
  test('is that of the next larger body, and between two numbers of automations what lies between', () => {
    expect(cellOf(trace.events, 1, 2001).automate.writeUnits).toBe(8)
    expect(cellOf(trace.events, 2, 100).automate.writeUnits).toBe(5)
    expect(cellOf(trace.events, 3, 2000).automate.writeUnits).toBe(6)
  })

  test('does not go beyond what was measured', () => {
    expect(() => cellOf(trace.events, 4, 100)).toThrow('from 1 to 3 automations')
    expect(() => cellOf(trace.events, 1, 9000)).toThrow('up to 8000 bytes')
  })
})

describe('the estimate', () => {
  test('is amounts by prices, as by hand', () => {
    const { components, fixedUsd, totalUsd, perMillionUsd } = estimate(
      usageOf(MILLION, trace, PLAIN),
      prices,
      MILLION.events,
    )
    const of = (name: string) => components.find(({ component }) => component === name)
    expect(of('front door')?.eventsUsd).toBeCloseTo(1, 9)
    expect(of('queue')?.eventsUsd).toBeCloseTo(1.2, 9)
    expect(of('queue')?.fixedUsd).toBeCloseTo(0.5256, 9)
    expect(of('automate')?.eventsUsd).toBeCloseTo(0.2 + 150_000 * 0.0000133334, 9)
    expect(of('monitoring')?.fixedUsd).toBeCloseTo(10 * 0.1 + 2 * 0.3 + 3, 9)
    expect(of('secrets')?.fixedUsd).toBeCloseTo(0.8 + (730 * 5) / 1e6, 9)
    expect(totalUsd).toBeCloseTo(fixedUsd + perMillionUsd, 9)
  })

  const workload = fc.record({
    events: fc.integer({ min: 0, max: 1e9 }),
    automations: fc.double({ min: 0, max: 20, noNaN: true }),
    bodyBytes: fc.integer({ min: 0, max: 65_000 }),
    logSampleRate: fc.double({ min: 0, max: 1, noNaN: true }),
    memoryMb: fc.constant(real.stack.memoryMb),
  })
  const costOf = (one: Workload) => estimate(usageOf(one, real, DEFAULTS), prices, one.events)

  test('is a number whatever is asked, never less for more events, and its parts add up', () => {
    fc.assert(
      fc.property(workload, fc.integer({ min: 1, max: 1e6 }), (one, more) => {
        const less = costOf(one)
        expect(Number.isFinite(less.totalUsd)).toBe(true)
        expect(costOf({ ...one, events: one.events + more }).totalUsd).toBeGreaterThan(less.totalUsd)
        const sum = less.components.reduce((total, part) => total + part.fixedUsd + part.eventsUsd, 0)
        expect(sum).toBeCloseTo(less.totalUsd, 6)
        for (const { lines } of less.components)
          for (const line of lines) expect(Math.min(line.fixedUsd, line.eventsUsd)).toBeGreaterThanOrEqual(0)
      }),
    )
  })

  test('of no event is what is fixed, and the same whatever the events would be like', () => {
    fc.assert(
      fc.property(workload, one => {
        const none = costOf({ ...one, events: 0 })
        expect(none.eventsUsd).toBe(0)
        expect(none.perMillionUsd).toBe(0)
        expect(none.fixedUsd).toBeCloseTo(costOf(one).fixedUsd, 9)
      }),
    )
  })

  test('is not more with fewer logs, nor with less memory', () => {
    fc.assert(
      fc.property(workload, one => {
        const full = { ...one, logSampleRate: 1 }
        expect(costOf({ ...full, logSampleRate: 0 }).totalUsd).toBeLessThanOrEqual(costOf(full).totalUsd)
        const larger = { ...one.memoryMb, automate: one.memoryMb.automate * 2 }
        expect(costOf(one).totalUsd).toBeLessThanOrEqual(costOf({ ...one, memoryMb: larger }).totalUsd)
      }),
    )
  })

  test('of ten events in a batch is what the trace has measured of such a batch', () => {
    const { batchOfTen } = real.extras
    const ten = usageOf({ ...MILLION, events: 10 }, real, { ...PLAIN, batch: 10 })
    expect(ten.writeUnits.forEvents).toBe(batchOfTen.automate.writeUnits)
    expect(ten.queueRequests.forEvents).toBe(10 + batchOfTen.poller.sqsUnits)
    expect(ten.automateInvocations.forEvents).toBe(1)
  })
})

describe('the free tier', () => {
  test('takes each allowance once, for what is fixed first', () => {
    const usage = usageOf(MILLION, trace, PLAIN)
    const left = beyondFreeTier(usage)
    // 2,000,730 invocations in all, of which a million are free.
    const invocations = ['ingestInvocations', 'automateInvocations', 'reconcileInvocations'] as const
    const sum = (of: Usage) =>
      invocations.reduce((total, name) => total + of[name].fixed + of[name].forEvents, 0)
    expect(sum(usage) - sum(left)).toBe(1_000_000)
    expect(left.idlePolls.fixed).toBe(314_000)
    expect(left.queueRequests.forEvents).toBe(3_000_000)
    expect([left.alarms.fixed, left.metrics.fixed, left.dashboards.fixed]).toEqual([0, 0, 0])
    expect(left.secrets).toEqual(usage.secrets)
  })

  test('never makes anything dearer, or less than nothing', () => {
    const amount = fc.record({
      fixed: fc.double({ min: 0, max: 1e9, noNaN: true }),
      forEvents: fc.double({ min: 0, max: 1e9, noNaN: true }),
    })
    fc.assert(
      fc.property(fc.array(amount, { minLength: 20, maxLength: 20 }), amounts => {
        const usage = {
          ...usageOf(MILLION, trace, PLAIN),
          ...Object.fromEntries(QUANTITY_NAMES.map((name, index) => [name, amounts[index]])),
        }
        const left = beyondFreeTier(usage)
        for (const name of QUANTITY_NAMES)
          for (const part of ['fixed', 'forEvents'] as const) {
            expect(left[name][part]).toBeGreaterThanOrEqual(0)
            expect(left[name][part]).toBeLessThanOrEqual(usage[name][part])
          }
      }),
    )
  })
})
