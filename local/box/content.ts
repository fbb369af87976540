import { createHash } from 'node:crypto'
import type { Trigger } from '../../lib/event.ts'
import type {
  Access,
  CollaborationState,
  Folder,
  Happening,
  ItemReference,
  SharedLinkState,
  StoredFile,
  User,
} from './items.ts'
import type { WireObject } from './payload.ts'
import { BoxRefusal, notFound } from './refusal.ts'
import { boxTime, wireCollaboration, wireItem, wireMini } from './wire.ts'

export type { StoredFile, User } from './items.ts'
export { BoxRefusal } from './refusal.ts'
export { wireCollaboration, wireItem } from './wire.ts'

export type ContentOptions = {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly owner: User
  readonly onHappening: (happening: Happening) => void
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
 * The files, folders and collaborations of one Box enterprise, and what happens to them. Whoever does something is the
 * owner unless another user is named. What is not there is refused with 404, a name that is taken with 409.
 */
export class Content {
  readonly files = new Map<string, StoredFile>()
  readonly folders = new Map<string, Folder>()
  readonly collaborations = new Map<string, CollaborationState>()
  readonly users = new Map<string, User>()
  readonly owner: User
  readonly #options: ContentOptions
  #lastId = 1_000_000_000

  constructor(options: ContentOptions) {
    this.#options = options
    this.owner = options.owner
    this.users.set(options.owner.id, options.owner)
    this.#putFolder({ id: '0', parentId: undefined, name: 'All Files' }, this.owner)
  }

  addUser(user: Omit<User, 'type'>): User {
    const added: User = { type: 'user', ...user }
    this.users.set(added.id, added)
    return added
  }

  user(id: string): User {
    const user = this.users.get(id)
    if (!user) throw notFound('user', id)
    return user
  }

  folder(id: string): Folder {
    const folder = this.folders.get(id)
    if (!folder || folder.trashed) throw notFound('folder', id)
    return folder
  }

  file(id: string): StoredFile {
    const file = this.files.get(id)
    if (!file || file.trashed) throw notFound('file', id)
    return file
  }

  /** A folder's items, folders first, each kind by name. */
  items(folderId: string): (Folder | StoredFile)[] {
    const inFolder = <I extends Folder | StoredFile>(items: Iterable<I>) =>
      [...items]
        .filter(({ parentId, trashed }) => parentId === folderId && !trashed)
        .sort((a, b) => a.name.localeCompare(b.name))
    return [...inFolder(this.folders.values()), ...inFolder(this.files.values())]
  }

  createFolder(input: {
    readonly parentId: string
    readonly name: string
    readonly id?: string
    readonly by?: User
  }): Folder {
    const { parentId, name, id = this.#newId(), by = this.owner } = input
    this.folder(parentId)
    this.#refuseTwin(parentId, name)
    const folder = this.#putFolder({ id, parentId, name }, by)
    this.#happens('FOLDER.CREATED', folder, by)
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
    const { parentId, name, id = this.#newId(), by = this.owner } = input
    this.folder(parentId)
    this.#refuseTwin(parentId, name)
    const now = this.#time()
    const file: StoredFile = {
      type: 'file',
      id,
      parentId,
      name,
      createdAt: now,
      modifiedAt: now,
      createdBy: by,
      modifiedBy: by,
      sharedLink: undefined,
      trashed: false,
      etag: 0,
      ...this.#version(input.content),
    }
    this.files.set(id, file)
    this.#happens('FILE.UPLOADED', file, by)
    return file
  }

  uploadVersion(id: string, content: Uint8Array | string, by = this.owner): StoredFile {
    const file = this.#putFile({ ...this.file(id), ...this.#version(content) }, by)
    this.#happens('FILE.UPLOADED', file, by)
    return file
  }

  /** Downloads a file, through its shared link for instance. */
  downloadFile(id: string, by = this.owner): Uint8Array {
    const file = this.file(id)
    this.#happens('FILE.DOWNLOADED', file, by)
    return file.content
  }

  copyFile(
    id: string,
    input: { readonly parentId: string; readonly name?: string; readonly by?: User },
  ): StoredFile {
    const file = this.file(id)
    const { parentId, name = file.name, by = this.owner } = input
    this.folder(parentId)
    this.#refuseTwin(parentId, name)
    const now = this.#time()
    const copy: StoredFile = {
      ...file,
      id: this.#newId(),
      versionId: this.#newId(),
      parentId,
      name,
      createdAt: now,
      modifiedAt: now,
      createdBy: by,
      modifiedBy: by,
      sharedLink: undefined,
      etag: 0,
    }
    this.files.set(copy.id, copy)
    // A webhook can be set on the file that is copied, too.
    this.#happens('FILE.COPIED', copy, by, { alsoAt: this.pathOf(file) })
    if (this.#options.copyFiresUploaded ?? true) this.#happens('FILE.UPLOADED', copy, by)
    return copy
  }

  /** Changes what is given: a new name, another folder, a shared link or (null) none. All of it, or nothing. */
  updateFile(
    id: string,
    change: {
      readonly name?: string
      readonly parentId?: string
      readonly sharedLink?: { readonly access?: Access } | null
    },
    by = this.owner,
  ): StoredFile {
    const before = this.file(id)
    const { name = before.name, parentId = before.parentId, sharedLink } = change
    this.folder(parentId)
    if (name !== before.name || parentId !== before.parentId) this.#refuseTwin(parentId, name)
    const named = name === before.name ? before : this.#rename(before, name, by)
    const moved = parentId === named.parentId ? named : this.#move(named, parentId, by)
    return sharedLink === undefined ? moved : this.#updateSharedLink(moved, sharedLink, by)
  }

  trashFile(id: string, by = this.owner): void {
    const file = this.#putFile({ ...this.file(id), trashed: true }, by)
    this.#happens('FILE.TRASHED', file, by)
  }

  collaboration(id: string): CollaborationState {
    const found = this.collaborations.get(id)
    if (!found) throw notFound('collaboration', id)
    return found
  }

  /** Invites somebody; who has an account here collaborates at once. */
  addCollaboration(input: {
    readonly item: ItemReference
    readonly login: string
    readonly role: string
    readonly by?: User
  }): CollaborationState {
    const { item, login, role, by = this.owner } = input
    if (item.type === 'folder') this.folder(item.id)
    else this.file(item.id)
    const twin = [...this.collaborations.values()].find(
      one => one.item.id === item.id && one.login === login && one.status !== 'rejected',
    )
    if (twin) throw new BoxRefusal(400, 'user_already_collaborator', 'User is already a collaborator')
    const user = [...this.users.values()].find(one => one.login === login)
    const now = this.#time()
    const collaboration: CollaborationState = {
      id: this.#newId(),
      item,
      login,
      user,
      role,
      status: user ? 'accepted' : 'pending',
      createdAt: now,
      modifiedAt: now,
      createdBy: by,
    }
    this.collaborations.set(collaboration.id, collaboration)
    this.#collaborationHappens('COLLABORATION.CREATED', collaboration, by)
    if (user) this.#collaborationHappens('COLLABORATION.ACCEPTED', collaboration, user)
    return collaboration
  }

  /** Answers an invitation for whoever was invited; accepting it gives them an account where they have none. */
  answerInvitation(id: string, status: 'accepted' | 'rejected'): CollaborationState {
    const pending = this.collaboration(id)
    if (pending.status !== 'pending')
      throw new BoxRefusal(400, 'bad_request', 'Only a pending collaboration can be accepted or rejected')
    const { login } = pending
    const account = [...this.users.values()].find(one => one.login === login)
    const user =
      account ?? (status === 'accepted' ? this.addUser({ id: this.#newId(), name: login, login }) : undefined)
    const answered = { ...pending, status, user, modifiedAt: this.#time() }
    this.collaborations.set(id, answered)
    this.#collaborationHappens(`COLLABORATION.${ANSWERED[status]}`, answered, user ?? this.owner)
    return answered
  }

  updateCollaboration(id: string, change: { readonly role: string }, by = this.owner): CollaborationState {
    const before = this.collaboration(id)
    if (change.role === before.role) return before
    const changed = { ...before, role: change.role, modifiedAt: this.#time() }
    this.collaborations.set(id, changed)
    this.#collaborationHappens('COLLABORATION.UPDATED', changed, by)
    return changed
  }

  removeCollaboration(id: string, by = this.owner): void {
    const collaboration = this.collaboration(id)
    this.collaborations.delete(id)
    this.#collaborationHappens('COLLABORATION.REMOVED', collaboration, by)
  }

  /** The item and the folders above it, nearest first. */
  pathOf(item: ItemReference): readonly ItemReference[] {
    const path: ItemReference[] = [{ type: item.type, id: item.id }]
    const start = item.type === 'file' ? this.files.get(item.id) : this.folders.get(item.id)
    for (let id = start?.parentId; id !== undefined; id = this.folders.get(id)?.parentId)
      path.push({ type: 'folder', id })
    return path
  }

  #rename(before: StoredFile, name: string, by: User): StoredFile {
    const file = this.#putFile({ ...before, name }, by)
    const info = { before: { name: before.name }, after: { name } }
    this.#happens('FILE.RENAMED', file, by, { info })
    return file
  }

  #move(before: StoredFile, parentId: string, by: User): StoredFile {
    const left = this.pathOf(before)
    const file = this.#putFile({ ...before, parentId }, by)
    const info = { before: { id: before.parentId, type: 'folder' }, after: { id: parentId, type: 'folder' } }
    this.#happens('FILE.MOVED', file, by, { info, alsoAt: left })
    this.#happens('FILE.UPLOADED', file, by)
    return file
  }

  #updateSharedLink(file: StoredFile, link: { readonly access?: Access } | null, by: User): StoredFile {
    if (link === null && !file.sharedLink) return file
    const changed = this.#putFile({ ...file, sharedLink: link ? sharedLinkOf(file, link) : undefined }, by)
    const what = link === null ? 'DELETED' : file.sharedLink ? 'UPDATED' : 'CREATED'
    this.#happens(`SHARED_LINK.${what}`, changed, by)
    return changed
  }

  #version(content: Uint8Array | string): Pick<StoredFile, 'content' | 'sha1' | 'versionId'> {
    const bytes = Buffer.from(content)
    return {
      content: bytes,
      sha1: createHash('sha1').update(bytes).digest('hex'),
      versionId: this.#newId(),
    }
  }

  #putFile(file: StoredFile, by: User): StoredFile {
    const changed = { ...file, etag: file.etag + 1, modifiedAt: this.#time(), modifiedBy: by }
    this.files.set(changed.id, changed)
    return changed
  }

  #putFolder(input: Pick<Folder, 'id' | 'parentId' | 'name'>, by: User): Folder {
    const now = this.#time()
    const folder: Folder = {
      type: 'folder',
      ...input,
      createdAt: now,
      modifiedAt: now,
      createdBy: by,
      modifiedBy: by,
      sharedLink: undefined,
      trashed: false,
      etag: 0,
    }
    this.folders.set(folder.id, folder)
    return folder
  }

  #refuseTwin(folderId: string, name: string): void {
    const twin = this.items(folderId).find(item => item.name === name)
    if (!twin) return
    // Of files Box names the one that conflicts, of folders a list.
    const conflicts = twin.type === 'file' ? wireMini(twin) : [wireMini(twin)]
    throw new BoxRefusal(409, 'item_name_in_use', 'Item with the same name already exists', { conflicts })
  }

  #happens(
    trigger: Trigger,
    item: Folder | StoredFile,
    by: User,
    more: { readonly info?: WireObject; readonly alsoAt?: readonly ItemReference[] } = {},
  ): void {
    this.#options.onHappening({
      trigger,
      path: [...this.pathOf(item), ...(more.alsoAt ?? [])],
      source: wireItem(this, item),
      by,
      ...(more.info ? { additionalInfo: more.info } : {}),
    })
  }

  #collaborationHappens(trigger: Trigger, collaboration: CollaborationState, by: User): void {
    this.#options.onHappening({
      trigger,
      path: this.pathOf(collaboration.item),
      source: wireCollaboration(this, collaboration),
      by,
    })
  }

  #newId(): string {
    this.#lastId += 1
    return String(this.#lastId)
  }

  #time(): string {
    return boxTime(this.#options.now())
  }
}

const ANSWERED = { accepted: 'ACCEPTED', rejected: 'REJECTED' } as const

function sharedLinkOf(file: StoredFile, { access }: { readonly access?: Access }): SharedLinkState {
  const url = `https://app.box.com/s/${createHash('sha256').update(file.id).digest('hex').slice(0, 32)}`
  return { url, access: access ?? file.sharedLink?.access ?? 'open' }
}
