import { isObject } from '../base/json.ts'
import { itemId, type Origin, readBody } from './event-body.ts'
import { type Infos, readInfo, readSource, readUser, type Sources, type UserMini } from './resources.ts'

export type TargetType = 'file' | 'folder'

/** A file or folder that a webhook watches. A folder's webhook watches everything below it. */
export type Target = { readonly type: TargetType; readonly id: string }

/** A file, folder or web link that an event is about. */
export type Item = {
  readonly type: TargetType | 'web_link'
  readonly id: string
  /** Where the payload has it. */
  readonly name?: string
}

type TriggerInfo = {
  readonly source: keyof Sources
  /** What `additional_info` has. */
  readonly info: keyof Infos
  /** The types of item that a webhook with this trigger can be set on. */
  readonly targets: readonly TargetType[]
  /** False for what Box sends unasked. */
  readonly subscribable: boolean
}

const on = <const K extends keyof Sources, const I extends keyof Infos>(
  source: K,
  targets: readonly TargetType[],
  info: I,
) => ({ source, info, targets, subscribable: targets.length > 0 })

const FILE: readonly TargetType[] = ['file']
const FOLDER: readonly TargetType[] = ['folder']
const EITHER: readonly TargetType[] = ['file', 'folder']

/**
 * Every trigger of Box's V2 webhooks, in the spelling that the webhooks API takes.
 * @see https://developer.box.com/guides/webhooks/triggers/
 */
export const TRIGGERS = {
  'FILE.UPLOADED': on('file', FOLDER, 'open'),
  'FILE.PREVIEWED': on('file', EITHER, 'open'),
  'FILE.DOWNLOADED': on('file', EITHER, 'open'),
  'FILE.TRASHED': on('file', EITHER, 'open'),
  'FILE.DELETED': on('file', EITHER, 'open'),
  'FILE.RESTORED': on('file', EITHER, 'open'),
  'FILE.COPIED': on('file', EITHER, 'moved'),
  'FILE.MOVED': on('file', EITHER, 'moved'),
  'FILE.LOCKED': on('file', EITHER, 'open'),
  'FILE.UNLOCKED': on('file', EITHER, 'open'),
  'FILE.RENAMED': on('file', EITHER, 'renamed'),
  'FOLDER.CREATED': on('folder', FOLDER, 'open'),
  'FOLDER.RENAMED': on('folder', FOLDER, 'renamed'),
  'FOLDER.DOWNLOADED': on('folder', FOLDER, 'open'),
  'FOLDER.RESTORED': on('folder', FOLDER, 'open'),
  'FOLDER.DELETED': on('folder', FOLDER, 'open'),
  'FOLDER.COPIED': on('folder', FOLDER, 'moved'),
  'FOLDER.MOVED': on('folder', FOLDER, 'moved'),
  'FOLDER.TRASHED': on('folder', FOLDER, 'open'),
  'COLLABORATION.CREATED': on('collaboration', FOLDER, 'open'),
  'COLLABORATION.ACCEPTED': on('collaboration', FOLDER, 'open'),
  'COLLABORATION.REJECTED': on('collaboration', FOLDER, 'open'),
  'COLLABORATION.REMOVED': on('collaboration', FOLDER, 'open'),
  'COLLABORATION.UPDATED': on('collaboration', FOLDER, 'open'),
  'COMMENT.CREATED': on('comment', EITHER, 'open'),
  'COMMENT.UPDATED': on('comment', EITHER, 'open'),
  'COMMENT.DELETED': on('comment', EITHER, 'open'),
  'METADATA_INSTANCE.CREATED': on('metadata', EITHER, 'open'),
  'METADATA_INSTANCE.UPDATED': on('metadata', EITHER, 'open'),
  'METADATA_INSTANCE.DELETED': on('metadata', EITHER, 'open'),
  'SHARED_LINK.CREATED': on('shared_link', EITHER, 'open'),
  'SHARED_LINK.UPDATED': on('shared_link', EITHER, 'open'),
  'SHARED_LINK.DELETED': on('shared_link', EITHER, 'open'),
  'TASK_ASSIGNMENT.CREATED': on('task_assignment', EITHER, 'open'),
  'TASK_ASSIGNMENT.UPDATED': on('task_assignment', EITHER, 'open'),
  'SIGN_REQUEST.COMPLETED': on('file', EITHER, 'signed'),
  'SIGN_REQUEST.DECLINED': on('file', EITHER, 'signed'),
  'SIGN_REQUEST.EXPIRED': on('file', EITHER, 'signed'),
  'SIGN_REQUEST.SIGNER_EMAIL_BOUNCED': on('file', EITHER, 'signed'),
  'SIGN_REQUEST.SIGN_SIGNER_SIGNED': on('file', EITHER, 'signed'),
  'SIGN_REQUEST.SIGN_DOCUMENT_CREATED': on('file', EITHER, 'signed'),
  'SIGN_REQUEST.SIGN_ERROR_FINALIZING': on('file', EITHER, 'signed'),
  DOCGEN_DOCUMENT_GENERATION_STARTED: on('open', FILE, 'generated'),
  DOCGEN_DOCUMENT_GENERATION_SUCCEEDED: on('open', FILE, 'generated'),
  DOCGEN_DOCUMENT_GENERATION_FAILED: on('open', FILE, 'generated'),
  'WEBHOOK.DELETED': on('webhook', [], 'webhook_deleted'),
  NO_ACTIVE_SESSION: on('open', [], 'open'),
} as const satisfies Record<string, TriggerInfo>

export type Trigger = keyof typeof TRIGGERS

/** Box's guide spells three triggers otherwise than its API description. */
const ALIASES: Readonly<Record<string, Trigger>> = {
  'SIGN_REQUEST.SIGNER_SIGNED': 'SIGN_REQUEST.SIGN_SIGNER_SIGNED',
  'SIGN_REQUEST.SIGNATURE_REQUESTED': 'SIGN_REQUEST.SIGN_DOCUMENT_CREATED',
  'SIGN_REQUEST.ERROR_FINALIZING': 'SIGN_REQUEST.SIGN_ERROR_FINALIZING',
}

type Open = Readonly<Record<string, unknown>>

type EventBase = {
  /** Unchanged when Box delivers again. */
  readonly id: string
  /** The trigger as it came over the wire. */
  readonly triggerName: string
  /** RFC 3339 as it came; empty where the payload has none. */
  readonly createdAt: string
  readonly webhook: { readonly id: string }
  readonly createdBy?: UserMini
  readonly origin: Origin
  /** What the event is about, from wherever the payload names it; undefined where it does not. */
  readonly item: Item | undefined
  /**
   * All of what Box sent. `source` and `additionalInfo` leave out what is not of the type that they have; here it is.
   * Ids are not checked here: one could change the path of a call that it is put into.
   */
  readonly payload: Open
}

type EventFor<T extends Trigger> = EventBase & {
  readonly trigger: T
  readonly source: Sources[(typeof TRIGGERS)[T]['source']]
  readonly additionalInfo: Infos[(typeof TRIGGERS)[T]['info']]
}

/** The event of a trigger; of several triggers, the union of theirs. */
export type EventOf<T extends Trigger> = T extends Trigger ? EventFor<T> : never

/** An event whose trigger this version does not know; `triggerName` says which it is. */
export type UnknownEvent = EventBase & {
  readonly trigger: 'UNKNOWN'
  readonly source: Open
  readonly additionalInfo: Open
}

export type BoxEvent = EventOf<Trigger> | UnknownEvent

export type ParsedEvent =
  | { readonly ok: true; readonly event: BoxEvent }
  | { readonly ok: false; readonly reason: { readonly code: 'event_unreadable'; readonly message: string } }

/**
 * Reads a delivery's body. Never throws. Any body with a trigger is an event, whatever its source is. A trigger that
 * is not known is kept as an {@link UnknownEvent}.
 * @param known what travelled with the body: the event's id, and how the event came here
 * @see https://developer.box.com/guides/webhooks/v2/
 */
export function parseEvent(
  body: Uint8Array | string,
  known: { readonly eventId?: string; readonly origin?: Origin } = {},
): ParsedEvent {
  const { payload, eventId, trigger: triggerName, createdAt, webhookId } = readBody(body)
  if (!payload) return unreadable('The body is not a JSON object, or is nested too deeply to be read.')
  if (triggerName === undefined)
    return unreadable('The body has no trigger, so it is not an event of a V2 webhook.')
  const createdBy = readUser(payload.created_by)
  const base: EventBase = {
    id: known.eventId ?? eventId,
    triggerName,
    createdAt,
    webhook: { id: webhookId },
    ...(createdBy ? { createdBy } : {}),
    origin: known.origin ?? 'webhook',
    item: itemIn(payload),
    payload,
  }
  const trigger = triggerOf(triggerName)
  if (trigger) return { ok: true, event: eventFor(trigger, base) }
  const additionalInfo = readInfo('open', payload.additional_info) ?? {}
  return { ok: true, event: { ...base, trigger: 'UNKNOWN', source: sourceIn(payload), additionalInfo } }
}

function eventFor<T extends Trigger>(trigger: T, base: EventBase): EventOf<T>
// TypeScript can't follow that a trigger's own row of the table reads its own source.
function eventFor(trigger: Trigger, base: EventBase): object {
  const { source: kind, info } = TRIGGERS[trigger]
  const source = readSource(kind, sourceIn(base.payload)) ?? {}
  return { ...base, trigger, source, additionalInfo: readInfo(info, base.payload.additional_info) ?? {} }
}

const unreadable = (message: string): ParsedEvent => ({
  ok: false,
  reason: { code: 'event_unreadable', message },
})

/** The trigger that a name of Box's means, in either of its spellings; undefined where there is none. */
export function triggerOf(name: string): Trigger | undefined {
  if (isTrigger(name)) return name
  return Object.hasOwn(ALIASES, name) ? ALIASES[name] : undefined
}

/** Whether a name is one of Box’s triggers. */
export const isTrigger = (name: string): name is Trigger => Object.hasOwn(TRIGGERS, name)

const sourceIn = ({ source }: Open): Open => (isObject(source) ? source : {})

/** Finds the file, folder or web link that a payload is about; undefined where it names none. */
export const itemIn = (payload: Open): Item | undefined => itemsIn(payload)[0]

/** Of which type the item of a source is where the payload does not say. */
const USUAL_ITEM: { readonly [K in keyof Sources]?: TargetType } = {
  comment: 'file',
  task_assignment: 'file',
  // A webhook for collaborations can be set on folders only.
  collaboration: 'folder',
}

/** Everything that a payload names as what it is about, the likeliest first. */
function itemsIn(payload: Open): readonly Item[] {
  const source = sourceIn(payload)
  const info = isObject(payload.additional_info) ? payload.additional_info : {}
  const trigger = typeof payload.trigger === 'string' ? triggerOf(payload.trigger) : undefined
  const kind = trigger && TRIGGERS[trigger].source
  const named = [
    readItem(source, kind === 'file' || kind === 'folder' ? kind : undefined),
    readItem(source.item, kind && USUAL_ITEM[kind]),
    metadataParent(source.$parent ?? source.parent),
    ...readItems(source.source_files),
    ...(isObject(source.sign_files) ? readItems(source.sign_files.files) : []),
    // A document that is generated goes by its template, which the webhook is set on.
    readItem(source.template_file ?? info.template_file),
    readItem(source.output_file ?? info.output_file),
    readItem(source.target),
  ]
  return named.filter(item => item !== undefined)
}

/**
 * Reads an item in the form that an object of Box has, or in the short form of the enterprise's log.
 * @param usual its type where it has none, and an id as files and folders have them
 * @returns undefined where it is something else, or its id could change a path
 */
export function readItem(value: unknown, usual?: TargetType): Item | undefined {
  if (!isObject(value)) return undefined
  const id = itemId(value.item_id ?? value.id)
  const given = value.item_type ?? value.type
  const type = typeof given !== 'string' && id && /^\d+$/.test(id) ? usual : given
  const name = value.item_name ?? value.name
  if (!id || (type !== 'file' && type !== 'folder' && type !== 'web_link')) return undefined
  return { type, id, ...(typeof name === 'string' ? { name } : {}) }
}

const readItems = (values: unknown): readonly (Item | undefined)[] =>
  Array.isArray(values) ? values.map(value => readItem(value)) : []

/** A metadata instance names its item as `file_123`. */
function metadataParent(value: unknown): Item | undefined {
  const [, type, id] = (typeof value === 'string' && /^(file|folder)_(\d{1,128})$/.exec(value)) || []
  return readItem({ type, id })
}

/** The files and folders that an event is about and every folder above them that it names; its item comes first. */
export function pathOf({ payload }: Pick<BoxEvent, 'payload'>): readonly Target[] {
  const { parent_folder: savedIn, path_collection: path, parent } = sourceIn(payload)
  const above = [savedIn, ...(isObject(path) && Array.isArray(path.entries) ? path.entries : []), parent]
  return [...itemsIn(payload), ...readItems(above)].flatMap(item =>
    item && item.type !== 'web_link' ? [{ type: item.type, id: item.id }] : [],
  )
}

/** What the ledger's index knows an event by: `file:123` of the item it is about, or `none`. */
export function sourceKey({ payload }: Pick<BoxEvent, 'payload'>): string {
  const { type, id } = itemIn(payload) ?? sourceIn(payload)
  // An index key has at most 1024 bytes in DynamoDB; no id of Box comes near.
  return typeof type === 'string' && typeof id === 'string' && id ? `${type}:${id}`.slice(0, 256) : 'none'
}
