import { read } from './aws.ts'
import { backfillAll } from './backfill.ts'
import { INVARIANTS, type Invariant, type Violation } from './invariants.ts'
import { knobsOf, type Plan } from './plan.ts'
import { withStrayRejections } from './unhandled-rejections.ts'
import { World } from './world.ts'

/** What came of one plan. */
export type Outcome = {
  readonly plan: Plan
  readonly violations: readonly Violation[]
  readonly figures: Figures
}

export type Figures = {
  /** Deliveries that Box sent, and requests that somebody else did. */
  readonly deliveries: number
  readonly forgeries: number
  readonly events: number
  readonly attempts: number
  readonly effects: number
  /** Effects that happened again inside the documented window. */
  readonly repeats: number
  readonly deadLetters: number
  readonly checks: number
  readonly logLines: number
  readonly happenings: number
  /** Virtual time, in milliseconds. */
  readonly virtualMs: number
  /** Faults by kind. */
  readonly faults: Readonly<Record<string, number>>
}

/** More than this has never been needed; a plan that needs it does not come to rest. */
const HAPPENINGS_MAX = 1_500_000
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

export type SimulateOptions = {
  /** Takes what happens, a line each. */
  readonly trace?: (line: string) => void
  /** Ends at the first violation. */
  readonly impatient?: boolean
}

/**
 * Runs one plan from its first event until everything is at rest, mends what was broken, takes back every dead letter, and
 * lets everything come to rest again.
 */
export function simulate(plan: Plan, options: SimulateOptions = {}): Promise<Outcome> {
  return withStrayRejections(() => simulated(plan, options))
}

async function simulated(plan: Plan, options: SimulateOptions): Promise<Outcome> {
  const world = new World(plan, options.trace)
  const { scheduler, witness, aws, connections } = world
  const stop = () =>
    scheduler.happened >= HAPPENINGS_MAX || (options.impatient === true && witness.violations.length > 0)
  await connections.load()
  await world.recordWebhooks()
  world.box.begin()
  world.sendStrangers()
  planFaults(world)
  const rested = await scheduler.run(stop)
  if (rested) checkRest(world)
  const given = aws.deadLetters.messages.length
  if (rested && !stop()) await mend(world, stop)
  if (rested && !stop() && plan.backfills) {
    await backfillAll(world, stop)
    if (!stop()) checkRest(world)
  }
  witness.check(
    'comes_to_rest',
    scheduler.happened < HAPPENINGS_MAX,
    () => `busy after ${HAPPENINGS_MAX} happenings`,
  )
  return { plan, violations: witness.violations, figures: figuresOf(world, given) }
}

/** Outages, pauses of the event source, and redrives by somebody who hopes that it helps. */
function planFaults(world: World): void {
  const { plan, scheduler, random, aws, source, network, witness, connections } = world
  const { times, seconds } = plan
  const sometime = () => random.between(0, seconds * 1000 + 30 * MINUTE)
  for (let count = 0; count < times.outages; count += 1) {
    const { secretsManager, sqs, dynamodb } = aws.services
    const box = world.boxService
    // An administrator who changes keys waits until the functions have read them.
    const service = random.pick(
      times.keyRotations > 0 ? [sqs, dynamodb, box] : [sqs, dynamodb, box, secretsManager],
    )
    scheduler.after(sometime(), () => {
      service.down = true
      network.strike(`outage of ${service.name}`)
      witness.note(() => `${service.name} is down`)
      scheduler.after(random.between(0, HOUR), () => {
        service.down = false
        service.upAt = scheduler.now
        witness.note(() => `${service.name} is up`)
      })
    })
  }
  for (let count = 0; count < times.pauses; count += 1)
    scheduler.after(sometime(), () => {
      source.pause()
      network.strike('event source paused')
      scheduler.after(random.pick([MINUTE, HOUR, DAY, 6 * DAY]) * random.next(), () => source.resume())
    })
  for (let count = 0; count < times.revokedTokens; count += 1)
    scheduler.after(sometime(), () => connections.revokeTokens())
  for (let count = 0; count < times.withdrawnAuthorisations; count += 1)
    scheduler.after(sometime(), () => connections.withdrawAuthorisation(random.between(MINUTE, 20 * HOUR)))
  for (let count = 0; count < times.redrives; count += 1) scheduler.after(sometime(), () => redriveAll(world))
  for (let count = 0; count < times.eventReplays; count += 1)
    scheduler.after(sometime(), () => replaySome(world))
}

/** Somebody has a few events run again, by force or without, and now and then twice. */
function replaySome(world: World): void {
  const { random, witness } = world
  const events = [...witness.queued]
  for (let count = Math.min(events.length, 1 + random.int(8)); count > 0; count -= 1)
    world.replay(events[random.int(events.length)] ?? '', { force: random.chance(0.5) })
}

function redriveAll(world: World): void {
  const { deadLetters } = world.aws
  deadLetters.dropOld()
  for (const stored of [...deadLetters.messages]) world.redrive(stored)
}

function checkRest(world: World): void {
  const { witness, automate, ingest, source } = world
  const { queue, deadLetters } = world.aws
  const left = queue.messages.length + automate.busy + ingest.busy + source.busy
  witness.check('comes_to_rest', left === 0, () => `${left} messages or functions are left`)
  const dropped = queue.dropped.map(stored => read(stored).eventId)
  witness.check('nothing_lost', dropped.length === 0, () => `SQS dropped ${dropped.join(', ')}`)
  // What nobody takes back within the fourteen days of the dead-letter queue is gone, as the guide says.
  deadLetters.dropOld()
  const letters = [...deadLetters.messages, ...deadLetters.dropped]
  const dead = new Set(letters.map(stored => read(stored).eventId))
  for (const delivery of witness.accepted)
    witness.check(
      'nothing_lost',
      witness.arrived.has(delivery),
      () => `${delivery} was accepted and never queued`,
    )
  for (const eventId of witness.queued) checkEvent(world, eventId, dead)
}

function checkEvent({ witness, lastWritten }: World, eventId: string, dead: ReadonlySet<string>): void {
  const happening = witness.happenings.get(eventId)
  const item = lastWritten.get(eventId)
  const status = item?.status?.S
  if (!happening?.readable) {
    witness.check(
      'nothing_lost',
      dead.has(eventId),
      () => `${eventId}, unreadable, is on no dead-letter queue`,
    )
    return
  }
  const runs = item?.runs?.M ?? {}
  const isOver = status === 'done' || (status === 'dead' && dead.has(eventId))
  witness.check(
    'nothing_lost',
    isOver,
    () => `${eventId} ended as ${status}, dead letter: ${dead.has(eventId)}`,
  )
  // Each webhook's delivery brings its own target, and what two of them bring runs once.
  const brought = witness.broughtOf(eventId)
  const expected = new Map(brought.flatMap(one => [...one.expected]))
  const filtered = new Set(brought.flatMap(one => one.filtered))
  const names = [...expected.keys(), ...filtered].sort().join()
  witness.check(
    'right_runs',
    Object.keys(runs).sort().join() === names,
    () => `${eventId}, brought by ${brought.length} webhooks, has runs ${Object.keys(runs)} of ${names}`,
  )
  for (const name of filtered)
    witness.check(
      'right_runs',
      runs[name]?.M?.status?.S === 'skipped',
      () => `${name} of ${eventId} was not skipped`,
    )
  for (const [name, effects] of expected) {
    const run = runs[name]?.M?.status?.S
    const isSkipped = run === 'skipped' && witness.policies.get(name)?.oddFilter === true
    witness.check('filter_faults_are_seen', !isSkipped, () => `${name} of ${eventId} was skipped`)
    witness.check('nothing_lost', run === 'done' || run === 'failed', () => `${name} of ${eventId} is ${run}`)
    if (run !== 'done') continue
    const had = effects.every(effect => witness.has(eventId, name, effect))
    witness.check('done_means_done', had, () => `${name} of ${eventId} has not had all of ${effects}`)
  }
}

/** The day after: what was broken is mended, somebody comes back from a journey and redrives everything. */
async function mend(world: World, stop: () => boolean): Promise<void> {
  const { scheduler, random, witness, lastWritten } = world
  const { deadLetters } = world.aws
  world.heal()
  const days = random.pick([0, 0, 0, 1, 13])
  scheduler.after(days * DAY, () => redriveAll(world))
  if (!(await scheduler.run(stop))) return
  checkRest(world)
  // What is kept of steps stays as large as it was.
  const isRepairable = (eventId: string) =>
    !world.isGreedy && witness.happenings.get(eventId)?.readable === true
  const gone = new Set(deadLetters.dropped.map(stored => read(stored).eventId))
  for (const eventId of witness.queued) {
    const readable = isRepairable(eventId) && !gone.has(eventId)
    const status = lastWritten.get(eventId)?.status?.S
    witness.check('redrive_helps', !readable || status === 'done', () => `${eventId} is ${status} after all`)
  }
  for (const stored of deadLetters.messages) {
    const { eventId } = read(stored)
    witness.check(
      'redrive_helps',
      !isRepairable(eventId),
      () => `${eventId} is still on the dead-letter queue`,
    )
  }
}

function figuresOf(world: World, deadLetters: number): Figures {
  const { witness, box, network, scheduler } = world
  return {
    deliveries: box.deliveries,
    forgeries: box.forgeries,
    events: witness.happenings.size,
    attempts: witness.attempts.length,
    effects: [...witness.effects.values()].reduce((sum, attempts) => sum + attempts.length, 0),
    repeats: witness.repeats,
    deadLetters,
    checks: witness.checks,
    logLines: world.lines,
    happenings: scheduler.happened,
    virtualMs: scheduler.now - world.startedAt,
    faults: network.struck,
  }
}

/** What of an outcome somebody needs who has to find the cause. */
export function describe({ plan, violations }: Outcome): string {
  const first = violations[0]
  if (!first) return `Seed ${plan.seed} holds.`
  return [
    `Seed ${plan.seed} breaks an invariant after ${(first.at / 1000).toFixed(3)} s of virtual time.`,
    `  ${first.invariant}: ${INVARIANTS[first.invariant]}`,
    `  here: ${first.detail}`,
    ...(violations.length > 1 ? [`  and ${violations.length - 1} more after it`] : []),
    `  with ${plan.events} events, ${plan.automations} automations${plan.nested ? ', nested' : ''}${plan.sdk ? ', the SDK' : ''}; turned up: ${knobsOf(plan).join(', ') || 'nothing'}`,
  ].join('\n')
}

export const brokenBy = ({ violations }: Outcome): Invariant | undefined => violations[0]?.invariant
