import type { Rig } from './rig.ts'
import type { PlannedFault } from './storm.ts'
import type { Verdict } from './verdict.ts'

/** What happened, in numbers: name → figure. */
export function figuresOf(
  { witness, workers, door }: Rig,
  { repeats, inFlight, repeatedDeadLetters }: Verdict,
  plan: readonly PlannedFault[],
): readonly (readonly [string, string | number])[] {
  const cuts = plan.flatMap(fault => {
    if (fault.kind === 'cut') return [`${fault.service} ${fault.how}`]
    return fault.kind === 'cold-without-secrets' ? [`secrets ${fault.how}`] : []
  })
  return [
    ['events', witness.cases.size],
    ['deliveries', witness.deliveries],
    ['of which retries', witness.retries],
    ['answers', counted([...witness.answers])],
    ['effects', witness.effects],
    ['workers killed', workers.kills],
    ['workers killed because their time was up', workers.timeouts],
    ['workers stopped', workers.stops],
    ['ingest killed', door.kills],
    ['cuts', counted([...Map.groupBy(cuts, cut => cut)].map(([cut, all]) => [cut, all.length]))],
    ['effects repeated inside the window', counted(Object.entries(repeats))],
    ['calls in flight when their worker was stopped', inFlight],
    ['dead letters sent again inside the window', repeatedDeadLetters],
  ]
}

const counted = (counts: readonly (readonly [string, number])[]): string =>
  counts.map(([name, count]) => `${name} ×${count}`).join(', ') || 'none'
