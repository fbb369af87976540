import type { Invariant } from './invariants.ts'
import type { Plan, Rates, Times } from './plan.ts'

/** One change of a file in lib/. */
export type Edit = {
  readonly file: string
  /** Occurs exactly once in the file, white space included. */
  readonly find: string
  readonly replace: string
}

/** A deliberate bug: what it breaks, and the one place in lib/ where it is put. */
export type Mutant = Edit & {
  readonly name: string
  /** The second place, where lib/ does the same thing twice so that one of the two is enough. */
  readonly and?: Edit
  /** The invariant that it must break, where one is its own; any by default. */
  readonly breaks?: Invariant
  /** How many seeds the simulation may need to find it. */
  readonly seedsMax: number
  /** What is turned up in each seed's plan, where the bug needs a rare meeting of faults. */
  readonly turnedUp?: Partial<Rates>
  readonly times?: Partial<Times>
  /** What else of each seed's plan is set. */
  readonly plan?: Partial<Pick<Plan, 'events' | 'automations' | 'nested' | 'recorded' | 'backfills'>>
}
