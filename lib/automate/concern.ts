import { targetsOf } from '../automation/target.ts'
import { AutomationError, classify, type FailureCode, type RunFailure } from '../base/errors.ts'
import type { BoxEvent, Target } from '../event/event.ts'
import { targetText } from '../event/target.ts'
import type { EventRecord } from '../ledger/record.ts'
import type { Log } from '../log/log.ts'
import type { Dispatch, DispatchParts } from './claimed-event.ts'

/**
 * Finds out what a delivery is about.
 * @throws what the ledger throws
 * @param existing the event's record, where it was read already
 * @param deadline when the answer must be there, in milliseconds since the epoch
 */
export async function concernOf(
  parts: DispatchParts,
  event: BoxEvent,
  existing: EventRecord | undefined,
  { deadline, log }: { readonly deadline: number; readonly log: Log },
): Promise<{ readonly concern: ConcernOutcome; readonly existing: EventRecord | undefined }> {
  const concern = knownBefore(event, existing) ?? (await lookUpConcern(parts, { deadline }, event, log))
  if (concern.kind === 'known') return { concern, existing }
  const record = existing ?? (await parts.ledger.read(event.id))
  return { concern: knownBefore(event, record, concern.kind === 'unknown') ?? concern, existing: record }
}

/** What a delivery is about, once that is known. */
export type Known = {
  readonly kind: 'known'
  readonly targets: readonly Target[]
  /** The webhook whose target it is, where that decided. */
  readonly webhookId?: string
}

export type ConcernOutcome =
  | Known
  | { readonly kind: 'unknown'; readonly error: { readonly code: FailureCode; readonly message: string } }
  | { readonly kind: 'failed'; readonly failure: RunFailure }

/**
 * What was found out when the event came first needs no finding out again, so that a webhook deleted since then can't
 * bring in other automations.
 * @param isLost whether what its webhook is set on can't be found out any more
 */
function knownBefore(event: BoxEvent, existing: EventRecord | undefined, isLost = false): Known | undefined {
  const { targets, webhooks } = existing ?? {}
  return targets && (isLost || webhooks?.includes(event.webhook.id)) ? { kind: 'known', targets } : undefined
}

const LOOKUP_TIMED_OUT = new AutomationError({
  class: 'transient',
  code: 'box_unreachable',
  message: 'Box had not said in time what the webhook is set on. It is asked again later.',
})

async function lookUpConcern(
  parts: DispatchParts,
  { deadline }: Pick<Dispatch, 'deadline'>,
  event: BoxEvent,
  log: Log,
): Promise<ConcernOutcome> {
  const stop = new AbortController()
  let cancel = (): void => {}
  const timeOver = new Promise<never>((_, reject) => {
    cancel = parts.clock.after(deadline - parts.clock.now(), () => {
      stop.abort(LOOKUP_TIMED_OUT)
      reject(LOOKUP_TIMED_OUT)
    })
  })
  try {
    const lookUp = (webhookId: string) => parts.targetOf(webhookId, { log, signal: stop.signal })
    const concern = await Promise.race([targetsOf(event, parts.automations, lookUp), timeOver])
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
