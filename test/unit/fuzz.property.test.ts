import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { BOUNDARIES } from '../thorough/fuzz/boundaries.ts'

/** Another one with each run, as fast-check's own; a failure names it. */
const SEED = Date.now() % 2 ** 31

test.each(BOUNDARIES.map(boundary => [boundary.name, boundary] as const))(
  'whatever comes, it holds at the boundary %s',
  async (_, boundary) => {
    const { cases, failure } = await boundary.check({ cases: boundary.quickCases, seed: SEED })
    expect(failure?.report).toBeUndefined()
    expect(cases).toBe(boundary.quickCases)
  },
)

test('every boundary that a file declares is fuzzed', () => {
  const folder = new URL('../thorough/fuzz/', import.meta.url)
  const declared = readdirSync(folder).flatMap(file => [
    ...readFileSync(new URL(file, folder), 'utf8').matchAll(/= (?:asyncB|b)oundary\(\s*'([a-z0-9-]+)'/g),
  ])
  expect(BOUNDARIES.map(({ name }) => name).sort()).toEqual(declared.map(([, name]) => name).sort())
})
