import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Boundary, BoundaryResult, BoundaryRun } from './boundary.ts'

export type FuzzOptions = {
  /** How many cases in all, shared out among the boundaries by their weights. */
  readonly cases: number
  readonly seed: number
  /** Only the boundary with this name. */
  readonly only?: string | undefined
  /** Only the case at this path, as a failure has named it with its seed. */
  readonly path?: string | undefined
  /** Where the boundaries are: a module that exports BOUNDARIES. */
  readonly module: URL
  /** Told of each part that is done. */
  readonly onProgress?: (totals: readonly Total[]) => void
}

export type Total = {
  readonly name: string
  readonly planned: number
  cases: number
  /** Of one core's time. */
  seconds: number
  failure?: NonNullable<BoundaryResult['failure']>
}

/** What a worker is asked to do, and what it answers. */
export type Task = BoundaryRun & { readonly name: string }
export type Done = BoundaryResult & { readonly name: string; readonly seconds: number }

export class NoSuchBoundary extends Error {
  override readonly name = 'NoSuchBoundary'

  constructor(wanted: string, names: readonly string[]) {
    super(`There is no boundary ${JSON.stringify(wanted)}. There are ${names.join(', ')}.`)
  }
}

/** How many cases a worker tries in one go; each go has a seed of its own. */
const PART_CASES = 5000

/**
 * Tries every boundary on all cores. A boundary that fails is not tried any further; the others are.
 * @throws NoSuchBoundary
 */
export async function fuzz(options: FuzzOptions): Promise<readonly Total[]> {
  const { BOUNDARIES }: { BOUNDARIES: readonly Boundary[] } = await import(options.module.href)
  const { only } = options
  const chosen = BOUNDARIES.filter(({ name }) => only === undefined || name === only)
  if (chosen.length === 0)
    throw new NoSuchBoundary(
      only ?? '',
      BOUNDARIES.map(({ name }) => name),
    )
  const weights = chosen.reduce((sum, { weight }) => sum + weight, 0)
  const totals = chosen.map(
    ({ name, weight }): Total => ({
      name,
      planned: Math.ceil((options.cases * weight) / weights),
      cases: 0,
      seconds: 0,
    }),
  )
  const tasks = totals.flatMap(total => partsOf(total, options))
  const workers = Array.from({ length: Math.min(availableParallelism(), tasks.length) }, () =>
    workOff(tasks, totals, options),
  )
  await Promise.all(workers)
  return totals
}

function partsOf({ name, planned }: Total, { seed, path }: FuzzOptions): Task[] {
  if (path !== undefined) return [{ name, cases: planned, seed, path }]
  return Array.from({ length: Math.ceil(planned / PART_CASES) }, (_, part) => ({
    name,
    cases: Math.min(PART_CASES, planned - part * PART_CASES),
    seed: (seed + part) | 0,
  }))
}

/** Gives one worker task after task, until there are none. */
async function workOff(tasks: Task[], totals: readonly Total[], options: FuzzOptions): Promise<void> {
  const worker = new Worker(new URL('worker.ts', import.meta.url), { workerData: options.module.href })
  try {
    for (let task = tasks.shift(); task; task = tasks.shift()) {
      const total = totals.find(({ name }) => name === task.name)
      if (!total || total.failure) continue
      const { cases, seconds, failure } = await answerTo(worker, task)
      total.cases += cases
      total.seconds += seconds
      if (failure) total.failure ??= failure
      options.onProgress?.(totals)
    }
  } finally {
    await worker.terminate()
  }
}

function answerTo(worker: Worker, task: Task): Promise<Done> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      worker.off('message', onMessage).off('error', onError)
      act()
    }
    const onMessage = (done: Done) => settle(() => resolve(done))
    const onError = (error: Error) => settle(() => reject(error))
    worker.on('message', onMessage).on('error', onError)
    worker.postMessage(task)
  })
}
