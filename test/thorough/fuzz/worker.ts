import { parentPort, workerData } from 'node:worker_threads'
import type { Boundary } from './boundary.ts'
import type { Done, Task } from './runner.ts'

const { BOUNDARIES }: { BOUNDARIES: readonly Boundary[] } = await import(String(workerData))

/** Tries what it is sent, one task after the other. */
parentPort?.on('message', async ({ name, ...run }: Task) => {
  const boundary = BOUNDARIES.find(one => one.name === name)
  if (!boundary) throw new Error(`This worker has no boundary ${name}.`)
  const startedAt = performance.now()
  const result = await boundary.check(run)
  const done: Done = { ...result, name, seconds: (performance.now() - startedAt) / 1000 }
  parentPort?.postMessage(done)
})
