import { afterAll, beforeAll, expect, test } from 'vitest'
import { FAULTS, runSeeds } from '../thorough/simulation/seeds.ts'

/** Few and short, and yet every kind of fault strikes in them; the thorough suite runs many more. */
const SEEDS = [8, 20, 47, 58, 452, 523, 793, 913, 926, 1226]

const { stackTraceLimit } = Error
beforeAll(() => {
  // A stack trace for each simulated failure would cost more than the failure itself.
  Error.stackTraceLimit = 0
})
afterAll(() => {
  Error.stackTraceLimit = stackTraceLimit
})

test('breaks no invariant while every kind of fault strikes', async () => {
  const outcomes = await runSeeds(SEEDS)
  const struck = new Set(outcomes.flatMap(({ figures }) => Object.keys(figures.faults)))
  expect([...struck].sort()).toEqual(FAULTS)
  const sum = (of: 'repeats' | 'deadLetters' | 'deliveries') =>
    outcomes.reduce((so, { figures }) => so + figures[of], 0)
  expect(sum('repeats')).toBeGreaterThan(0)
  expect(sum('deadLetters')).toBeGreaterThan(0)
  expect(sum('deliveries')).toBeGreaterThan(200)
})
