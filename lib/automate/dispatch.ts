import type { BoundAutomation } from '../automation/automation.ts'
import { askFilter, type FilterAnswer } from '../automation/filter.ts'
import { concernedBy, distinct } from '../automation/target.ts'
import type { FailureCode } from '../base/errors.ts'
import { DEFAULT_RETRY, decideRetry } from '../base/retry.ts'
import { type BoxEvent, parseEvent, sourceKey } from '../event/event.ts'
import { readBody } from '../event/event-body.ts'
import { type NewEvent, RecordFull } from '../ledger/ledger.ts'
import { packPayload } from '../ledger/payload.ts'
import type { EventRecord, RunRecord } from '../ledger/record.ts'
import { payloadFits, type RecordRoom, recordRoom } from '../ledger/record-room.ts'
import { errorKind, type Log } from '../log/log.ts'
import type { Message } from '../queue/message.ts'
import { type ClaimInput, type ClaimPlan, earliest, LEASE_MARGIN_MS, planClaim } from './claim.ts'
import {
  ClaimedEvent,
  type Dispatch,
  type DispatchParts,
  type Disposition,
  FINISHED,
  later,
  RESERVE_MS,
  SUSPECT,
  secondsUntil,
  withoutReplay,
} from './claimed-event.ts'
import { type ConcernOutcome, concernOf, type Known } from './concern.ts'

/** In characters. A reason can list very many targets. */
const REASON_LENGTH_MAX = 1000

/** With less time than this left an event is not claimed, in milliseconds: asking Box before it may have taken long. */
const CLAIM_MS_MIN = 2 * RESERVE_MS

/** The time that an automation gets at least which asks for none, in milliseconds. */
const USUAL_RUN_MS = 20_000

/** An event that began this early in its function's time gets all the time that there is. */
const EARLY = 0.9

/** How long the delivery of a further webhook waits at first for the event to be free, in seconds: normally it soon is. */
const NEXT_WEBHOOK_SECONDS = 2

/**
 * Does for one message whatever is still to be done for its event: claims the event, runs the automations that are
 * unfinished and due, writes each outcome, and dead-letters what can't succeed. Safe to call with the same event any
 * number of times, at the same time as well.
 * @throws what the ledger or the dead-letter queue throws; the message must then come back
 */
export async function dispatch(parts: DispatchParts, input: Dispatch): Promise<Disposition> {
  const { decoded } = input
  const { message } = decoded
  const log = parts.log.with({ eventId: message.eventId })
  if (!decoded.ok)
    return deadLetterEvent(parts, input, log, { code: 'message_unreadable', message: decoded.reason })
  const parsed = parseEvent(message.body, { eventId: message.eventId, origin: message.origin })
  if (!parsed.ok) return deadLetterEvent(parts, input, log, parsed.reason)
  const { event } = parsed

  warnOfWebhook(event, log)

  // A fresh event needs no reading. For one that has come before, a read costs less than a write that is refused.
  const cameBefore = input.receiveCount > 1 || message.failure !== undefined || message.replay !== undefined
  const read = cameBefore ? await parts.ledger.read(message.eventId) : undefined
  const time = { deadline: input.deadline - CLAIM_MS_MIN, log }
  const { concern, existing } = await concernOf(parts, event, read, time)
  if (concern.kind !== 'known') return withoutTargets(parts, input, log, concern)
  if (input.deadline - parts.clock.now() < CLAIM_MS_MIN) return noTimeLeft(log)

  try {
    const held = await claimEvent(parts, input, event, concern, existing, log)
    return await carryOut(parts, input, event, held, log)
  } catch (error) {
    if (!(error instanceof RecordFull)) throw error
    return deadLetterEvent(parts, input, log, error.failure)
  }
}

async function carryOut(
  parts: DispatchParts,
  input: Dispatch,
  event: BoxEvent,
  { plan, filters, room }: Held,
  log: Log,
): Promise<Disposition> {
  if (plan.kind === 'finished') {
    log.info('event_duplicate', { trigger: event.triggerName }, { EventsDeduplicated: 1 })
    return FINISHED
  }
  if (plan.kind === 'suspect') return SUSPECT
  if (plan.kind === 'wait') {
    if (plan.reason === 'no_time_left') return noTimeLeft(log)
    const delaySeconds = secondsUntil(plan.until, parts.clock)
    log.info('event_waiting', { reason: plan.reason, delaySeconds })
    return later(delaySeconds)
  }
  reportSkipped(plan.claim.runs, log)
  if (plan.start.length === 0 && plan.exhausted.length === 0) {
    if (plan.claim.status === 'open') {
      const delaySeconds = secondsUntil(earliest(plan.runs), parts.clock)
      log.info('event_waiting', { reason: 'not_deployed', delaySeconds })
      return later(delaySeconds)
    }
    const runs = Object.keys(plan.runs).length
    log.info('event_finished', { trigger: event.triggerName, status: plan.claim.status, runs })
    return FINISHED
  }
  return new ClaimedEvent({ ...parts, filters, room }, input, event, plan, log).finish()
}

/** Others of the same batch took the function's time; it counts against nobody. */
function noTimeLeft(log: Log): Disposition {
  log.info('event_waiting', { reason: 'no_time_left' })
  return later(1)
}

/** What a claim itself settles: runs that their automation's own filter leaves alone, or that nobody is there for any more. */
function reportSkipped(runs: Readonly<Record<string, RunRecord>>, log: Log): void {
  for (const [automation, { status, reason }] of Object.entries(runs))
    if (status === 'skipped') log.info('run_skipped', { automation, reason, outcome: 'skipped' }, { Runs: 1 })
}

/** Two triggers tell of the webhook itself, which somebody should know of whether or not an automation asked for them. */
function warnOfWebhook({ trigger, webhook }: BoxEvent, log: Log): void {
  if (trigger === 'NO_ACTIVE_SESSION')
    log.warn('webhook_session_ended', {
      webhookId: webhook.id,
      message:
        'Box sends no full payloads any more: the session behind the webhook has ended. Authorise the app again, and create the webhook as its service account.',
    })
  if (trigger === 'WEBHOOK.DELETED')
    log.warn('webhook_deleted', {
      webhookId: webhook.id,
      message:
        'Box has deleted the webhook, as it does when deliveries have failed for weeks. Create it anew.',
    })
}

/** Box could not be asked what the event is about: it waits as a run would, or is dead-lettered where asking is of no use. */
function withoutTargets(
  parts: DispatchParts,
  input: Dispatch,
  log: Log,
  concern: Exclude<ConcernOutcome, Known>,
): Promise<Disposition> | Disposition {
  if (concern.kind === 'unknown') return deadLetterEvent(parts, input, log, concern.error)
  const { failure } = concern
  if (failure.class === 'permanent') return deadLetterEvent(parts, input, log, failure)
  const decision = decideRetry({
    failure,
    policy: { ...DEFAULT_RETRY, attempts: Number.POSITIVE_INFINITY },
    attempts: input.receiveCount,
    throttles: input.receiveCount,
    random: parts.random,
  })
  const delaySeconds = decision.kind === 'retry' ? decision.delaySeconds : 1
  log.warn('event_waiting', { reason: 'target_lookup_failed', code: failure.code, delaySeconds })
  return later(delaySeconds)
}

/** The longest text from a message's attributes that is kept, in characters. */
const ATTRIBUTE_LENGTH_MAX = 256

function newEvent(message: Message, about: Pick<BoxEvent, 'payload'>, runs: number): NewEvent {
  const payload = packPayload(message.body)
  return {
    eventId: message.eventId,
    deliveryId: message.deliveryId.slice(0, ATTRIBUTE_LENGTH_MAX),
    trigger: message.trigger.slice(0, ATTRIBUTE_LENGTH_MAX),
    source: sourceKey(about),
    receivedAt: message.receivedAt,
    origin: message.origin,
    // What boxhooks did not write was not verified by it either: a replay must not turn it into an event.
    ...(!payloadFits(payload.length, runs) || message.unread ? {} : { payload }),
  }
}

type Held = {
  readonly plan: ClaimPlan | { readonly kind: 'wait'; readonly reason: 'no_time_left' }
  readonly filters: ReadonlyMap<string, FilterAnswer>
  readonly room: RecordRoom
}

/** Reads, decides and claims until the claim holds or there is nothing to claim. A fresh event takes one write. */
async function claimEvent(
  parts: DispatchParts,
  input: Dispatch,
  event: BoxEvent,
  { targets: own, webhookId }: Known,
  known: EventRecord | undefined,
  log: Log,
): Promise<Held> {
  const { ledger, clock, automations } = parts
  const { message } = input.decoded
  const filters = new Map<string, FilterAnswer>()
  let record = known
  for (;;) {
    const recorded = record?.targets ?? []
    const targets = distinct([...recorded, ...own])
    const webhooks = record?.webhooks ?? []
    const context = {
      record,
      concerned: concernedBy(event, automations, targets),
      brought: concernedBy(event, automations, targets.slice(recorded.length)),
      deployed: automations,
      filters,
      alone: input.alone,
      failure: message.failure,
      replay: message.replay,
      lease: { token: parts.newToken(), until: input.deadline },
      now: clock.now(),
    }
    const plan = await planWithFilters(context, parts, input, event, log)
    const runs = plan.kind === 'claim' ? plan.runs : {}
    const fresh = record ? undefined : newEvent(message, event, Object.keys(runs).length)
    const room = recordRoom(runs, (record ?? fresh)?.payload?.length ?? 0)
    const held = { filters, room }
    if (plan.kind === 'wait' && plan.reason === 'leased' && context.brought.length > 0) {
      const soon = clock.now() + NEXT_WEBHOOK_SECONDS * input.receiveCount * 1000
      return { ...held, plan: { ...plan, until: Math.min(plan.until, soon) } }
    }
    if (plan.kind !== 'claim') return { ...held, plan }
    if (!fits(plan.start, input, clock.now()))
      return { ...held, plan: { kind: 'wait', reason: 'no_time_left' } }
    const claim = {
      ...plan.claim,
      runs: Object.fromEntries(Object.entries(plan.claim.runs).map(([name, run]) => [name, room.bound(run)])),
      targets,
      webhooks: webhookId === undefined || webhooks.includes(webhookId) ? webhooks : [...webhooks, webhookId],
    }
    if (record) {
      if (await ledger.claim(record, claim)) return { ...held, plan }
      record = await ledger.read(message.eventId)
    } else if (fresh) {
      const opened = await ledger.open(fresh, claim)
      if (opened.claimed) return { ...held, plan }
      record = opened.record
    }
  }
}

/** Plans a claim once the filters have been asked of the automations that it would start. */
async function planWithFilters(
  context: Omit<ClaimInput, 'filters'> & { readonly filters: Map<string, FilterAnswer> },
  { clock }: DispatchParts,
  { deadline }: Dispatch,
  event: BoxEvent,
  log: Log,
): Promise<ClaimPlan> {
  const plan = planClaim(context)
  const unasked =
    plan.kind === 'claim' ? plan.start.filter(({ automation }) => !context.filters.has(automation.name)) : []
  if (unasked.length === 0) return plan
  const asked = { clock, log, deadline: deadline - CLAIM_MS_MIN }
  await Promise.all(
    unasked.map(async bound =>
      context.filters.set(bound.automation.name, await askFilter(bound, event, asked)),
    ),
  )
  return planClaim({ ...context, now: clock.now() })
}

/** Whether the time that is left is enough for what automations ask for; where that is more than there ever is, for nearly that. */
function fits(start: readonly BoundAutomation[], { begunAt, deadline }: Dispatch, now: number): boolean {
  const needed = start.map(({ automation: { timeoutSeconds } }) =>
    timeoutSeconds === undefined ? USUAL_RUN_MS : timeoutSeconds * 1000,
  )
  const whole = deadline - begunAt - RESERVE_MS
  return deadline - now - RESERVE_MS >= Math.min(Math.max(0, ...needed), EARLY * whole)
}

/** Dead-letters an event that no automation can be run for: send, then mark. Repeatable, as {@link Failure} tells. */
async function deadLetterEvent(
  parts: DispatchParts,
  input: Dispatch,
  log: Log,
  error: { readonly code: FailureCode; readonly message: string },
): Promise<Disposition> {
  const { ledger, clock } = parts
  const { message } = input.decoded
  const record = await ledger.read(message.eventId)
  // A dead letter can be redriven before its marking: then it is ahead of the record, and dropping it would lose the event.
  const redriven = Math.max(
    message.failure?.automations.length === 0 ? message.failure.redrives : -1,
    message.replay?.redrives ?? -1,
  )
  const again = record?.status === 'dead' && redriven >= record.redrives
  if (record && record.status !== 'open' && !again) {
    log.info('event_duplicate', { trigger: message.trigger }, { EventsDeduplicated: 1 })
    return FINISHED
  }
  if (record && clock.now() < record.leaseUntil + LEASE_MARGIN_MS && record.leaseUntil > 0) {
    const delaySeconds = secondsUntil(record.leaseUntil + LEASE_MARGIN_MS, clock)
    log.info('event_waiting', { reason: 'leased', delaySeconds })
    return later(delaySeconds)
  }
  const redrives = again ? redriven + 1 : (record?.redrives ?? 0)
  const at = new Date(clock.now()).toISOString()
  const failure = { ...error, at, redrives, automations: [] }
  await parts.deadLetters.send({ ...withoutReplay(message), failure })
  const lease = { token: parts.newToken(), until: 0 }
  const reason = { code: error.code, message: error.message.slice(0, REASON_LENGTH_MAX) }
  const claim = { lease, status: 'dead', redrives, runs: {}, error: reason } as const
  // Runs that a readable message of the same event has begun go on with that message.
  const hasRuns = record?.status === 'open' && Object.keys(record.runs).length > 0
  try {
    if (record && !hasRuns) await ledger.claim(record, claim)
    if (!record) {
      // Whoever asks why nothing happened to an item finds the event by it, even where the event can't be read.
      const { payload = {} } = readBody(message.body)
      await ledger.open(newEvent(message, { payload }, 0), claim)
    }
  } catch (thrown) {
    if (!(thrown instanceof RecordFull)) throw thrown
    // The dead letter has it all; to send it again would not make the ledger take it.
    log.error('ledger_write_failed', { error: errorKind(thrown), message: thrown.message })
  }
  log.error('event_dead_lettered', { code: error.code, message: error.message })
  return FINISHED
}
