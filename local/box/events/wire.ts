import type { CollaborationState, Folder, SharedLinkState, StoredFile, User } from '../state/items.ts'
import type { WireObject } from './shapes.ts'

/** What an item's form depends on beside the item. */
export type Surroundings = {
  readonly files: ReadonlyMap<string, StoredFile>
  readonly folders: ReadonlyMap<string, Folder>
  readonly owner: User
}

/** A time as Box writes it: whole seconds, with an offset. */
export const boxTime = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, '+00:00')

const folderMini = ({ id, name, etag }: Folder): WireObject => ({
  type: 'folder',
  id,
  sequence_id: id === '0' ? null : String(etag),
  etag: id === '0' ? null : String(etag),
  name,
})

const fileMini = ({ id, name, etag, sha1, versionId }: StoredFile): WireObject => ({
  type: 'file',
  id,
  file_version: { type: 'file_version', id: versionId, sha1 },
  sequence_id: String(etag),
  etag: String(etag),
  sha1,
  name,
})

/** An item as Box names it inside other objects. */
export const wireMini = (item: Folder | StoredFile): WireObject =>
  item.type === 'file' ? fileMini(item) : folderMini(item)

/** A file or folder as Box's API and webhooks show it in full. */
export function wireItem({ folders, owner }: Surroundings, item: Folder | StoredFile): WireObject {
  const above = foldersAbove(folders, item)
  const parent = above.at(-1)
  return {
    ...wireMini(item),
    description: '',
    size: item.type === 'file' ? item.content.length : 0,
    path_collection: { total_count: above.length, entries: above.map(folderMini) },
    created_at: item.createdAt,
    modified_at: item.modifiedAt,
    trashed_at: item.trashed ? item.modifiedAt : null,
    purged_at: null,
    content_created_at: item.createdAt,
    content_modified_at: item.modifiedAt,
    created_by: item.createdBy,
    modified_by: item.modifiedBy,
    owned_by: owner,
    shared_link: item.sharedLink ? wireSharedLink(item.sharedLink) : null,
    parent: parent ? folderMini(parent) : null,
    item_status: item.trashed ? 'trashed' : 'active',
  }
}

/** What the service account, which owns all there is, may do with an item, as the API shows it where it is asked for. */
export const wirePermissions = ({ type }: Folder | StoredFile): WireObject => ({
  can_delete: true,
  can_download: true,
  can_invite_collaborator: true,
  can_rename: true,
  can_set_share_access: true,
  can_share: true,
  can_upload: true,
  ...(type === 'file'
    ? {
        can_comment: true,
        can_preview: true,
        can_annotate: true,
        can_view_annotations_all: true,
        can_view_annotations_self: true,
        can_apply_watermark: false,
      }
    : {}),
})

/** A file's lock as the API shows it where it is asked for; null where there is none. */
export const wireLock = ({ lock }: StoredFile): WireObject | null =>
  lock
    ? {
        type: 'lock',
        id: lock.id,
        created_by: lock.by,
        created_at: lock.createdAt,
        expired_at: lock.expiresAt,
        is_download_prevented: lock.preventsDownload,
      }
    : null

/** The folders that an item lies in, the root first. */
function foldersAbove(folders: ReadonlyMap<string, Folder>, { parentId }: Folder | StoredFile): Folder[] {
  const parent = parentId === undefined ? undefined : folders.get(parentId)
  return parent ? [...foldersAbove(folders, parent), parent] : []
}

const wireSharedLink = ({ url, access }: SharedLinkState): WireObject => ({
  url,
  download_url: null,
  vanity_url: null,
  effective_access: access,
  effective_permission: 'can_download',
  is_password_enabled: false,
  unshared_at: null,
  download_count: 0,
  preview_count: 0,
  access,
})

/** A collaboration as Box's API and webhooks show it; the item of one that is pending is not told. */
export function wireCollaboration({ files, folders }: Surroundings, state: CollaborationState): WireObject {
  const { id, user, login, status, role, createdAt, modifiedAt, createdBy } = state
  const item = state.item.type === 'folder' ? folders.get(state.item.id) : files.get(state.item.id)
  return {
    type: 'collaboration',
    id,
    created_by: createdBy,
    created_at: createdAt,
    modified_at: modifiedAt,
    expires_at: null,
    status,
    accessible_by: user ?? null,
    invite_email: user ? null : login,
    role,
    acknowledged_at: status === 'pending' ? null : modifiedAt,
    item: item && status !== 'pending' ? wireMini(item) : null,
  }
}
