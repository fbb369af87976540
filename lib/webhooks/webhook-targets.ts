import type { TargetLookup } from '../box/box.ts'
import type { Target } from '../event/event.ts'
import { NO_RECORD, type WebhookRecord } from './webhook-record.ts'

/** How long what the stage's record says is believed, in milliseconds. */
const FRESH_MS = 600_000

/** How long at least lies between two readings of the record for a webhook that it does not have, in milliseconds. */
const AGAIN_MS = 10_000

/**
 * Looks up what a webhook is set on: in the stage's own record, which also has the webhooks that were there, and at Box
 * where the record does not have it. The record is read once every ten minutes, and for all events together.
 * @param now milliseconds since the epoch
 */
export function recordedTargets(
  record: Pick<WebhookRecord, 'read'>,
  askBox: TargetLookup,
  now: () => number,
): TargetLookup {
  let reading: { readonly at: number; readonly targets: Promise<ReadonlyMap<string, Target>> } | undefined
  const recorded = (freshMs: number): Promise<ReadonlyMap<string, Target>> => {
    if (reading && now() - reading.at < freshMs) return reading.targets
    const targets = record.read().then((read = NO_RECORD) => {
      const gone = read.gone.map(({ webhookId, target }) => [webhookId, target] as const)
      const there = read.webhooks.flatMap(({ webhookId, target }) =>
        webhookId === undefined ? [] : [[webhookId, target] as const],
      )
      return new Map([...gone.reverse(), ...there])
    })
    const next = { at: now(), targets }
    reading = next
    targets.catch(() => {
      if (reading === next) reading = undefined
    })
    return targets
  }
  return async (webhookId, options) =>
    (await recorded(FRESH_MS)).get(webhookId) ??
    (await recorded(AGAIN_MS)).get(webhookId) ??
    askBox(webhookId, options)
}
