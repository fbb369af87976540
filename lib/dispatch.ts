import { gzipSync } from 'node:zlib'
import type { BoundAutomation, Skip } from './automation.ts'
import type { Box } from './box.ts'
import { type ClaimPlan, earliest, LEASE_MARGIN_MS, planClaim } from './claim.ts'
import type { Clock } from './clock.ts'
import { classify } from './errors.ts'
import { type BoxEvent, parseEvent, sourceKey } from './event.ts'
import { type Change, LeaseLost, type Ledger, type NewEvent } from './ledger.ts'
import type { Log } from './log.ts'
import type { DecodedMessage, FailedRun, Failure, Message } from './message.ts'
import type { Queue } from './queue.ts'
import { type EventRecord, type RunRecord, statusOf } from './record.ts'
import { backoffSeconds, DEFAULT_RETRY, decideRetry } from './retry.ts'
import { attemptRun, type RunResult, skipOf } from './run.ts'
import { concernedBy, type TargetLookup } from './target.ts'

/** Everything dispatch reaches the world through. */
export type DispatchParts = {
  readonly automations: readonly BoundAutomation[]
  readonly ledger: Ledger
  readonly deadLetters: Pick<Queue, 'send'>
  readonly targetOf: TargetLookup
  readonly box: (run: { readonly signal: AbortSignal; readonly log: Log }) => Box
  readonly clock: Clock
  /** From 0 up to, not including, 1. */
  readonly random: () => number
  /** A text that is never made twice, for leases. */
  readonly newToken: () => string
  readonly log: Log
}

/** What is to become of the message: it is done with, or it must come back. */
export type Disposition =
  | { readonly kind: 'finished' }
  | { readonly kind: 'later'; readonly delaySeconds: number }

export type Dispatch = {
  readonly decoded: DecodedMessage
  /** How often SQS has handed the message out. */
  readonly receiveCount: number
  /** When the Lambda will be stopped, in milliseconds since the epoch; the lease ends with it. */
  readonly deadline: number
}

/** Kept back at the end of the Lambda's time for writing the outcome, in milliseconds. */
export const RESERVE_MS = 2500

/** DynamoDB's item has at most 400 KB; runs and steps need room beside the payload. */
const PAYLOAD_BYTES_MAX = 250_000

const FINISHED: Disposition = { kind: 'finished' }

/**
 * Does for one message whatever is still to be done for its event: claims the event, runs the automations that are
 * unfinished and due, writes each outcome, and dead-letters what can't succeed. Safe to call with the same event any
 * number of times, at the same time as well.
 * @throws what the ledger or the dead-letter queue throws; the message must then come back
 */
export async function dispatch(parts: DispatchParts, input: Dispatch): Promise<Disposition> {
  const { decoded } = input
  const { message } = decoded
  const log = parts.log.with({ eventId: message.eventId })
  if (!decoded.ok)
    return deadLetterEvent(parts, input, log, { code: 'message_unreadable', message: decoded.reason })
  const parsed = parseEvent(message.body, { eventId: message.eventId, origin: message.origin })
  if (!parsed.ok) return deadLetterEvent(parts, input, log, parsed.reason)
  const { event } = parsed

  warnOfWebhook(event, log)

  const existing = message.failure ? await parts.ledger.read(message.eventId) : undefined
  const concern = await concernOf(parts, event)
  if (concern.kind === 'failed') {
    log.warn('event_waiting', { reason: 'target_lookup_failed', code: concern.code })
    return later(backoffSeconds(DEFAULT_RETRY, input.receiveCount, parts.random))
  }
  if (concern.kind === 'unknown') return deadLetterEvent(parts, input, log, concern.error)

  const held = await claimEvent(parts, input, event, concern.automations, existing)
  if (held.plan.kind === 'finished') {
    log.info('event_duplicate', { trigger: event.triggerName })
    return FINISHED
  }
  if (held.plan.kind === 'wait') {
    const delaySeconds = secondsUntil(held.plan.until, parts.clock)
    log.info('event_waiting', { reason: held.plan.reason, delaySeconds })
    return later(delaySeconds)
  }
  if (held.plan.start.length === 0 && held.plan.exhausted.length === 0) {
    const runs = Object.keys(held.plan.runs).length
    log.info('event_finished', { trigger: event.triggerName, status: held.plan.claim.status, runs })
    return FINISHED
  }
  return new Work(parts, input, event, held.plan, log).finish()
}

/** Two triggers tell of the webhook itself, which somebody should know of whether or not an automation asked for them. */
function warnOfWebhook({ trigger, webhook }: BoxEvent, log: Log): void {
  if (trigger === 'NO_ACTIVE_SESSION')
    log.warn('webhook_session_ended', {
      webhookId: webhook.id,
      message:
        'Box sends no full payloads any more: the session behind the webhook has ended. Authorise the app again, and create the webhook as its service account.',
    })
  if (trigger === 'WEBHOOK.DELETED')
    log.warn('webhook_deleted', {
      webhookId: webhook.id,
      message:
        'Box has deleted the webhook, as it does when deliveries have failed for weeks. Create it anew.',
    })
}

const errorName = (error: unknown): string => (error instanceof Error ? error.name : typeof error)

const later = (delaySeconds: number): Disposition => ({ kind: 'later', delaySeconds })

const secondsUntil = (time: number, clock: Clock): number =>
  Math.max(1, Math.ceil((time - clock.now()) / 1000))

type ConcernOutcome =
  | { kind: 'known'; automations: readonly BoundAutomation[] }
  | { kind: 'unknown'; error: { code: string; message: string } }
  | { kind: 'failed'; code: string }

async function concernOf(parts: DispatchParts, event: BoxEvent): Promise<ConcernOutcome> {
  try {
    const concern = await concernedBy(event, parts.automations, parts.targetOf)
    if (concern.known) return { kind: 'known', automations: concern.automations }
    const targets = concern.targets.map(({ type, id }) => `${type} ${id}`).join(', ')
    const message = `The webhook ${event.webhook.id} does not exist any more, and the event does not show which of the watched items it is about (${targets}). See that the webhooks exist, then redrive.`
    return { kind: 'unknown', error: { code: 'target_unknown', message } }
  } catch (error) {
    return { kind: 'failed', code: classify(error).code }
  }
}

function newEvent(message: Message, source: string): NewEvent {
  const payload = gzipSync(message.body)
  return {
    eventId: message.eventId,
    deliveryId: message.deliveryId,
    trigger: message.trigger,
    source,
    receivedAt: message.receivedAt,
    origin: message.origin,
    ...(payload.length > PAYLOAD_BYTES_MAX ? {} : { payload }),
  }
}

/** Reads, decides and claims until the claim holds or there is nothing to claim. A fresh event takes one write. */
async function claimEvent(
  parts: DispatchParts,
  input: Dispatch,
  event: BoxEvent,
  concerned: readonly BoundAutomation[],
  known: EventRecord | undefined,
): Promise<{ plan: ClaimPlan }> {
  const { ledger, clock } = parts
  const { message } = input.decoded
  let record = known
  for (;;) {
    const lease = { token: parts.newToken(), until: input.deadline }
    const plan = planClaim({
      record,
      concerned,
      deployed: parts.automations,
      skipped: bound => quietSkip(bound, event),
      failure: message.failure,
      lease,
      now: clock.now(),
    })
    if (plan.kind !== 'claim') return { plan }
    if (record) {
      if (await ledger.claim(record, plan.claim)) return { plan }
      record = await ledger.read(message.eventId)
    } else {
      const opened = await ledger.open(newEvent(message, sourceKey(event)), plan.claim)
      if (opened.claimed) return { plan }
      record = opened.record
    }
  }
}

/** A filter that throws is left to the run, where its error is classified, counted and recorded. */
function quietSkip(bound: BoundAutomation, event: BoxEvent): Skip | undefined {
  try {
    return skipOf(bound, event)
  } catch {
    return undefined
  }
}

/** One claim on one event, from its first run to its last write. */
class Work {
  readonly #parts: DispatchParts
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
    parts: DispatchParts,
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
    const { clock, ledger } = this.#parts
    const run = this.#runOf(name)
    const log = this.#log.with({ automation: name })
    log.info('run_started', { attempt: run.attempts })
    const startedAt = clock.now()
    const result = await attemptRun({
      bound,
      event: this.#event,
      run,
      deadline: this.#input.deadline - RESERVE_MS,
      clock,
      log,
      box: this.#parts.box,
      keepStep: (step, json) =>
        this.#inTurn(() => ledger.keepStep(this.#eventId, this.#token, name, step, json)),
    })
    this.#unfinished ||= result.unfinished
    this.#settle(bound, run, result, clock.now() - startedAt, log)
    this.#open -= 1
    const { status } = this.#runOf(name)
    // A success is written at once unless the last write is next; failures wait for the dead-letter queue's answer.
    if (this.#open > 0 && (status === 'done' || status === 'skipped')) await this.#writeNow(name)
  }

  #settle(bound: BoundAutomation, run: RunRecord, result: RunResult, ms: number, log: Log): void {
    const { name } = bound.automation
    const now = this.#parts.clock.now()
    const { outcome, steps } = result
    const attempt = run.attempts
    if (outcome.kind === 'done') {
      log.info('run_done', { attempt, ms })
      this.#record(name, { ...run, steps, status: 'done', finishedAt: now })
      return
    }
    if (outcome.kind === 'skipped') {
      const { reason } = outcome
      log.info('run_skipped', { attempt, ms, reason })
      this.#record(name, { ...run, steps, status: 'skipped', reason, finishedAt: now })
      return
    }
    const { failure } = outcome
    const error = { code: failure.code, message: failure.message }
    const decision = decideRetry({
      failure,
      policy: bound.automation.retry,
      attempts: attempt,
      throttles: run.throttles,
      random: this.#parts.random,
    })
    if (decision.kind === 'give-up') {
      log.error('run_failed', { attempt, ms, ...error })
      this.#giveUp(name, { ...run, steps, error })
      return
    }
    // Code that is still at work must have ended with its Lambda before the next attempt begins.
    const wait = decision.delaySeconds * 1000
    const nextAt = Math.max(now + wait, result.unfinished ? this.#input.deadline + LEASE_MARGIN_MS : 0)
    log.warn('run_retrying', { attempt, ms, ...error, delaySeconds: Math.ceil((nextAt - now) / 1000) })
    this.#record(name, {
      ...run,
      steps,
      error,
      nextAt: Math.ceil(nextAt),
      attempts: decision.counts ? attempt : attempt - 1,
      throttles: decision.counts ? 0 : run.throttles + 1,
    })
  }

  #giveUpExhausted(name: string): void {
    const run = this.#runOf(name)
    const error = run.error ?? {
      code: 'worker_lost',
      message: `The function died in the middle of each of ${run.attempts} attempts: out of time or memory, or stopped from outside. Its log says more.`,
    }
    this.#log.error('run_failed', { automation: name, attempt: run.attempts, ...error })
    this.#giveUp(name, { ...run, error })
  }

  #giveUp(name: string, run: RunRecord): void {
    const { attempts, redrives } = run
    const error = run.error ?? { code: 'unknown', message: '' }
    this.#dead.push({ name, ...error, attempts, redrives })
    this.#record(name, { ...run, status: 'failed', finishedAt: this.#parts.clock.now() })
  }

  #record(name: string, run: RunRecord): void {
    this.#runs[name] = run
    this.#unwritten[name] = run
  }

  async #writeNow(name: string): Promise<void> {
    const run = this.#runOf(name)
    try {
      await this.#inTurn(() => this.#write({ runs: { [name]: run } }))
      delete this.#unwritten[name]
    } catch (error) {
      if (error instanceof LeaseLost) throw error
      this.#log.warn('ledger_write_failed', { automation: name, error: errorName(error) })
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
    try {
      await deadLetters.send({ ...message, failure })
      this.#log.error('event_dead_lettered', {
        code: failure.code,
        automations: this.#dead.map(({ name }) => name).join(','),
      })
    } catch (error) {
      this.#log.error('dead_letter_failed', { error: errorName(error) })
      const nextAt =
        clock.now() + 1000 * backoffSeconds(DEFAULT_RETRY, this.#input.receiveCount, this.#parts.random)
      for (const { name } of this.#dead) {
        const { finishedAt, ...run } = this.#runOf(name)
        this.#record(name, { ...run, status: 'pending', givenUp: true, nextAt: Math.ceil(nextAt) })
      }
    }
  }

  async #close(): Promise<Disposition> {
    const status = statusOf(this.#runs)
    await this.#write({ runs: this.#unwritten, close: { status, release: !this.#unfinished } })
    if (status === 'open') return later(secondsUntil(earliest(this.#runs), this.#parts.clock))
    const runs = Object.keys(this.#runs).length
    this.#log.info('event_finished', { trigger: this.#event.triggerName, status, runs })
    return FINISHED
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

/** Dead-letters an event that no automation can be run for: send, then mark. Repeatable, as {@link Failure} tells. */
async function deadLetterEvent(
  parts: DispatchParts,
  input: Dispatch,
  log: Log,
  error: { readonly code: string; readonly message: string },
): Promise<Disposition> {
  const { ledger, clock } = parts
  const { message } = input.decoded
  const record = await ledger.read(message.eventId)
  const again = record !== undefined && message.failure?.redrives === record.redrives
  if (record && record.status !== 'open' && !again) {
    log.info('event_duplicate', { trigger: message.trigger })
    return FINISHED
  }
  if (record && clock.now() < record.leaseUntil + LEASE_MARGIN_MS && record.leaseUntil > 0)
    return later(secondsUntil(record.leaseUntil + LEASE_MARGIN_MS, clock))
  const redrives = (record?.redrives ?? 0) + (again ? 1 : 0)
  const at = new Date(clock.now()).toISOString()
  await parts.deadLetters.send({ ...message, failure: { ...error, at, redrives, automations: [] } })
  const lease = { token: parts.newToken(), until: 0 }
  const claim = { lease, status: 'dead', redrives, runs: {} } as const
  if (record) await ledger.claim(record, claim)
  else await ledger.open(newEvent(message, 'none'), claim)
  log.error('event_dead_lettered', { code: error.code, message: error.message })
  return FINISHED
}
