import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ROOT } from '../../../infra/build/bundle.ts'
import { hunt } from './hunt.ts'
import { INVARIANTS } from './invariants.ts'
import { MUTANTS } from './mutants.ts'

const guarantees = readFileSync(join(ROOT, 'docs', 'guarantees.md'), 'utf8')

describe.skipIf(process.env.SIMULATION_SEED)('the simulation finds that', { timeout: 240_000 }, () => {
  test.concurrent.each(MUTANTS)('$name (within $seedsMax seeds)', async ({ name, seedsMax }) => {
    const caught = await hunt(name)
    expect(caught.invariant).toBeDefined()
    expect(caught.seeds).toBeLessThanOrEqual(seedsMax)
  })
})

test('the guide lists every mutant, each under a name of its own, and every invariant', () => {
  const rows = [...guarantees.matchAll(/^\| (.*) \| `(\w+)` \| (\d+) \|$/gm)]
  expect(rows.map(([, name]) => name)).toEqual(MUTANTS.map(({ name }) => name))
  expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length)
  for (const [, , invariant] of rows) expect(Object.keys(INVARIANTS)).toContain(invariant)
  for (const [name, sentence] of Object.entries(INVARIANTS))
    expect(guarantees).toContain(`| \`${name}\` | ${sentence} |`)
})
