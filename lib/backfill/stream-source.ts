import { isSourceOf, type Target, TRIGGERS, type Trigger } from '../event.ts'
import { isObject } from '../json.ts'
import type { StreamEvent } from './stream-event.ts'

type Open = Readonly<Record<string, unknown>>

/** What an event of a stream is about, in the form that webhooks have. */
export type StreamSource = {
  /** The file or folder that it happened to. */
  readonly item: Target
  /** The folder that the item lay in, where the stream says so. */
  readonly parent?: Open & { readonly id: string }
  /** The folders that the item lay in, the root first, where the stream says so. */
  readonly path?: readonly Open[]
  /** `event.source` as far as the stream tells it. */
  readonly source: Open & { readonly type: string; readonly id: string }
}

/**
 * Reads what an event is about: of the enterprise's log from its short forms, of a user's stream from the object itself.
 * @returns undefined where the event does not name it, or names what no event with the trigger is about
 * @see https://developer.box.com/guides/events/event-triggers/event-source/
 */
export function sourceOf(trigger: Trigger, event: StreamEvent): StreamSource | undefined {
  const about = readSource(trigger, event)
  return about && isSourceOf(trigger, about.source) ? about : undefined
}

function readSource(trigger: Trigger, event: StreamEvent): StreamSource | undefined {
  switch (TRIGGERS[trigger].source) {
    case 'file':
    case 'folder':
    case 'item':
      return itemSource(event.source)
    case 'collaboration':
      return collaborationSource(trigger, event)
    case 'sign_request':
      return signRequestSource(event.details.sign_request)
    case 'comment':
    case 'task_assignment':
      return thingSource(event.source)
    default:
      return undefined
  }
}

function itemSource(raw: Open): StreamSource | undefined {
  const type = raw.item_type ?? raw.type
  const id = idOf(raw.item_id ?? raw.id)
  if ((type !== 'file' && type !== 'folder') || !id) return undefined
  if (raw.item_type === undefined)
    return { item: { type, id }, ...placeOf(raw), source: { ...raw, type, id } }
  const { item_name: name, parent, owned_by } = raw
  return {
    item: { type, id },
    ...placeOf(raw),
    source: {
      type,
      id,
      ...(typeof name === 'string' ? { name } : {}),
      ...(isObject(parent) ? { parent } : {}),
      ...(isObject(owned_by) ? { owned_by } : {}),
    },
  }
}

/** An object with an item of its own, such as a comment. */
function thingSource(raw: Open): StreamSource | undefined {
  const id = idOf(raw.id)
  const about = isObject(raw.item) ? itemSource(raw.item) : undefined
  if (!id || typeof raw.type !== 'string' || !about) return undefined
  return { ...about, source: { ...raw, type: raw.type, id } }
}

function collaborationSource(trigger: Trigger, event: StreamEvent): StreamSource | undefined {
  const { source: raw, details, accessibleBy, createdBy, createdAt } = event
  if (raw.type === 'collaboration') return thingSource(raw)
  const id = idOf(details.collab_id)
  const about = itemSource(
    raw.folder_id === undefined && raw.file_id === undefined
      ? raw
      : {
          ...raw,
          item_type: raw.folder_id === undefined ? 'file' : 'folder',
          item_id: raw.folder_id ?? raw.file_id,
          item_name: raw.folder_name ?? raw.file_name,
        },
  )
  if (!id || !about) return undefined
  const { type, id: itemId, name } = about.source
  return {
    ...about,
    source: {
      type: 'collaboration',
      id,
      item: { type, id: itemId, ...(name === undefined ? {} : { name }) },
      accessible_by: accessibleBy ?? null,
      ...(typeof details.role === 'string' ? { role: details.role.toLowerCase() } : {}),
      ...(trigger === 'COLLABORATION.ACCEPTED' ? { status: 'accepted' } : {}),
      ...(createdBy ? { created_by: createdBy } : {}),
      modified_at: createdAt,
    },
  }
}

function signRequestSource(raw: unknown): StreamSource | undefined {
  if (!isObject(raw)) return undefined
  const id = idOf(raw.sign_request_id)
  const files = Array.isArray(raw.files) ? raw.files.filter(isObject) : []
  const about = files[0] && itemSource(files[0])
  if (!id || !about) return undefined
  const { sign_request_short_id: short, status, signer } = raw
  return {
    ...about,
    source: {
      type: 'sign-request',
      id,
      ...(typeof short === 'string' ? { short_id: short } : {}),
      ...(typeof status === 'string' ? { status } : {}),
      source_files: files,
      sign_files: { files },
      ...(isObject(signer) && typeof signer.login === 'string' ? { signers: [{ email: signer.login }] } : {}),
    },
  }
}

/** Where an item lay when it happened. The path of what lies in the trash is empty, and says nothing. */
function placeOf(raw: Open): Pick<StreamSource, 'parent' | 'path'> {
  const { parent, path_collection: path } = raw
  const entries = isObject(path) && Array.isArray(path.entries) ? path.entries.filter(isObject) : []
  const id = isObject(parent) ? idOf(parent.id) : undefined
  return {
    ...(isObject(parent) && id ? { parent: { ...parent, id } } : {}),
    ...(entries.length > 0 ? { path: entries } : {}),
  }
}

const idOf = (value: unknown): string | undefined =>
  typeof value === 'string' && /^[\w-]{1,128}$/.test(value) ? value : undefined
