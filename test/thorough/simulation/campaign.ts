import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Figures, Outcome } from './simulate.ts'

/** What a worker is to do: every `stride`-th seed from `first` on, until it is stopped or has done so many. */
export type Stint = {
  readonly first: number
  readonly stride: number
  readonly seeds: number
  /** Milliseconds since the epoch; no further seed is begun after it. */
  readonly until: number
}

export type CampaignOptions = {
  readonly first: number
  readonly seeds: number
  readonly until: number
  readonly onProgress?: (total: Total) => void
}

/** The figures of all seeds so far. */
export type Total = {
  seeds: number
  readonly figures: { -readonly [name in Exclude<keyof Figures, 'faults'>]: number }
  readonly faults: Record<string, number>
  readonly failed: Outcome[]
}

/** Runs seeds on all cores; stops at the first that breaks an invariant. */
export async function runCampaign(options: CampaignOptions): Promise<Total> {
  const total: Total = { seeds: 0, figures: noFigures(), faults: {}, failed: [] }
  const stride = availableParallelism()
  const workers = Array.from({ length: stride }, (_, index) => {
    const seeds = Math.ceil((options.seeds - index) / stride)
    const workerData: Stint = { first: options.first + index, stride, seeds, until: options.until }
    return new Worker(new URL('campaign-worker.ts', import.meta.url), { workerData })
  })
  const stop = () => Promise.all(workers.map(worker => worker.terminate()))
  await Promise.all(
    workers.map(
      worker =>
        new Promise<void>((resolve, reject) => {
          worker.on('message', (outcome: Outcome) => {
            add(total, outcome)
            options.onProgress?.(total)
            if (outcome.violations.length > 0) void stop()
          })
          worker.on('error', reject)
          worker.on('exit', () => resolve())
        }),
    ),
  )
  return total
}

const noFigures = (): Total['figures'] => ({
  deliveries: 0,
  forgeries: 0,
  events: 0,
  attempts: 0,
  effects: 0,
  repeats: 0,
  deadLetters: 0,
  checks: 0,
  logLines: 0,
  happenings: 0,
  virtualMs: 0,
})

function add(total: Total, outcome: Outcome): void {
  const { faults, ...figures } = outcome.figures
  total.seeds += 1
  for (const name of figureNames) total.figures[name] += figures[name]
  for (const [kind, count] of Object.entries(faults)) total.faults[kind] = (total.faults[kind] ?? 0) + count
  if (outcome.violations.length > 0) total.failed.push(outcome)
}

const figureNames = [
  'deliveries',
  'forgeries',
  'events',
  'attempts',
  'effects',
  'repeats',
  'deadLetters',
  'checks',
  'logLines',
  'happenings',
  'virtualMs',
] as const satisfies readonly (keyof Total['figures'])[]
