import { type Target, TRIGGERS, type Trigger, triggerOf } from '../event/event.ts'
import { ACCOUNT, targetText } from '../event/target.ts'

/** A webhook that should exist on Box. */
export type DesiredWebhook = { readonly target: Target; readonly triggers: readonly Trigger[] }

/** A webhook as Box has it. */
export type ActualWebhook = {
  readonly webhookId: string
  readonly target: Target
  readonly address: string
  /** As Box spells them. */
  readonly triggers: readonly string[]
}

/** A webhook that was made for this stage, or is about to be. */
export type RecordedWebhook = {
  readonly target: Target
  /** The address that it was given. */
  readonly address: string
  /** Absent until Box has said it. */
  readonly webhookId?: string
}

/** Why something is done, or not done, about a webhook. Stable; docs/webhooks.md says of each what it means. */
export const WEBHOOK_REASONS = [
  'declared',
  'missing',
  'triggers_differ',
  'address_moved',
  'not_declared',
  'duplicate',
  'in_step',
  'foreign_webhook',
  'limit_reached',
] as const

type WebhookReason = (typeof WEBHOOK_REASONS)[number]

type Planned = {
  readonly target: Target
  /** The triggers that it should have; empty where it should not exist. */
  readonly wanted: readonly Trigger[]
  /** The triggers that it has on Box; empty where it does not exist. */
  readonly actual: readonly string[]
  readonly reason: WebhookReason
  /** The reason in words, with what to do where somebody has to do something. */
  readonly message: string
}

/** What is to be done about one webhook, and why. Plain JSON. */
export type WebhookAction =
  | (Planned & { readonly kind: 'update'; readonly webhookId: string; readonly change: WebhookChange })
  | (Planned & { readonly kind: 'delete' | 'leave'; readonly webhookId: string })
  /** The id comes once it is made. */
  | (Planned & { readonly kind: 'create'; readonly webhookId?: string })
  /** Absent at the limit. */
  | (Planned & { readonly kind: 'conflict'; readonly webhookId?: string })

type WebhookChange = { readonly address?: string; readonly triggers?: readonly Trigger[] }

/** How many webhooks an application may have per user. @see https://developer.box.com/guides/webhooks/v2/limitations-v2/ */
export const WEBHOOKS_MAX = 1000

/**
 * The webhooks that automations need together: one per target with every trigger that any of them is on, as Box allows
 * one webhook per item, application and user.
 * @see https://developer.box.com/guides/webhooks/v2/limitations-v2/
 */
export function desiredWebhooks(
  declared: readonly {
    readonly on: readonly Trigger[]
    readonly watch: readonly Target[]
    /** Whether V1 callbacks run it: then it may watch the account, which takes no V2 webhook. */
    readonly v1?: boolean
  }[],
): DesiredWebhook[] {
  const byTarget = new Map<string, { target: Target; triggers: Set<Trigger> }>()
  for (const { on, watch, v1 = false } of declared) {
    for (const { type, id } of watch) {
      if (v1 && type === ACCOUNT.type && id === ACCOUNT.id) continue
      const key = `${type}:${id}`
      const wanted = byTarget.get(key) ?? { target: { type, id }, triggers: new Set() }
      for (const trigger of on) if (TRIGGERS[trigger].subscribable) wanted.triggers.add(trigger)
      byTarget.set(key, wanted)
    }
  }
  return [...byTarget.values()]
    .filter(({ triggers }) => triggers.size > 0)
    .map(({ target, triggers }) => ({ target, triggers: [...triggers].sort() }))
}

export type PlanInput = {
  /** One per target. */
  readonly desired: readonly DesiredWebhook[]
  /** The webhooks on Box that may matter: those on desired or recorded targets, and all where nothing is recorded. */
  readonly actual: readonly ActualWebhook[]
  /** The webhooks that were made for this stage. */
  readonly recorded: readonly RecordedWebhook[]
  /** This stage's endpoint. */
  readonly address: string
  /** How many webhooks the application and user have in all. */
  readonly total: number
}

/**
 * Decides what to do about every webhook of this stage, in the order in which to do it: what is added comes before what is
 * taken away, as far as Box's limit allows. A webhook is this stage's where its address is the stage's endpoint, or the one
 * for which it was recorded; a webhook of any other address is somebody else's and is never touched. So where the record is
 * lost, webhooks that lead to this very endpoint are taken for this stage's: nobody else could use them.
 */
export function planWebhooks(input: PlanInput): WebhookAction[] {
  const byTarget = Map.groupBy(input.actual, ({ target }) => targetText(target))
  const wanted = new Set(input.desired.map(({ target }) => targetText(target)))
  const planned = input.desired.flatMap(one =>
    planTarget(one, byTarget.get(targetText(one.target)) ?? [], input),
  )
  const dropped = input.actual
    .filter(one => !wanted.has(targetText(one.target)) && isOurs(one, input))
    .map(one =>
      removal(one, 'not_declared', 'No automation of this stage watches this item with a webhook any more.'),
    )
  return withinLimit([...planned, ...dropped], input.total)
}

/** Whether a webhook on Box is this stage's. */
export function isOurs(
  { target, address }: Pick<ActualWebhook, 'target' | 'address'>,
  stage: Pick<PlanInput, 'address' | 'recorded'>,
): boolean {
  if (isSameAddress(address, stage.address)) return true
  const text = targetText(target)
  return stage.recorded.some(one => targetText(one.target) === text && isSameAddress(one.address, address))
}

/** Whether two addresses are one, however they are written. */
export const isSameAddress = (one: string, other: string): boolean =>
  one === other || (URL.parse(one)?.href ?? one) === (URL.parse(other)?.href ?? other)

function planTarget(
  { target, triggers: wanted }: DesiredWebhook,
  there: readonly ActualWebhook[],
  input: PlanInput,
): WebhookAction[] {
  const [ours, ...more] = there.filter(one => isOurs(one, input)).sort(byAge)
  if (ours) {
    const message = 'Box has two webhooks of this stage on this item; the older one stays.'
    return [keep(ours, wanted, input.address), ...more.map(one => removal(one, 'duplicate', message))]
  }
  const [foreign] = there
  if (foreign) return [conflict(foreign, wanted)]
  const was = input.recorded.find(one => targetText(one.target) === targetText(target))
  const gone = was?.webhookId !== undefined
  return [
    {
      kind: 'create',
      target,
      wanted,
      actual: [],
      reason: gone ? 'missing' : 'declared',
      message: gone
        ? `The webhook ${was.webhookId} was here and is gone: somebody or Box has deleted it. Events since then were not sent.`
        : 'Automations of this stage watch this item.',
    },
  ]
}

function keep(ours: ActualWebhook, wanted: readonly Trigger[], address: string): WebhookAction {
  const { webhookId, target, triggers: actual } = ours
  const moved = !isSameAddress(ours.address, address)
  const differ = !isSameSet(wanted, actual)
  const planned = { webhookId, target, wanted, actual }
  if (!moved && !differ)
    return { kind: 'leave', ...planned, reason: 'in_step', message: 'It is as the automations declare it.' }
  return {
    kind: 'update',
    ...planned,
    change: { ...(moved ? { address } : {}), ...(differ ? { triggers: wanted } : {}) },
    ...(moved
      ? { reason: 'address_moved', message: 'It leads to the address that this stage had before.' }
      : { reason: 'triggers_differ', message: differenceOf(wanted, actual) }),
  }
}

function conflict(foreign: ActualWebhook, wanted: readonly Trigger[]): WebhookAction {
  const { webhookId, target, triggers: actual, address } = foreign
  // Only the host: a path or a query of somebody else's may be a secret.
  const host = URL.parse(address)?.host || 'an unreadable address'
  return {
    kind: 'conflict',
    webhookId,
    target,
    wanted,
    actual,
    reason: 'foreign_webhook',
    message: `The webhook ${webhookId} of the same Box application leads to ${host}, not to this stage, and Box allows one per item. It is left alone. Delete it if nobody needs it, or give this stage a Box application of its own, or watch another item.`,
  }
}

const removal = (
  { webhookId, target, triggers: actual }: ActualWebhook,
  reason: 'not_declared' | 'duplicate',
  message: string,
): WebhookAction => ({ kind: 'delete', webhookId, target, wanted: [], actual, reason, message })

/** Orders actions so that webhooks are added before others are taken away, but never more than Box allows at any time. */
function withinLimit(actions: readonly WebhookAction[], total: number): WebhookAction[] {
  const removals = actions.filter(({ kind }) => kind === 'delete')
  const creations = actions.filter(action => action.kind === 'create')
  const rest = actions.filter(({ kind }) => kind !== 'delete' && kind !== 'create')
  const roomNow = Math.max(0, WEBHOOKS_MAX - total)
  const room = roomNow + removals.length
  return [
    ...rest,
    ...creations.slice(0, roomNow),
    ...removals,
    ...creations.slice(roomNow, room),
    ...creations.slice(room).map(limited),
  ]
}

const limited = ({ target, wanted }: WebhookAction): WebhookAction => ({
  kind: 'conflict',
  target,
  wanted,
  actual: [],
  reason: 'limit_reached',
  message: `Box allows ${WEBHOOKS_MAX} webhooks per application and user, and they are used up. Delete some that nobody needs, or watch a folder above instead of many items.`,
})

/** Whether the triggers mean the same; Box spells some in two ways. */
function isSameSet(wanted: readonly Trigger[], actual: readonly string[]): boolean {
  const meant = new Set(actual.map(name => triggerOf(name) ?? name))
  return meant.size === new Set(wanted).size && wanted.every(trigger => meant.has(trigger))
}

function differenceOf(wanted: readonly Trigger[], actual: readonly string[]): string {
  const has = new Set<string>(actual.map(name => triggerOf(name) ?? name))
  const wants = new Set<string>(wanted)
  const lacking = [...wants].filter(name => !has.has(name))
  const surplus = [...has].filter(name => !wants.has(name))
  return [
    lacking.length > 0 ? `It lacks ${lacking.join(', ')}.` : '',
    surplus.length > 0 ? `It has ${surplus.join(', ')}, which no automation is on.` : '',
  ]
    .filter(Boolean)
    .join(' ')
}

/** Box counts ids up. */
const byAge = (one: ActualWebhook, other: ActualWebhook): number =>
  one.webhookId.length - other.webhookId.length || (one.webhookId < other.webhookId ? -1 : 1)
