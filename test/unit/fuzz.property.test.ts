import { readdirSync, readFileSync } from 'node:fs'
import { expect, inject, test } from 'vitest'
import { runs } from '../support/seed.ts'
import { BOUNDARIES } from '../thorough/fuzz/boundaries.ts'

test.each(BOUNDARIES.map(boundary => [boundary.name, boundary] as const))(
  'whatever comes, it holds at the boundary %s',
  async (_, boundary) => {
    const { numRuns } = runs(boundary.quickCases)
    const { cases, failure } = await boundary.check({ cases: numRuns, seed: inject('seed') })
    expect(failure?.report).toBeUndefined()
    expect(cases).toBe(numRuns)
  },
)

test('every boundary that a file declares is fuzzed', () => {
  const folder = new URL('../thorough/fuzz/', import.meta.url)
  const declared = readdirSync(folder).flatMap(file => [
    ...readFileSync(new URL(file, folder), 'utf8').matchAll(/= (?:asyncB|b)oundary\(\s*'([a-z0-9-]+)'/g),
  ])
  expect(BOUNDARIES.map(({ name }) => name).sort()).toEqual(declared.map(([, name]) => name).sort())
})
