import type { Trigger } from '../../../lib/event/event.ts'
import { payloadOf, shapeAbout } from '../events/event-payload.ts'
import { isWireObject } from '../events/shapes.ts'
import { wireItem, wireMini } from '../events/wire.ts'
import * as changes from './changes.ts'
import { Collaborations } from './collaborations.ts'
import type { CollaborationState, Folder, Item, ItemReference, Lock, StoredFile, User } from './items.ts'
import { BoxRefusal } from './refusal.ts'
import { Tree, type TreeOptions } from './tree.ts'
import { Users } from './users.ts'

export { wireCollaboration, wireItem } from '../events/wire.ts'
export type { StoredFile, User } from './items.ts'
export { BoxRefusal } from './refusal.ts'

export type ContentOptions = TreeOptions & {
  /**
   * Whether a copy is told of as an upload as well. Box's guide does not say; an automation that copies must not loop
   * either way.
   */
  readonly copyFiresUploaded?: boolean
}

type NewFile = {
  readonly parentId: string
  readonly name: string
  readonly content: Uint8Array | string
  readonly by?: User
  readonly id?: string
}

/**
 * The files and folders of one Box enterprise, who collaborates in them, and what happens to them. Whoever does something is
 * the owner unless another user is named. What is not there is refused with 404, a name that is taken with 409.
 */
export class Content {
  readonly owner: User
  readonly tree: Tree
  readonly #users = new Users()
  readonly #collaborations: Collaborations
  readonly #copyFiresUploaded: boolean

  constructor(options: ContentOptions) {
    this.owner = this.#users.add(options.owner)
    this.#copyFiresUploaded = options.copyFiresUploaded ?? true
    this.tree = new Tree(options)
    this.#collaborations = new Collaborations(this.tree, this.#users)
  }

  get files(): ReadonlyMap<string, StoredFile> {
    return this.tree.files
  }

  get folders(): ReadonlyMap<string, Folder> {
    return this.tree.folders
  }

  get users(): ReadonlyMap<string, User> {
    return this.#users.all
  }

  get collaborations(): ReadonlyMap<string, CollaborationState> {
    return this.#collaborations.all
  }

  addUser(user: Omit<User, 'type'>): User {
    return this.#users.add(user)
  }

  user(id: string): User {
    return this.#users.get(id)
  }

  folder(id: string): Folder {
    return this.tree.folder(id)
  }

  file(id: string): StoredFile {
    return this.tree.file(id)
  }

  /** A folder's items, folders first, each kind by name. */
  items(folderId: string): Item[] {
    return this.tree.items(folderId)
  }

  pathOf(item: ItemReference): readonly ItemReference[] {
    return this.tree.pathOf(item)
  }

  createFolder(input: {
    readonly parentId: string
    readonly name: string
    readonly id?: string
    readonly by?: User
  }): Folder {
    const { parentId, name, id = this.tree.newId(), by = this.owner } = input
    this.tree.folder(parentId)
    this.tree.refuseTwin(parentId, name)
    const folder = this.tree.add<Folder>({ ...this.tree.beginning(by), type: 'folder', id, parentId, name })
    this.tree.happens('FOLDER.CREATED', folder, by)
    return folder
  }

  /** Uploads a file, or a new version of the one that has the name. */
  uploadFile(input: NewFile): StoredFile {
    const twin = this.items(input.parentId).find(({ name }) => name === input.name)
    return twin?.type === 'file'
      ? this.uploadVersion(twin.id, input.content, input.by)
      : this.createFile(input)
  }

  /** Uploads a file under a name that is free. */
  createFile(input: NewFile): StoredFile {
    const { parentId, name, id = this.tree.newId(), by = this.owner } = input
    this.tree.folder(parentId)
    this.tree.refuseTwin(parentId, name)
    const file = this.tree.add<StoredFile>({
      ...this.tree.beginning(by),
      type: 'file',
      id,
      parentId,
      name,
      lock: undefined,
      ...this.tree.version(input.content),
    })
    this.tree.happens('FILE.UPLOADED', file, by)
    return file
  }

  uploadVersion(id: string, content: Uint8Array | string, by = this.owner): StoredFile {
    const before = this.file(id)
    changes.refuseLocked(before, by)
    const file = this.tree.put({ ...before, ...this.tree.version(content) }, by)
    this.tree.happens('FILE.UPLOADED', file, by)
    return file
  }

  /** Downloads a file, through its shared link for instance. */
  downloadFile(id: string, by = this.owner): Uint8Array {
    const file = this.file(id)
    if (file.lock?.preventsDownload) changes.refuseLocked(file, by)
    this.tree.happens('FILE.DOWNLOADED', file, by)
    return file.content
  }

  /** Downloads a folder as an archive, as the web app does; nobody is told of the files in it. */
  downloadFolder(id: string, by = this.owner): void {
    this.tree.happens('FOLDER.DOWNLOADED', this.folder(id), by)
  }

  previewFile(id: string, by = this.owner): void {
    this.tree.happens('FILE.PREVIEWED', this.file(id), by)
  }

  copyFile(id: string, to: changes.Destination & { readonly by?: User }): StoredFile {
    const { by = this.owner } = to
    const made = changes.copy(this.tree, this.file(id), to, by)
    if (this.#copyFiresUploaded) this.tree.happens('FILE.UPLOADED', made, by, { unlogged: true })
    return this.file(made.id)
  }

  copyFolder(id: string, to: changes.Destination & { readonly by?: User }): Folder {
    return this.folder(changes.copy(this.tree, this.folder(id), to, to.by ?? this.owner).id)
  }

  /** Changes what is given: a new name, another folder, a shared link or (null) none. All of it, or nothing. */
  updateFile(id: string, change: changes.ItemChange, by = this.owner): StoredFile {
    return changes.change(this.tree, this.file(id), change, by)
  }

  /** Changes what is given, as {@link updateFile} does. */
  updateFolder(id: string, change: changes.ItemChange, by = this.owner): Folder {
    return changes.change(this.tree, this.folder(id), change, by)
  }

  /** @throws BoxRefusal (403) where somebody else has locked it */
  lockFile(
    id: string,
    lock: Partial<Pick<Lock, 'expiresAt' | 'preventsDownload'>>,
    by = this.owner,
  ): StoredFile {
    const before = this.file(id)
    changes.refuseLocked(before, by)
    const { expiresAt = null, preventsDownload = false } = lock
    const made: Lock = { id: this.tree.newId(), by, createdAt: this.tree.time(), expiresAt, preventsDownload }
    const file = this.tree.put({ ...before, lock: made }, by)
    this.tree.happens('FILE.LOCKED', file, by)
    return file
  }

  /** The owner of the enterprise can unlock whatever anybody has locked. */
  unlockFile(id: string, by = this.owner): StoredFile {
    const before = this.file(id)
    if (!before.lock) return before
    if (by.id !== this.owner.id) changes.refuseLocked(before, by)
    const file = this.tree.put({ ...before, lock: undefined }, by)
    this.tree.happens('FILE.UNLOCKED', file, by)
    return file
  }

  trashFile(id: string, by = this.owner): void {
    changes.trash(this.tree, this.file(id), by)
  }

  /** @throws BoxRefusal (400) where something lies in it and that is not to go with it */
  trashFolder(id: string, by = this.owner, recursive = true): void {
    const folder = this.folder(id)
    if (!recursive && this.items(id).length > 0)
      throw new BoxRefusal(400, 'folder_not_empty', 'Cannot delete - folder not empty')
    changes.trash(this.tree, folder, by)
  }

  /** Takes something back from the trash. */
  restore(item: ItemReference, to: Partial<changes.Destination> = {}, by = this.owner): Item {
    return changes.restore(this.tree, item, to, by)
  }

  /** Deletes something from the trash for good. */
  purge(item: ItemReference, by = this.owner): void {
    changes.purge(this.tree, item, by)
  }

  /**
   * Lets Box send a trigger about an item without anything having happened to it, as with comments, tasks, metadata and
   * signatures, which are not emulated. The payload is the corpus's first shape that can be about the item.
   */
  announce(trigger: Trigger, reference: ItemReference, by = this.owner): void {
    const item = this.tree.item(reference)
    const about = { source: wireItem(this.tree, item), item: wireMini(item), by }
    const { source, additional_info: info } = payloadOf(shapeAbout(trigger, item.type), about, {
      createdAt: this.tree.time(),
    })
    this.tree.tell({
      ...about,
      trigger,
      path: this.tree.pathOf(item),
      ...(isWireObject(source) ? { source } : {}),
      ...(isWireObject(info) ? { additionalInfo: info } : {}),
    })
  }

  collaboration(id: string): CollaborationState {
    return this.#collaborations.get(id)
  }

  /** Invites somebody; who has an account here collaborates at once. */
  addCollaboration(input: Parameters<Collaborations['add']>[0]): CollaborationState {
    return this.#collaborations.add(input)
  }

  /** Answers an invitation for whoever was invited; accepting it gives them an account where they have none. */
  answerInvitation(id: string, status: 'accepted' | 'rejected'): CollaborationState {
    return this.#collaborations.answer(id, status)
  }

  updateCollaboration(id: string, change: { readonly role: string }, by?: User): CollaborationState {
    return this.#collaborations.update(id, change, by)
  }

  removeCollaboration(id: string, by?: User): void {
    this.#collaborations.remove(id, by)
  }
}
