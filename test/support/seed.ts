import fc from 'fast-check'
import { inject } from 'vitest'

/** The setup of every test file: properties start from the seed of the run. */
fc.configureGlobal({ seed: inject('seed') })

/** How often a long property is tried: so often in the thorough suite, and a tenth of that in the fast one. */
export const runs = (thorough: number): { readonly numRuns: number } => ({
  numRuns: Math.ceil(thorough * inject('runsShare')),
})
