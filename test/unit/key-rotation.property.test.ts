import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SETTLE_MS_MIN } from '../../lib/key-rotation.ts'
import { type Guide, type Happening, type Mistake, play } from '../support/rotation-model.ts'
import { runs } from '../support/seed.ts'

const seconds = fc.constantFrom(1, 5, 9, 30, 120, 310, 600)
const instance = fc.nat(2)

/** Deliveries take as long as ten minutes, less a second for the model's own steps. */
const send = fc.record({
  kind: fc.constant('send' as const),
  delaySeconds: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 599 })),
  instance,
})
const happening = (mistakes: readonly Mistake[]): fc.Arbitrary<Happening> =>
  fc.oneof(
    { weight: 4, arbitrary: send },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('advance' as const), seconds }) },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('operate' as const),
        mistake: fc.constantFrom('none' as const, 'none' as const, ...mistakes),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), instance }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('outage' as const), on: fc.boolean() }) },
  )
const happenings = (mistakes: readonly Mistake[] = []) =>
  fc.array(happening(mistakes), { minLength: 10, maxLength: 60, size: 'max' })

const BOTH = ['other key reset', 'wrong key entered'] as const

describe('the guided rotation', { timeout: 120_000 }, () => {
  test('refuses no delivery at any moment, whoever is cut off when, and comes to its end', async () => {
    await fc.assert(
      fc.asyncProperty(happenings(), async list => {
        const { statuses, isOver, ours, box, rotations } = await play(list)
        expect(statuses).not.toContain(401)
        expect(isOver).toBe(true)
        expect(rotations).toBeGreaterThan(0)
        expect(ours).toEqual(box)
      }),
      runs(300),
    )
  })

  test('refuses none either where the other key is reset, or a wrong one is entered, and puts it right', async () => {
    await fc.assert(
      fc.asyncProperty(happenings(BOTH), async list => {
        const { statuses, isOver, ours, box } = await play(list)
        expect(statuses).not.toContain(401)
        expect(isOver).toBe(true)
        expect(ours).toEqual(box)
      }),
      runs(300),
    )
  })

  const wrong: readonly (readonly [string, Guide])[] = [
    [
      'does not wait until a new key has been seen',
      { bend: s => (s.kind === 'wait' ? { kind: 'ready', slot: s.slot, seen: 0 } : s) },
    ],
    [
      'relies on a key as soon as it was seen once',
      { bend: s => (s.kind === 'wait' && s.seen > 0 ? { kind: 'ready', slot: s.slot, seen: 1 } : s) },
    ],
    ['waits for caches, but not for deliveries under way', { settleMs: SETTLE_MS_MIN }],
    ['has both keys reset at once', { resetsBoth: true }],
    [
      'takes a key under the other header for seen',
      { bend: s => (s.kind === 'crossed' ? { kind: 'ready', slot: s.slot, seen: 1 } : s) },
    ],
    ['keeps a wrong key', { bend: s => (s.kind === 'wrong' ? { kind: 'ready', slot: s.slot, seen: 1 } : s) }],
  ]
  test.each(wrong)('a guide that %s is caught by the same test', async (_, guide) => {
    const found = await fc.check(
      fc.asyncProperty(happenings(BOTH), async list => {
        const { statuses, ours, box } = await play(list, guide)
        expect(statuses).not.toContain(401)
        expect(ours).toEqual(box)
      }),
      { ...runs(1000), endOnFailure: true },
    )
    expect(found.failed).toBe(true)
  })
})
