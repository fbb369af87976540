import type { EventRecord } from '../../../lib/ledger/record.ts'
import type { DeadLetter } from './dead-letters.ts'
import type { LedgerWrite } from './ledger-trace.ts'
import { CUT_MS_MAX } from './proxy.ts'
import type { Case, Effect, Witness } from './witness.ts'

export type Verdict = {
  /** What does not hold, a sentence each. Empty where the final state is the expected one. */
  readonly violations: readonly string[]
  /**
   * Effects that happened again because the ledger could not know of them: because their worker was lost, because the ledger
   * was cut off, or because the worker told that it was out of time or did not reach the ledger.
   */
  readonly repeats: Readonly<Record<'lost' | 'cut' | 'told', number>>
  /** Calls that were in flight when their worker was stopped, and arrived after its lease. */
  readonly inFlight: number
  /** Dead letters that were sent again because the ledger could not know of them. */
  readonly repeatedDeadLetters: number
}

/** How much later than its lease a call may reach Box: this machine is busy, and the time is taken on arrival. */
const ARRIVAL_MS = 1000

/** How much later than its answer a claim may be told of. */
const TOLD_MS = 250

/**
 * Compares what was seen, and what is in the ledger and on the dead-letter queue in the end, with what must have come of
 * each event.
 */
export function judge(
  witness: Witness,
  ledger: ReadonlyMap<string, EventRecord>,
  deadLetters: readonly DeadLetter[],
): Verdict {
  const violations = [...witness.surprises]
  const letters = Map.groupBy(deadLetters, ({ eventId }) => eventId)
  const repeats = { lost: 0, cut: 0, told: 0 }
  let [inFlight, repeatedDeadLetters] = [0, 0]
  for (const one of witness.cases.values()) {
    const stale = staleEffects(witness, one, violations)
    inFlight += stale.size
    checkEffects(witness, one, stale, repeats, violations)
    checkRecord(one, ledger.get(one.eventId), violations)
    repeatedDeadLetters += checkDeadLetters(one, letters.get(one.eventId) ?? [], violations)
  }
  for (const eventId of letters.keys())
    if (!witness.cases.has(eventId)) violations.push(`A dead letter has the unknown event ${eventId}.`)
  return { violations, repeats, inFlight, repeatedDeadLetters }
}

/**
 * The effects that arrived when their worker's lease was over, or somebody else's. Only a call that was in flight when its
 * worker was stopped may, which is one for each stopped run.
 */
function staleEffects(witness: Witness, one: Case, violations: string[]): ReadonlySet<Effect> {
  const stale = new Set<Effect>()
  const stopped = new Set<string>()
  for (const effect of one.effects) {
    const reason = staleness(one.writes, effect)
    if (reason === undefined) continue
    const run = `${effect.worker} ${effect.automation}`
    if (!witness.wasLost(effect.worker, effect.at) || stopped.has(run))
      violations.push(`${told(effect)} ${reason}.`)
    stopped.add(run)
    stale.add(effect)
  }
  return stale
}

function staleness(writes: readonly LedgerWrite[], { worker, at }: Effect): string | undefined {
  const claims = writes.filter(({ claimedUntil }) => claimedUntil !== undefined)
  const own = claims.findLastIndex(claim => claim.worker === worker && claim.at <= at + TOLD_MS)
  const claim = claims[own]
  if (!claim) return 'came without a claim on its event'
  if (at > (claim.claimedUntil ?? 0) + ARRIVAL_MS)
    return `came ${at - (claim.claimedUntil ?? 0)} ms after its lease`
  const next = claims[own + 1]
  return next && next.at < at ? `came after ${next.worker} had claimed the event` : undefined
}

function checkEffects(
  witness: Witness,
  one: Case,
  stale: ReadonlySet<Effect>,
  repeats: Record<'lost' | 'cut' | 'told', number>,
  violations: string[],
): void {
  const byName = Map.groupBy(one.effects, ({ automation, part }) => `${automation}:${part}`)
  for (const name of one.expected.effects)
    if (!byName.has(name)) violations.push(`Event ${one.eventId} (${one.kind}) lacks its effect ${name}.`)
  for (const [name, effects] of byName) {
    if (!one.expected.effects.includes(name))
      violations.push(`${told(effects[0])} is not one of ${one.kind}.`)
    const recordedAt = recordTime(one.writes, name)
    const ownTime = effects.filter(effect => !stale.has(effect))
    for (const [index, effect] of ownTime.entries()) {
      if (recordTime(one.writes, stepBefore(one, name)) > effect.at + TOLD_MS)
        violations.push(`${told(effect)} came before the ledger had the step before it.`)
      if (effect.at > recordedAt)
        violations.push(`${told(effect)} came after the ledger had it. ${witness.toldOf(one.eventId)}`)
      const before = ownTime[index - 1]
      if (!before) continue
      const excuse = witness.excuse(before, effect.at)
      if (excuse) repeats[excuse] += 1
      else
        violations.push(
          `${told(effect)} came again, though nothing kept ${before.worker} from recording it. ${witness.toldOf(one.eventId)}`,
        )
    }
  }
}

/** The effect that must have been kept as a step before this one; none before a run's first. */
function stepBefore({ expected }: Case, name: string): string | undefined {
  const before = expected.effects[expected.effects.indexOf(name) - 1]
  return before?.split(':')[0] === name.split(':')[0] ? before : undefined
}

/** When the ledger had taken an effect's step, or its run as done; always, of no effect. */
function recordTime(writes: readonly LedgerWrite[], name: string | undefined): number {
  if (name === undefined) return 0
  const [automation = ''] = name.split(':')
  const write = writes.find(({ steps, runs }) => steps.includes(name) || runs[automation] === 'done')
  return write?.at ?? Number.POSITIVE_INFINITY
}

function checkRecord(
  { eventId, kind, expected }: Case,
  record: EventRecord | undefined,
  violations: string[],
): void {
  if (!record) {
    violations.push(`Event ${eventId} (${kind}) is not in the ledger.`)
    return
  }
  if (record.status !== expected.event)
    violations.push(`Event ${eventId} (${kind}) is ${record.status}, and must be ${expected.event}.`)
  for (const [name, status] of Object.entries(expected.runs)) {
    const run = record.runs[name]
    if (run?.status !== status)
      violations.push(
        `${name} is ${run?.status} at event ${eventId} (${kind}), and must be ${status}: ${run?.error?.message}`,
      )
    if (status === 'failed' && run?.error?.code !== 'permanent')
      violations.push(`${name} failed at event ${eventId} with ${run?.error?.code}, and must with permanent.`)
  }
}

/** @returns how many dead letters were sent again, and may have been */
function checkDeadLetters(
  { eventId, kind, expected, writes }: Case,
  letters: readonly DeadLetter[],
  violations: string[],
): number {
  if (expected.deadLetter.length === 0) {
    for (const { code } of letters)
      violations.push(`Event ${eventId} (${kind}) is dead-lettered with ${code}.`)
    return 0
  }
  if (letters.length === 0) violations.push(`Event ${eventId} (${kind}) has no dead letter.`)
  const marked = writes.find(({ runs }) => expected.deadLetter.some(name => runs[name] === 'failed'))
  const first = Math.min(...letters.map(({ sentAt }) => sentAt))
  for (const { automations, code, sentAt } of letters) {
    if (automations.join() !== expected.deadLetter.join() || code !== 'permanent')
      violations.push(
        `The dead letter of event ${eventId} (${kind}) names ${automations.join()} with ${code}.`,
      )
    // A send that is held back arrives late, after another worker has sent and marked; the first one can't.
    if (sentAt > (marked?.at ?? 0) + (sentAt === first ? 0 : CUT_MS_MAX))
      violations.push(`A dead letter of event ${eventId} was sent after the ledger had it.`)
  }
  return Math.max(0, letters.length - 1)
}

const told = (effect: Effect | undefined): string =>
  effect ? `${effect.automation}:${effect.part} of event ${effect.eventId} by ${effect.worker}` : 'Nothing'
