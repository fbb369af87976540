import { createHash } from 'node:crypto'
import { isObject } from '../base/json.ts'
import { type Target, TRIGGERS, type Trigger } from '../event/event.ts'
import { UNKNOWN } from '../event/event-body.ts'
import { readSource } from '../event/resources.ts'
import type { Message } from '../queue/message.ts'
import { familyOf, type StreamEvent, type StreamName } from './stream-event.ts'
import type { Folder, StreamSource } from './stream-source.ts'

type Open = Readonly<Record<string, unknown>>

/**
 * The id of a backfilled event: the same whenever the same event of the stream is backfilled, on any machine. As with
 * webhooks it is one for all targets.
 */
export const backfillId = (event: Pick<StreamEvent, 'id'>, trigger: Trigger): string =>
  `backfill-${createHash('sha256').update(`${event.id}\n${trigger}`).digest('hex').slice(0, 40)}`

export type Backfilled = {
  /** Of a record that webhooks made and that lacks these targets, or one of its own; see {@link backfillId}. */
  readonly id: string
  readonly event: StreamEvent
  readonly trigger: Trigger
  readonly targets: readonly Target[]
  readonly stream: StreamName
  /** The webhook on a target, where there is one. */
  readonly webhookId: string | undefined
  readonly about: StreamSource
  /** The item as Box has it now; undefined where it is gone. */
  readonly found: Open | undefined
  /** The folders that it lay in, the root first. */
  readonly path: readonly Folder[]
}

/**
 * Makes the message of a back-filled event. Its body has the form of a webhook's: the item as it is now, in the place where it
 * was then.
 * @param receivedAt ISO 8601
 */
export function backfilledMessage(backfilled: Backfilled, receivedAt: string): Message {
  const { id, event, trigger, about, webhookId = UNKNOWN } = backfilled
  const body = {
    type: 'webhook_event',
    id,
    created_at: event.createdAt,
    trigger,
    webhook: { id: webhookId, type: 'webhook' },
    ...(event.createdBy ? { created_by: event.createdBy } : {}),
    source: sourceIn(backfilled),
    additional_info: {
      ...about.info,
      backfill: {
        event_id: event.id,
        event_type: event.type,
        stream: familyOf(backfilled.stream),
        // An id by its own name, which a replay in the local stack replaces.
        targets: backfilled.targets.map(({ type, id: targetId }) => ({ type, id: targetId })),
      },
    },
  }
  return {
    eventId: id,
    deliveryId: 'backfill',
    trigger,
    receivedAt,
    origin: 'backfill',
    webhookId,
    body: Buffer.from(JSON.stringify(body)),
  }
}

/** Whether an event has the fields of its item, or of its item's link, so that the item must be asked for. */
export const showsItem = (trigger: Trigger): boolean =>
  ['file', 'folder', 'shared_link'].includes(TRIGGERS[trigger].source)

/** The item in full where the event is about an item; an event about something else names its item in short. */
function sourceIn({ trigger, about, found, path }: Backfilled): Open {
  const { source: kind } = TRIGGERS[trigger]
  if (!showsItem(trigger)) return about.source
  if (kind === 'shared_link') {
    // What was deleted then is gone, whatever link there is now.
    const link = trigger === 'SHARED_LINK.DELETED' ? { url: null } : found?.shared_link
    const { type, item } = about.source
    return readSource(kind, { ...about.source, ...(isObject(link) ? link : {}), type, item }) ?? about.source
  }
  const parent = path.at(-1)
  const source = {
    ...about.source,
    ...found,
    path_collection: { total_count: path.length, entries: path },
    ...(parent ? { parent } : {}),
    ...(found ? {} : { item_status: 'deleted' }),
  }
  return readSource(kind, source) ?? about.source
}
