import { isTrigger, TRIGGERS, type Trigger } from '../../lib/event.ts'
import { isObject as isJsonObject } from '../../lib/json.ts'
import type { Sources } from '../../lib/resources.ts'

/** JSON on its way to the wire. */
export type WireObject = { readonly [field: string]: WireValue }
export type WireValue = string | number | boolean | null | undefined | readonly WireValue[] | WireObject

/** What of an event matters to whoever makes it; everything else is filled in. */
export type PayloadOverrides = {
  readonly id?: string
  readonly createdAt?: string
  readonly webhookId?: string
  readonly createdBy?: WireObject
  /** Laid over the trigger's usual source, field by field. */
  readonly source?: WireObject
  readonly additionalInfo?: WireObject
}

const CREATED_AT = '2026-11-23T10:00:00-07:00'
const USER = { type: 'user', id: '226067247', name: 'John Q. Developer', login: 'johnq@example.com' }
const ROOT = { type: 'folder', id: '0', sequence_id: null, etag: null, name: 'All Files' }
const FOLDER_MINI = { type: 'folder', id: '100001', sequence_id: '0', etag: '0', name: 'Review' }
const SHA1 = '2c61623e86bee78e6ab444af456bccc7a1164095'
const VERSION = { type: 'file_version', id: '78096737033', sha1: SHA1 }
const FILE_MINI = {
  type: 'file',
  id: '73835521473',
  file_version: VERSION,
  sequence_id: '0',
  etag: '0',
  sha1: SHA1,
  name: 'contract.pdf',
}
const ITEM = {
  description: '',
  size: 26_458,
  path_collection: { total_count: 2, entries: [ROOT, FOLDER_MINI] },
  created_at: CREATED_AT,
  modified_at: CREATED_AT,
  trashed_at: null,
  purged_at: null,
  content_created_at: CREATED_AT,
  content_modified_at: CREATED_AT,
  created_by: USER,
  modified_by: USER,
  owned_by: USER,
  shared_link: null,
  parent: FOLDER_MINI,
  item_status: 'active',
}
const FILE = { ...FILE_MINI, ...ITEM }
const SHARED_LINK = {
  url: 'https://app.box.com/s/vspke7y05sb214wjokpk',
  download_url: 'https://app.box.com/shared/static/vspke7y05sb214wjokpk.pdf',
  vanity_url: null,
  effective_access: 'open',
  effective_permission: 'can_download',
  is_password_enabled: false,
  unshared_at: null,
  download_count: 0,
  preview_count: 0,
  access: 'open',
}

/** A usual source of each kind, in the form of Box's published examples. */
const SOURCES: Readonly<Record<keyof Sources, WireObject>> = {
  file: FILE,
  folder: {
    ...ITEM,
    type: 'folder',
    id: '100003',
    sequence_id: '0',
    etag: '0',
    name: 'Contracts',
    folder_upload_email: null,
  },
  shared_link: { type: 'shared', ...SHARED_LINK, item: { type: 'file', id: FILE.id } },
  comment: {
    type: 'comment',
    id: '191969',
    is_reply_comment: false,
    message: 'These tigers are cool!',
    created_by: USER,
    created_at: CREATED_AT,
    modified_at: CREATED_AT,
    item: FILE_MINI,
  },
  collaboration: {
    type: 'collaboration',
    id: '12345678',
    created_by: USER,
    created_at: CREATED_AT,
    modified_at: CREATED_AT,
    expires_at: null,
    status: 'accepted',
    accessible_by: { type: 'user', id: '33224412', name: 'Ellis Wiggins', login: 'ellis@elsewhere.example' },
    invite_email: null,
    role: 'editor',
    acknowledged_at: CREATED_AT,
    item: FOLDER_MINI,
  },
  task_assignment: {
    type: 'task_assignment',
    id: '2698512',
    item: FILE_MINI,
    assigned_to: USER,
    assigned_by: USER,
    message: 'Please review',
    completed_at: null,
    assigned_at: CREATED_AT,
    reminded_at: null,
    resolution_state: 'incomplete',
  },
  metadata: {
    id: '01234500-12f1-1234-aa12-b1d234cb567e',
    type: 'properties-6bcba49f-ca6d-4d2a-a758-57fe6edf44d0',
    $template: 'properties',
    $scope: 'global',
    $parent: `file_${FILE.id}`,
    $typeVersion: 0,
    $version: 0,
  },
  webhook: { type: 'webhook', id: '53', target: { type: 'folder', id: FOLDER_MINI.id } },
  open: FILE_MINI,
}

/** What differs from the usual source of its kind. */
const PARTICULARS: { readonly [T in Trigger]?: PayloadOverrides } = {
  'FILE.TRASHED': { source: { item_status: 'trashed', trashed_at: CREATED_AT } },
  'FILE.DELETED': { source: { item_status: 'deleted', purged_at: CREATED_AT } },
  'FOLDER.TRASHED': { source: { item_status: 'trashed', trashed_at: CREATED_AT } },
  'FOLDER.DELETED': { source: { item_status: 'deleted', purged_at: CREATED_AT } },
  'FILE.MOVED': {
    additionalInfo: {
      before: { id: '100009', type: 'folder' },
      after: { id: FOLDER_MINI.id, type: 'folder' },
    },
  },
  'FILE.RENAMED': { additionalInfo: { old_name: 'draft.pdf' } },
  'COLLABORATION.CREATED': { source: { status: 'pending', acknowledged_at: null } },
  'COLLABORATION.REJECTED': { source: { status: 'rejected' } },
  'SHARED_LINK.DELETED': { source: { url: null } },
  'TASK_ASSIGNMENT.UPDATED': { source: { resolution_state: 'completed', completed_at: CREATED_AT } },
  'WEBHOOK.DELETED': { additionalInfo: { reason: 'auto_cleanup' } },
}

/**
 * Builds the whole payload of an event from what matters about it. The same call gives the same payload.
 * @param trigger any trigger, also one that Box does not have
 * @see https://developer.box.com/guides/webhooks/v2/
 */
export function samplePayload(trigger: string, overrides: PayloadOverrides = {}): WireObject {
  const known = isTrigger(trigger) ? trigger : undefined
  const usual = known ? SOURCES[TRIGGERS[known].source] : FILE
  const particular = (known && PARTICULARS[known]) ?? {}
  const id = overrides.id ?? 'eb0c4e06-751f-442c-86f8-fd5bb404dbec'
  const webhook = { id: overrides.webhookId ?? '53', type: 'webhook' }
  // Without a session Box sends no full payload.
  if (known === 'NO_ACTIVE_SESSION') return { type: 'webhook_event', webhook, trigger, source: FILE_MINI }
  const info = merged(particular.additionalInfo ?? {}, overrides.additionalInfo ?? {})
  return {
    type: 'webhook_event',
    id,
    created_at: overrides.createdAt ?? CREATED_AT,
    trigger,
    webhook,
    created_by: merged(USER, overrides.createdBy ?? {}),
    source: merged(merged(usual, particular.source ?? {}), overrides.source ?? {}),
    additional_info: Object.keys(info).length === 0 ? [] : info,
  }
}

const isObject = (value: WireValue): value is WireObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isWireValue = (value: unknown): value is WireValue =>
  value === null ||
  ['string', 'number', 'boolean'].includes(typeof value) ||
  (Array.isArray(value) ? value.every(isWireValue) : isWireObject(value))

/** Whether something is an object as JSON has them. */
export const isWireObject = (value: unknown): value is WireObject =>
  isJsonObject(value) && Object.values(value).every(isWireValue)

function merged(under: WireObject, over: WireObject): WireObject {
  const result: Record<string, WireValue> = { ...under }
  for (const [field, value] of Object.entries(over)) {
    const below = result[field]
    result[field] = isObject(value) && isObject(below) ? merged(below, value) : value
  }
  return result
}

/**
 * Serialises as Box does: no spaces, every character outside ASCII as `\uXXXX` in lower case, and `/` as `\/`. Its
 * signatures are over exactly these bytes.
 */
export function wireBody(payload: WireObject): Buffer {
  const json = JSON.stringify(payload)
    .replaceAll('/', '\\/')
    .replace(/[\u007f-\uffff]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return Buffer.from(json, 'latin1')
}
