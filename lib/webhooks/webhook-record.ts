import { isObject } from '../base/json.ts'
import type { Target } from '../event/event.ts'
import { parseTarget, targetText } from '../event/target.ts'
import type { ActualWebhook, DesiredWebhook, RecordedWebhook, WebhookAction } from './plan.ts'
import { type ItemDatabase, versionedItem } from './versioned-item.ts'

/** A webhook that is not there any more, or has another target: its last deliveries can still come. */
type GoneWebhook = {
  readonly webhookId: string
  readonly target: Target
  /** Since when, in milliseconds since the epoch. */
  readonly at: number
}

export type Recorded = {
  /** Grows with every write; 0 where there is no record. */
  readonly version: number
  readonly webhooks: readonly RecordedWebhook[]
  /** Those of the last 35 days, which is how long an event can come back. */
  readonly gone: readonly GoneWebhook[]
}

/** What is recorded before anything is. */
export const NO_RECORD: Recorded = { version: 0, webhooks: [], gone: [] }

/** Where a stage remembers which webhooks are its own. */
export type WebhookRecord = {
  /** @returns undefined where nothing was ever recorded, or the record is lost */
  read(): Promise<Recorded | undefined>
  /**
   * Replaces the record; what is left out of it is remembered as gone.
   * @param seen the record on whose strength it is replaced
   * @returns the record as it is then; undefined where another run has written since
   */
  write(webhooks: readonly RecordedWebhook[], seen: Recorded): Promise<Recorded | undefined>
}

/** The key of the record in the ledger's table. No event can have it, for no event's id has a space; see idText(). */
export const WEBHOOK_RECORD_KEY = 'webhooks of this stage'

/** How long a webhook that is gone is remembered, in milliseconds. */
const GONE_MS = 35 * 86_400_000

/** How many are remembered at most: as many as Box lets an application have. */
const GONE_MAX = 1000

/** Which webhooks are gone once the record is replaced, the latest first. */
function goneAfter(next: readonly RecordedWebhook[], seen: Recorded, now: number): readonly GoneWebhook[] {
  const there = new Map(next.map(({ webhookId, target }) => [webhookId, targetText(target)]))
  const left = seen.webhooks.flatMap(({ webhookId, target }) =>
    webhookId === undefined || there.get(webhookId) === targetText(target)
      ? []
      : [{ webhookId, target, at: now }],
  )
  const known = seen.gone.filter(({ at }) => now - at < GONE_MS)
  return [...left, ...known].slice(0, GONE_MAX)
}

/** The record as one item beside the events of the ledger's table. 1000 webhooks take about 150 KB of 400. */
export function createWebhookRecord(
  options: { readonly dynamodb: ItemDatabase; readonly table: string },
  now: () => number,
): WebhookRecord {
  const item = versionedItem(options, WEBHOOK_RECORD_KEY)
  const kept = <T extends { readonly target: Target }>({ target, ...one }: T) => ({
    ...one,
    target: targetText(target),
  })
  return {
    async read() {
      const found = await item.read()
      return found && readRecorded(found)
    },
    async write(webhooks, seen) {
      const gone = goneAfter(webhooks, seen, now())
      const fields = { gone: gone.map(kept), webhooks: webhooks.map(kept) }
      return (await item.write(fields, seen.version))
        ? { version: seen.version + 1, webhooks, gone }
        : undefined
    },
  }
}

/** Reads what this version or another wrote; what is not understood is left out, and found on Box again. */
function readRecorded({ version, webhooks, gone }: Record<string, unknown>): Recorded {
  const list: readonly unknown[] = Array.isArray(webhooks) ? webhooks : []
  const left: readonly unknown[] = Array.isArray(gone) ? gone : []
  return {
    version: typeof version === 'number' ? version : 0,
    gone: left.flatMap(one => {
      if (!isObject(one) || typeof one.target !== 'string' || typeof one.at !== 'number') return []
      const target = parseTarget(one.target)
      return target && typeof one.webhookId === 'string'
        ? [{ webhookId: one.webhookId, target, at: one.at }]
        : []
    }),
    webhooks: list.flatMap(one => {
      if (!isObject(one) || typeof one.target !== 'string' || typeof one.address !== 'string') return []
      const target = parseTarget(one.target)
      const id = typeof one.webhookId === 'string' ? { webhookId: one.webhookId } : {}
      return target ? [{ target, address: one.address, ...id }] : []
    }),
  }
}

type Known = readonly RecordedWebhook[]

/**
 * Changes the record, and makes the change again on what another run has written meanwhile.
 * @param seen the record as it was last read
 */
export async function changeRecord(
  record: WebhookRecord,
  seen: Recorded,
  change: (known: Known) => Known,
): Promise<Recorded> {
  let known = seen
  for (;;) {
    const next = change(known.webhooks)
    // Also that there is nothing is worth recording, so that the next run need not look at every webhook.
    if (known.version > 0 && isSame(next, known.webhooks)) return known
    const written = await record.write(next, known)
    if (written) return written
    known = (await record.read()) ?? NO_RECORD
  }
}

/** Adds every webhook of this stage that is there, at the address it has, and those that are about to be made. */
export function withPlanned(
  known: Known,
  plan: readonly WebhookAction[],
  { actual }: { readonly actual: readonly ActualWebhook[] },
  { address }: { readonly address: string },
): Known {
  const byTarget = new Map(known.map(one => [targetText(one.target), one]))
  for (const { kind, target, webhookId, reason } of plan) {
    const text = targetText(target)
    const there = actual.find(one => one.webhookId === webhookId)
    if (kind === 'create' && !byTarget.has(text)) byTarget.set(text, { target, address })
    else if (there && kind !== 'conflict' && reason !== 'duplicate')
      byTarget.set(text, { target, address: there.address, webhookId: there.webhookId })
  }
  return [...byTarget.values()]
}

/**
 * Adds what was made or moved, and forgets what is neither declared nor there any more.
 * @param own what this run has read and planned; nothing else is forgotten
 */
export function withDone(
  known: Known,
  own: Known,
  actions: readonly (WebhookAction & { readonly outcome?: 'done' | 'failed' })[],
  stage: { readonly address: string; readonly desired: readonly DesiredWebhook[] },
): Known {
  const staying = new Set(stage.desired.map(({ target }) => targetText(target)))
  for (const { kind, target, outcome } of actions)
    if (kind === 'delete' && outcome !== 'done') staying.add(targetText(target))
  const gone = new Set(own.filter(({ target }) => !staying.has(targetText(target))).map(textOf))
  const byTarget = new Map(
    known.filter(one => !gone.has(textOf(one))).map(one => [targetText(one.target), one]),
  )
  for (const { kind, target, webhookId, outcome } of actions)
    if ((kind === 'create' || kind === 'update') && outcome === 'done')
      byTarget.set(targetText(target), {
        target,
        address: stage.address,
        ...(webhookId === undefined ? {} : { webhookId }),
      })
  return [...byTarget.values()]
}

const isSame = (one: Known, other: Known): boolean =>
  JSON.stringify(one.map(textOf).sort()) === JSON.stringify(other.map(textOf).sort())

const textOf = ({ target, address, webhookId }: RecordedWebhook): string =>
  JSON.stringify([targetText(target), address, webhookId])
