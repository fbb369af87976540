import { isDeadAsWhole, LEASE_MARGIN_MS, UNDEPLOYED_REASON } from '../../lib/automate/claim.ts'
import { triggerOf } from '../../lib/event/event.ts'
import { targetText } from '../../lib/event/target.ts'
import type { EventRecord, RunRecord } from '../../lib/ledger/record.ts'
import { runState } from '../stage/event-state.ts'
import { momentText } from '../terminal/moment.ts'
import { explainNoEvent } from './explain-no-event.ts'
import type { Answer, DeclaredFact, WhyFacts } from './why-facts.ts'

/**
 * Explains for every automation that is declared or has a run at one of the item's events why it did or did not run:
 * one answer for each, in order of their names. Pure, and never throws.
 */
export function explainItem(facts: WhyFacts): readonly Answer[] {
  return listAutomations(facts).map(name => explainAutomation(facts, name))
}

/** Lists the automations that can be explained. */
export function listAutomations({
  declared,
  events,
}: Pick<WhyFacts, 'declared' | 'events'>): readonly string[] {
  const names = new Set([
    ...declared.map(({ name }) => name),
    ...events.flatMap(({ runs }) => Object.keys(runs)),
  ])
  return [...names].sort()
}

/**
 * Finds the event that decides about an automation: the latest that it ran for, or should have. What came through another's webhook
 * counts only where there is nothing else.
 */
export function findDecisiveEvent(
  { declared, events }: Pick<WhyFacts, 'declared' | 'events'>,
  name: string,
): EventRecord | undefined {
  const own = declared.find(one => one.name === name)
  const candidates = events.filter(record => Object.hasOwn(record.runs, name) || isOn(own, record))
  const isOthers = (record: EventRecord) =>
    own !== undefined &&
    !Object.hasOwn(record.runs, name) &&
    (watchesOther(own, record) || (record.origin === 'v1' && !own.v1))
  return candidates.find(record => !isOthers(record)) ?? candidates[0]
}

function isOn(declared: DeclaredFact | undefined, record: EventRecord): boolean {
  const trigger = triggerOf(record.trigger) ?? record.trigger
  // What could not be read may have been for any automation.
  if (isDeadAsWhole(record) && triggerOf(trigger) === undefined) return declared !== undefined
  return declared?.on.some(one => (triggerOf(one) ?? one) === trigger) ?? false
}

function explainAutomation(facts: WhyFacts, name: string): Answer {
  const declared = facts.declared.find(one => one.name === name)
  const event = findDecisiveEvent(facts, name)
  if (event) return { automation: name, ...withDeliveries(facts, explainEvent(facts, event, name, declared)) }
  // Whatever is not declared is known from an event.
  const undeclared: DeclaredFact = { name, on: [], watch: [], v1: false, unset: [] }
  return { automation: name, ...explainNoEvent(facts, declared ?? undeclared) }
}

function withDeliveries({ deliveries }: WhyFacts, answer: EventAnswer): EventAnswer {
  const times = deliveries.get(answer.eventId) ?? 0
  if (times < 2) return answer
  const others = times === 2 ? 'The other was' : `The ${times - 1} others were`
  return {
    ...answer,
    reason: `${answer.reason} Box delivered the event ${times} times. ${others} recognised as the same event, and nothing was done twice.`,
  }
}

/** What an event says of an automation, without its name. */
type EventAnswer = Omit<Answer, 'automation'> & { readonly eventId: string }

type Explanation = Pick<Answer, 'verdict' | 'reason' | 'action'>

const NOTHING = 'No action is needed.'

/**
 * Explains what an automation did for an event about the item. Pure, and never throws.
 * @param declared undefined where this clone has no such automation
 */
function explainEvent(
  facts: WhyFacts,
  record: EventRecord,
  name: string,
  declared: DeclaredFact | undefined,
): EventAnswer {
  const run = Object.hasOwn(record.runs, name) ? record.runs[name] : undefined
  const explanation = run
    ? explainRun(facts, record, name, run)
    : explainMissingRun(facts, record, name, declared)
  return { ...explanation, eventId: record.eventId }
}

/** Formats an event: `FILE.UPLOADED (event e-1, received 2026-…)`. */
const eventText = ({ trigger, eventId, receivedAt }: EventRecord, now: number): string =>
  `${trigger || 'the event'} (event ${eventId}, received ${momentText(Date.parse(receivedAt), now)})`

function explainRun(facts: WhyFacts, record: EventRecord, name: string, run: RunRecord): Explanation {
  const { now, flags } = facts
  const at = `at ${eventText(record, now)}`
  const ended = run.finishedAt === undefined ? '' : ` ${momentText(run.finishedAt, now)}`
  const reason = run.error ? `${run.error.code}: ${run.error.message}` : 'no reason is recorded'
  const show = `npx boxhooks events show ${record.eventId} ${flags}`
  switch (runState(run, record, now)) {
    case 'done':
      return {
        verdict: 'done',
        reason: `It ran ${at}, and was done${ended}, ${attemptsText(run.attempts)}.`,
        action: `${NOTHING} To see its steps: ${show}`,
      }
    case 'skipped':
      return run.reason === UNDEPLOYED_REASON
        ? explainUndeployed(facts, record, name, `It started ${at}, and then was not deployed for an hour.`)
        : {
            verdict: 'filtered',
            reason: `Its filter skipped the event ${at}: ${run.reason ?? 'no reason is recorded'}`,
            action: `${NOTHING} If it should have run, fix its \`when\`, deploy, then: ${replay(facts, record, name)}`,
          }
    case 'failed':
      return explainDead(
        facts,
        record,
        `It failed permanently${ended} ${at}, ${attemptsText(run.attempts)}: ${reason}`,
      )
    case 'running':
      return {
        verdict: 'running',
        reason: `Running ${at}: attempt ${run.attempts}, lease until ${momentText(record.leaseUntil, now)}.`,
        action: `Wait, or watch it: ${show}`,
      }
    case 'waiting':
      return {
        verdict: 'waiting',
        reason: formatWait(facts, record, run, at),
        action: formatWaitAction(run, show),
      }
  }
}

const attemptsText = (attempts: number): string =>
  attempts === 1 ? 'in 1 attempt' : `in ${attempts} attempts`

const replay = ({ flags }: WhyFacts, { eventId }: EventRecord, name: string): string =>
  `npx boxhooks replay ${eventId} --automation ${name} ${flags}`

function explainDead({ now, flags }: WhyFacts, record: EventRecord, reason: string): Explanation {
  const { dropped, eventId } = record
  if (dropped)
    return {
      verdict: 'dropped',
      reason: `${reason} Its dead letter was dropped ${momentText(Date.parse(dropped.at), now)}${dropped.by === undefined ? '' : ` by ${dropped.by}`}: ${dropped.reason}`,
      action: `${NOTHING} To run it anyway: npx boxhooks replay ${eventId} ${flags}`,
    }
  return {
    verdict: 'dead',
    reason,
    action: `Fix the cause (docs/errors.md), then: npx boxhooks dlq redrive ${eventId} ${flags}`,
  }
}

function formatWait({ now }: WhyFacts, record: EventRecord, run: RunRecord, at: string): string {
  const reason = run.error ? `, because ${run.error.code}: ${run.error.message}` : ''
  const after =
    run.attempts > 0 ? `, after ${run.attempts === 1 ? '1 attempt' : `${run.attempts} attempts`}` : ''
  if (run.givenUp)
    return `It failed permanently ${at}${reason || '.'} It waits until ${momentText(run.nextAt ?? now, now)} to be sent to the dead-letter queue, which could not be reached.`
  if (run.nextAt !== undefined && run.nextAt > now)
    return `It waits ${at} until ${momentText(run.nextAt, now)}${after}${reason}`
  if (run.nextAt !== undefined)
    return `Its next attempt ${at} has been due since ${momentText(run.nextAt, now)}${after}${reason}`
  return record.leaseUntil > 0
    ? `The worker stopped without reporting ${at}. The message becomes visible again after ${momentText(record.leaseUntil + LEASE_MARGIN_MS, now)}.`
    : `It waits ${at} for a worker.`
}

const formatWaitAction = ({ error, givenUp: isGivenUp }: RunRecord, show: string): string =>
  isGivenUp
    ? `Check that automate can send to the dead-letter queue. To watch it: ${show}`
    : error
      ? `Fix the cause unless it is transient (docs/errors.md); the next attempt starts by itself. To watch it: ${show}`
      : `Wait; it continues by itself. To watch it: ${show}`

function explainMissingRun(
  facts: WhyFacts,
  record: EventRecord,
  name: string,
  declared: DeclaredFact | undefined,
): Explanation {
  const at = eventText(record, facts.now)
  if (isDeadAsWhole(record)) {
    const { code, message } = record.error ?? { code: 'unknown', message: 'the dead letter has the reason.' }
    const why = `No automation could run for ${at}: ${code}: ${message}`
    const explanation = explainDead(facts, record, why)
    return explanation.verdict === 'dropped'
      ? explanation
      : { ...explanation, verdict: 'event_dead', action: deadNext(facts, record) }
  }
  if (declared && record.origin === 'v1' && !declared.v1)
    return {
      verdict: 'not_v1',
      reason: `${at} arrived by a V1 callback, which it does not accept.`,
      action: 'If it should run, declare `v1: true` in it and deploy.',
    }
  if (declared && watchesOther(declared, record))
    return {
      verdict: 'other_target',
      reason: `${at} arrived through the webhook of ${textOf(record.targets ?? [])}; it watches ${textOf(declared.watch)}.`,
      action: 'If it should run here, let it watch that too, and deploy.',
    }
  return explainUndeployed(
    facts,
    record,
    name,
    `When ${at} was processed, it was not deployed, or not on that trigger.`,
  )
}

const deadNext = ({ flags }: WhyFacts, { eventId }: EventRecord): string =>
  `Inspect it with npx boxhooks dlq show ${eventId} ${flags}, fix the cause, then: npx boxhooks dlq redrive ${eventId} ${flags}`

const explainUndeployed = (
  facts: WhyFacts,
  record: EventRecord,
  name: string,
  reason: string,
): Explanation => ({
  verdict: 'not_deployed',
  reason,
  action: `Deploy it, then: ${replay(facts, record, name)}`,
})

const textOf = (targets: DeclaredFact['watch']): string =>
  targets.map(targetText).join(', ') || 'no watched item'

/** Checks whether an event is known to be about targets that an automation does not watch. */
function watchesOther({ watch, unset }: DeclaredFact, { targets = [] }: EventRecord): boolean {
  const watched = new Set(watch.map(targetText))
  return unset.length === 0 && targets.length > 0 && !targets.some(one => watched.has(targetText(one)))
}
