import type { BoundAutomation } from '../automation/automation.ts'
import type { FilterAnswer } from '../automation/filter.ts'
import type { FailureCode } from '../base/errors.ts'
import { backoffSeconds, decideRetry, OUTAGE_RETRY, WAITING_LONG_MS } from '../base/retry.ts'
import type { BoxEvent } from '../event/event.ts'
import { type Change, LeaseLost, RecordFull } from '../ledger/ledger.ts'
import { isSettled, type RunRecord, statusOf } from '../ledger/record.ts'
import type { RecordRoom } from '../ledger/record-room.ts'
import { errorKind, type Log } from '../log/log.ts'
import type { Measures } from '../log/metrics.ts'
import type { FailedRun, Failure } from '../queue/message.ts'
import { type ClaimPlan, earliest, LEASE_MARGIN_MS } from './claim.ts'
import {
  type DispatchDeps,
  type DispatchInput,
  type Disposition,
  FINISHED,
  later,
  RESERVE_MS,
  secondsUntil,
  withoutReplay,
} from './disposition.ts'
import { attemptRun, type RunResult, refusedRun } from './run.ts'

/** A claim that the ledger has written. */
export type HeldClaim = {
  readonly input: DispatchInput
  readonly event: BoxEvent
  readonly plan: Extract<ClaimPlan, { kind: 'claim' }>
  /** What the filters of the runs to be started have answered. */
  readonly filters: ReadonlyMap<string, FilterAnswer>
  readonly room: RecordRoom
  readonly log: Log
}

/**
 * Runs what a claim starts and records each outcome, sends a dead letter for what can't succeed, and gives the lease back
 * with the last write.
 * @throws what the ledger throws; the message must then come back
 */
export async function settleRuns(deps: DispatchDeps, held: HeldClaim): Promise<Disposition> {
  const { plan, log } = held
  const claim = openClaim(deps, held)
  for (const name of plan.exhausted) failExhausted(claim, name)
  try {
    const ended = await Promise.allSettled(plan.start.map(bound => runOne(claim, bound)))
    for (const end of ended) if (end.status === 'rejected') throw end.reason
    await sendDeadLetter(claim)
    return await writeLast(claim)
  } catch (error) {
    if (!(error instanceof LeaseLost)) throw error
    log.warn('lease_lost', { message: error.message })
    return later(Math.ceil(LEASE_MARGIN_MS / 1000))
  }
}

/** A claim while its runs are under way. */
type OpenClaim = {
  readonly deps: DispatchDeps
  readonly held: HeldClaim
  /** Every run of the event as it stands now. */
  readonly runs: Record<string, RunRecord>
  /** Outcomes that the last write will carry. */
  readonly unwritten: Record<string, RunRecord>
  readonly dead: FailedRun[]
  /** How many runs are under way. */
  open: number
  /** Whether code of a run goes on, so that the lease must not be given back. */
  unfinished: boolean
  readonly write: (change: Change) => Promise<void>
  readonly keepStep: (automation: string, step: string, json: string) => Promise<void>
}

function openClaim(deps: DispatchDeps, held: HeldClaim): OpenClaim {
  const { ledger } = deps
  const { eventId } = held.input.decoded.message
  const { token } = held.plan.claim.lease
  const inTurn = createTurns()
  return {
    deps,
    held,
    runs: { ...held.plan.runs },
    unwritten: {},
    dead: [],
    open: held.plan.start.length,
    unfinished: false,
    write: change => inTurn(() => ledger.write(eventId, token, change)),
    keepStep: (automation, step, json) =>
      inTurn(() => ledger.keepStep(eventId, token, automation, step, json)),
  }
}

/** Lets the writes of one claim go out one after the other, so that the last is the last. */
function createTurns(): (write: () => Promise<void>) => Promise<void> {
  let last: Promise<void> = Promise.resolve()
  return write => {
    const turn = last.then(write)
    last = turn.catch(() => {})
    return turn
  }
}

async function runOne(claim: OpenClaim, bound: BoundAutomation): Promise<void> {
  const { deps, held } = claim
  const { name } = bound.automation
  const { clock } = deps
  const run = runOf(claim, name)
  const log = held.log.with({ automation: name })
  log.info('run_started', { attempt: run.attempts })
  const startedAt = clock.now()
  const filter = held.filters.get(name)
  const result =
    filter?.kind === 'failed'
      ? refusedRun(run, filter.thrown)
      : await attemptRun({
          bound,
          event: held.event,
          run,
          deadline: held.input.deadline - RESERVE_MS,
          clock,
          log,
          box: deps.box,
          keepStep: (step, json) => claim.keepStep(name, step, json),
          stepsBytes: held.room.stepsBytes,
        })
  if (result.unfinished) {
    claim.unfinished = true
    deps.leftBehind.add(result.unfinished, held.input.deadline)
  }
  recordOutcome(claim, bound, run, result, { ms: clock.now() - startedAt, log })
  claim.open -= 1
  // A success is written at once unless the last write is next, and nothing comes before it that may take long.
  const lastIsNext = claim.open === 0 && claim.dead.length === 0
  if (!lastIsNext && runOf(claim, name).status === 'done') await writeNow(claim, name)
}

function recordOutcome(
  claim: OpenClaim,
  bound: BoundAutomation,
  { waitingSince, refusedSince, ...run }: RunRecord,
  { outcome, steps, unfinished }: RunResult,
  { ms, log }: { readonly ms: number; readonly log: Log },
): void {
  const { name, retry } = bound.automation
  const { clock, random } = claim.deps
  const now = clock.now()
  const attempt = run.attempts
  if (outcome.kind === 'done') {
    log.info('run_done', { attempt, ms, outcome: 'done' }, { Runs: 1 })
    record(claim, name, { ...run, steps, status: 'done', finishedAt: now })
    return
  }
  const { failure } = outcome
  const error = { code: failure.code, message: failure.message }
  const waitedMs = now - (waitingSince ?? now)
  const isRefused = failure.class === 'auth'
  const refusedMs = isRefused ? now - (refusedSince ?? now) : 0
  const { throttles } = run
  const decision = decideRetry({ failure, policy: retry, attempts: attempt, throttles, refusedMs, random })
  if (decision.kind === 'give-up') {
    log.error('run_failed', { attempt, ms, ...error, outcome: 'failed' }, { Runs: 1 })
    fail(claim, name, { ...run, steps, error })
    return
  }
  // Code that is still at work must have ended with its Lambda before the next attempt begins.
  const endedAt = unfinished ? claim.held.input.deadline + LEASE_MARGIN_MS : 0
  const nextAt = Math.max(now + decision.delaySeconds * 1000, endedAt)
  const delaySeconds = Math.ceil((nextAt - now) / 1000)
  const awaitsAuth = isRefused ? { RunsAwaitingAuth: 1 } : {}
  log.warn(
    'run_retrying',
    { attempt, ms, ...error, delaySeconds, outcome: 'retried' },
    { Runs: 1, RetryDelay: delaySeconds, ...awaitsAuth },
  )
  if (!decision.counts && waitedMs > WAITING_LONG_MS)
    log.warn('run_waiting_long', { code: failure.code, waitedMs }, { RunsWaitingLong: 1 })
  record(claim, name, {
    ...run,
    steps,
    error,
    nextAt: Math.ceil(nextAt),
    attempts: decision.counts ? attempt : attempt - 1,
    throttles: decision.counts ? 0 : run.throttles + 1,
    ...(decision.counts ? {} : { waitingSince: now - waitedMs }),
    // An attempt that counts does not begin another day.
    ...(isRefused ? { refusedSince: now - refusedMs } : {}),
  })
}

/** Fails a run whose attempts were used up by workers that never reported. */
function failExhausted(claim: OpenClaim, name: string): void {
  const { waitingSince, refusedSince, ...run } = runOf(claim, name)
  const code: FailureCode = 'worker_lost'
  const error = run.error ?? {
    code,
    message: `The function died in the middle of each of ${run.attempts} attempts: out of time or memory, or stopped from outside. Its log says more.`,
  }
  // One that failed before and whose dead letter could not be sent has been counted then.
  const measures = run.givenUp ? undefined : { Runs: 1 }
  const fields = { automation: name, attempt: run.attempts, ...error, outcome: 'failed' }
  claim.held.log.error('run_failed', fields, measures)
  fail(claim, name, { ...run, error })
}

function fail(claim: OpenClaim, name: string, run: RunRecord): void {
  const { attempts, redrives } = run
  const error = run.error ?? { code: 'unknown', message: '' }
  claim.dead.push({ name, ...error, attempts, redrives })
  record(claim, name, { ...run, status: 'failed', finishedAt: claim.deps.clock.now() })
}

function record(claim: OpenClaim, name: string, run: RunRecord): void {
  const bounded = claim.held.room.bound(run)
  claim.runs[name] = bounded
  claim.unwritten[name] = bounded
}

async function writeNow(claim: OpenClaim, name: string): Promise<void> {
  try {
    await claim.write({ runs: { [name]: runOf(claim, name) } })
    delete claim.unwritten[name]
  } catch (error) {
    if (error instanceof LeaseLost) throw error
    claim.held.log.warn('ledger_write_failed', { automation: name, error: errorKind(error) })
  }
}

/** Sends, then marks: a crash between the two sends twice, and the runs' counts of redrives make that harmless. */
async function sendDeadLetter(claim: OpenClaim): Promise<void> {
  const { deps, held, dead } = claim
  const [first] = dead
  if (!first) return
  const { deadLetters, clock } = deps
  const failure: Failure = {
    code: first.code,
    message: first.message,
    at: new Date(clock.now()).toISOString(),
    redrives: held.plan.claim.redrives,
    automations: dead,
  }
  // A worker that was frozen and wakes up late can't take a message back, as the ledger refuses its writes.
  if (clock.now() >= held.input.deadline) return postponeDeadLetter(claim, 'LeaseOver')
  try {
    await deadLetters.send({ ...withoutReplay(held.input.decoded.message), failure })
    const automations = dead.map(({ name }) => name).join(',')
    held.log.error('event_dead_lettered', { code: failure.code, automations })
  } catch (error) {
    postponeDeadLetter(claim, errorKind(error))
  }
}

/** Leaves it to a later claim to send the dead letter. */
function postponeDeadLetter(claim: OpenClaim, reason: string): void {
  const { deps, held } = claim
  held.log.error('dead_letter_failed', { error: reason })
  const { clock, random } = deps
  const nextAt = clock.now() + 1000 * backoffSeconds(OUTAGE_RETRY, held.input.receiveCount, random)
  for (const { name } of claim.dead) {
    const { finishedAt, ...run } = runOf(claim, name)
    record(claim, name, { ...run, status: 'pending', givenUp: true, nextAt: Math.ceil(nextAt) })
  }
}

async function writeLast(claim: OpenClaim): Promise<Disposition> {
  const { deps, held, runs } = claim
  const status = statusOf(runs)
  const close = { status, release: !claim.unfinished }
  try {
    await claim.write({ runs: claim.unwritten, close })
  } catch (error) {
    if (!(error instanceof RecordFull)) throw error
    // Only a record that an earlier version has filled comes to this. What is settled needs its steps no more.
    held.log.error('ledger_write_failed', { error: errorKind(error), message: error.message })
    await claim.write({ runs: withoutSettledSteps(runs), close })
  }
  if (status === 'open') return later(secondsUntil(earliest(runs), deps.clock))
  const fields = { trigger: held.event.triggerName, status, runs: Object.keys(runs).length }
  held.log.info('event_finished', fields, status === 'done' ? latency(claim) : undefined)
  return FINISHED
}

const withoutSettledSteps = (runs: Readonly<Record<string, RunRecord>>) =>
  Object.fromEntries(
    Object.entries(runs).map(([name, run]) => [name, isSettled(run) ? { ...run, steps: {} } : run]),
  )

/** Measures from when it happened in Box until all is done; a redrive, a replay and a backfill say nothing of that. */
function latency({ deps, held }: OpenClaim): Measures | undefined {
  const { failure, replay, receivedAt } = held.input.decoded.message
  if (failure || replay || held.event.origin === 'backfill') return undefined
  const happenedAt = Date.parse(held.event.createdAt) || Date.parse(receivedAt)
  return { EndToEndLatency: Math.max(0, deps.clock.now() - happenedAt) }
}

function runOf({ runs }: OpenClaim, name: string): RunRecord {
  const run = runs[name]
  if (!run) throw new Error(`The claim has no run named ${name}.`)
  return run
}
