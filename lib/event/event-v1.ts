import { createHash } from 'node:crypto'
import { itemId } from './event-body.ts'

/**
 * What a V1 callback can tell of its event, by the names that Box's templates have (`#item_id#`).
 * @see https://developer.box.com/guides/webhooks/v1/
 */
export const V1_FIELDS = [
  'event_type',
  'item_id',
  'item_type',
  'item_name',
  'item_extension',
  'item_description',
  'item_parent_folder_id',
  'new_item_id',
  'new_item_parent_folder_id',
  'from_user_id',
  'to_user_ids',
] as const

export type V1Field = (typeof V1_FIELDS)[number]

/** Field, or `token` → the name that the callback parameter was given in the Developer Console, where it is another. */
export type V1Names = Readonly<Partial<Record<V1Field | 'token', string>>>

/** A callback's parameters in the order they came, names repeated where they were. */
export type V1Parameters = readonly (readonly [name: string, value: string])[]

/** How long the same callback counts as the same event, in seconds: V1 callbacks carry neither an id nor a time. */
export const V1_WINDOW_SECONDS = 60

/** The name that every V1 event's webhook has: the callback does not tell which webhook it came through. */
export const V1_WEBHOOK_ID = 'v1'

/** How a V1 event type is written as trigger where no V2 trigger corresponds. */
const PREFIX = 'V1.'

/** A V1 event as it travels on the queue: in the shape of a V2 delivery, so that all that reads those reads it. */
export type V1Event =
  | { readonly ok: true; readonly eventId: string; readonly trigger: string; readonly body: Uint8Array }
  | { readonly ok: false; readonly missing: V1Field }

/**
 * Normalises a V1 callback. Every parameter is kept, as it came, under `additional_info`.
 * @param parameters without the token
 * @param receivedAt milliseconds since the epoch; decides the window within which a repetition is the same event
 * @returns the event, or the first field without which it is none. Never throws.
 */
export function normaliseV1(parameters: V1Parameters, names: V1Names, receivedAt: number): V1Event {
  const given = new Map<string, string>()
  for (const [name, value] of parameters) {
    const before = given.get(name)
    given.set(name, before === undefined ? value : `${before},${value}`)
  }
  const field = (name: V1Field): string => given.get(names[name] ?? name)?.trim() ?? ''
  const id = (name: V1Field): string | undefined => itemId(field(name))

  const type = field('event_type')
    .toUpperCase()
    .replace(/[^A-Z]+/g, '_')
    .replace(/^_|_$/g, '')
    .slice(0, 64)
  if (type === '') return { ok: false, missing: 'event_type' }
  const sourceId = id('item_id')
  if (sourceId === undefined) return { ok: false, missing: 'item_id' }
  const itemType = field('item_type').toLowerCase() || impliedType(type)
  if (itemType === undefined) return { ok: false, missing: 'item_type' }

  const trigger = triggerOf(type, itemType)
  const parentId = (type === 'MOVED' && id('new_item_parent_folder_id')) || id('item_parent_folder_id')
  const userId = id('from_user_id')
  const name = field('item_name')
  const eventId = eventIdOf(parameters, receivedAt)
  const event = {
    type: 'webhook_event',
    id: eventId,
    trigger,
    webhook: { id: V1_WEBHOOK_ID, type: 'webhook' },
    ...(userId ? { created_by: { type: 'user', id: userId } } : {}),
    source: {
      id: sourceId,
      type: itemType,
      ...(name ? { name } : {}),
      ...(parentId ? { parent: { type: 'folder', id: parentId } } : {}),
    },
    additional_info: Object.fromEntries(given),
  }
  return { ok: true, eventId, trigger, body: Buffer.from(JSON.stringify(event)) }
}

/** Box's word for an event → the V2 trigger's, where a V2 event tells the same about an item of that type. */
const ACTIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  file: {
    UPLOADED: 'UPLOADED',
    PREVIEWED: 'PREVIEWED',
    DOWNLOADED: 'DOWNLOADED',
    DELETED: 'TRASHED',
    COPIED: 'COPIED',
    MOVED: 'MOVED',
    LOCKED: 'LOCKED',
    UNLOCKED: 'UNLOCKED',
  },
  folder: {
    CREATED: 'CREATED',
    DOWNLOADED: 'DOWNLOADED',
    DELETED: 'TRASHED',
    COPIED: 'COPIED',
    MOVED: 'MOVED',
  },
}

/** What kind of item an event is about that only one kind has, such as an upload. */
function impliedType(type: string): string | undefined {
  const [itemType, ...others] = Object.keys(ACTIONS).filter(one => Object.hasOwn(ACTIONS[one] ?? {}, type))
  return others.length === 0 ? itemType : undefined
}

function triggerOf(type: string, itemType: string): string {
  const actions = Object.hasOwn(ACTIONS, itemType) ? ACTIONS[itemType] : undefined
  const action = actions && Object.hasOwn(actions, type) ? actions[type] : undefined
  return action === undefined ? PREFIX + type : `${itemType.toUpperCase()}.${action}`
}

/** The same for the same parameters, in whatever order, within one window of the clock. */
function eventIdOf(parameters: V1Parameters, receivedAt: number): string {
  const window = Math.floor(receivedAt / (V1_WINDOW_SECONDS * 1000))
  const sorted = parameters.map(pair => JSON.stringify(pair)).sort()
  return `v1-${createHash('sha256')
    .update(JSON.stringify([window, sorted]))
    .digest('hex')}`
}
