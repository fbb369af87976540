/**
 * The resources of Box's API as its webhooks carry them: wire names, every field but `type` and `id` possibly absent.
 * @see https://developer.box.com/reference/resources/
 */

/** RFC 3339, such as `2016-07-11T10:10:32-07:00`. */
type DateTime = string

export type UserMini = {
  readonly type: 'user'
  readonly id: string
  readonly name?: string
  readonly login?: string
}

export type GroupMini = { readonly type: 'group'; readonly id: string; readonly name?: string }

export type FolderMini = {
  readonly type: 'folder'
  readonly id: string
  readonly sequence_id?: string | null
  readonly etag?: string | null
  readonly name?: string
}

export type FileMini = {
  readonly type: 'file'
  readonly id: string
  readonly sequence_id?: string | null
  readonly etag?: string | null
  readonly sha1?: string
  readonly name?: string
  readonly file_version?: FileVersionMini
}

export type FileVersionMini = { readonly type: 'file_version'; readonly id: string; readonly sha1?: string }

export type SharedLink = {
  readonly url?: string
  readonly download_url?: string | null
  readonly vanity_url?: string | null
  readonly access?: 'open' | 'company' | 'collaborators'
  readonly effective_access?: string
  readonly effective_permission?: string
  readonly is_password_enabled?: boolean
  readonly unshared_at?: DateTime | null
  readonly download_count?: number
  readonly preview_count?: number
}

type Item = {
  readonly id: string
  readonly sequence_id?: string | null
  readonly etag?: string | null
  readonly name?: string
  readonly description?: string
  readonly size?: number
  readonly path_collection?: { readonly total_count?: number; readonly entries?: readonly FolderMini[] }
  readonly created_at?: DateTime | null
  readonly modified_at?: DateTime | null
  readonly trashed_at?: DateTime | null
  readonly purged_at?: DateTime | null
  readonly content_created_at?: DateTime | null
  readonly content_modified_at?: DateTime | null
  readonly created_by?: UserMini | null
  readonly modified_by?: UserMini | null
  readonly owned_by?: UserMini | null
  readonly shared_link?: SharedLink | null
  readonly parent?: FolderMini | null
  readonly item_status?: 'active' | 'trashed' | 'deleted'
}

export type BoxFile = Item & {
  readonly type: 'file'
  readonly sha1?: string
  readonly file_version?: FileVersionMini
}

export type BoxFolder = Item & { readonly type: 'folder' }

export type Comment = {
  readonly type: 'comment'
  readonly id: string
  readonly is_reply_comment?: boolean
  readonly message?: string
  readonly tagged_message?: string
  readonly created_by?: UserMini
  readonly created_at?: DateTime
  readonly modified_at?: DateTime
  readonly item?: FileMini
}

export type Collaboration = {
  readonly type: 'collaboration'
  readonly id: string
  readonly item?: FolderMini | FileMini | null
  readonly accessible_by?: ((UserMini | GroupMini) & { readonly login?: string }) | null
  /** The address of a person invited who has no Box account yet. */
  readonly invite_email?: string | null
  readonly role?: string
  readonly status?: 'accepted' | 'pending' | 'rejected'
  readonly created_by?: UserMini | null
  readonly created_at?: DateTime
  readonly modified_at?: DateTime
  readonly acknowledged_at?: DateTime | null
  readonly expires_at?: DateTime | null
}

export type TaskAssignment = {
  readonly type: 'task_assignment'
  readonly id: string
  readonly item?: FileMini
  readonly assigned_to?: UserMini
  readonly assigned_by?: UserMini
  readonly message?: string
  readonly completed_at?: DateTime | null
  readonly assigned_at?: DateTime
  readonly reminded_at?: DateTime | null
  readonly resolution_state?: 'completed' | 'incomplete' | 'approved' | 'rejected'
}

/** A metadata instance: besides Box's `$` fields, the template's own. */
export type MetadataInstance = {
  readonly type: string
  readonly id: string
  readonly $template?: string
  readonly $scope?: string
  /** `file_123` or `folder_123`. */
  readonly $parent?: string
  readonly [field: string]: unknown
}

export type SignRequest = {
  readonly type: 'sign-request'
  readonly id: string
  readonly name?: string
  readonly status?: string
  readonly sign_files?: { readonly files?: readonly FileMini[]; readonly is_ready_for_download?: boolean }
  readonly source_files?: readonly FileMini[]
  readonly parent_folder?: FolderMini | null
  readonly signers?: readonly { readonly email?: string | null; readonly role?: string }[]
  readonly short_id?: string
}

export type WebhookMini = {
  readonly type: 'webhook'
  readonly id: string
  readonly target?: { readonly type?: 'file' | 'folder'; readonly id?: string }
}
