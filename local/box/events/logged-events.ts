import { createHash } from 'node:crypto'
import type { Trigger } from '../../../lib/event/event.ts'
import type { Happening, Item, ItemReference } from '../state/items.ts'
import type { Tree } from '../state/tree.ts'
import type { WireObject } from './shapes.ts'
import { isWireObject } from './shapes.ts'
import { wireItem } from './wire.ts'

/** The two forms in which Box logs what happens: for the enterprise, and for each user. */
export type LogForm = 'enterprise' | 'user'

type Types = { readonly [F in LogForm]?: string }

/**
 * What Box calls in its log what webhooks tell with a trigger; what is not here is not logged, or not in a way that is
 * documented.
 * @see https://developer.box.com/guides/events/enterprise-events/for-enterprise/
 * @see https://developer.box.com/guides/events/user-events/for-user/
 */
const LOGGED: { readonly [T in Trigger]?: Types } = {
  'FILE.UPLOADED': { enterprise: 'UPLOAD', user: 'ITEM_UPLOAD' },
  'FILE.PREVIEWED': { enterprise: 'PREVIEW', user: 'ITEM_PREVIEW' },
  'FILE.DOWNLOADED': { enterprise: 'DOWNLOAD', user: 'ITEM_DOWNLOAD' },
  'FILE.TRASHED': { enterprise: 'DELETE', user: 'ITEM_TRASH' },
  'FILE.RESTORED': { enterprise: 'UNDELETE', user: 'ITEM_UNDELETE_VIA_TRASH' },
  'FILE.COPIED': { enterprise: 'COPY', user: 'ITEM_COPY' },
  'FILE.MOVED': { enterprise: 'MOVE', user: 'ITEM_MOVE' },
  'FILE.LOCKED': { enterprise: 'LOCK', user: 'LOCK_CREATE' },
  'FILE.UNLOCKED': { enterprise: 'UNLOCK', user: 'LOCK_DESTROY' },
  'FILE.RENAMED': { enterprise: 'RENAME', user: 'ITEM_RENAME' },
  'FOLDER.CREATED': { enterprise: 'UPLOAD', user: 'ITEM_CREATE' },
  'FOLDER.RENAMED': { enterprise: 'RENAME', user: 'ITEM_RENAME' },
  'FOLDER.DOWNLOADED': { enterprise: 'DOWNLOAD', user: 'ITEM_DOWNLOAD' },
  'FOLDER.RESTORED': { enterprise: 'UNDELETE', user: 'ITEM_UNDELETE_VIA_TRASH' },
  'FOLDER.COPIED': { enterprise: 'COPY', user: 'ITEM_COPY' },
  'FOLDER.MOVED': { enterprise: 'MOVE', user: 'ITEM_MOVE' },
  'FOLDER.TRASHED': { enterprise: 'DELETE', user: 'ITEM_TRASH' },
  'COLLABORATION.CREATED': { enterprise: 'COLLABORATION_INVITE', user: 'COLLAB_INVITE_COLLABORATOR' },
  'COLLABORATION.ACCEPTED': { enterprise: 'COLLABORATION_ACCEPT', user: 'COLLAB_ADD_COLLABORATOR' },
  'COLLABORATION.REMOVED': { enterprise: 'COLLABORATION_REMOVE', user: 'COLLAB_REMOVE_COLLABORATOR' },
  'COLLABORATION.UPDATED': { enterprise: 'COLLABORATION_ROLE_CHANGE', user: 'COLLAB_ROLE_CHANGE' },
  'COMMENT.CREATED': { enterprise: 'COMMENT_CREATE', user: 'COMMENT_CREATE' },
  'COMMENT.UPDATED': { enterprise: 'COMMENT_EDIT' },
  'COMMENT.DELETED': { enterprise: 'COMMENT_DELETE', user: 'COMMENT_DELETE' },
  'METADATA_INSTANCE.CREATED': { enterprise: 'METADATA_INSTANCE_CREATE' },
  'METADATA_INSTANCE.UPDATED': { enterprise: 'METADATA_INSTANCE_UPDATE' },
  'METADATA_INSTANCE.DELETED': { enterprise: 'METADATA_INSTANCE_DELETE' },
  'SHARED_LINK.CREATED': { enterprise: 'SHARE', user: 'ITEM_SHARED_CREATE' },
  'SHARED_LINK.UPDATED': { enterprise: 'ITEM_SHARED_UPDATE', user: 'ITEM_SHARED_UPDATE' },
  'SHARED_LINK.DELETED': { enterprise: 'UNSHARE', user: 'ITEM_SHARED_UNSHARE' },
  'TASK_ASSIGNMENT.CREATED': { enterprise: 'TASK_ASSIGNMENT_CREATE', user: 'TASK_ASSIGNMENT_CREATE' },
  'TASK_ASSIGNMENT.UPDATED': { enterprise: 'TASK_ASSIGNMENT_UPDATE' },
  'SIGN_REQUEST.COMPLETED': { enterprise: 'SIGN_DOCUMENT_COMPLETED' },
  'SIGN_REQUEST.DECLINED': { enterprise: 'SIGN_DOCUMENT_DECLINED' },
  'SIGN_REQUEST.EXPIRED': { enterprise: 'SIGN_DOCUMENT_EXPIRED' },
  'SIGN_REQUEST.SIGN_SIGNER_SIGNED': { enterprise: 'SIGN_DOCUMENT_SIGNED' },
  'SIGN_REQUEST.SIGN_DOCUMENT_CREATED': { enterprise: 'SIGN_DOCUMENT_CREATED' },
}

/** The form in which Box logs something for the enterprise, or for a user; undefined where it does not. */
export function loggedEvent(
  tree: Tree,
  happening: Happening,
  form: LogForm,
  { number, time }: { readonly number: number; readonly time: string },
): WireObject | undefined {
  const type = LOGGED[happening.trigger]?.[form]
  if (type === undefined) return undefined
  const id = createHash('sha1').update(`${form} ${number} ${time} ${type}`).digest('hex')
  const head = {
    type: 'event',
    event_id: id,
    event_type: type,
    created_at: time,
    created_by: happening.by,
  }
  if (form === 'user') return { ...head, recorded_at: time, source: userSource(happening) }
  return { ...head, ...enterpriseParts(tree, happening) }
}

/** A user's stream has the object itself; the path of what lies in the trash is empty there. */
function userSource({ trigger, source }: Happening): WireObject {
  if (!/\.TRASHED$/.test(trigger)) return source
  return { ...source, item_status: 'deleted', parent: null, path_collection: { total_count: 0, entries: [] } }
}

/** @see https://developer.box.com/guides/events/event-triggers/event-source/ */
function enterpriseParts(tree: Tree, happening: Happening): WireObject {
  const { trigger, source } = happening
  const item = itemIn(happening)
  const place = placeOf(tree, item)
  if (trigger.startsWith('COLLABORATION.')) return collaborationParts(source, item, place)
  const about = { item_type: item.type, item_id: item.id, item_name: nameOf(tree, item), ...place }
  if (!trigger.startsWith('SIGN_REQUEST.')) return { source: about }
  const request = {
    sign_request_id: happening.additionalInfo?.sign_request_id,
    files: [{ type: item.type, id: item.id, name: about.item_name, ...place }],
  }
  return { source: about, additional_details: { sign_request: request } }
}

function collaborationParts(
  source: WireObject,
  item: ItemReference & { name: string },
  place: WireObject,
): WireObject {
  const { id, accessible_by: by, invite_email: invited, role } = source
  const user = isWireObject(by) ? by : null
  return {
    source: {
      [`${item.type}_id`]: item.id,
      [`${item.type}_name`]: item.name,
      user_id: user?.id ?? null,
      user_name: user?.name ?? invited,
      ...place,
    },
    accessible_by: user,
    additional_details: {
      type: 'box://event/additional_details/collaboration',
      collab_id: id,
      role: capital(String(role)),
      is_performed_by_admin: false,
    },
  }
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

function itemIn({ item }: Happening): ItemReference & { readonly name: string } {
  const { type, id, name } = item
  return { type: type === 'folder' ? 'folder' : 'file', id: String(id), name: String(name ?? '') }
}

const stored = (tree: Tree, { type, id }: ItemReference): Item | undefined =>
  type === 'file' ? tree.files.get(id) : tree.folders.get(id)

const nameOf = (tree: Tree, item: ItemReference & { readonly name: string }): string =>
  stored(tree, item)?.name ?? item.name

/** Where an item lies, and whose it is. */
function placeOf(tree: Tree, reference: ItemReference): WireObject {
  const item = stored(tree, reference)
  const parent = item?.parentId === undefined ? undefined : tree.folders.get(item.parentId)
  return {
    parent: parent ? { type: 'folder', id: parent.id, name: parent.name } : null,
    owned_by: item ? wireItem(tree, item).owned_by : null,
  }
}
