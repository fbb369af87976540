import { parentPort, workerData } from 'node:worker_threads'
import type { Stint } from './campaign.ts'
import { planOf } from './plan.ts'
import { simulate } from './simulate.ts'

async function work(
  port: NonNullable<typeof parentPort>,
  { first, stride, seeds, until }: Stint,
): Promise<void> {
  // A stack trace for each simulated failure would cost more than the failure itself.
  Error.stackTraceLimit = 0
  for (let count = 0; count < seeds && Date.now() < until; count += 1)
    port.postMessage(await simulate(planOf(first + count * stride), { impatient: true }))
}

if (parentPort) {
  await work(parentPort, workerData)
  process.exit(0)
}
