import { createHash } from 'node:crypto'
import type { Trigger } from '../../../lib/event/event.ts'
import type { WireObject } from '../events/shapes.ts'
import { boxTime, wireItem, wireMini } from '../events/wire.ts'
import type { Folder, Happening, Item, ItemReference, StoredFile, User } from './items.ts'
import { BoxRefusal, notFound } from './refusal.ts'

export type TreeOptions = {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly owner: User
  readonly onHappening: (happening: Happening) => void
}

/** What all items begin with. */
type Beginning = Pick<
  Folder,
  'createdAt' | 'modifiedAt' | 'createdBy' | 'modifiedBy' | 'sharedLink' | 'trashed' | 'etag'
>

/** The files and folders of one Box enterprise, where each lies, and who is told when something happens to them. */
export class Tree {
  readonly files = new Map<string, StoredFile>()
  readonly folders = new Map<string, Folder>()
  readonly owner: User
  readonly #options: TreeOptions
  #lastId = 1_000_000_000

  constructor(options: TreeOptions) {
    this.#options = options
    this.owner = options.owner
    this.folders.set('0', {
      ...this.beginning(options.owner),
      type: 'folder',
      id: '0',
      parentId: undefined,
      name: 'All Files',
    })
  }

  /** @throws BoxRefusal (404) where there is none, or it or a folder above it lies in the trash */
  folder(id: string): Folder {
    const folder = this.folders.get(id)
    if (!folder || this.#isTrashed(folder)) throw notFound('folder', id)
    return folder
  }

  /** @throws BoxRefusal (404) where there is none, or it or a folder above it lies in the trash */
  file(id: string): StoredFile {
    const file = this.files.get(id)
    if (!file || this.#isTrashed(file)) throw notFound('file', id)
    return file
  }

  item({ type, id }: ItemReference): Item {
    return type === 'file' ? this.file(id) : this.folder(id)
  }

  /** @throws BoxRefusal (404) for what was not itself moved to the trash */
  trashed({ type, id }: ItemReference): Item {
    const item = type === 'file' ? this.files.get(id) : this.folders.get(id)
    if (!item?.trashed) throw notFound(type, id)
    return item
  }

  /** A folder's items, folders first, each kind by name. */
  items(folderId: string): Item[] {
    const inFolder = <I extends Item>(items: Iterable<I>) =>
      [...items]
        .filter(({ parentId, trashed }) => parentId === folderId && !trashed)
        .sort((a, b) => a.name.localeCompare(b.name))
    return [...inFolder(this.folders.values()), ...inFolder(this.files.values())]
  }

  /** The item and the folders above it, nearest first. */
  pathOf(item: ItemReference): readonly ItemReference[] {
    const path: ItemReference[] = [{ type: item.type, id: item.id }]
    const start = item.type === 'file' ? this.files.get(item.id) : this.folders.get(item.id)
    for (let id = start?.parentId; id !== undefined; id = this.folders.get(id)?.parentId)
      path.push({ type: 'folder', id })
    return path
  }

  add<I extends Item>(item: I): I {
    if (item.type === 'file') this.files.set(item.id, item)
    else this.folders.set(item.id, item)
    return item
  }

  /** Puts a changed item in the place of what it was. */
  put<I extends Item>(item: I, by: User): I {
    return this.add({ ...item, etag: item.etag + 1, modifiedAt: this.time(), modifiedBy: by })
  }

  remove({ type, id }: ItemReference): void {
    if (type === 'file') this.files.delete(id)
    else this.folders.delete(id)
  }

  beginning(by: User): Beginning {
    const now = this.time()
    return {
      createdAt: now,
      modifiedAt: now,
      createdBy: by,
      modifiedBy: by,
      sharedLink: undefined,
      trashed: false,
      etag: 0,
    }
  }

  /** A version of a file as uploading it makes it. */
  version(content: Uint8Array | string): Pick<StoredFile, 'content' | 'sha1' | 'versionId' | 'contentAt'> {
    const bytes = Buffer.from(content)
    return {
      content: bytes,
      sha1: createHash('sha1').update(bytes).digest('hex'),
      versionId: this.newId(),
      contentAt: this.#options.now(),
    }
  }

  /** @throws BoxRefusal (409) that names what has the name already */
  refuseTwin(folderId: string, name: string): void {
    const twin = this.items(folderId).find(item => item.name === name)
    if (!twin) return
    // Of files Box names the one that conflicts, of folders a list.
    const conflicts = twin.type === 'file' ? wireMini(twin) : [wireMini(twin)]
    throw new BoxRefusal(409, 'item_name_in_use', 'Item with the same name already exists', { conflicts })
  }

  /** Tells of something that happened to an item. */
  happens(
    trigger: Trigger,
    item: Item,
    by: User,
    more: {
      readonly info?: WireObject
      readonly alsoAt?: readonly ItemReference[]
      /** Laid over the item's form. */
      readonly shown?: WireObject
      readonly unlogged?: boolean
    } = {},
  ): void {
    this.tell({
      trigger,
      path: [...this.pathOf(item), ...(more.alsoAt ?? [])],
      source: { ...wireItem(this, item), ...more.shown },
      item: wireMini(item),
      by,
      ...(more.info ? { additionalInfo: more.info } : {}),
      ...(more.unlogged ? { unlogged: true } : {}),
    })
  }

  tell(happening: Happening): void {
    this.#options.onHappening(happening)
  }

  newId(): string {
    this.#lastId += 1
    return String(this.#lastId)
  }

  /** The time as Box writes it. */
  time(): string {
    return boxTime(this.#options.now())
  }

  #isTrashed({ trashed, parentId }: Item): boolean {
    const parent = parentId === undefined ? undefined : this.folders.get(parentId)
    return trashed || (parent !== undefined && this.#isTrashed(parent))
  }
}
