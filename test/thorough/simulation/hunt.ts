import { Worker } from 'node:worker_threads'

/** What came of a mutant: how many seeds it took, and the invariant that broke first; undefined where none did. */
export type Caught = {
  readonly name: string
  readonly seeds: number
  readonly invariant: string | undefined
}

/** Lets the simulation look for a deliberate bug in a thread of its own, into which the bug is loaded. */
export function hunt(name: string): Promise<Caught> {
  const worker = new Worker(new URL('mutant-worker.ts', import.meta.url), { workerData: name })
  return new Promise((resolve, reject) => {
    worker.on('message', resolve)
    worker.on('error', reject)
    worker.on('exit', code => reject(new Error(`The worker ended with ${code}.`)))
  })
}

/** A line of the table in docs/guarantees.md. */
export const rowOf = ({ name, seeds, invariant }: Caught): string =>
  `| ${name} | \`${invariant ?? 'none'}\` | ${seeds} |`
