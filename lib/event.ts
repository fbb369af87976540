import { isObject } from './json.ts'
import { idText, type Origin } from './message.ts'
import type {
  BoxFile,
  BoxFolder,
  Collaboration,
  Comment,
  MetadataInstance,
  SignRequest,
  TaskAssignment,
  UserMini,
  WebhookMini,
} from './resources.ts'

export type TargetType = 'file' | 'folder'

/** A file or folder that a webhook watches. A folder's webhook watches everything below it. */
export type Target = { readonly type: TargetType; readonly id: string }

/** What an event's `source` is, by kind. */
export type Sources = {
  file: BoxFile
  folder: BoxFolder
  /** A shared link is told of through its item. */
  item: BoxFile | BoxFolder
  comment: Comment
  collaboration: Collaboration
  task_assignment: TaskAssignment
  metadata: MetadataInstance
  sign_request: SignRequest
  webhook: WebhookMini
  /** Anything, nothing at all included. */
  open: Readonly<Record<string, unknown>>
}

type TriggerInfo = {
  readonly source: keyof Sources
  /** The types of item that a webhook with this trigger can be set on. */
  readonly targets: readonly TargetType[]
  /** False for what Box sends unasked. */
  readonly subscribable: boolean
}

const on = <const K extends keyof Sources>(source: K, ...targets: readonly TargetType[]) => ({
  source,
  targets,
  subscribable: targets.length > 0,
})

/**
 * Every trigger of Box's V2 webhooks, in the spelling that the webhooks API takes.
 * @see https://developer.box.com/guides/webhooks/triggers/
 */
export const TRIGGERS = {
  'FILE.UPLOADED': on('file', 'folder'),
  'FILE.PREVIEWED': on('file', 'file', 'folder'),
  'FILE.DOWNLOADED': on('file', 'file', 'folder'),
  'FILE.TRASHED': on('file', 'file', 'folder'),
  'FILE.DELETED': on('file', 'file', 'folder'),
  'FILE.RESTORED': on('file', 'file', 'folder'),
  'FILE.COPIED': on('file', 'file', 'folder'),
  'FILE.MOVED': on('file', 'file', 'folder'),
  'FILE.LOCKED': on('file', 'file', 'folder'),
  'FILE.UNLOCKED': on('file', 'file', 'folder'),
  'FILE.RENAMED': on('file', 'file', 'folder'),
  'FOLDER.CREATED': on('folder', 'folder'),
  'FOLDER.RENAMED': on('folder', 'folder'),
  'FOLDER.DOWNLOADED': on('folder', 'folder'),
  'FOLDER.RESTORED': on('folder', 'folder'),
  'FOLDER.DELETED': on('folder', 'folder'),
  'FOLDER.COPIED': on('folder', 'folder'),
  'FOLDER.MOVED': on('folder', 'folder'),
  'FOLDER.TRASHED': on('folder', 'folder'),
  'COLLABORATION.CREATED': on('collaboration', 'folder'),
  'COLLABORATION.ACCEPTED': on('collaboration', 'folder'),
  'COLLABORATION.REJECTED': on('collaboration', 'folder'),
  'COLLABORATION.REMOVED': on('collaboration', 'folder'),
  'COLLABORATION.UPDATED': on('collaboration', 'folder'),
  'COMMENT.CREATED': on('comment', 'file', 'folder'),
  'COMMENT.UPDATED': on('comment', 'file', 'folder'),
  'COMMENT.DELETED': on('comment', 'file', 'folder'),
  'METADATA_INSTANCE.CREATED': on('metadata', 'file', 'folder'),
  'METADATA_INSTANCE.UPDATED': on('metadata', 'file', 'folder'),
  'METADATA_INSTANCE.DELETED': on('metadata', 'file', 'folder'),
  'SHARED_LINK.CREATED': on('item', 'file', 'folder'),
  'SHARED_LINK.UPDATED': on('item', 'file', 'folder'),
  'SHARED_LINK.DELETED': on('item', 'file', 'folder'),
  'TASK_ASSIGNMENT.CREATED': on('task_assignment', 'file', 'folder'),
  'TASK_ASSIGNMENT.UPDATED': on('task_assignment', 'file', 'folder'),
  'SIGN_REQUEST.COMPLETED': on('sign_request', 'file', 'folder'),
  'SIGN_REQUEST.DECLINED': on('sign_request', 'file', 'folder'),
  'SIGN_REQUEST.EXPIRED': on('sign_request', 'file', 'folder'),
  'SIGN_REQUEST.SIGNER_EMAIL_BOUNCED': on('sign_request', 'file', 'folder'),
  'SIGN_REQUEST.SIGN_SIGNER_SIGNED': on('sign_request', 'file', 'folder'),
  'SIGN_REQUEST.SIGN_DOCUMENT_CREATED': on('sign_request', 'file', 'folder'),
  'SIGN_REQUEST.SIGN_ERROR_FINALIZING': on('sign_request', 'file', 'folder'),
  DOCGEN_DOCUMENT_GENERATION_STARTED: on('open', 'file'),
  DOCGEN_DOCUMENT_GENERATION_SUCCEEDED: on('open', 'file'),
  DOCGEN_DOCUMENT_GENERATION_FAILED: on('open', 'file'),
  'WEBHOOK.DELETED': on('webhook'),
  NO_ACTIVE_SESSION: on('open'),
} as const satisfies Record<string, TriggerInfo>

export type Trigger = keyof typeof TRIGGERS

/** Box's guide spells three triggers otherwise than its API description. */
const ALIASES: Readonly<Record<string, Trigger>> = {
  'SIGN_REQUEST.SIGNER_SIGNED': 'SIGN_REQUEST.SIGN_SIGNER_SIGNED',
  'SIGN_REQUEST.SIGNATURE_REQUESTED': 'SIGN_REQUEST.SIGN_DOCUMENT_CREATED',
  'SIGN_REQUEST.ERROR_FINALIZING': 'SIGN_REQUEST.SIGN_ERROR_FINALIZING',
}

type Open = Readonly<Record<string, unknown>>

/** `additional_info` where Box documents it; open for whatever else comes. */
type AdditionalInfo<T extends Trigger> = T extends 'WEBHOOK.DELETED'
  ? Open & { readonly reason?: string }
  : Open

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
}

type EventFor<T extends Trigger> = EventBase & {
  readonly trigger: T
  readonly source: Sources[(typeof TRIGGERS)[T]['source']]
  readonly additionalInfo: AdditionalInfo<T>
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
 * Reads a delivery's body. Never throws. A trigger that is not known is kept as an {@link UnknownEvent}.
 * @param known the event's id for a body that has none (as with NO_ACTIVE_SESSION), and how the event came here
 * @see https://developer.box.com/guides/webhooks/v2/
 */
export function parseEvent(
  body: Uint8Array | string,
  known: { readonly eventId: string; readonly origin?: Origin },
): ParsedEvent {
  const json = parseJson(body)
  if (!isObject(json)) return unreadable('The body is no JSON object.')
  const triggerName = json.trigger
  if (typeof triggerName !== 'string' || triggerName === '' || triggerName.length > TRIGGER_LENGTH_MAX)
    return unreadable('The body has no trigger, so it is no event of a V2 webhook.')
  const base = {
    id: idText(json.id) ?? known.eventId,
    triggerName,
    createdAt: text(json.created_at) ?? '',
    webhook: { id: (isObject(json.webhook) && itemId(json.webhook.id)) || 'unknown' },
    origin: known.origin ?? 'webhook',
    ...(isUser(json.created_by) ? { createdBy: json.created_by } : {}),
    additionalInfo: isObject(json.additional_info) ? json.additional_info : {},
  }
  const source = isObject(json.source) ? json.source : {}
  const trigger = triggerOf(triggerName)
  if (trigger === undefined) return { ok: true, event: { ...base, trigger: 'UNKNOWN', source } }
  const event = { ...base, trigger, source }
  if (hasItsSource(event)) return { ok: true, event }
  const { source: kind } = TRIGGERS[trigger]
  return unreadable(
    `The source of a ${triggerName} event must have the text fields type and id, of kind ${kind}, and the id just letters, digits, - and _; this one has type ${shown(source.type)} and id ${shown(source.id)}.`,
  )
}

/** The longest trigger that is taken for one, in characters; Box's have 40. */
const TRIGGER_LENGTH_MAX = 256

const unreadable = (message: string): ParsedEvent => ({
  ok: false,
  reason: { code: 'event_unreadable', message },
})

const shown = (value: unknown): string =>
  typeof value === 'string' ? JSON.stringify(value.slice(0, 64)) : `none (${typeof value})`

/** The trigger that a name of Box's means, in either of its spellings; undefined where there is none. */
export function triggerOf(name: string): Trigger | undefined {
  if (isTrigger(name)) return name
  return Object.hasOwn(ALIASES, name) ? ALIASES[name] : undefined
}

/** Whether a name is one of Box’s triggers. */
export const isTrigger = (name: string): name is Trigger => Object.hasOwn(TRIGGERS, name)

type SourceTypes = Readonly<Record<keyof Sources, readonly string[] | 'any' | 'none'>>

const SOURCE_TYPES: SourceTypes = {
  file: ['file'],
  folder: ['folder'],
  item: ['file', 'folder', 'web_link'],
  comment: ['comment'],
  collaboration: ['collaboration'],
  task_assignment: ['task_assignment'],
  // A metadata instance's type is its template's.
  metadata: 'any',
  sign_request: ['sign-request', 'sign_request'],
  webhook: ['webhook'],
  open: 'none',
}

/**
 * Checks that an object has what a source of the trigger's events must have: one of its types, and an id. All other
 * fields are optional in the types. Events and the event stream are both read by it.
 */
export function isSourceOf(trigger: Trigger, { type, id }: Readonly<Record<string, unknown>>): boolean {
  const types = SOURCE_TYPES[TRIGGERS[trigger].source]
  if (types === 'none') return true
  if (typeof type !== 'string' || itemId(id) === undefined) return false
  return types === 'any' || types.includes(type)
}

const hasItsSource = (event: {
  trigger: Trigger
  source: Readonly<Record<string, unknown>>
}): event is EventOf<Trigger> => isSourceOf(event.trigger, event.source)

const isUser = (value: unknown): value is UserMini =>
  isObject(value) && typeof value.id === 'string' && value.type === 'user'

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

/** An id on Box: digits or a UUID. Automations and the SDK put ids into paths as they are; nothing that changes a path is one. */
const itemId = (value: unknown): string | undefined =>
  typeof value === 'string' && /^[\w-]{1,128}$/.test(value) ? value : undefined

/** Keys that hold ids. Were Box to write one as a number, its digits would count, all of them. */
const ID_KEY = /(^|_)id$/

/** What a text has in it where something of it may need a look: an id that is a number, `__proto__`, or ASCII that is escaped. */
const UNUSUAL = /id"\s*:\s*-?\d|__proto__|\\u00[0-7]/i

/** In characters. Nothing of this length is nested deeper than what walks through it has room for. */
const USUAL_LENGTH = 8192

function parseJson(body: Uint8Array | string): unknown {
  try {
    const json = typeof body === 'string' ? body : new TextDecoder().decode(body)
    // A look at each value takes many times as long as to read them all; but it also refuses what is nested without end.
    if (json.length <= USUAL_LENGTH && !UNUSUAL.test(json)) return JSON.parse(json)
    return JSON.parse(json, (key, value: unknown, context?: { source?: string }) => {
      if (key === '__proto__') return undefined
      return typeof value === 'number' && ID_KEY.test(key) ? (context?.source ?? String(value)) : value
    })
  } catch {
    return undefined
  }
}

/** The item that an event is about and every folder above it that the event names; the item itself comes first. */
export function pathOf(event: BoxEvent): readonly Target[] {
  const source: Readonly<Record<string, unknown>> = event.source
  const concerned = [
    target(source),
    target(source.item),
    metadataParent(source.$parent ?? source.parent),
    ...files(source.source_files),
    ...files(isObject(source.sign_files) ? source.sign_files.files : undefined),
    target(source.parent_folder),
    target(source.target),
  ]
  const path = isObject(source.path_collection) ? source.path_collection.entries : undefined
  const ancestors = [...(Array.isArray(path) ? path.map(target) : []), target(source.parent)]
  return [...concerned, ...ancestors].filter(one => one !== undefined)
}

/** What the ledger's index knows an event by: `file:123` of the item it is about, or `none`. */
export function sourceKey(event: BoxEvent): string {
  const [item] = pathOf(event)
  // An index key has at most 1024 bytes in DynamoDB; no id of Box comes near.
  if (item) return `${item.type}:${item.id}`.slice(0, 256)
  const { type, id } = event.source
  return typeof type === 'string' && typeof id === 'string' && id ? `${type}:${id}`.slice(0, 256) : 'none'
}

function target(value: unknown): Target | undefined {
  if (!isObject(value)) return undefined
  const { type } = value
  const id = itemId(value.id)
  return (type === 'file' || type === 'folder') && id ? { type, id } : undefined
}

/** A metadata instance names its item as `file_123`. */
function metadataParent(value: unknown): Target | undefined {
  const [, type, id] = (typeof value === 'string' && /^(file|folder)_(\d{1,128})$/.exec(value)) || []
  return id && (type === 'file' || type === 'folder') ? { type, id } : undefined
}

const files = (value: unknown): readonly (Target | undefined)[] =>
  Array.isArray(value) ? value.map(target) : []
