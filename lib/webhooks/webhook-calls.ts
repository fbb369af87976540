import type { Clock } from '../base/clock.ts'
import { AutomationError, classify } from '../base/errors.ts'
import { decideRetry, type RetryPolicy } from '../base/retry.ts'
import type { Box } from '../box/box.ts'
import { isBoxError } from '../box/box-error.ts'
import type { Target } from '../event/event.ts'
import type { ActualWebhook, WebhookAction } from './plan.ts'

/** The part of the official SDK's client that is about webhooks: `Box.webhooks` of lib/box/box.ts is one. */
export type WebhooksApi = Pick<
  Box['webhooks'],
  'getWebhooks' | 'getWebhookById' | 'createWebhook' | 'updateWebhookById' | 'deleteWebhookById'
>

/** How long there is for calls, and what time and chance are. */
export type Patience = {
  readonly clock: Clock
  /** From 0 up to, not including, 1. */
  readonly random: () => number
  /**
   * Milliseconds since the epoch; no call is begun after it, and no wait goes beyond it. A call that is under way by then is
   * the client's to end.
   */
  readonly deadline: number
  readonly signal?: AbortSignal
}

/** A webhook as Box lists it. */
export type ListedWebhook = { readonly webhookId: string; readonly target: Target }

export type WebhookCalls = {
  /** Every webhook of the application and user: one call per 1000. */
  list(): Promise<readonly ListedWebhook[]>
  /** Details of each, one call per webhook and {@link AT_ONCE} at a time; in the order given; those gone by then are left out. */
  details(listed: readonly ListedWebhook[]): Promise<readonly ActualWebhook[]>
  /** @returns undefined where it is gone */
  detail(webhookId: string): Promise<ActualWebhook | undefined>
  /** @returns the new webhook's id */
  create(action: WebhookAction & { kind: 'create' }, address: string): Promise<string>
  update(action: WebhookAction & { kind: 'update' }): Promise<void>
  /** That it is gone already is as good. */
  delete(webhookId: string): Promise<void>
}

/** How many details are asked for at a time. */
export const AT_ONCE = 4
/** The most that Box takes. */
const PAGE_SIZE = 1000
/** For what Box could not do: about half a minute in all. Waits that Box asks for don't count. */
const POLICY: RetryPolicy = { attempts: 6, baseSeconds: 1, capSeconds: 15 }

/**
 * Box's webhooks API with patience: a call that Box throttles or fails to answer is made again until the deadline is near.
 * Each method throws a BoxError (of lib/box/box-error.ts) where Box refuses for good, and an AutomationError with the code
 * `run_timed_out` where the time is over.
 * @see https://developer.box.com/reference/resources/webhook/
 */
export function webhookCalls(api: WebhooksApi, patience: Patience): WebhookCalls {
  const patiently = <R>(call: () => Promise<R>) => callPatiently(call, patience)
  const detail = async (webhookId: string): Promise<ActualWebhook | undefined> =>
    actualOf(await unlessGone(patiently(() => api.getWebhookById(webhookId))))
  return {
    async list() {
      const listed = new Map<string, ListedWebhook>()
      const markers = new Set<string>()
      let marker: string | undefined
      do {
        const at = marker === undefined ? {} : { marker }
        const page = await patiently(() => api.getWebhooks({ ...at, limit: PAGE_SIZE }))
        // Pages that are read while webhooks come and go can overlap.
        for (const one of page.entries ?? []) {
          const target = targetOf(one.target)
          if (one.id && target) listed.set(one.id, { webhookId: one.id, target })
        }
        marker = page.nextMarker || undefined
        if (marker !== undefined && markers.has(marker)) break
        if (marker !== undefined) markers.add(marker)
      } while (marker !== undefined)
      return [...listed.values()]
    },
    async details(listed) {
      const found = new Map<string, ActualWebhook>()
      const waiting = listed.values()
      const work = async () => {
        for (const { webhookId } of waiting) {
          const webhook = await detail(webhookId)
          if (webhook) found.set(webhookId, webhook)
        }
      }
      await Promise.all(Array.from({ length: AT_ONCE }, work))
      return listed.flatMap(({ webhookId }) => found.get(webhookId) ?? [])
    },
    detail,
    async create({ target, wanted }, address) {
      const made = await patiently(() => api.createWebhook({ target, address, triggers: wanted }))
      return made.id ?? ''
    },
    async update({ webhookId, change }) {
      await patiently(() => api.updateWebhookById(webhookId, { requestBody: change }))
    },
    async delete(webhookId) {
      await unlessGone(patiently(() => api.deleteWebhookById(webhookId)))
    },
  }
}

async function callPatiently<R>(call: () => Promise<R>, patience: Patience): Promise<R> {
  const { clock, random, deadline, signal } = patience
  let attempts = 0
  let throttles = 0
  for (;;) {
    signal?.throwIfAborted()
    if (clock.now() >= deadline) throw timeIsOver()
    try {
      return await call()
    } catch (error) {
      const failure = classify(error)
      if (failure.class === 'auth') throw error
      if (failure.class === 'throttled') throttles += 1
      else attempts += 1
      const decision = decideRetry({ failure, policy: POLICY, attempts, throttles: throttles - 1, random })
      if (decision.kind === 'give-up') throw error
      const ms = decision.delaySeconds * 1000
      if (clock.now() + ms >= deadline) throw error
      await wait(clock, ms, signal)
    }
  }
}

const timeIsOver = (): AutomationError =>
  new AutomationError({
    class: 'transient',
    code: 'run_timed_out',
    message:
      'The time for reconciling was over before this was done. The next reconciliation goes on from here.',
  })

function wait(clock: Clock, ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      cancel()
      reject(signal?.reason)
    }
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener('abort', abort)
      resolve()
    })
    signal?.addEventListener('abort', abort, { once: true })
  })
}

async function unlessGone<R>(call: Promise<R>): Promise<R | undefined> {
  try {
    return await call
  } catch (error) {
    if (isBoxError(error, 404)) return undefined
    throw error
  }
}

type Sdk = { readonly [call in keyof WebhooksApi]: Awaited<ReturnType<WebhooksApi[call]>> }

/** A webhook without a target or an address is none that could be anybody's. */
function actualOf(webhook: Sdk['getWebhookById'] | undefined): ActualWebhook | undefined {
  const target = targetOf(webhook?.target)
  if (!webhook?.id || !target) return undefined
  const { id: webhookId, address = '', triggers = [] } = webhook
  return { webhookId, target, address, triggers }
}

const targetOf = (target: Sdk['getWebhookById']['target']): Target | undefined =>
  target?.id && target.type ? { type: target.type, id: target.id } : undefined
