import { type Plan, planOf, shrink } from './plan.ts'
import { brokenBy, describe, type Outcome, simulate } from './simulate.ts'

export type Replay = {
  readonly outcome: Outcome
  /** The smallest plan of the seed that breaks the same invariant, and how; undefined where the seed holds. */
  readonly smallest?: Outcome
  /** What happened in the smallest plan up to the violation. */
  readonly trace: readonly string[]
}

/** Runs a seed again; where it breaks an invariant, finds the least that does. */
export async function replay(seed: number): Promise<Replay> {
  const outcome = await simulate(planOf(seed), { impatient: true })
  const invariant = brokenBy(outcome)
  if (invariant === undefined) return { outcome, trace: [] }
  const fails = async (plan: Plan) => brokenBy(await simulate(plan, { impatient: true })) === invariant
  const plan = await shrink(planOf(seed), fails)
  const trace: string[] = []
  const smallest = await simulate(plan, { impatient: true, trace: line => trace.push(line) })
  return { outcome, smallest, trace }
}

/** How many lines of a trace somebody reads. */
const TRACE_LINES = 60

/** Tells what a replay found, the end of the trace included. */
export function report({ outcome, smallest, trace }: Replay): string {
  if (!smallest) return describe(outcome)
  return [
    describe(outcome),
    '',
    'The least that breaks it:',
    describe(smallest),
    JSON.stringify(smallest.plan),
    '',
    ...trace.slice(-TRACE_LINES),
    '',
    `Again: npm run simulate -- --seed ${outcome.plan.seed}`,
  ].join('\n')
}
