import { createHash } from 'node:crypto'
import { beforeAll, describe, expect, inject, test } from 'vitest'
import { FAILED_SEEDS } from '../failed-seeds.ts'
import { INVARIANTS } from './invariants.ts'
import { knobsOf, type Plan, planOf, shrink } from './plan.ts'
import { FAULTS, runSeeds } from './seeds.ts'
import { type Outcome, simulate } from './simulate.ts'

const { SIMULATION_SEED } = process.env

const FIXED = Array.from({ length: 80 }, (_, index) => index + 1)
const FRESH = { first: inject('seed'), seeds: 20 }

beforeAll(() => {
  Error.stackTraceLimit = 0
})

test.runIf(SIMULATION_SEED)(`seed ${SIMULATION_SEED} breaks no invariant`, { timeout: 600_000 }, async () => {
  await runSeeds([Number(SIMULATION_SEED)])
})

describe.skipIf(SIMULATION_SEED)('the simulation', { timeout: 180_000 }, () => {
  test('breaks no invariant with the fixed seeds, although every kind of fault strikes', async () => {
    const outcomes = await runSeeds(FIXED)
    const struck = new Set(outcomes.flatMap(({ figures }) => Object.keys(figures.faults)))
    expect([...struck].sort()).toEqual(FAULTS)
    const sum = (of: (outcome: Outcome) => number) => outcomes.reduce((so, one) => so + of(one), 0)
    expect(sum(({ figures }) => figures.repeats)).toBeGreaterThan(0)
    expect(sum(({ figures }) => figures.deadLetters)).toBeGreaterThan(0)
    expect(sum(({ figures }) => figures.deliveries)).toBeGreaterThan(3000)
  })

  test.each(FAILED_SEEDS.simulation)('breaks no invariant with seed %i, which broke one once', async seed => {
    await runSeeds([seed])
  })

  test(`breaks no invariant with ${FRESH.seeds} fresh seeds from ${FRESH.first} on`, async () => {
    await runSeeds(Array.from({ length: FRESH.seeds }, (_, index) => FRESH.first + index))
  })

  test('where nothing fails, nothing is done twice, and nothing is dead-lettered', async () => {
    const calm = Array.from({ length: 500 }, (_, index) => planOf(index)).filter(
      plan => knobsOf(plan).length === 0,
    )
    expect(calm.length).toBeGreaterThan(10)
    for (const plan of calm.slice(0, 15)) {
      const { violations, figures } = await simulate(plan)
      expect(violations).toEqual([])
      expect(figures).toMatchObject({ repeats: 0, deadLetters: 0, faults: {} })
    }
  })

  test.each([false, true])('the same seed does the same, line by line (with the SDK: %s)', async sdk => {
    const traceOf = async () => {
      const hash = createHash('sha256')
      await simulate({ ...planOf(7), sdk }, { trace: line => void hash.update(line) })
      return hash.digest('hex')
    }
    expect(await traceOf()).toBe(await traceOf())
  })

  test('the SDK’s calls reach the emulated Box, and survive that its tokens end', async () => {
    const revoked = Array.from({ length: 200 }, (_, index) => planOf(index)).filter(
      ({ times, rates }) => times.revokedTokens > 0 && rates.kills === 0,
    )
    for (const plan of revoked.slice(0, 5)) {
      const { violations, figures } = await simulate({ ...plan, sdk: true })
      expect(violations).toEqual([])
      expect(figures.faults['Box tokens revoked']).toBe(plan.times.revokedTokens)
    }
  })
})

describe.skipIf(SIMULATION_SEED)('a failing plan', () => {
  test('is made as small as it can be and still fail', async () => {
    const plan = planOf(2)
    const fails = async ({ events, rates }: Plan) => events >= 3 && rates.crashes > 0
    const smallest = await shrink({ ...plan, rates: { ...plan.rates, crashes: 0.5 } }, fails)
    expect(smallest).toMatchObject({ events: 3, automations: 1, nested: false, sdk: false, seconds: 1 })
    expect(knobsOf(smallest)).toEqual(['rates.crashes'])
  })
})

test('every invariant is a sentence', () => {
  for (const sentence of Object.values(INVARIANTS)) expect(sentence).toMatch(/^[A-Z].*\.$/)
})
