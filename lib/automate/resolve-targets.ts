import { targetsOf } from '../automation/target.ts'
import { AutomationError, classify, type FailureCode, type RunFailure } from '../base/errors.ts'
import type { BoxEvent, Target } from '../event/event.ts'
import { targetText } from '../event/target.ts'
import type { EventRecord } from '../ledger/record.ts'
import type { Log } from '../log/log.ts'
import { type DispatchDeps, type DispatchInput, RESERVE_MS } from './disposition.ts'

/** With less time than this left an event is not claimed, in milliseconds: asking Box before it may have taken long. */
export const CLAIM_MS_MIN = 2 * RESERVE_MS

/**
 * Finds the targets that a delivery is about: those in the event's record, or else what its webhook is set on.
 * @returns also the event's record, where it was read
 * @throws what the ledger throws
 */
export async function resolveTargets(
  deps: DispatchDeps,
  { decoded: { message }, receiveCount, deadline }: DispatchInput,
  event: BoxEvent,
  log: Log,
): Promise<{ readonly targets: ResolvedTargets; readonly existing: EventRecord | undefined }> {
  // A fresh event needs no reading. For one that has come before, a read costs less than a write that is refused.
  const cameBefore = receiveCount > 1 || message.failure !== undefined || message.replay !== undefined
  const existing = cameBefore ? await deps.ledger.read(message.eventId) : undefined
  const targets =
    knownBefore(event, existing) ?? (await lookUpTargets(deps, deadline - CLAIM_MS_MIN, event, log))
  if (targets.kind === 'known') return { targets, existing }
  const record = existing ?? (await deps.ledger.read(event.id))
  return { targets: knownBefore(event, record, targets.kind === 'unknown') ?? targets, existing: record }
}

/** The targets of a delivery, once they are known. */
export type KnownTargets = {
  readonly kind: 'known'
  readonly targets: readonly Target[]
  /** The webhook whose target it is, where that decided. */
  readonly webhookId?: string
}

export type ResolvedTargets =
  | KnownTargets
  | { readonly kind: 'unknown'; readonly error: { readonly code: FailureCode; readonly message: string } }
  | { readonly kind: 'failed'; readonly failure: RunFailure }

/**
 * What was found out when the event came first needs no finding out again, so that a webhook deleted since then can't
 * bring in other automations.
 * @param isLost whether what its webhook is set on can't be found out any more
 */
function knownBefore(
  event: BoxEvent,
  existing: EventRecord | undefined,
  isLost = false,
): KnownTargets | undefined {
  const { targets, webhooks } = existing ?? {}
  return targets && (isLost || webhooks?.includes(event.webhook.id)) ? { kind: 'known', targets } : undefined
}

const LOOKUP_TIMED_OUT = new AutomationError({
  class: 'transient',
  code: 'box_unreachable',
  message: 'Box had not said in time what the webhook is set on. It is asked again later.',
})

/** @param deadline when the answer must be there, in milliseconds since the epoch */
async function lookUpTargets(
  deps: DispatchDeps,
  deadline: number,
  event: BoxEvent,
  log: Log,
): Promise<ResolvedTargets> {
  const stop = new AbortController()
  let cancel = (): void => {}
  const timeOver = new Promise<never>((_, reject) => {
    cancel = deps.clock.after(deadline - deps.clock.now(), () => {
      stop.abort(LOOKUP_TIMED_OUT)
      reject(LOOKUP_TIMED_OUT)
    })
  })
  try {
    const lookUp = (webhookId: string) => deps.targetOf(webhookId, { log, signal: stop.signal })
    const concern = await Promise.race([targetsOf(event, deps.automations, lookUp), timeOver])
    if (concern.known) return { ...concern, kind: 'known' }
    const candidates = concern.candidates.map(targetText).join(', ')
    const message = `The webhook ${event.webhook.id} no longer exists, and the event does not show which of the watched items it is about (${candidates}). See that the webhooks exist (npx boxhooks webhooks list), then redrive.`
    return { kind: 'unknown', error: { code: 'target_unknown', message } }
  } catch (error) {
    return { kind: 'failed', failure: classify(error) }
  } finally {
    cancel()
  }
}
