import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bucketsOf, latencyOf, percentile } from '../../../local/inspector/plot-data.ts'
import type { EventSummary } from '../../../local/inspector/protocol.ts'

const NOW = 1_000_000

describe('the plots’ data', () => {
  test('counts deliveries by their answer, in the stretch they came in', () => {
    const deliveries = [
      { at: NOW - 950, status: 202 },
      { at: NOW - 950, status: 401 },
      { at: NOW - 50, status: 503 },
      { at: NOW - 50, status: 0 },
      { at: NOW - 5000, status: 202 },
    ]
    expect(bucketsOf(deliveries, NOW, { count: 2, ms: 500 })).toEqual([
      { at: NOW - 1000, good: 1, refused: 1, failed: 0 },
      { at: NOW - 500, good: 0, refused: 0, failed: 2 },
    ])
  })

  test('loses no delivery that came in time', () => {
    const delivery = fc.record({ at: fc.integer({ min: NOW - 59_999, max: NOW }), status: fc.nat(599) })
    fc.assert(
      fc.property(fc.array(delivery), deliveries => {
        const buckets = bucketsOf(deliveries, NOW, { count: 60, ms: 1000 })
        const counted = buckets.reduce((sum, { good, refused, failed }) => sum + good + refused + failed, 0)
        expect(counted).toBe(deliveries.length)
      }),
    )
  })

  test('takes an event’s end once, however many deliveries it had', () => {
    const event: EventSummary = {
      eventId: 'e',
      trigger: 'FILE.DOWNLOADED',
      item: '',
      status: 'done',
      firstAt: 100,
      finishedAt: 350,
      deliveries: [],
    }
    const delivery = { seq: 1, at: 100, ms: 20, attempt: 1, status: 202, code: 'accepted' }
    const rows = [
      { key: '2', event, delivery: { ...delivery, seq: 2, at: 200, ms: 30 } },
      { key: '1', event, delivery },
    ]
    const { answers, ends } = latencyOf(rows)
    expect(answers.map(({ ms }) => ms)).toEqual([30, 20])
    expect(ends).toMatchObject([{ at: 350, ms: 250 }])
  })

  test('a percentile is a value that is there, with its share at or below it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(), { minLength: 1 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (values, share) => {
          const found = percentile(values, share)
          expect(values).toContain(found)
          const below = values.filter(value => value <= found).length
          expect(below).toBeGreaterThanOrEqual(Math.ceil(share * values.length))
        },
      ),
    )
    expect(percentile([], 0.5)).toBe(0)
  })
})
