import type { Clock } from '../base/clock.ts'
import type { FailureCode } from '../base/errors.ts'
import { DEFAULT_RETRY, decideRetry } from '../base/retry.ts'
import { type BoxEvent, type ParsedEvent, parseEvent } from '../event/event.ts'
import { RecordFull } from '../ledger/ledger.ts'
import type { RunRecord } from '../ledger/record.ts'
import type { Log } from '../log/log.ts'
import { type ClaimPlan, earliest } from './claim.ts'
import { type ClaimAttempt, claimEvent } from './claim-event.ts'
import { deadLetterEvent } from './dead-letter-event.ts'
import {
  type DispatchDeps,
  type DispatchInput,
  type Disposition,
  FINISHED,
  later,
  SUSPECT,
  secondsUntil,
} from './disposition.ts'
import { CLAIM_MS_MIN, type KnownTargets, type ResolvedTargets, resolveTargets } from './resolve-targets.ts'
import { settleRuns } from './settle-runs.ts'

/**
 * Processes one queue message: reads its event, resolves its targets, claims it, runs the automations that are due, records
 * their outcomes, and dead-letters what can't succeed. Safe to call with the same event any number of times, at the same
 * time as well.
 * @throws what the ledger or the dead-letter queue throws; the message must then come back
 */
export async function dispatch(deps: DispatchDeps, input: DispatchInput): Promise<Disposition> {
  const { message } = input.decoded
  const log = deps.log.with({ eventId: message.eventId })
  const parsed = parseMessage(input)
  if (!parsed.ok) return deadLetterEvent(deps, input, log, parsed.reason)
  const { event } = parsed
  logWebhookWarnings(event, log)

  const { targets, existing } = await resolveTargets(deps, input, event, log)
  if (targets.kind !== 'known') return withoutTargets(deps, input, log, targets)
  if (input.deadline - deps.clock.now() < CLAIM_MS_MIN) return noTimeLeft(log)

  try {
    const claimed = await claimEvent(deps, input, event, targets, existing, log)
    if (claimed.plan.kind !== 'claim') return withoutClaim(claimed.plan, event, deps.clock, log)
    const { plan } = claimed
    logSkippedRuns(plan.claim.runs, log)
    if (plan.start.length === 0 && plan.exhausted.length === 0)
      return withoutRuns(plan, event, deps.clock, log)
    return await settleRuns(deps, { ...claimed, plan, input, event, log })
  } catch (error) {
    if (!(error instanceof RecordFull)) throw error
    return deadLetterEvent(deps, input, log, error.failure)
  }
}

type Unreadable = { readonly code: FailureCode; readonly message: string }

function parseMessage({
  decoded,
}: DispatchInput): Extract<ParsedEvent, { ok: true }> | { readonly ok: false; readonly reason: Unreadable } {
  const { message } = decoded
  if (!decoded.ok) return { ok: false, reason: { code: 'message_unreadable', message: decoded.reason } }
  return parseEvent(message.body, { eventId: message.eventId, origin: message.origin })
}

/** There was nothing to claim: the event is finished, or must wait. */
function withoutClaim(
  plan: Exclude<ClaimAttempt['plan'], { kind: 'claim' }>,
  event: BoxEvent,
  clock: Clock,
  log: Log,
): Disposition {
  if (plan.kind === 'finished') {
    log.info('event_duplicate', { trigger: event.triggerName }, { EventsDeduplicated: 1 })
    return FINISHED
  }
  if (plan.kind === 'suspect') return SUSPECT
  if (plan.reason === 'no_time_left') return noTimeLeft(log)
  const delaySeconds = secondsUntil(plan.until, clock)
  log.info('event_waiting', { reason: plan.reason, delaySeconds })
  return later(delaySeconds)
}

/** The claim started nothing: its runs were skipped, or wait for automations that are not deployed now. */
function withoutRuns(
  { claim, runs }: Extract<ClaimPlan, { kind: 'claim' }>,
  event: BoxEvent,
  clock: Clock,
  log: Log,
): Disposition {
  if (claim.status === 'open') {
    const delaySeconds = secondsUntil(earliest(runs), clock)
    log.info('event_waiting', { reason: 'not_deployed', delaySeconds })
    return later(delaySeconds)
  }
  const fields = { trigger: event.triggerName, status: claim.status, runs: Object.keys(runs).length }
  log.info('event_finished', fields)
  return FINISHED
}

/** Others of the same batch took the function's time; it counts against nobody. */
function noTimeLeft(log: Log): Disposition {
  log.info('event_waiting', { reason: 'no_time_left' })
  return later(1)
}

/** Logs what a claim itself settles: runs that their automation's filter skips, or whose automation is gone. */
function logSkippedRuns(runs: Readonly<Record<string, RunRecord>>, log: Log): void {
  for (const [automation, { status, reason }] of Object.entries(runs))
    if (status === 'skipped') log.info('run_skipped', { automation, reason, outcome: 'skipped' }, { Runs: 1 })
}

/** Warns of the two triggers that are about the webhook itself, whether or not an automation is on them. */
function logWebhookWarnings({ trigger, webhook }: BoxEvent, log: Log): void {
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
        'Box has deleted the webhook, as it does when deliveries have failed for weeks. Create it again.',
    })
}

/** Box could not be asked what the event is about: it waits as a run would, or is dead-lettered where asking is of no use. */
function withoutTargets(
  deps: DispatchDeps,
  input: DispatchInput,
  log: Log,
  targets: Exclude<ResolvedTargets, KnownTargets>,
): Promise<Disposition> | Disposition {
  if (targets.kind === 'unknown') return deadLetterEvent(deps, input, log, targets.error)
  const { failure } = targets
  if (failure.class === 'permanent') return deadLetterEvent(deps, input, log, failure)
  const decision = decideRetry({
    failure,
    policy: { ...DEFAULT_RETRY, attempts: Number.POSITIVE_INFINITY },
    attempts: input.receiveCount,
    throttles: input.receiveCount,
    random: deps.random,
  })
  const delaySeconds = decision.kind === 'retry' ? decision.delaySeconds : 1
  log.warn('event_waiting', { reason: 'target_lookup_failed', code: failure.code, delaySeconds })
  return later(delaySeconds)
}
