import type { BoundAutomation, Skip } from './automation.ts'
import { type ClaimPlan, earliest, LEASE_MARGIN_MS, planClaim } from './claim.ts'
import {
  ClaimedEvent,
  type Dispatch,
  type DispatchParts,
  type Disposition,
  FINISHED,
  later,
  RESERVE_MS,
  secondsUntil,
  withoutReplay,
} from './claimed-event.ts'
import { classify, type FailureCode, type RunFailure } from './errors.ts'
import { type BoxEvent, parseEvent, sourceKey, type Target } from './event.ts'
import { readBody } from './event-body.ts'
import type { NewEvent } from './ledger.ts'
import type { Log } from './log.ts'
import type { Message } from './message.ts'
import { packPayload } from './payload.ts'
import type { EventRecord, RunRecord } from './record.ts'
import { DEFAULT_RETRY, decideRetry } from './retry.ts'
import { skipOf } from './run.ts'
import { concernedBy, targetsOf, targetText } from './target.ts'

/** DynamoDB's item has at most 400 KB; runs and steps need room beside the payload. */
const PAYLOAD_BYTES_MAX = 150_000

/** In characters. A reason can list very many targets. */
const REASON_LENGTH_MAX = 1000

/** With less time than this left an event is not claimed, in milliseconds: asking Box before it may have taken long. */
const CLAIM_MS_MIN = 2 * RESERVE_MS

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

  const concern = await concernOf(parts, event, log)
  // A fresh event needs no reading. For one that has come before, a read costs less than a write that is refused.
  const cameBefore = input.receiveCount > 1 || message.failure !== undefined || message.replay !== undefined
  const existing =
    cameBefore || concern.kind !== 'known' ? await parts.ledger.read(message.eventId) : undefined
  // What was found out when the event first came needs no finding out again.
  const targets = existing?.targets ?? (concern.kind === 'known' ? concern.targets : undefined)
  if (!targets) return withoutTargets(parts, input, log, concern)
  if (input.deadline - parts.clock.now() < CLAIM_MS_MIN) {
    log.info('event_waiting', { reason: 'no_time_left' })
    return later(1)
  }

  const held = await claimEvent(parts, input, event, targets, existing)
  if (held.plan.kind === 'finished') {
    log.info('event_duplicate', { trigger: event.triggerName }, { EventsDeduplicated: 1 })
    return FINISHED
  }
  if (held.plan.kind === 'wait') {
    const delaySeconds = secondsUntil(held.plan.until, parts.clock)
    log.info('event_waiting', { reason: held.plan.reason, delaySeconds })
    return later(delaySeconds)
  }
  tellSkipped(held.plan.claim.runs, log)
  if (held.plan.start.length === 0 && held.plan.exhausted.length === 0) {
    if (held.plan.claim.status === 'open') {
      const delaySeconds = secondsUntil(earliest(held.plan.runs), parts.clock)
      log.info('event_waiting', { reason: 'not_deployed', delaySeconds })
      return later(delaySeconds)
    }
    const runs = Object.keys(held.plan.runs).length
    log.info('event_finished', { trigger: event.triggerName, status: held.plan.claim.status, runs })
    return FINISHED
  }
  return new ClaimedEvent(parts, input, event, held.plan, log).finish()
}

/** What a claim itself settles: runs that their automation's own filter leaves alone, or that nobody is there for any more. */
function tellSkipped(runs: Readonly<Record<string, RunRecord>>, log: Log): void {
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

type ConcernOutcome =
  | { kind: 'known'; targets: readonly Target[] }
  | { kind: 'unknown'; error: { code: FailureCode; message: string } }
  | { kind: 'failed'; failure: RunFailure }

async function concernOf(parts: DispatchParts, event: BoxEvent, log: Log): Promise<ConcernOutcome> {
  try {
    const lookUp = (webhookId: string) => parts.targetOf(webhookId, { log })
    const concern = await targetsOf(event, parts.automations, lookUp)
    if (concern.known) return { kind: 'known', targets: concern.targets }
    const targets = concern.candidates.map(targetText).join(', ')
    const message = `The webhook ${event.webhook.id} does not exist any more, and the event does not show which of the watched items it is about (${targets}). See that the webhooks exist, then redrive.`
    return { kind: 'unknown', error: { code: 'target_unknown', message } }
  } catch (error) {
    return { kind: 'failed', failure: classify(error) }
  }
}

/** Box could not be asked what the event is about: it waits as a run would, or is dead-lettered where asking is of no use. */
function withoutTargets(
  parts: DispatchParts,
  input: Dispatch,
  log: Log,
  concern: ConcernOutcome,
): Promise<Disposition> | Disposition {
  if (concern.kind === 'unknown') return deadLetterEvent(parts, input, log, concern.error)
  if (concern.kind === 'known') return later(1)
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

function newEvent(message: Message, about: Pick<BoxEvent, 'payload'>): NewEvent {
  const payload = packPayload(message.body)
  return {
    eventId: message.eventId,
    deliveryId: message.deliveryId,
    trigger: message.trigger,
    source: sourceKey(about),
    receivedAt: message.receivedAt,
    origin: message.origin,
    // What boxhooks did not write was not verified by it either: a replay must not turn it into an event.
    ...(payload.length > PAYLOAD_BYTES_MAX || message.unread ? {} : { payload }),
  }
}

/** Reads, decides and claims until the claim holds or there is nothing to claim. A fresh event takes one write. */
async function claimEvent(
  parts: DispatchParts,
  input: Dispatch,
  event: BoxEvent,
  targets: readonly Target[],
  known: EventRecord | undefined,
): Promise<{ plan: ClaimPlan }> {
  const { ledger, clock } = parts
  const { message } = input.decoded
  let record = known
  for (;;) {
    const lease = { token: parts.newToken(), until: input.deadline }
    // What was decided at first stands, so that a webhook deleted since then can't bring in other automations.
    const about = record?.targets ?? targets
    const plan = planClaim({
      record,
      concerned: concernedBy(event, parts.automations, about),
      deployed: parts.automations,
      skipped: bound => quietSkip(bound, event),
      failure: message.failure,
      replay: message.replay,
      lease,
      now: clock.now(),
    })
    if (plan.kind !== 'claim') return { plan }
    if (record) {
      if (await ledger.claim(record, { ...plan.claim, targets: about })) return { plan }
      record = await ledger.read(message.eventId)
    } else {
      const opened = await ledger.open(newEvent(message, event), {
        ...plan.claim,
        targets: about,
      })
      if (opened.claimed) return { plan }
      record = opened.record
    }
  }
}

/** A filter that throws is left to the run, where its error is classified, counted and recorded. */
function quietSkip(bound: BoundAutomation, event: BoxEvent): Skip | undefined {
  try {
    return skipOf(bound, event)
  } catch {
    return undefined
  }
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
  if (record && !hasRuns) await ledger.claim(record, claim)
  if (!record) {
    // Whoever asks why nothing happened to an item finds the event by it, even where the event can't be read.
    const { payload = {} } = readBody(message.body)
    await ledger.open(newEvent(message, { payload }), claim)
  }
  log.error('event_dead_lettered', { code: error.code, message: error.message })
  return FINISHED
}
