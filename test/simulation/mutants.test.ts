import { Worker } from 'node:worker_threads'
import { describe, expect, test } from 'vitest'
import type { Caught } from './mutant-worker.ts'
import { MUTANTS } from './mutants.ts'

/** Lets the simulation look for a bug in a thread of its own, into which the bug is loaded. */
function hunt(name: string): Promise<Caught> {
  const worker = new Worker(new URL('mutant-worker.ts', import.meta.url), { workerData: name })
  return new Promise((resolve, reject) => {
    worker.on('message', resolve)
    worker.on('error', reject)
    worker.on('exit', code => reject(new Error(`The worker ended with ${code}.`)))
  })
}

describe.skipIf(process.env.SIMULATION_SEED)('the simulation finds that', { timeout: 240_000 }, () => {
  test.concurrent.each(MUTANTS)('$name (within $seedsMax seeds)', async ({ name, seedsMax }) => {
    const { seeds, invariant } = await hunt(name)
    expect(invariant).toBeDefined()
    expect(seeds).toBeLessThanOrEqual(seedsMax)
  })
})

test('every mutant has a name of its own', () => {
  expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length)
})
