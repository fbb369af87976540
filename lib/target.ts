import type { BoundAutomation } from './automation.ts'
import { type BoxEvent, pathOf, type Target, TRIGGERS } from './event.ts'

/** Says what a webhook is set on; undefined where it does not exist any more. May throw what a Box call throws. */
export type TargetLookup = (webhookId: string) => Promise<Target | undefined>

export type Concern =
  | { readonly known: true; readonly automations: readonly BoundAutomation[] }
  /** Nothing tells which of several targets the event is about. */
  | { readonly known: false; readonly targets: readonly Target[] }

/**
 * Finds the automations that an event concerns: those that subscribe to its trigger and watch the target of the webhook
 * it came through. An event does not name that target, and nested targets each get an event of their own, so it is
 * worked out: from the item's path where just one watched target lies on it, and by asking Box otherwise.
 */
export async function concernedBy(
  event: BoxEvent,
  deployed: readonly BoundAutomation[],
  targetOf: TargetLookup,
): Promise<Concern> {
  const { trigger } = event
  if (trigger === 'UNKNOWN') return { known: true, automations: [] }
  const subscribed = deployed.filter(({ automation }) => automation.on.includes(trigger))
  if (subscribed.length === 0 || !TRIGGERS[trigger].subscribable)
    return { known: true, automations: subscribed }

  const watching = (targets: readonly Target[]): Concern => ({
    known: true,
    automations: subscribed.filter(({ watch }) => watch.some(one => includes(targets, one))),
  })
  const watched = subscribed.flatMap(({ watch }) => watch)
  const onPath = distinct(pathOf(event).filter(target => includes(watched, target)))
  if (onPath.length === 1) return watching(onPath)

  const target = await targetOf(event.webhook.id)
  if (target) return watching([target])
  // The webhook is gone. What its event is about can still be plain.
  if (onPath.length > 0) return watching(onPath)
  const targets = distinct(watched)
  return targets.length === 1 ? watching(targets) : { known: false, targets }
}

const includes = (targets: readonly Target[], { type, id }: Target): boolean =>
  targets.some(target => target.type === type && target.id === id)

function distinct(targets: readonly Target[]): readonly Target[] {
  return targets.filter((target, index) => !includes(targets.slice(0, index), target))
}
