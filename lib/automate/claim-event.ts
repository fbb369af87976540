import type { BoundAutomation } from '../automation/automation.ts'
import { askFilter, type FilterAnswer } from '../automation/filter.ts'
import { concernedBy, distinct } from '../automation/target.ts'
import { type BoxEvent, sourceKey } from '../event/event.ts'
import type { NewEvent } from '../ledger/ledger.ts'
import { packPayload } from '../ledger/payload.ts'
import type { EventRecord } from '../ledger/record.ts'
import { payloadFits, type RecordRoom, recordRoom } from '../ledger/record-room.ts'
import type { Log } from '../log/log.ts'
import type { Message } from '../queue/message.ts'
import { type ClaimInput, type ClaimPlan, planClaim } from './claim.ts'
import { type DispatchDeps, type DispatchInput, RESERVE_MS } from './disposition.ts'
import { CLAIM_MS_MIN, type KnownTargets } from './resolve-targets.ts'

/** The time that an automation gets at least which asks for none, in milliseconds. */
const USUAL_RUN_MS = 20_000

/** An event that began this early in its function's time gets all the time that there is. */
const EARLY = 0.9

/** How long the delivery of a further webhook waits at first for the event to be free, in seconds: normally it soon is. */
const NEXT_WEBHOOK_SECONDS = 2

export type ClaimAttempt = {
  readonly plan: ClaimPlan | { readonly kind: 'wait'; readonly reason: 'no_time_left' }
  readonly filters: ReadonlyMap<string, FilterAnswer>
  readonly room: RecordRoom
}

/** Reads, decides and claims until the claim holds or there is nothing to claim. A fresh event takes one write. */
export async function claimEvent(
  deps: DispatchDeps,
  input: DispatchInput,
  event: BoxEvent,
  { targets: own, webhookId }: KnownTargets,
  known: EventRecord | undefined,
  log: Log,
): Promise<ClaimAttempt> {
  const { ledger, clock, automations } = deps
  const { message } = input.decoded
  const filters = new Map<string, FilterAnswer>()
  let record = known
  for (;;) {
    const recorded = record?.targets ?? []
    const targets = distinct([...recorded, ...own])
    const webhooks = record?.webhooks ?? []
    const context = {
      record,
      concerned: concernedBy(event, automations, targets),
      brought: concernedBy(event, automations, targets.slice(recorded.length)),
      deployed: automations,
      filters,
      alone: input.alone,
      failure: message.failure,
      replay: message.replay,
      lease: { token: deps.newToken(), until: input.deadline },
      now: clock.now(),
    }
    const plan = await planWithFilters(context, deps, input, event, log)
    const runs = plan.kind === 'claim' ? plan.runs : {}
    const fresh = record ? undefined : newEvent(message, event, Object.keys(runs).length)
    const room = recordRoom(runs, (record ?? fresh)?.payload?.length ?? 0)
    const attempt = { filters, room }
    if (plan.kind === 'wait' && plan.reason === 'leased' && context.brought.length > 0) {
      const soon = clock.now() + NEXT_WEBHOOK_SECONDS * input.receiveCount * 1000
      return { ...attempt, plan: { ...plan, until: Math.min(plan.until, soon) } }
    }
    if (plan.kind !== 'claim') return { ...attempt, plan }
    if (!fits(plan.start, input, clock.now()))
      return { ...attempt, plan: { kind: 'wait', reason: 'no_time_left' } }
    const claim = {
      ...plan.claim,
      runs: Object.fromEntries(Object.entries(plan.claim.runs).map(([name, run]) => [name, room.bound(run)])),
      targets,
      webhooks: webhookId === undefined || webhooks.includes(webhookId) ? webhooks : [...webhooks, webhookId],
    }
    if (record) {
      if (await ledger.claim(record, claim)) return { ...attempt, plan }
      record = await ledger.read(message.eventId)
    } else if (fresh) {
      const opened = await ledger.open(fresh, claim)
      if (opened.claimed) return { ...attempt, plan }
      record = opened.record
    }
  }
}

/** Plans a claim once the filters have been asked of the automations that it would start. */
async function planWithFilters(
  context: Omit<ClaimInput, 'filters'> & { readonly filters: Map<string, FilterAnswer> },
  { clock }: DispatchDeps,
  { deadline }: DispatchInput,
  event: BoxEvent,
  log: Log,
): Promise<ClaimPlan> {
  const plan = planClaim(context)
  const unasked =
    plan.kind === 'claim' ? plan.start.filter(({ automation }) => !context.filters.has(automation.name)) : []
  if (unasked.length === 0) return plan
  const asked = { clock, log, deadline: deadline - CLAIM_MS_MIN }
  await Promise.all(
    unasked.map(async bound =>
      context.filters.set(bound.automation.name, await askFilter(bound, event, asked)),
    ),
  )
  return planClaim({ ...context, now: clock.now() })
}

/** Whether the time that is left is enough for what automations ask for; where that is more than there ever is, for nearly that. */
function fits(start: readonly BoundAutomation[], { begunAt, deadline }: DispatchInput, now: number): boolean {
  const needed = start.map(({ automation: { timeoutSeconds } }) =>
    timeoutSeconds === undefined ? USUAL_RUN_MS : timeoutSeconds * 1000,
  )
  const whole = deadline - begunAt - RESERVE_MS
  return deadline - now - RESERVE_MS >= Math.min(Math.max(0, ...needed), EARLY * whole)
}

/** The longest text from a message's attributes that is kept, in characters. */
const ATTRIBUTE_LENGTH_MAX = 256

/**
 * Makes the record of an event that the ledger has not seen.
 * @param about the event, or as much of its payload as can be read
 * @param runs how many runs the record must have room for
 */
export function newEvent(message: Message, about: Pick<BoxEvent, 'payload'>, runs: number): NewEvent {
  const payload = packPayload(message.body)
  return {
    eventId: message.eventId,
    deliveryId: message.deliveryId.slice(0, ATTRIBUTE_LENGTH_MAX),
    trigger: message.trigger.slice(0, ATTRIBUTE_LENGTH_MAX),
    source: sourceKey(about),
    receivedAt: message.receivedAt,
    origin: message.origin,
    // What boxhooks did not write was not verified by it either: a replay must not turn it into an event.
    ...(!payloadFits(payload.length, runs) || message.unread ? {} : { payload }),
  }
}
