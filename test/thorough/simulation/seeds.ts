import { planOf } from './plan.ts'
import { replay, report } from './replay.ts'
import { brokenBy, type Outcome, simulate } from './simulate.ts'

/**
 * Runs seeds one after the other.
 * @throws Error that describes the least that breaks an invariant, where a seed does
 */
export async function runSeeds(seeds: readonly number[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for (const seed of seeds) {
    const outcome = await simulate(planOf(seed), { impatient: true })
    if (brokenBy(outcome)) throw new Error(report(await replay(seed)))
    outcomes.push(outcome)
  }
  return outcomes
}

/** Every kind of fault that strikes in a simulation, by its name in the figures. */
export const FAULTS = [
  'Box authorisation withdrawn',
  'Box conflict',
  'Box content not ready',
  'Box failed',
  'Box lookup slow',
  'Box throttled',
  'Box token slow',
  'Box tokens revoked',
  'Box unheard',
  'answer lost',
  'delivery lost',
  'event source paused',
  'outage of Box',
  'outage of DynamoDB',
  'outage of SQS',
  'outage of Secrets Manager',
  'process blocked',
  'process frozen',
  'process killed',
  'process timed out',
  'redriven',
  'rejection unhandled',
  'replayed',
  'request lost',
  'response lost',
  'service error',
  'service given up',
  'service throttled',
  'stranger on the queue',
]
