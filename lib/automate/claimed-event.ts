import type { BoundAutomation } from '../automation/automation.ts'
import type { FilterAnswer } from '../automation/filter.ts'
import type { Clock } from '../base/clock.ts'
import type { FailureCode } from '../base/errors.ts'
import { backoffSeconds, decideRetry, OUTAGE_RETRY, WAITING_LONG_MS } from '../base/retry.ts'
import type { Box, BoxRun, TargetLookup } from '../box/box.ts'
import type { BoxEvent } from '../event/event.ts'
import { type Change, LeaseLost, type Ledger, RecordFull } from '../ledger/ledger.ts'
import { isSettled, type RunRecord, statusOf } from '../ledger/record.ts'
import type { RecordRoom } from '../ledger/record-room.ts'
import { errorKind, type Log } from '../log/log.ts'
import type { Measures } from '../log/metrics.ts'
import type { DecodedMessage, FailedRun, Failure, Message } from '../queue/message.ts'
import type { Queue } from '../queue/queue.ts'
import { type ClaimPlan, earliest, LEASE_MARGIN_MS } from './claim.ts'
import type { LeftBehind } from './left-behind.ts'
import { attemptRun, type RunResult, refusedRun } from './run.ts'

/** Everything dispatch reaches the world through. */
export type DispatchParts = {
  readonly automations: readonly BoundAutomation[]
  readonly ledger: Ledger
  readonly deadLetters: Pick<Queue, 'send'>
  readonly targetOf: TargetLookup
  readonly box: (run: BoxRun) => Box
  /** The runs of this process that went on when they were told to stop. */
  readonly leftBehind: LeftBehind
  readonly clock: Clock
  /** From 0 up to, not including, 1. */
  readonly random: () => number
  /** A text that is never made twice, for leases. */
  readonly newToken: () => string
  readonly log: Log
}

/** What is to become of the message: it is done with, it must come back, or nothing else may be under way beside it. */
export type Disposition =
  | { readonly kind: 'finished' }
  | { readonly kind: 'later'; readonly delaySeconds: number }
  | { readonly kind: 'suspect' }

export type Dispatch = {
  readonly decoded: DecodedMessage
  /** How often SQS has handed the message out. */
  readonly receiveCount: number
  /** When the Lambda began with its batch, in milliseconds since the epoch. */
  readonly begunAt: number
  /** When the Lambda will be stopped, in milliseconds since the epoch; the lease ends with it. */
  readonly deadline: number
  /** Whether nothing else is worked on beside this message. */
  readonly alone: boolean
}

export type ClaimedParts = DispatchParts & {
  /** What the filters of the runs to be started have answered. */
  readonly filters: ReadonlyMap<string, FilterAnswer>
  readonly room: RecordRoom
}

/** Kept back at the end of the Lambda's time for writing the outcome, in milliseconds. */
export const RESERVE_MS = 2500

export const FINISHED: Disposition = { kind: 'finished' }

export const SUSPECT: Disposition = { kind: 'suspect' }

export const later = (delaySeconds: number): Disposition => ({ kind: 'later', delaySeconds })

/** A dead letter is redriven for what it says itself; what its message was asked for has been done by then. */
export function withoutReplay({ replay, ...message }: Message): Message {
  return message
}

const withoutSettledSteps = (runs: Readonly<Record<string, RunRecord>>) =>
  Object.fromEntries(
    Object.entries(runs).map(([name, run]) => [name, isSettled(run) ? { ...run, steps: {} } : run]),
  )

/** Whole seconds from now to a time, at least one. */
export const secondsUntil = (time: number, clock: Clock): number =>
  Math.max(1, Math.ceil((time - clock.now()) / 1000))

/** One claim on one event, from its first run to its last write. */
export class ClaimedEvent {
  readonly #parts: ClaimedParts
  readonly #input: Dispatch
  readonly #event: BoxEvent
  readonly #plan: Extract<ClaimPlan, { kind: 'claim' }>
  readonly #log: Log
  readonly #runs: Record<string, RunRecord>
  /** Outcomes that the last write will carry. */
  readonly #unwritten: Record<string, RunRecord> = {}
  readonly #dead: FailedRun[] = []
  #open: number
  #unfinished = false
  /** Writes of one claim go out one after the other, so that the last is the last. */
  #writes: Promise<void> = Promise.resolve()

  constructor(
    parts: ClaimedParts,
    input: Dispatch,
    event: BoxEvent,
    plan: Extract<ClaimPlan, { kind: 'claim' }>,
    log: Log,
  ) {
    this.#parts = parts
    this.#input = input
    this.#event = event
    this.#plan = plan
    this.#log = log
    this.#runs = { ...plan.runs }
    this.#open = plan.start.length
  }

  async finish(): Promise<Disposition> {
    for (const name of this.#plan.exhausted) this.#giveUpExhausted(name)
    try {
      const ended = await Promise.allSettled(this.#plan.start.map(bound => this.#run(bound)))
      for (const end of ended) if (end.status === 'rejected') throw end.reason
      await this.#sendDeadLetter()
      return await this.#close()
    } catch (error) {
      if (!(error instanceof LeaseLost)) throw error
      this.#log.warn('lease_lost', { message: error.message })
      return later(Math.ceil(LEASE_MARGIN_MS / 1000))
    }
  }

  async #run(bound: BoundAutomation): Promise<void> {
    const { name } = bound.automation
    const { clock, ledger, filters, room } = this.#parts
    const run = this.#runOf(name)
    const log = this.#log.with({ automation: name })
    log.info('run_started', { attempt: run.attempts })
    const startedAt = clock.now()
    const filter = filters.get(name)
    const result =
      filter?.kind === 'failed'
        ? refusedRun(run, filter.thrown)
        : await attemptRun({
            bound,
            event: this.#event,
            run,
            deadline: this.#input.deadline - RESERVE_MS,
            clock,
            log,
            box: this.#parts.box,
            keepStep: (step, json) =>
              this.#inTurn(() => ledger.keepStep(this.#eventId, this.#token, name, step, json)),
            stepsBytes: room.stepsBytes,
          })
    if (result.unfinished) {
      this.#unfinished = true
      this.#parts.leftBehind.add(result.unfinished, this.#input.deadline)
    }
    this.#settle(bound, run, result, clock.now() - startedAt, log)
    this.#open -= 1
    const { status } = this.#runOf(name)
    // A success is written at once unless the last write is next, and nothing comes before it that may take long.
    const lastIsNext = this.#open === 0 && this.#dead.length === 0
    if (!lastIsNext && status === 'done') await this.#writeNow(name)
  }

  #settle(
    bound: BoundAutomation,
    { waitingSince, refusedSince, ...run }: RunRecord,
    result: RunResult,
    ms: number,
    log: Log,
  ): void {
    const { name } = bound.automation
    const now = this.#parts.clock.now()
    const { outcome, steps } = result
    const attempt = run.attempts
    if (outcome.kind === 'done') {
      log.info('run_done', { attempt, ms, outcome: 'done' }, { Runs: 1 })
      this.#record(name, { ...run, steps, status: 'done', finishedAt: now })
      return
    }
    const { failure } = outcome
    const error = { code: failure.code, message: failure.message }
    const waitedMs = now - (waitingSince ?? now)
    const isRefused = failure.class === 'auth'
    const refusedMs = isRefused ? now - (refusedSince ?? now) : 0
    const decision = decideRetry({
      failure,
      policy: bound.automation.retry,
      attempts: attempt,
      throttles: run.throttles,
      refusedMs,
      random: this.#parts.random,
    })
    if (decision.kind === 'give-up') {
      log.error('run_failed', { attempt, ms, ...error, outcome: 'failed' }, { Runs: 1 })
      this.#giveUp(name, { ...run, steps, error })
      return
    }
    // Code that is still at work must have ended with its Lambda before the next attempt begins.
    const wait = decision.delaySeconds * 1000
    const nextAt = Math.max(now + wait, result.unfinished ? this.#input.deadline + LEASE_MARGIN_MS : 0)
    const delaySeconds = Math.ceil((nextAt - now) / 1000)
    const told = { attempt, ms, ...error, delaySeconds, outcome: 'retried' }
    const awaitsAuth = isRefused ? { RunsAwaitingAuth: 1 } : {}
    log.warn('run_retrying', told, { Runs: 1, RetryDelay: delaySeconds, ...awaitsAuth })
    if (!decision.counts && waitedMs > WAITING_LONG_MS)
      log.warn('run_waiting_long', { code: failure.code, waitedMs }, { RunsWaitingLong: 1 })
    this.#record(name, {
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

  #giveUpExhausted(name: string): void {
    const { waitingSince, refusedSince, ...run } = this.#runOf(name)
    const code: FailureCode = 'worker_lost'
    const error = run.error ?? {
      code,
      message: `The function died in the middle of each of ${run.attempts} attempts: out of time or memory, or stopped from outside. Its log says more.`,
    }
    // One that was given up before and whose dead letter could not be sent has been counted then.
    const measures = run.givenUp ? undefined : { Runs: 1 }
    const told = { automation: name, attempt: run.attempts, ...error, outcome: 'failed' }
    this.#log.error('run_failed', told, measures)
    this.#giveUp(name, { ...run, error })
  }

  #giveUp(name: string, run: RunRecord): void {
    const { attempts, redrives } = run
    const error = run.error ?? { code: 'unknown', message: '' }
    this.#dead.push({ name, ...error, attempts, redrives })
    this.#record(name, { ...run, status: 'failed', finishedAt: this.#parts.clock.now() })
  }

  #record(name: string, run: RunRecord): void {
    const bounded = this.#parts.room.bound(run)
    this.#runs[name] = bounded
    this.#unwritten[name] = bounded
  }

  async #writeNow(name: string): Promise<void> {
    const run = this.#runOf(name)
    try {
      await this.#inTurn(() => this.#write({ runs: { [name]: run } }))
      delete this.#unwritten[name]
    } catch (error) {
      if (error instanceof LeaseLost) throw error
      this.#log.warn('ledger_write_failed', { automation: name, error: errorKind(error) })
    }
  }

  /** Send, then mark: a crash between the two sends twice, and the runs' counts of redrives make that harmless. */
  async #sendDeadLetter(): Promise<void> {
    if (this.#dead.length === 0) return
    const { deadLetters, clock } = this.#parts
    const { message } = this.#input.decoded
    const first = this.#dead[0]
    const failure: Failure = {
      code: first?.code ?? 'unknown',
      message: first?.message ?? '',
      at: new Date(clock.now()).toISOString(),
      redrives: this.#plan.claim.redrives,
      automations: this.#dead,
    }
    // A worker that was frozen and wakes up late can't take a message back, as the ledger refuses its writes.
    if (clock.now() >= this.#input.deadline) return this.#keepDead('LeaseOver')
    try {
      await deadLetters.send({ ...withoutReplay(message), failure })
      this.#log.error('event_dead_lettered', {
        code: failure.code,
        automations: this.#dead.map(({ name }) => name).join(','),
      })
    } catch (error) {
      this.#keepDead(errorKind(error))
    }
  }

  /** Leaves it to a later claim to send the dead letter. */
  #keepDead(reason: string): void {
    this.#log.error('dead_letter_failed', { error: reason })
    const { clock, random } = this.#parts
    const nextAt = clock.now() + 1000 * backoffSeconds(OUTAGE_RETRY, this.#input.receiveCount, random)
    for (const { name } of this.#dead) {
      const { finishedAt, ...run } = this.#runOf(name)
      this.#record(name, { ...run, status: 'pending', givenUp: true, nextAt: Math.ceil(nextAt) })
    }
  }

  async #close(): Promise<Disposition> {
    const status = statusOf(this.#runs)
    const close = { status, release: !this.#unfinished }
    try {
      await this.#inTurn(() => this.#write({ runs: this.#unwritten, close }))
    } catch (error) {
      if (!(error instanceof RecordFull)) throw error
      // Only a record that an earlier version has filled comes to this. What is settled needs its steps no more.
      this.#log.error('ledger_write_failed', { error: errorKind(error), message: error.message })
      await this.#inTurn(() => this.#write({ runs: withoutSettledSteps(this.#runs), close }))
    }
    if (status === 'open') return later(secondsUntil(earliest(this.#runs), this.#parts.clock))
    const runs = Object.keys(this.#runs).length
    const told = { trigger: this.#event.triggerName, status, runs }
    this.#log.info('event_finished', told, status === 'done' ? this.#latency() : undefined)
    return FINISHED
  }

  /** From when it happened in Box until all is done. What somebody has let run again later says nothing of how long that takes. */
  #latency(): Measures | undefined {
    const { failure, replay, receivedAt } = this.#input.decoded.message
    if (failure || replay || this.#event.origin === 'backfill') return undefined
    const happenedAt = Date.parse(this.#event.createdAt) || Date.parse(receivedAt)
    return { EndToEndLatency: Math.max(0, this.#parts.clock.now() - happenedAt) }
  }

  #write(change: Change): Promise<void> {
    return this.#parts.ledger.write(this.#eventId, this.#token, change)
  }

  #inTurn(write: () => Promise<void>): Promise<void> {
    const turn = this.#writes.then(write)
    this.#writes = turn.catch(() => {})
    return turn
  }

  #runOf(name: string): RunRecord {
    const run = this.#runs[name]
    if (!run) throw new Error(`The claim has no run named ${name}.`)
    return run
  }

  get #eventId(): string {
    return this.#input.decoded.message.eventId
  }

  get #token(): string {
    return this.#plan.claim.lease.token
  }
}
