import { isObject } from '../base/json.ts'
import { type BoxEvent, pathOf, readItem, type Target, TRIGGERS } from '../event/event.ts'
import { ACCOUNT } from '../event/target.ts'
import type { BoundAutomation } from './automation.ts'

export type Concern =
  | {
      readonly known: true
      readonly targets: readonly Target[]
      /** The webhook whose target it is, where that decided. */
      readonly webhookId?: string
    }
  /** Nothing tells which of several targets the event is about. */
  | { readonly known: false; readonly candidates: readonly Target[] }

/**
 * Finds the targets that a delivery is about: the one of the webhook that it came through. Box names the webhook and
 * not its target, sends one event to each webhook that it concerns, and shows a path that can lack folders, so the
 * webhook decides. Only where it does not exist any more does a whole path.
 * @param lookUp says what a webhook is set on; undefined where it does not exist
 * @throws what lookUp throws
 */
export async function targetsOf(
  event: BoxEvent,
  deployed: readonly BoundAutomation[],
  lookUp: (webhookId: string) => Promise<Target | undefined>,
): Promise<Concern> {
  const subscribed = subscribedTo(event, deployed)
  if (subscribed.length === 0 || !isSubscribable(event)) return { known: true, targets: [] }
  if (event.origin === 'v1') return { known: true, targets: watchedByV1(event, subscribed) }
  const backfilled = event.origin === 'backfill' ? backfilledFor(event) : undefined
  if (backfilled) return { known: true, targets: backfilled }
  const target = await lookUp(event.webhook.id)
  if (target) return { known: true, targets: [target], webhookId: event.webhook.id }
  const watched = distinct(subscribed.flatMap(({ watch }) => watch))
  const onPath = distinct(pathOf(event).filter(one => includes(watched, one)))
  return showsWholePath(event) && onPath.length > 0
    ? { known: true, targets: onPath }
    : { known: false, candidates: watched }
}

/** Files and folders come with every folder above them; what names its item in passing comes with none. */
const showsWholePath = ({ payload }: BoxEvent): boolean => {
  const source = isObject(payload.source) ? payload.source : {}
  const path = isObject(source.path_collection) ? source.path_collection.entries : undefined
  return Array.isArray(path) && path.length > 0
}

/** The automations that subscribe to an event's trigger and watch one of these targets. */
export function concernedBy(
  event: BoxEvent,
  deployed: readonly BoundAutomation[],
  targets: readonly Target[],
): readonly BoundAutomation[] {
  const subscribed = subscribedTo(event, deployed)
  if (!isSubscribable(event)) return subscribed
  return subscribed.filter(({ watch }) => watch.some(one => includes(targets, one)))
}

function subscribedTo(
  { trigger, origin }: BoxEvent,
  deployed: readonly BoundAutomation[],
): BoundAutomation[] {
  if (trigger === 'UNKNOWN') return []
  return deployed.filter(
    ({ automation }) => automation.on.includes(trigger) && (origin !== 'v1' || automation.v1),
  )
}

/** A V1 webhook has no target. Its event is about the watched ones that it names, and about the whole account. */
const watchedByV1 = (event: BoxEvent, subscribed: readonly BoundAutomation[]): readonly Target[] => {
  const path = [...pathOf(event), ACCOUNT]
  return distinct(subscribed.flatMap(({ watch }) => watch)).filter(target => includes(path, target))
}

/** Reads the targets that a backfilled event is about, which the event names; undefined where it names none. */
function backfilledFor({ additionalInfo }: BoxEvent): readonly Target[] | undefined {
  const { backfill }: Readonly<Record<string, unknown>> = additionalInfo
  const named: readonly unknown[] =
    isObject(backfill) && Array.isArray(backfill.targets) ? backfill.targets : []
  const targets = named.flatMap((one): readonly Target[] => {
    const { type, id } = readItem(one) ?? {}
    return (type === 'file' || type === 'folder') && id ? [{ type, id }] : []
  })
  return targets.length > 0 ? targets : undefined
}

/** What Box sends unasked is about the webhook itself, and concerns whoever asks for it. */
const isSubscribable = ({ trigger }: BoxEvent): boolean =>
  trigger !== 'UNKNOWN' && TRIGGERS[trigger].subscribable

const includes = (targets: readonly Target[], { type, id }: Target): boolean =>
  targets.some(target => target.type === type && target.id === id)

/** Leaves out what was there before. */
export function distinct(targets: readonly Target[]): readonly Target[] {
  return targets.filter((target, index) => !includes(targets.slice(0, index), target))
}
