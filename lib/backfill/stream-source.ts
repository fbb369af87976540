import { isObject } from '../base/json.ts'
import { type Item, readItem, TRIGGERS, type Trigger } from '../event/event.ts'
import { itemId } from '../event/event-body.ts'
import { type FolderMini, readFolderMini, readSource } from '../event/resources.ts'
import type { StreamEvent } from './stream-event.ts'

type Open = Readonly<Record<string, unknown>>

/** A folder that an item lies in. */
export type Folder = FolderMini & { readonly type: 'folder'; readonly id: string }

/** What an event of a stream is about, in the form that webhooks have. */
export type StreamSource = {
  /** The file, folder or web link that it happened to. */
  readonly item: Item
  /** The folder that the item lay in, where the stream says so. */
  readonly parent?: Folder
  /** The folders that the item lay in, the root first, where the stream says so. */
  readonly path?: readonly Folder[]
  /** `event.source` as far as the stream has it; of the types that a webhook's has. */
  readonly source: Open
  /** `event.additionalInfo` as far as the stream has it. */
  readonly info?: Open
}

/**
 * Reads what an event is about: of the enterprise's log from its short forms, of a user's stream from the object itself.
 * @returns undefined where the event does not name it, or names what no event with the trigger is about
 * @see https://developer.box.com/guides/events/event-triggers/event-source/
 */
export function sourceOf(trigger: Trigger, event: StreamEvent): StreamSource | undefined {
  if (trigger.startsWith('SIGN_REQUEST.')) return signedSource(event.details.sign_request)
  const { source: kind } = TRIGGERS[trigger]
  switch (kind) {
    case 'file':
    case 'folder': {
      const about = itemSource(event.source)
      return about?.item.type === kind ? about : undefined
    }
    case 'shared_link':
      return linkSource(event.source)
    case 'collaboration':
      return event.source.type === kind ? ownSource(kind, event.source) : collaborationSource(trigger, event)
    case 'comment':
    case 'task_assignment':
      return ownSource(kind, event.source)
    default:
      return undefined
  }
}

function itemSource(raw: Open): StreamSource | undefined {
  const item = readItem(raw)
  if (!item) return undefined
  const whole = inFull(raw)
  const source = (item.type === 'web_link' ? undefined : readSource(item.type, whole)) ?? {}
  return { item, ...placeOf(whole), source }
}

/** The enterprise's log has an item in a short form with names of its own. */
function inFull(raw: Open): Open {
  if (raw.item_type === undefined) return raw
  const { item_type: type, item_id: id, item_name: name, parent, owned_by } = raw
  return { type, id, name, parent, owned_by }
}

/** A webhook has the link itself, with its item inside. */
function linkSource(raw: Open): StreamSource | undefined {
  const about = itemSource(raw)
  if (!about) return undefined
  const link = isObject(raw.shared_link) ? raw.shared_link : {}
  const source = readSource('shared_link', { ...link, type: 'shared', item: about.item }) ?? {}
  return { ...about, source }
}

/** An object with an id and an item of its own, such as a comment. */
function ownSource(
  kind: 'comment' | 'collaboration' | 'task_assignment',
  raw: Open,
): StreamSource | undefined {
  const about = isObject(raw.item) ? itemSource(raw.item) : undefined
  const source = readSource(kind, raw)
  return about && source?.type && source.id ? { ...about, source } : undefined
}

function collaborationSource(trigger: Trigger, event: StreamEvent): StreamSource | undefined {
  const { source: raw, details, accessibleBy, createdBy, createdAt } = event
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
  const id = itemId(details.collab_id)
  if (!id || !about) return undefined
  const source = readSource('collaboration', {
    type: 'collaboration',
    id,
    item: about.item,
    accessible_by: accessibleBy ?? null,
    ...(typeof details.role === 'string' ? { role: details.role.toLowerCase() } : {}),
    ...(trigger === 'COLLABORATION.ACCEPTED' ? { status: 'accepted' } : {}),
    ...(createdBy ? { created_by: createdBy } : {}),
    modified_at: createdAt,
  })
  return source && { ...about, source }
}

/** A webhook has the file that is signed, and beside it which request it is signed for. */
function signedSource(raw: unknown): StreamSource | undefined {
  if (!isObject(raw)) return undefined
  const [file]: readonly unknown[] = Array.isArray(raw.files) ? raw.files : []
  const about = isObject(file) ? itemSource(file) : undefined
  const id = itemId(raw.sign_request_id)
  if (!id || about?.item.type !== 'file') return undefined
  const signer = isObject(raw.signer) ? raw.signer.login : undefined
  return {
    ...about,
    info: { sign_request_id: id, ...(typeof signer === 'string' ? { signer_emails: [signer] } : {}) },
  }
}

/** Where an item lay when it happened. The path of what lies in the trash is empty, and says nothing. */
function placeOf(raw: Open): Pick<StreamSource, 'parent' | 'path'> {
  const parent = readFolder(raw.parent)
  const path = foldersAbove(raw)
  return { ...(parent ? { parent } : {}), ...(path.length > 0 ? { path } : {}) }
}

/** The folders above an item in the API's form, the root first. */
export function foldersAbove({ path_collection: path }: Open): readonly Folder[] {
  const entries: readonly unknown[] = isObject(path) && Array.isArray(path.entries) ? path.entries : []
  return entries.flatMap(entry => readFolder(entry) ?? [])
}

/** Nothing but a folder holds an item, so one without a type is a folder. */
function readFolder(value: unknown): Folder | undefined {
  const folder = readFolderMini(value)
  const isOther = isObject(value) && value.type !== undefined && folder?.type === undefined
  return folder?.id === undefined || isOther ? undefined : { ...folder, type: 'folder', id: folder.id }
}
