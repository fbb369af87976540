import { isObject } from '../base/json.ts'
import type { Target } from '../event/event.ts'
import type { BoxCheck } from './box-check.ts'
import type { ReconcileReport, ReportedError } from './reconcile.ts'

/** What somebody may ask the function reconcile for. */
export type WebhookRequest =
  | { readonly action: 'plan' | 'apply' }
  /** What the Box app of the stage can do; changes nothing. */
  | { readonly action: 'check' }
  | { readonly action: 'list' }
  /** The folders that an item lies in. */
  | { readonly action: 'path'; readonly item: Target }
  | { readonly action: 'get' | 'delete'; readonly id: string }
  | ({ readonly action: 'create'; readonly target: Target; readonly triggers: readonly string[] } & Addressed)
  | ({ readonly action: 'update'; readonly id: string } & WebhookChanges & Addressed)

/** Absent for this stage's endpoint. */
type Addressed = { readonly address?: string }

type WebhookChanges = { readonly target?: Target; readonly triggers?: readonly string[] }

/** A webhook with all that Box says of it. */
export type ShownWebhook = {
  readonly id: string
  readonly target: Target | null
  readonly address: string
  readonly triggers: readonly string[]
  /** RFC 3339. */
  readonly createdAt: string | null
  readonly createdBy: { readonly id: string; readonly name: string; readonly login: string } | null
  /** Whether it leads to this stage. */
  readonly isOurs: boolean
}

/** What the function answers. Plain JSON. */
export type WebhookAnswer =
  | { readonly ok: true; readonly report: ReconcileReport }
  | { readonly ok: true; readonly webhooks: readonly ShownWebhook[] }
  | { readonly ok: true; readonly check: BoxCheck }
  /** The item itself comes first. */
  | { readonly ok: true; readonly path: readonly Target[] }
  | { readonly ok: false; readonly error: RequestError }

/** Why a request was not carried out; nothing was changed. */
export type RequestError = Omit<ReportedError, 'code'> & {
  readonly code: ReportedError['code'] | 'request_invalid'
  /** Which part of the request is at fault. */
  readonly field?: string
}

/**
 * Reads what somebody asks for.
 * @returns undefined where it is none of the requests
 */
export function parseWebhookRequest(raw: unknown): WebhookRequest | undefined {
  if (!isObject(raw)) return undefined
  const { action } = raw
  const id = typeof raw.id === 'string' && /^\d{1,32}$/.test(raw.id) ? raw.id : undefined
  const target = targetOf(raw.target)
  const triggers = triggersOf(raw.triggers)
  const address = typeof raw.address === 'string' ? { address: raw.address } : {}
  switch (action) {
    case 'plan':
    case 'apply':
    case 'check':
    case 'list':
      return { action }
    case 'path': {
      const item = targetOf(raw.item)
      return item && /^\d{1,32}$/.test(item.id) ? { action, item } : undefined
    }
    case 'get':
    case 'delete':
      return id === undefined ? undefined : { action, id }
    case 'create':
      return target && triggers ? { action, target, triggers, ...address } : undefined
    case 'update':
      return id === undefined
        ? undefined
        : { action, id, ...(target ? { target } : {}), ...(triggers ? { triggers } : {}), ...address }
    default:
      return undefined
  }
}

/** Whether something is the function's answer, as far as tells it from a failure or another version's. */
export const isWebhookAnswer = (answer: unknown): answer is WebhookAnswer =>
  isObject(answer) &&
  (answer.ok === true
    ? isObject(answer.report) ||
      Array.isArray(answer.webhooks) ||
      isObject(answer.check) ||
      Array.isArray(answer.path)
    : isObject(answer.error) && typeof answer.error.message === 'string')

const targetOf = (raw: unknown): Target | undefined =>
  isObject(raw) && (raw.type === 'file' || raw.type === 'folder') && typeof raw.id === 'string'
    ? { type: raw.type, id: raw.id }
    : undefined

const triggersOf = (raw: unknown): readonly string[] | undefined =>
  Array.isArray(raw) && raw.every(one => typeof one === 'string') ? raw : undefined
