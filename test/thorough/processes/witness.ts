import { parseObject } from '../../../lib/base/json.ts'
import type { Attempt } from '../../../local/box/events/delivery.ts'
import { type Expected, expectedOf, type Kind } from './expected.ts'
import type { LedgerWrite } from './ledger-trace.ts'

/** A call that changed something in Box. Times are milliseconds since the epoch. */
export type Effect = {
  readonly eventId: string
  readonly automation: string
  /** What the automation calls it; the step's name where it is a step's. */
  readonly part: string
  readonly worker: string
  readonly at: number
}

/** A time in which something was amiss; open-ended until it is over. */
type Trouble = { readonly from: number; to: number }

/** A line of a worker's log. */
type Told = {
  readonly worker: string
  readonly at: number
  readonly event: string
  /** Undefined where it is about the message as a whole. */
  readonly automation: string | undefined
  readonly reason: string
}

/** How much later than it was made a call may reach Box; a run whose time is up then does not wait for it. */
const ARRIVAL_MS = 1000

/** What a worker says of a run or a message that it could not bring to its end. */
const FAILED: ReadonlySet<string> = new Set(['run_retrying', 'ledger_write_failed', 'message_failed'])

/** One event, what is to come of it, and what has been seen of it. */
export type Case = {
  readonly eventId: string
  readonly kind: Kind
  readonly expected: Expected
  readonly effects: Effect[]
  readonly writes: LedgerWrite[]
  /** Whether some delivery of it has been accepted. */
  accepted: boolean
  finished: boolean
}

/** Sees from outside what goes in, what Box is asked, and what the ledger takes; and what is done to the processes. */
export class Witness {
  readonly cases = new Map<string, Case>()
  /** Answer of the front door, such as `202 accepted` → how often; `0` where there was none. */
  readonly answers = new Map<string, number>()
  /** Event in a worker's or ingest's log, from warnings up → how often. */
  readonly logged = new Map<string, number>()
  /** Worker → when it was killed or stopped, in milliseconds since the epoch. */
  readonly #lost = new Map<string, number>()
  readonly #watches: { readonly worker: string; readonly after: number; seen: boolean }[] = []
  readonly #ledgerCuts: Trouble[] = []
  /** Event → what workers said of it, from warnings up. */
  readonly #told = new Map<string, Told[]>()
  /** What can't be told from the rest in the end, such as a process that died of itself. */
  readonly surprises: string[] = []
  #closed = false
  deliveries = 0
  retries = 0
  effects = 0
  accepted = 0
  finished = 0

  event(eventId: string, kind: Kind): void {
    const seen = { effects: [], writes: [], accepted: false, finished: false }
    this.cases.set(eventId, { eventId, kind, expected: expectedOf(kind), ...seen })
  }

  /** @param key `event:automation:part`, as the test's automations send it */
  effect(key: string, worker: string, at: number): Effect {
    const [eventId = '', automation = '', part = ''] = key.split(':')
    const effect = { eventId, automation, part, worker, at }
    this.#case(eventId).effects.push(effect)
    this.effects += 1
    return effect
  }

  write(write: LedgerWrite): void {
    const one = this.#case(write.eventId)
    if (write.claimedUntil !== undefined) this.#noteTakeOver(one, write)
    one.writes.push(write)
    if (write.status === undefined || write.status === 'open' || one.finished) return
    one.finished = true
    this.finished += 1
  }

  delivery({ eventId, attempt, status, answer, nextAttemptAt }: Attempt): void {
    if (this.#closed) return
    this.deliveries += 1
    if (attempt > 1) this.retries += 1
    const code = parseObject(answer)?.code
    const told = status === 0 ? '0' : `${status} ${String(code)}`
    count(this.answers, told)
    if (status !== 0 && status !== 202 && status !== 503)
      this.surprise(`The front door answered ${told} to a delivery of Box's.`)
    const one = this.#case(eventId)
    if (status === 202 && !one.accepted) {
      one.accepted = true
      this.accepted += 1
    }
    if (status !== 202 && nextAttemptAt === undefined)
      this.surprise(`Box gave event ${eventId} up after ${attempt} attempts: ${told}`)
  }

  /** A worker is killed or stopped: from now on the ledger may not hear of what it has done. */
  lost(worker: string): void {
    this.#lost.set(worker, Math.min(Date.now(), this.#lost.get(worker) ?? Number.POSITIVE_INFINITY))
  }

  /** Something happened that must not. */
  surprise(what: string): void {
    if (!this.#closed) this.surprises.push(what)
  }

  /** From now on nothing counts: everything is being stopped. */
  close(): void {
    this.#closed = true
  }

  /** The ledger is cut off until the returned function is called. */
  ledgerCut(): () => void {
    const trouble = { from: Date.now(), to: Number.POSITIVE_INFINITY }
    this.#ledgerCuts.push(trouble)
    return () => {
      trouble.to = Date.now()
    }
  }

  /** Tells when another worker has claimed an event that this one had claimed before, and has done so after a time. */
  takeOver(worker: string, after: number): { readonly seen: boolean } {
    const watch = { worker, after, seen: false }
    this.#watches.push(watch)
    return watch
  }

  #noteTakeOver({ writes }: Case, { worker, at }: LedgerWrite): void {
    for (const watch of this.#watches)
      if (!watch.seen && worker !== watch.worker && at > watch.after)
        watch.seen = writes.some(write => write.claimedUntil !== undefined && write.worker === watch.worker)
  }

  line(worker: string, line: string, at = Date.now()): void {
    const { event, eventId, automation, code, error, message } = parseObject(line) ?? {}
    count(this.logged, String(event))
    if (event === undefined) this.surprise(`${worker} wrote: ${line}`)
    if (typeof eventId !== 'string') return
    const told = this.#told.get(eventId) ?? []
    this.#told.set(eventId, told)
    told.push({
      worker,
      at,
      event: String(event),
      automation: typeof automation === 'string' ? automation : undefined,
      reason: String(code ?? error ?? message),
    })
  }

  /**
   * What, between two times, kept the ledger from learning of an effect: its worker was lost, the ledger was cut off, or
   * the worker ran out of time or did not reach the ledger, and said so.
   */
  excuse({ worker, eventId, automation, at }: Effect, until: number): 'lost' | 'cut' | 'told' | undefined {
    if (this.wasLost(worker, until)) return 'lost'
    if (this.#ledgerCuts.some(({ from, to }) => from <= until && to >= at)) return 'cut'
    const failed = (told: Told) =>
      told.worker === worker &&
      told.at >= at - ARRIVAL_MS &&
      told.at <= until &&
      FAILED.has(told.event) &&
      (told.automation ?? automation) === automation
    return this.#told.get(eventId)?.some(failed) ? 'told' : undefined
  }

  /** What workers said of an event, for people. */
  toldOf(eventId: string): string {
    const lines = this.#told.get(eventId) ?? []
    return lines.map(({ worker, event, reason }) => `${worker} ${event} ${reason}`).join('; ')
  }

  /** Whether a worker had been killed or stopped before a time. */
  wasLost(worker: string, before: number): boolean {
    return (this.#lost.get(worker) ?? Number.POSITIVE_INFINITY) <= before
  }

  #case(eventId: string): Case {
    const one = this.cases.get(eventId)
    if (!one) throw new Error(`Something was seen of an event ${eventId} that Box has not told of.`)
    return one
  }
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}
