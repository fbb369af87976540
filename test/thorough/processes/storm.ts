import { setTimeout as delay } from 'node:timers/promises'
import { LEASE_MARGIN_MS } from '../../../lib/automate/claim.ts'
import type { Random } from '../simulation/random.ts'
import { expectedOf, kindOf } from './expected.ts'
import { CUT_MS_MAX, CUTS, type Cut } from './proxy.ts'
import type { Rig } from './rig.ts'
import { until } from './until.ts'
import type { Worker } from './workers.ts'

/** Something that goes wrong. */
type Fault =
  /** Kills the worker at whose call it is this fault's turn: Box has done it, and the worker never hears of it. */
  | { readonly kind: 'kill-at-effect' }
  /** Kills whichever worker it meets after so many milliseconds. */
  | { readonly kind: 'kill-later'; readonly afterMs: number }
  /** Stops the worker at whose call it is this fault's turn until another has taken over, and then lets it go on. */
  | { readonly kind: 'stop' }
  | { readonly kind: 'cut'; readonly service: 'sqs' | 'dynamodb'; readonly how: Cut; readonly ms: number }
  | { readonly kind: 'kill-ingest' }
  /** Kills ingest and a worker while Secrets Manager is cut off, so that both start cold without their secrets. */
  | { readonly kind: 'cold-without-secrets'; readonly how: Cut; readonly ms: number }

/** A fault, and after how many effects in Box it is its turn. */
export type PlannedFault = Fault & { readonly afterEffects: number }

/** How many faults of each kind come to a thousand events; at least one of each. */
const PER_THOUSAND = {
  'kill-at-effect': 30,
  'kill-later': 30,
  stop: 10,
  cut: 16,
  'kill-ingest': 16,
  'cold-without-secrets': 6,
} as const satisfies Record<Fault['kind'], number>

const CUT_MS_MIN = 300
/** How long a stopped worker waits at most for another to take over, in milliseconds. */
const TAKE_OVER_MS = 30_000

/** Draws the faults for so many events; the same random numbers give the same plan. */
export function planStorm(random: Random, events: number): PlannedFault[] {
  const effects = Array.from({ length: events }, (_, number) => expectedOf(kindOf(number)).effects.length)
  const total = effects.reduce((sum, count) => sum + count, 0)
  const kinds = [
    'kill-at-effect',
    'kill-later',
    'stop',
    'cut',
    'kill-ingest',
    'cold-without-secrets',
  ] as const
  const plan = kinds.flatMap(kind => {
    const count = Math.max(1, Math.round((PER_THOUSAND[kind] * events) / 1000))
    return Array.from({ length: count }, () => ({
      ...faultOf(kind, random),
      // Towards the end nothing is delivered any more, and then nothing is worked on.
      afterEffects: Math.floor(random.between(0.02, kind.startsWith('k') ? 0.85 : 0.6) * total),
    }))
  })
  return plan.sort((one, other) => one.afterEffects - other.afterEffects)
}

function faultOf(kind: Fault['kind'], random: Random): Fault {
  const [how, ms] = [random.pick(CUTS), Math.round(random.between(CUT_MS_MIN, CUT_MS_MAX))]
  if (kind === 'cut') return { kind, service: random.pick(['sqs', 'dynamodb']), how, ms }
  if (kind === 'cold-without-secrets') return { kind, how, ms }
  if (kind === 'kill-later') return { kind, afterMs: random.int(500) }
  return { kind }
}

/** Downloads so many files while everything that can fail does, and waits until all faults are over. */
export async function runStorm(
  rig: Rig,
  plan: readonly PlannedFault[],
  events: number,
  say: (line: string) => void = () => {},
): Promise<void> {
  const waiting = [...plan]
  const effectsBefore = rig.witness.effects
  const underWay = new Set<Promise<void>>()
  const start = (fault: PlannedFault, worker: Worker) => {
    say(`${rig.witness.effects} effects: ${JSON.stringify(fault)} at ${worker.name}`)
    const running = inflict(rig, fault, worker)
      .catch((error: unknown) => rig.witness.surprise(String(error)))
      .finally(() => underWay.delete(running))
    underWay.add(running)
  }
  rig.onEffect((_, worker) => {
    const effects = rig.witness.effects - effectsBefore
    for (let next = waiting[0]; next && next.afterEffects <= effects; next = waiting[0]) {
      waiting.shift()
      start(next, worker)
    }
  })
  // What lost workers had comes back only after their leases; the others must have something to do meanwhile.
  await rig.download(events, Math.max(100, events / 10))
  await until('every fault has had its turn', 300_000, () => waiting.length === 0)
  while (underWay.size > 0) await Promise.all(underWay)
  rig.onEffect(() => {})
}

async function inflict(rig: Rig, fault: Fault, worker: Worker): Promise<void> {
  const { workers, services, door } = rig
  if (fault.kind === 'kill-at-effect') await workers.kill(worker)
  if (fault.kind === 'kill-later') {
    await delay(fault.afterMs)
    const [any] = workers.up
    if (any) await workers.kill(any)
  }
  if (fault.kind === 'stop') await stopUntilTakenOver(rig, worker)
  if (fault.kind === 'cut') await cutFor(services[fault.service], fault)
  if (fault.kind === 'kill-ingest') await door.killOne()
  if (fault.kind === 'cold-without-secrets')
    await cutFor(services.secrets, fault, () => Promise.all([door.killOne(), workers.kill(worker)]))
}

/** Cuts a service off for a while; not where it is cut off already. */
async function cutFor(
  service: Rig['services'][keyof Rig['services']],
  { how, ms }: { readonly how: Cut; readonly ms: number },
  meanwhile: () => Promise<unknown> = async () => {},
): Promise<void> {
  if (service.isCut) return
  await service.cut(how)
  await Promise.all([delay(ms), meanwhile()])
  await service.restore()
}

/** Stops a worker until its lease is over and another has claimed what it had, and then lets it go on. */
async function stopUntilTakenOver({ workers, witness }: Rig, worker: Worker): Promise<void> {
  if (worker.state !== 'up') return
  const takenOver = witness.takeOver(worker.name, worker.deadline + LEASE_MARGIN_MS)
  await workers.stop(worker)
  // Where nobody takes over, all that it had was done.
  await until('another worker takes over', TAKE_OVER_MS, () => takenOver.seen).catch(() => {})
  await workers.wake(worker)
}
