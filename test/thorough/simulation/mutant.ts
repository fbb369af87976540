import type { Invariant } from './invariants.ts'
import type { Rates, Times } from './plan.ts'

/** A deliberate bug: what it breaks, and the one place in lib/ where it is put. */
export type Mutant = {
  readonly name: string
  readonly file: string
  /** Occurs exactly once in the file, white space included. */
  readonly find: string
  readonly replace: string
  /** The invariant that it must break, where one is its own; any by default. */
  readonly breaks?: Invariant
  /** How many seeds the simulation may need to find it. */
  readonly seedsMax: number
  /** What is turned up in each seed's plan, where the bug needs a rare meeting of faults. */
  readonly turnedUp?: Partial<Rates>
  readonly times?: Partial<Times>
}
