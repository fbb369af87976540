import { AutomationError } from '../base/errors.ts'
import { isTrigger, type Target, type Trigger } from '../event/event.ts'
import { isSameAddress } from './plan.ts'
import { reportedError } from './reconcile.ts'
import { AT_ONCE, type WebhooksApi } from './webhook-calls.ts'
import type { RequestError, ShownWebhook, WebhookAnswer, WebhookRequest } from './webhook-request.ts'
import { type AddressOptions, webhookProblems } from './webhook-rules.ts'

export type OperationParts = AddressOptions & {
  readonly api: WebhooksApi
  /** This stage's endpoint. */
  readonly address: string
}

/** A request for one of Box's five endpoints themselves. */
export type WebhookOperation = Exclude<
  WebhookRequest,
  { readonly action: 'plan' | 'apply' | 'check' | 'path' }
>

/**
 * Does one thing about webhooks that somebody asked for by hand. What Box would refuse is refused before it is asked.
 * @throws what is no failure of Box
 */
export async function operate(parts: OperationParts, request: WebhookOperation): Promise<WebhookAnswer> {
  try {
    const done = await carryOut(parts, request)
    return Array.isArray(done) ? { ok: true, webhooks: done } : { ok: false, error: done }
  } catch (error) {
    if (!(error instanceof AutomationError)) throw error
    return { ok: false, error: reportedError(error) }
  }
}

type Done = ShownWebhook[] | RequestError

async function carryOut(parts: OperationParts, request: WebhookOperation): Promise<Done> {
  const { api } = parts
  if (request.action === 'list') return listAll(parts)
  if (request.action === 'update') return update(parts, request)
  if (request.action === 'create') {
    const { target, triggers, address = parts.address } = request
    const wrong = problemOf(parts, target, triggers, address)
    return wrong ?? [shown(await api.createWebhook({ target, address, triggers: [...triggers] }), parts)]
  }
  const webhook = await api.getWebhookById(request.id)
  if (request.action === 'delete') await api.deleteWebhookById(request.id)
  return [shown(webhook, parts)]
}

async function listAll(parts: OperationParts): Promise<ShownWebhook[]> {
  const ids = new Set<string>()
  let marker: string | undefined
  do {
    const page = await parts.api.getWebhooks({
      limit: PAGE_SIZE,
      ...(marker === undefined ? {} : { marker }),
    })
    for (const { id } of page.entries ?? []) if (id) ids.add(id)
    marker = page.nextMarker || undefined
  } while (marker !== undefined)
  const webhooks: ShownWebhook[] = []
  const waiting = ids.values()
  const work = async () => {
    for (const id of waiting) webhooks.push(shown(await parts.api.getWebhookById(id), parts))
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return webhooks.sort((one, other) => Number(one.id) - Number(other.id))
}

const PAGE_SIZE = 1000

async function update(
  parts: OperationParts,
  { id, target, triggers, address }: WebhookOperation & { readonly action: 'update' },
): Promise<Done> {
  const before = shown(await parts.api.getWebhookById(id), parts)
  const about = target ?? before.target ?? { type: 'folder', id: '' }
  const wrong = problemOf(parts, about, triggers ?? before.triggers, address ?? before.address)
  // What is there already may be older than a rule; what is asked for may not.
  if (wrong && { target, triggers, address }[wrong.field ?? ''] !== undefined) return wrong
  const requestBody = {
    ...(target ? { target } : {}),
    ...(triggers ? { triggers: [...triggers] } : {}),
    ...(address === undefined ? {} : { address }),
  }
  return [shown(await parts.api.updateWebhookById(id, { requestBody }), parts)]
}

function problemOf(
  parts: OperationParts,
  target: Target,
  named: readonly string[],
  address: string,
): RequestError | undefined {
  const strange = named.find(name => !isTrigger(name))
  const triggers = named.filter((name): name is Trigger => isTrigger(name))
  const [problem] = webhookProblems([{ target, triggers }], address, parts)
  if (problem && (problem.field !== 'triggers' || strange === undefined))
    return { code: 'request_invalid', field: problem.field, message: problem.message }
  if (strange === undefined) return undefined
  const message = `Box has no trigger ${JSON.stringify(strange.slice(0, 64))}. docs/write-an-automation.md lists them.`
  return { code: 'request_invalid', field: 'triggers', message }
}

type Raw = Awaited<ReturnType<WebhooksApi['getWebhookById']>>

function shown(raw: Raw, { address: ours }: OperationParts): ShownWebhook {
  const { id = '', target, address = '', triggers = [], createdAt, createdBy } = raw
  return {
    id,
    target: target?.id && target.type ? { type: target.type, id: target.id } : null,
    address,
    triggers,
    createdAt: createdAt?.value.toISOString() ?? null,
    createdBy: createdBy
      ? { id: createdBy.id, name: createdBy.name ?? '', login: createdBy.login ?? '' }
      : null,
    isOurs: isSameAddress(address, ours),
  }
}
