import { randomInt } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { ROOT } from '../../infra/build/bundle.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where this run's test files leave for each other what they have packaged; see packaged.ts. */
    packagedIn: string
    /** Where everything random in the tests starts from. */
    seed: number
    /** The part of a long property's runs that there is; see seed.ts. */
    runsShare: number
  }
}

const FIXED_SEED = 20261123

/** One for all projects of a run. */
const packagedIn = join(ROOT, '.boxhooks', `test-run-${process.pid}-${Math.round(performance.timeOrigin)}`)

/** Gives the tests of the fast suite always the same seed, and those of the thorough one a fresh seed, or THOROUGH_SEED. */
export default function setup(project: TestProject): () => Promise<void> {
  const isThorough = project.name === 'thorough'
  const seed = isThorough ? freshSeed() : FIXED_SEED
  if (isThorough) console.log(`thorough seed ${seed}; again with THOROUGH_SEED=${seed}`)
  project.provide('packagedIn', packagedIn)
  project.provide('seed', seed)
  project.provide('runsShare', isThorough ? 1 : 0.1)
  return () => rm(packagedIn, { recursive: true, force: true })
}

function freshSeed(): number {
  const { THOROUGH_SEED } = process.env
  if (!THOROUGH_SEED) return randomInt(1_000_000_000)
  if (/^\d{1,9}$/.test(THOROUGH_SEED)) return Number(THOROUGH_SEED)
  throw new Error(`THOROUGH_SEED is ${THOROUGH_SEED}. It must be a whole number below 1,000,000,000.`)
}
