/**
 * The resources of Box as its webhooks carry them, in wire names. Every field may be absent: what is known of each
 * resource are payloads of some receivers, and Box describes only one in full.
 * @see https://developer.box.com/guides/webhooks/v2/
 */
import { itemId } from './event-body.ts'
import {
  boolean,
  list,
  nullable,
  number,
  object,
  open,
  type ReadBy,
  type Reader,
  text,
  word,
  words,
} from './shape.ts'

type Open = Readonly<Record<string, unknown>>

const id: Reader<string> = itemId

/** RFC 3339, such as `2016-07-11T10:10:32-07:00`. */
const dateTime = text

const user = object({ type: word('user'), id, name: text, login: text })
export interface UserMini extends ReadBy<typeof user> {}
export const readUser = user

const place = { sequence_id: nullable(text), etag: nullable(text), name: text }
const folderMini = object({ type: word('folder'), id, ...place })
export interface FolderMini extends ReadBy<typeof folderMini> {}
export const readFolderMini = folderMini

const fileVersion = object({ type: word('file_version'), id, sha1: text })
export interface FileVersionMini extends ReadBy<typeof fileVersion> {}

/** What another resource is about: mostly just its type and id. */
const itemMini = object({
  type: word('file', 'folder', 'web_link'),
  id,
  ...place,
  sha1: text,
  file_version: fileVersion,
})
export interface ItemMini extends ReadBy<typeof itemMini> {}

const link = {
  url: nullable(text),
  download_url: nullable(text),
  vanity_url: nullable(text),
  vanity_name: nullable(text),
  access: words('open', 'company', 'collaborators'),
  effective_access: words('open', 'company', 'collaborators'),
  effective_permission: words('can_edit', 'can_download', 'can_preview', 'no_access'),
  is_password_enabled: boolean,
  unshared_at: nullable(dateTime),
  download_count: number,
  preview_count: number,
  permissions: object({ can_download: boolean, can_preview: boolean, can_edit: boolean }),
}
const sharedLink = object(link)
export interface SharedLink extends ReadBy<typeof sharedLink> {}

/** A shared link as an event's source: it has no id, and its `url` is null once it is deleted. */
const sharedLinkOf = object({ type: text, ...link, item: itemMini })
export interface SharedLinkOf extends ReadBy<typeof sharedLinkOf> {}

const item = {
  id,
  ...place,
  description: text,
  size: number,
  path_collection: object({ total_count: number, entries: list(folderMini) }),
  created_at: nullable(dateTime),
  modified_at: nullable(dateTime),
  trashed_at: nullable(dateTime),
  purged_at: nullable(dateTime),
  content_created_at: nullable(dateTime),
  content_modified_at: nullable(dateTime),
  created_by: nullable(user),
  modified_by: nullable(user),
  owned_by: nullable(user),
  shared_link: nullable(sharedLink),
  parent: nullable(folderMini),
  item_status: words('active', 'trashed', 'deleted'),
}

/** A file. Of a file that was moved to the trash or deleted Box sends `type` and `id` only. */
const file = object({ type: word('file'), ...item, sha1: text, file_version: fileVersion })
export interface BoxFile extends ReadBy<typeof file> {}

/** A folder. Of a folder that was moved to the trash or deleted Box sends `type` and `id` only. */
const folder = object({ type: word('folder'), ...item, folder_upload_email: nullable(open) })
export interface BoxFolder extends ReadBy<typeof folder> {}

const comment = object({
  type: word('comment'),
  id,
  is_reply_comment: boolean,
  message: text,
  tagged_message: text,
  created_by: user,
  created_at: dateTime,
  modified_at: dateTime,
  item: itemMini,
})
export interface Comment extends ReadBy<typeof comment> {}

const collaboration = object({
  type: word('collaboration'),
  id,
  /** Null until the invitation is answered. */
  item: nullable(itemMini),
  /** A group has no `login`. */
  accessible_by: nullable(object({ type: word('user', 'group'), id, name: text, login: text })),
  /** The address of a person invited who has no Box account yet. */
  invite_email: nullable(text),
  role: text,
  status: words('accepted', 'pending', 'rejected'),
  created_by: nullable(user),
  created_at: dateTime,
  modified_at: dateTime,
  acknowledged_at: nullable(dateTime),
  expires_at: nullable(dateTime),
})
export interface Collaboration extends ReadBy<typeof collaboration> {}

const taskAssignment = object({
  type: word('task_assignment'),
  id,
  item: itemMini,
  assigned_to: user,
  assigned_by: user,
  message: text,
  completed_at: nullable(dateTime),
  assigned_at: dateTime,
  reminded_at: nullable(dateTime),
  resolution_state: words('completed', 'incomplete', 'approved', 'rejected'),
})
export interface TaskAssignment extends ReadBy<typeof taskAssignment> {}

/** A metadata instance: besides Box's `$` fields, the template's own. Its `type` is its template's. */
const metadata = object({
  type: text,
  id,
  $template: text,
  $scope: text,
  /** `file_123` or `folder_123`. */
  $parent: text,
})
export interface MetadataInstance extends ReadBy<typeof metadata> {
  readonly [field: string]: unknown
}

const webhook = object({
  type: word('webhook'),
  id,
  target: object({ type: word('file', 'folder'), id }),
})
export interface WebhookMini extends ReadBy<typeof webhook> {}

/** What an event's `source` is, by kind. */
export type Sources = {
  readonly file: BoxFile
  readonly folder: BoxFolder
  readonly shared_link: SharedLinkOf
  readonly comment: Comment
  readonly collaboration: Collaboration
  readonly task_assignment: TaskAssignment
  readonly metadata: MetadataInstance
  readonly webhook: WebhookMini
  /** Anything, nothing at all included. */
  readonly open: Open
}

/** The one table that the sources of deliveries and of the event stream are read by. */
const SOURCES: { readonly [K in keyof Sources]: Reader<Sources[K]> } = {
  file,
  folder,
  shared_link: sharedLinkOf,
  comment,
  collaboration,
  task_assignment: taskAssignment,
  metadata,
  webhook,
  open,
}

/**
 * Reads a source of a kind.
 * @returns undefined where it says that it is something else
 */
export function readSource<K extends keyof Sources>(kind: K, raw: Open): Sources[K] | undefined {
  const source = SOURCES[kind](raw)
  return source && typeof raw.type === 'string' && !('type' in source) ? undefined : source
}

const folderPlace = object({ type: word('folder'), id })

const renamed = object({ old_name: text })
/** The folders that the item was moved or copied from and to. */
const moved = object({ before: folderPlace, after: folderPlace })
/** `signer_emails` includes those who only get a copy. */
const signed = object({ sign_request_id: text, signer_emails: list(text), external_id: nullable(text) })
/** A guess: Box says what is told, but not under which names. */
const generated = object({
  output_file: itemMini,
  output_type: text,
  destination_folder: folderMini,
  reason: text,
})
const webhookDeleted = object({ reason: text })

/** What an event's `additionalInfo` is, by kind; open for whatever else comes. */
export type Infos = {
  readonly renamed: Open & ReadBy<typeof renamed>
  readonly moved: Open & ReadBy<typeof moved>
  readonly signed: Open & ReadBy<typeof signed>
  readonly generated: Open & ReadBy<typeof generated>
  readonly webhook_deleted: Open & ReadBy<typeof webhookDeleted>
  readonly open: Open
}

const INFOS: { readonly [K in keyof Infos]: Reader<Infos[K]> } = {
  renamed,
  moved,
  signed,
  generated,
  webhook_deleted: webhookDeleted,
  open,
}

/** Reads what `additional_info` has; undefined where it has nothing, which Box sends as an empty list. */
export const readInfo = <K extends keyof Infos>(kind: K, raw: unknown): Infos[K] | undefined =>
  INFOS[kind](raw)
