import fc from 'fast-check'
import { boundary } from './boundary.ts'

/** A boundary at which something does not hold, and one at which it does, for the fuzzer's own tests. */
export const BOUNDARIES = [
  boundary('small', { weight: 1, quickCases: 1 }, fc.nat(), number => {
    if (number >= 1000) throw new Error(`${number} is not small`)
  }),
  boundary('any', { weight: 3, quickCases: 1 }, fc.nat(), () => {}),
]
