import type { BoundAutomation } from '../automation/automation.ts'
import type { FilterAnswer } from '../automation/filter.ts'
import type { Claim, Lease } from '../ledger/ledger.ts'
import { type EventRecord, FRESH_RUN, isSettled, type RunRecord, statusOf } from '../ledger/record.ts'
import type { Failure, Replay } from '../queue/message.ts'

/**
 * How much longer than its lease a claim is respected, in milliseconds: clocks of two machines differ. The fencing
 * token decides in the end; this only keeps the two from working on one event at the same time.
 */
export const LEASE_MARGIN_MS = 5000

export type ClaimInput = {
  /** What the ledger has; undefined for an event it has not seen. */
  readonly record: EventRecord | undefined
  /** The automations that this event concerns, as deployed now. */
  readonly concerned: readonly BoundAutomation[]
  /** All automations as deployed now. */
  readonly deployed: readonly BoundAutomation[]
  /** Those of them that are watched at a target which this delivery is the first to bring. */
  readonly brought: readonly BoundAutomation[]
  /** What the filters of the automations to be started have answered, by name; none asked counts as `run`. */
  readonly filters: ReadonlyMap<string, FilterAnswer>
  /** Whether nothing else is worked on beside this event. */
  readonly alone: boolean
  /** Present where the message was taken back from the dead-letter queue. */
  readonly failure: Failure | undefined
  /** Present where somebody has asked for the event to be run again. */
  readonly replay: Replay | undefined
  readonly lease: Lease
  /** Milliseconds since the epoch. */
  readonly now: number
}

export type ClaimPlan =
  | { readonly kind: 'finished' }
  | { readonly kind: 'wait'; readonly reason: 'leased' | 'not_due'; readonly until: number }
  /** The worker of an earlier claim was lost, perhaps by this event: nothing else must be under way beside it. */
  | { readonly kind: 'suspect' }
  | {
      readonly kind: 'claim'
      readonly claim: Claim
      /** Every run of the event as it stands once the claim is written. */
      readonly runs: Readonly<Record<string, RunRecord>>
      readonly start: readonly BoundAutomation[]
      /** Names of runs whose attempts are used up, or that were given up before. */
      readonly exhausted: readonly string[]
    }

/**
 * Decides what a message entitles its receiver to do, given what the ledger says of its event. Pure.
 */
export function planClaim(input: ClaimInput): ClaimPlan {
  const { record, now, brought, alone } = input
  const reopened = reopen(record, input.failure) ?? replayed(record, input.replay)
  const isSettledRecord = record !== undefined && record.status !== 'open'
  const newcomers = newcomersOf(input).filter(
    bound => !isSettledRecord || reopened || input.replay || brought.includes(bound),
  )
  if (isSettledRecord && !reopened && newcomers.length === 0) return { kind: 'finished' }
  if (record && record.leaseUntil > 0 && now < record.leaseUntil + LEASE_MARGIN_MS)
    return { kind: 'wait', reason: 'leased', until: record.leaseUntil + LEASE_MARGIN_MS }
  if (record && record.leaseUntil > 0 && !alone) return { kind: 'suspect' }

  const changed: Record<string, RunRecord> = { ...reopened?.runs }
  const runs: Record<string, RunRecord> = { ...record?.runs, ...changed }
  const change = (name: string, run: RunRecord) => {
    changed[name] = run
    runs[name] = run
  }
  const deployed = new Map(input.deployed.map(bound => [bound.automation.name, bound]))
  for (const { automation } of newcomers) change(automation.name, FRESH_RUN)

  const start: BoundAutomation[] = []
  const exhausted: string[] = []
  for (const [name, run] of Object.entries(runs)) {
    if (isSettled(run) || (run.nextAt ?? 0) > now) continue
    const bound = deployed.get(name)
    const filter = input.filters.get(name)
    if (!bound) {
      change(name, undeployed(run, now))
    } else if (run.givenUp || run.attempts >= bound.automation.retry.attempts) {
      exhausted.push(name)
    } else if (filter?.kind === 'skip') {
      const { nextAt, error, ...kept } = run
      change(name, { ...kept, status: 'skipped', reason: filter.reason, finishedAt: now })
    } else {
      const { nextAt, error, finishedAt, ...kept } = run
      change(name, { ...kept, attempts: run.attempts + 1, startedAt: now })
      start.push(bound)
    }
  }

  const idle = start.length === 0 && exhausted.length === 0
  const status = statusOf(runs)
  if (idle && status === 'open' && Object.keys(changed).length === 0)
    return { kind: 'wait', reason: 'not_due', until: earliest(runs) }
  return {
    kind: 'claim',
    claim: {
      // With nothing to run the claim is the last write as well, and holds nothing.
      lease: idle ? { ...input.lease, until: 0 } : input.lease,
      status: idle ? status : 'open',
      redrives: reopened?.redrives ?? record?.redrives ?? 0,
      runs: changed,
    },
    runs,
    start,
    exhausted,
  }
}

/** The automations that the event concerns and that the record has no run of: all at first, and later those deployed since. */
function newcomersOf({ record, concerned, replay }: ClaimInput): readonly BoundAutomation[] {
  return concerned.filter(
    ({ automation: { name } }) =>
      !Object.hasOwn(record?.runs ?? {}, name) && (replay?.only?.includes(name) ?? true),
  )
}

/** How often, and how long each time in milliseconds, a run waits for its automation to be deployed again. */
const UNDEPLOYED = { waits: 12, ms: 300_000 }

/** Why a run was skipped whose automation is gone. */
export const UNDEPLOYED_REASON = 'The automation is not deployed any more.'

/**
 * What becomes of a run whose automation this version does not have: while a deployment goes on, or after a roll-back, the
 * next worker may have it again. After an hour it counts as removed.
 */
function undeployed(run: RunRecord, now: number): RunRecord {
  if (run.throttles < UNDEPLOYED.waits)
    return { ...run, throttles: run.throttles + 1, nextAt: now + UNDEPLOYED.ms }
  return { ...run, status: 'skipped', reason: UNDEPLOYED_REASON, finishedAt: now }
}

/** When the first of the waiting runs is due, in milliseconds since the epoch. */
export function earliest(runs: Readonly<Record<string, RunRecord>>): number {
  const times = Object.values(runs).flatMap(run => (isSettled(run) ? [] : [run.nextAt ?? 0]))
  return Math.min(...times)
}

type Reopened = { readonly redrives: number; readonly runs: Readonly<Record<string, RunRecord>> }

/**
 * What a redrive takes back: the runs its dead letter names, unless they were taken back before. A dead letter can come
 * back more than once, and each run's count of redrives tells which time this is.
 */
function reopen(record: EventRecord | undefined, failure: Failure | undefined): Reopened | undefined {
  if (!record || !failure) return undefined
  if (failure.automations.length === 0) {
    const again = record.status === 'dead' && record.redrives === failure.redrives
    return again ? { redrives: record.redrives + 1, runs: {} } : undefined
  }
  const runs: Record<string, RunRecord> = {}
  for (const [name, run] of Object.entries(record.runs))
    if (isTakenBackBy(failure, name, run))
      runs[name] = { ...FRESH_RUN, steps: run.steps, redrives: (failure.all ?? run.redrives) + 1 }
  return Object.keys(runs).length > 0 ? { redrives: record.redrives, runs } : undefined
}

/** Whether a redrive of a dead letter takes back a run that it stands for, as it does once. */
export function isTakenBackBy(
  { automations, all }: Pick<Failure, 'automations' | 'all'>,
  name: string,
  run: Pick<RunRecord, 'status' | 'redrives'>,
): boolean {
  if (run.status !== 'failed') return false
  if (all !== undefined) return run.redrives <= all
  return automations.some(one => one.name === name && one.redrives === run.redrives)
}

/**
 * What a replay takes back: the settled runs that it names, unless they were taken back since it was asked for; a settled
 * run changes in no other way. One that was done does its steps anew. Without runs that failed, a dead event is dead as a
 * whole, and is taken back as by a redrive.
 */
function replayed(record: EventRecord | undefined, replay: Replay | undefined): Reopened | undefined {
  if (!record || !replay) return undefined
  const runs: Record<string, RunRecord> = {}
  for (const { name, redrives } of replay.runs) {
    const run = Object.hasOwn(record.runs, name) ? record.runs[name] : undefined
    if (run && isSettled(run) && run.redrives === redrives)
      runs[name] = { ...FRESH_RUN, steps: run.status === 'done' ? {} : run.steps, redrives: redrives + 1 }
  }
  const deadAsWhole = isDeadAsWhole(record) && record.redrives === replay.redrives
  if (!deadAsWhole && Object.keys(runs).length === 0) return undefined
  return { redrives: record.redrives + (deadAsWhole ? 1 : 0), runs }
}

/** Whether no automation could be run for an event, rather than some of its runs being given up. */
export const isDeadAsWhole = ({ status, runs }: EventRecord): boolean =>
  status === 'dead' && Object.values(runs).every(run => run.status !== 'failed')
