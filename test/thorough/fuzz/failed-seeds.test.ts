import { expect, test } from 'vitest'
import { FAILED_SEEDS } from '../failed-seeds.ts'
import { BOUNDARIES } from './boundaries.ts'

test.each(FAILED_SEEDS.fuzz)(
  'it holds at the boundary $boundary from seed $seed, which failed once',
  async ({ boundary: name, seed }) => {
    const boundary = BOUNDARIES.find(one => one.name === name)
    if (!boundary) throw new Error(`There is no boundary ${name}.`)
    const { failure } = await boundary.check({ cases: boundary.quickCases, seed })
    expect(failure?.report).toBeUndefined()
  },
)
