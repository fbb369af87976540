import { createHash } from 'node:crypto'
import type {
  Access,
  Folder,
  Item,
  ItemReference,
  ItemType,
  SharedLinkState,
  StoredFile,
  User,
} from './items.ts'
import { BoxRefusal, invalidParameter } from './refusal.ts'
import type { Tree } from './tree.ts'

/** What can be changed of a file and of a folder alike; a shared link that is null is removed. */
export type ItemChange = {
  readonly name?: string
  readonly parentId?: string
  readonly sharedLink?: { readonly access?: Access } | null
}

/** Where something goes: into a folder, and under its own name or another. */
export type Destination = { readonly parentId: string; readonly name?: string | undefined }

const PREFIX = { file: 'FILE', folder: 'FOLDER' } as const

type Change = 'RENAMED' | 'MOVED' | 'TRASHED' | 'RESTORED' | 'DELETED' | 'COPIED'

const triggerOf = <C extends Change>(type: ItemType, change: C) => `${PREFIX[type]}.${change}` as const

/**
 * Changes what is given, all of it or nothing.
 * @throws BoxRefusal (403) where somebody else has locked it, (404), (409) where the name is taken
 */
export function change<I extends Item>(tree: Tree, before: I, wanted: ItemChange, by: User): I {
  const { name = before.name, parentId = before.parentId, sharedLink } = wanted
  refuseLocked(before, by)
  if (name !== before.name || parentId !== before.parentId) {
    if (parentId === undefined) throw invalidParameter('folder', 'The root folder can’t be changed')
    tree.folder(parentId)
    refuseCycle(tree, before, parentId)
    tree.refuseTwin(parentId, name)
  }
  const named = name === before.name ? before : rename(tree, before, name, by)
  const moved =
    parentId === undefined || parentId === named.parentId ? named : move(tree, named, parentId, by)
  return sharedLink === undefined ? moved : changeSharedLink(tree, moved, sharedLink, by)
}

/** @throws BoxRefusal (403) where somebody else has locked the file */
export function refuseLocked(item: Item, by: User): void {
  if (item.type !== 'file' || !item.lock || item.lock.by.id === by.id) return
  throw new BoxRefusal(403, 'access_denied_item_locked', 'Access denied - item locked')
}

function refuseCycle(tree: Tree, { type, id }: Item, parentId: string): void {
  const inside = tree.pathOf({ type: 'folder', id: parentId }).some(one => one.id === id)
  if (type === 'folder' && inside)
    throw new BoxRefusal(403, 'cyclical_folder_structure', 'Folder move creates cyclical folder structure')
}

function rename<I extends Item>(tree: Tree, before: I, name: string, by: User): I {
  const item = tree.put({ ...before, name }, by)
  tree.happens(triggerOf(before.type, 'RENAMED'), item, by, { info: { old_name: before.name } })
  return item
}

/** A file that is moved into a folder is told of as an upload as well. */
function move<I extends Item>(tree: Tree, before: I, parentId: string, by: User): I {
  const alsoAt = tree.pathOf(before)
  const item = tree.put({ ...before, parentId }, by)
  const info = { before: { id: before.parentId, type: 'folder' }, after: { id: parentId, type: 'folder' } }
  tree.happens(triggerOf(before.type, 'MOVED'), item, by, { info, alsoAt })
  if (item.type === 'file') tree.happens('FILE.UPLOADED', item, by, { unlogged: true })
  return item
}

function changeSharedLink<I extends Item>(
  tree: Tree,
  item: I,
  link: { readonly access?: Access } | null,
  by: User,
): I {
  if (link === null && !item.sharedLink) return item
  const changed = tree.put({ ...item, sharedLink: link ? sharedLinkOf(item, link) : undefined }, by)
  const what = link === null ? 'DELETED' : item.sharedLink ? 'UPDATED' : 'CREATED'
  tree.happens(`SHARED_LINK.${what}`, changed, by)
  return changed
}

function sharedLinkOf(item: Item, { access }: { readonly access?: Access }): SharedLinkState {
  const token = createHash('sha256').update(`${item.type} ${item.id}`).digest('hex').slice(0, 32)
  return { url: `https://app.box.com/s/${token}`, access: access ?? item.sharedLink?.access ?? 'open' }
}

/** Moves something to the trash. What lies in a folder goes with it, and nobody is told of that apart. */
export function trash(tree: Tree, item: Item, by: User): void {
  if (item.parentId === undefined) throw invalidParameter('folder_id', 'The root folder can’t be trashed')
  refuseLocked(item, by)
  const trashed = tree.put({ ...item, trashed: true }, by)
  tree.happens(triggerOf(item.type, 'TRASHED'), trashed, by)
}

/**
 * Takes something back from the trash, into its folder, or where that is gone into the one that is named.
 * @throws BoxRefusal (404) where it is not in the trash or the folder is gone, (409) where the name is taken
 * @see https://developer.box.com/reference/post-files-id/
 */
export function restore(tree: Tree, reference: ItemReference, to: Partial<Destination>, by: User): Item {
  const item = tree.trashed(reference)
  const parentId = isThere(tree, item.parentId) ? item.parentId : to.parentId
  const { id } = tree.folder(parentId ?? item.parentId ?? '')
  const name = to.name ?? item.name
  tree.refuseTwin(id, name)
  const restored = tree.put(inFolder({ ...item, name, trashed: false }, id), by)
  tree.happens(triggerOf(item.type, 'RESTORED'), restored, by)
  return restored
}

const inFolder = (item: Item, parentId: string): Item => ({ ...item, parentId })

function isThere(tree: Tree, folderId: string | undefined): boolean {
  try {
    return folderId !== undefined && tree.folder(folderId).id === folderId
  } catch {
    return false
  }
}

/** Deletes something from the trash for good, with all that lies in it. */
export function purge(tree: Tree, reference: ItemReference, by: User): void {
  const item = tree.trashed(reference)
  const shown = { item_status: 'deleted', purged_at: tree.time() }
  tree.happens(triggerOf(item.type, 'DELETED'), item, by, { shown })
  for (const inside of within(tree, item)) tree.remove(inside)
}

/** The item and everything below it, whatever of it lies in the trash. */
function within(tree: Tree, item: Item): Item[] {
  if (item.type === 'file') return [item]
  const all: Item[] = [...tree.folders.values(), ...tree.files.values()]
  const below = all.filter(({ parentId }) => parentId === item.id)
  return [item, ...below.flatMap(one => within(tree, one))]
}

/**
 * Copies something; of a folder all that lies in it. Whoever watches the original is told, as is whoever watches the folder
 * that the copy goes to.
 */
export function copy(tree: Tree, item: Item, to: Destination, by: User): Item {
  const { parentId, name = item.name } = to
  tree.folder(parentId)
  refuseCycle(tree, item, parentId)
  tree.refuseTwin(parentId, name)
  const made = copyOf(tree, item, parentId, name, by)
  // A webhook can be set on the item that is copied, too.
  tree.happens(triggerOf(item.type, 'COPIED'), made, by, { alsoAt: tree.pathOf(item) })
  return made
}

function copyOf(tree: Tree, item: Item, parentId: string, name: string, by: User): Item {
  const fresh = { ...tree.beginning(by), id: tree.newId(), parentId, name }
  if (item.type === 'file') {
    const file: StoredFile = { ...item, ...fresh, versionId: tree.newId(), lock: undefined }
    return tree.add(file)
  }
  const inside = tree.items(item.id)
  const folder: Folder = tree.add({ ...item, ...fresh })
  for (const one of inside) copyOf(tree, one, folder.id, one.name, by)
  return folder
}
