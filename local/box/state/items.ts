import type { Trigger } from '../../../lib/event/event.ts'
import type { WireObject } from '../events/shapes.ts'

export type User = {
  readonly type: 'user'
  readonly id: string
  readonly name: string
  readonly login: string
}

export type ItemType = 'file' | 'folder'

export type ItemReference = { readonly type: ItemType; readonly id: string }

export type Access = 'open' | 'company' | 'collaborators'

export type SharedLinkState = { readonly url: string; readonly access: Access }

export type Folder = {
  readonly type: 'folder'
  readonly id: string
  readonly parentId: string | undefined
  readonly name: string
  readonly createdAt: string
  readonly modifiedAt: string
  readonly createdBy: User
  readonly modifiedBy: User
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
  /** When the content came, in milliseconds since the epoch. */
  readonly contentAt: number
  readonly lock: Lock | undefined
}

/** What keeps everybody but its owner from changing a file. */
export type Lock = {
  readonly id: string
  readonly by: User
  readonly createdAt: string
  readonly expiresAt: string | null
  readonly preventsDownload: boolean
}

export type Item = Folder | StoredFile

export type CollaborationState = {
  readonly id: string
  readonly item: ItemReference
  readonly login: string
  readonly user: User | undefined
  readonly role: string
  readonly status: 'accepted' | 'pending' | 'rejected'
  readonly createdAt: string
  readonly modifiedAt: string
  readonly createdBy: User
}

/** Something that happened, of which webhooks on the item or above it are told. */
export type Happening = {
  readonly trigger: Trigger
  /** The items that a webhook may be set on for it: the item itself and the folders above. */
  readonly path: readonly ItemReference[]
  readonly source: WireObject
  /** The file or folder that it is about, in short. */
  readonly item: WireObject
  readonly by: User
  readonly additionalInfo?: WireObject
  /** Set where the event streams tell of it by what else it is, such as a move. */
  readonly unlogged?: boolean
}
