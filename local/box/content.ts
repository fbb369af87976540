import { createHash } from 'node:crypto'
import type { Trigger } from '../../lib/event.ts'
import type { WireObject } from './payload.ts'

export type User = {
  readonly type: 'user'
  readonly id: string
  readonly name: string
  readonly login: string
}

export type SharedLinkState = { readonly url: string; readonly access: 'open' | 'company' | 'collaborators' }

export type Folder = {
  readonly type: 'folder'
  readonly id: string
  readonly parentId: string | undefined
  readonly name: string
  readonly createdAt: string
  readonly modifiedAt: string
  readonly createdBy: User
  readonly sharedLink: SharedLinkState | undefined
  readonly trashed: boolean
  readonly etag: number
}

export type StoredFile = Omit<Folder, 'type' | 'parentId'> & {
  readonly type: 'file'
  readonly parentId: string
  readonly content: Uint8Array
  readonly sha1: string
  readonly versionId: string
}

export type CollaborationState = {
  readonly id: string
  readonly item: { readonly type: 'file' | 'folder'; readonly id: string }
  readonly login: string
  readonly user: User | undefined
  readonly role: string
  readonly status: 'accepted' | 'pending'
  readonly createdAt: string
  readonly createdBy: User
}

/** Something that happened, of which webhooks on the item or above it are told. */
export type Happening = {
  readonly trigger: Trigger
  /** The items that a webhook may be set on for it: the item itself, then the folders above. */
  readonly path: readonly { readonly type: 'file' | 'folder'; readonly id: string }[]
  readonly source: WireObject
  readonly by: User
  readonly additionalInfo?: WireObject
}

/** A refusal in the terms of Box's API. */
export class BoxRefusal extends Error {
  override readonly name = 'BoxRefusal'
  readonly status: number
  readonly code: string
  readonly contextInfo: WireObject | undefined

  constructor(status: number, code: string, message: string, contextInfo?: WireObject) {
    super(message)
    this.status = status
    this.code = code
    this.contextInfo = contextInfo
  }
}

export const notFound = (what: string, id: string): BoxRefusal =>
  new BoxRefusal(404, 'not_found', 'Not Found', {
    errors: [
      {
        reason: 'invalid_parameter',
        name: what,
        message: `Invalid value '${id}'. '${what}' with value '${id}' not found`,
      },
    ],
  })

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

/** The files, folders and collaborations of one Box enterprise, and what happens to them. */
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
    this.#putFolder({ id: '0', parentId: undefined, name: 'All Files' })
  }

  addUser(user: Omit<User, 'type'>): User {
    const added: User = { type: 'user', ...user }
    this.users.set(added.id, added)
    return added
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

  createFolder(input: { readonly parentId: string; readonly name: string; readonly id?: string }): Folder {
    this.folder(input.parentId)
    this.#refuseTwin(input.parentId, input.name)
    const folder = this.#putFolder({
      id: input.id ?? this.#newId(),
      parentId: input.parentId,
      name: input.name,
    })
    this.#happens('FOLDER.CREATED', folder)
    return folder
  }

  /** Uploads a file, or a new version of the one that has the name. */
  uploadFile(input: {
    readonly parentId: string
    readonly name: string
    readonly content: Uint8Array | string
    readonly by?: User
    readonly id?: string
  }): StoredFile {
    this.folder(input.parentId)
    const content = Buffer.from(input.content)
    const twin = this.items(input.parentId).find(({ name }) => name === input.name)
    if (twin?.type === 'folder') throw this.#conflict(twin)
    const now = this.#time()
    const version = { content, sha1: sha1Of(content), versionId: this.#newId() }
    const file: StoredFile = twin
      ? { ...twin, ...version, modifiedAt: now, etag: twin.etag + 1 }
      : {
          type: 'file',
          id: input.id ?? this.#newId(),
          parentId: input.parentId,
          name: input.name,
          createdAt: now,
          modifiedAt: now,
          createdBy: input.by ?? this.owner,
          sharedLink: undefined,
          trashed: false,
          etag: 0,
          ...version,
        }
    this.files.set(file.id, file)
    this.#happens('FILE.UPLOADED', file, input.by)
    return file
  }

  /** Downloads a file, through its shared link for instance. */
  downloadFile(id: string, by?: User): Uint8Array {
    const file = this.file(id)
    this.#happens('FILE.DOWNLOADED', file, by)
    return file.content
  }

  copyFile(id: string, input: { readonly parentId: string; readonly name?: string }): StoredFile {
    const file = this.file(id)
    this.folder(input.parentId)
    const name = input.name ?? file.name
    this.#refuseTwin(input.parentId, name)
    const now = this.#time()
    const copy: StoredFile = {
      ...file,
      id: this.#newId(),
      versionId: this.#newId(),
      parentId: input.parentId,
      name,
      createdAt: now,
      modifiedAt: now,
      sharedLink: undefined,
      etag: 0,
    }
    this.files.set(copy.id, copy)
    this.#happens('FILE.COPIED', copy)
    if (this.#options.copyFiresUploaded ?? true) this.#happens('FILE.UPLOADED', copy)
    return copy
  }

  /** Changes what is given: a new name, another folder, a shared link or (null) none. */
  updateFile(
    id: string,
    change: {
      readonly name?: string
      readonly parentId?: string
      readonly sharedLink?: { readonly access?: SharedLinkState['access'] } | null
    },
  ): StoredFile {
    let file = this.file(id)
    if (change.name !== undefined && change.name !== file.name) {
      this.#refuseTwin(file.parentId, change.name)
      const before = file.name
      file = this.#putFile({ ...file, name: change.name })
      this.#happens('FILE.RENAMED', file, undefined, { before: { name: before }, after: { name: file.name } })
    }
    if (change.parentId !== undefined && change.parentId !== file.parentId) {
      this.folder(change.parentId)
      this.#refuseTwin(change.parentId, file.name)
      const before = file.parentId
      file = this.#putFile({ ...file, parentId: change.parentId })
      const info = { before: { id: before, type: 'folder' }, after: { id: file.parentId, type: 'folder' } }
      this.#happens('FILE.MOVED', file, undefined, info)
      this.#happens('FILE.UPLOADED', file)
    }
    if (change.sharedLink !== undefined) file = this.#updateSharedLink(file, change.sharedLink)
    return file
  }

  trashFile(id: string): void {
    const file = this.file(id)
    this.files.set(id, { ...file, trashed: true })
    this.#happens('FILE.TRASHED', { ...file, trashed: true })
  }

  collaboration(id: string): CollaborationState {
    const found = this.collaborations.get(id)
    if (!found) throw notFound('collaboration', id)
    return found
  }

  /** Invites somebody; who has an account here collaborates at once. */
  addCollaboration(input: {
    readonly item: CollaborationState['item']
    readonly login: string
    readonly role: string
  }): CollaborationState {
    if (input.item.type === 'folder') this.folder(input.item.id)
    else this.file(input.item.id)
    const user = [...this.users.values()].find(({ login }) => login === input.login)
    const collaborations = [...this.collaborations.values()]
    if (collaborations.some(({ item, login }) => item.id === input.item.id && login === input.login))
      throw new BoxRefusal(400, 'user_already_collaborator', 'User is already a collaborator')
    const collaboration: CollaborationState = {
      ...input,
      id: this.#newId(),
      user,
      status: user ? 'accepted' : 'pending',
      createdAt: this.#time(),
      createdBy: this.owner,
    }
    this.collaborations.set(collaboration.id, collaboration)
    this.#collaborationHappens('COLLABORATION.CREATED', collaboration)
    if (user) this.#collaborationHappens('COLLABORATION.ACCEPTED', collaboration)
    return collaboration
  }

  removeCollaboration(id: string): void {
    const collaboration = this.collaboration(id)
    this.collaborations.delete(id)
    this.#collaborationHappens('COLLABORATION.REMOVED', collaboration)
  }

  /** The item and the folders above it, nearest first. */
  pathOf(item: { readonly type: 'file' | 'folder'; readonly id: string }): Happening['path'] {
    const path: { type: 'file' | 'folder'; id: string }[] = [{ type: item.type, id: item.id }]
    const start = item.type === 'file' ? this.files.get(item.id) : this.folders.get(item.id)
    for (let id = start?.parentId; id !== undefined; id = this.folders.get(id)?.parentId)
      path.push({ type: 'folder', id })
    return path
  }

  #updateSharedLink(
    file: StoredFile,
    link: { readonly access?: SharedLinkState['access'] } | null,
  ): StoredFile {
    if (link === null) {
      if (!file.sharedLink) return file
      const changed = this.#putFile({ ...file, sharedLink: undefined })
      this.#happens('SHARED_LINK.DELETED', changed)
      return changed
    }
    const url = `https://app.box.com/s/${createHash('sha256').update(file.id).digest('hex').slice(0, 32)}`
    const access = link.access ?? file.sharedLink?.access ?? 'open'
    const changed = this.#putFile({ ...file, sharedLink: { url, access } })
    this.#happens(file.sharedLink ? 'SHARED_LINK.UPDATED' : 'SHARED_LINK.CREATED', changed)
    return changed
  }

  #putFile(file: StoredFile): StoredFile {
    const changed = { ...file, etag: file.etag + 1, modifiedAt: this.#time() }
    this.files.set(changed.id, changed)
    return changed
  }

  #putFolder(input: {
    readonly id: string
    readonly parentId: string | undefined
    readonly name: string
  }): Folder {
    const now = this.#time()
    const folder: Folder = {
      type: 'folder',
      ...input,
      createdAt: now,
      modifiedAt: now,
      createdBy: this.owner,
      sharedLink: undefined,
      trashed: false,
      etag: 0,
    }
    this.folders.set(folder.id, folder)
    return folder
  }

  #refuseTwin(folderId: string, name: string): void {
    const twin = this.items(folderId).find(item => item.name === name)
    if (twin) throw this.#conflict(twin)
  }

  #conflict(twin: Folder | StoredFile): BoxRefusal {
    const mini = {
      type: twin.type,
      id: twin.id,
      sequence_id: String(twin.etag),
      etag: String(twin.etag),
      name: twin.name,
      ...(twin.type === 'file' ? { sha1: twin.sha1 } : {}),
    }
    // Of files Box names the one that conflicts, of folders a list.
    const conflicts = twin.type === 'file' ? mini : [mini]
    return new BoxRefusal(409, 'item_name_in_use', 'Item with the same name already exists', { conflicts })
  }

  #happens(trigger: Trigger, item: Folder | StoredFile, by = this.owner, additionalInfo?: WireObject): void {
    this.#options.onHappening({
      trigger,
      path: this.pathOf(item),
      source: wireItem(this, item),
      by,
      ...(additionalInfo ? { additionalInfo } : {}),
    })
  }

  #collaborationHappens(trigger: Trigger, collaboration: CollaborationState): void {
    this.#options.onHappening({
      trigger,
      path: this.pathOf(collaboration.item),
      source: wireCollaboration(this, collaboration),
      by: this.owner,
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

const sha1Of = (content: Uint8Array): string => createHash('sha1').update(content).digest('hex')

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

/** A file or folder as Box's API and webhooks show it in full. */
export function wireItem(content: Content, item: Folder | StoredFile): WireObject {
  const above = content
    .pathOf(item)
    .slice(1)
    .reverse()
    .flatMap(({ id }) => content.folders.get(id) ?? [])
  const parent = item.parentId === undefined ? undefined : content.folders.get(item.parentId)
  return {
    ...(item.type === 'file' ? fileMini(item) : folderMini(item)),
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
    modified_by: item.createdBy,
    owned_by: content.owner,
    shared_link: item.sharedLink
      ? {
          url: item.sharedLink.url,
          download_url: null,
          vanity_url: null,
          effective_access: item.sharedLink.access,
          effective_permission: 'can_download',
          is_password_enabled: false,
          unshared_at: null,
          download_count: 0,
          preview_count: 0,
          access: item.sharedLink.access,
        }
      : null,
    parent: parent ? folderMini(parent) : null,
    item_status: item.trashed ? 'trashed' : 'active',
  }
}

/** A collaboration as Box's API and webhooks show it. */
export function wireCollaboration(content: Content, collaboration: CollaborationState): WireObject {
  const { item, user } = collaboration
  const folder = content.folders.get(item.id)
  const file = content.files.get(item.id)
  return {
    type: 'collaboration',
    id: collaboration.id,
    created_by: collaboration.createdBy,
    created_at: collaboration.createdAt,
    modified_at: collaboration.createdAt,
    expires_at: null,
    status: collaboration.status,
    accessible_by: user ?? null,
    invite_email: user ? null : collaboration.login,
    role: collaboration.role,
    acknowledged_at: collaboration.status === 'accepted' ? collaboration.createdAt : null,
    item: folder ? folderMini(folder) : file ? fileMini(file) : null,
  }
}
