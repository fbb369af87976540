import pMap from 'p-map'
import type { Target, Trigger } from '../event/event.ts'
import { targetText } from '../event/target.ts'
import type { DesiredWebhook } from '../webhooks/plan.ts'
import { backfillId } from './backfilled-event.ts'
import type { Items } from './stream-api.ts'
import type { StreamEvent, StreamName } from './stream-event.ts'
import { type Folder, type StreamSource, sourceOf } from './stream-source.ts'
import { triggersOf } from './stream-triggers.ts'

/** An event of the stream that webhooks on watched targets would have brought with one trigger. */
export type Claim = {
  /** Of the event that it is backfilled as, where no webhook brought it. */
  readonly id: string
  readonly event: StreamEvent
  readonly trigger: Trigger
  /** At least one. */
  readonly targets: readonly Target[]
  readonly about: StreamSource
  readonly path: readonly Folder[]
  /** What the ledger's index may know it by; see sourceKey(). */
  readonly sources: readonly string[]
}

/** What an event comes to under one trigger. */
export type Covered = {
  readonly event: StreamEvent
  readonly trigger: Trigger
  /** Absent where it lies below no watched target. */
  readonly claim?: Claim
  /** Whether it may lie below targets that it is not claimed for. */
  readonly unclear: boolean
  /** The item, such as `file:123`; empty where the event names none. */
  readonly item: string
}

/** How many items Box is asked about at a time. */
const AT_ONCE = { concurrency: 4 }

/**
 * Finds out which watched targets events lie below.
 * @param watched the targets with the triggers that automations are on there
 * @throws BoxError
 */
export function coveredOf(
  events: readonly StreamEvent[],
  stream: StreamName,
  watched: readonly DesiredWebhook[],
  items: Items,
): Promise<readonly Covered[]> {
  const triggers = [...new Set(watched.flatMap(one => one.triggers))]
  const pairs = events.flatMap(event =>
    triggersOf(event, stream, triggers).map(trigger => ({ event, trigger })),
  )
  return pMap(pairs, coverOne, AT_ONCE)

  async function coverOne({ event, trigger }: (typeof pairs)[number]): Promise<Covered> {
    const targets = watched.filter(one => one.triggers.includes(trigger)).map(({ target }) => target)
    const about = sourceOf(trigger, event)
    if (!about) return { event, trigger, unclear: true, item: '' }
    const path = await items.pathOf(about)
    const above = path ?? (about.parent ? [about.parent] : [])
    const covering = targets.filter(target => isItem(target, about) || liesBelow(target, above))
    const id = backfillId(event, trigger)
    const claim = { id, event, trigger, targets: covering, about, path: above, sources: sourcesOf(about) }
    return {
      event,
      trigger,
      ...(covering.length > 0 ? { claim } : {}),
      unclear: path === undefined && covering.length < targets.filter(({ type }) => type === 'folder').length,
      item: targetText(about.item),
    }
  }
}

const isItem = ({ type, id }: Target, { item }: StreamSource): boolean => type === item.type && id === item.id

const liesBelow = ({ type, id }: Target, folders: readonly Folder[]): boolean =>
  type === 'folder' && folders.some(one => one.id === id)

/** An invitation that nobody has answered yet does not name its item to a webhook. */
const sourcesOf = ({ item, source: { type, id } }: StreamSource): readonly string[] => [
  ...new Set([targetText(item), ...(type && id ? [`${type}:${id}`] : [])]),
]
