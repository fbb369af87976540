import { isObject, parseObject } from '../lib/base/json.ts'
import type { EventStatus } from '../lib/ledger/record.ts'
import type { LogLine } from '../lib/log/log.ts'
import { isMetric } from '../lib/log/metrics.ts'
import type { Attempt } from './box/events/delivery.ts'
import type { VerdictStep } from './inspector/verdict.ts'
import type { GatewayAnswer } from './runtime/gateway.ts'

/** A request at ingest: what was sent and what it was answered. */
export type DeliveryEntry = {
  /** Grows with each request that is heard of. */
  readonly seq: number
  readonly deliveryId: string
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly ms: number
  /** 1 for the first attempt; 0 for a request that the emulated Box did not send. */
  readonly attempt: number
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** Cut where it is very long. */
  readonly body: string
  /** 0 where no answer came. */
  readonly status: number
  readonly answer: string
  readonly nextAttemptAt?: number | undefined
  /** How its signature was judged; absent where it was not heard at ingest. */
  readonly verdict?: readonly VerdictStep[] | undefined
}

/** Everything that is known of one event. */
export type EventEntry = {
  readonly eventId: string
  trigger: string
  /** The name of the file or folder that it is about, where its payload has one. */
  item: string
  /** Milliseconds since the epoch. */
  readonly firstAt: number
  /** Milliseconds since the epoch; undefined while it is not finished. */
  finishedAt: number | undefined
  status: EventEntryStatus
  /** The latest ones, the newest last. */
  readonly deliveries: DeliveryEntry[]
  /** The latest ones, the newest last. */
  readonly lines: LogLine[]
}

/** Undelivered is what ingest could not take: Box sends it again. Refused is what it did not want. */
export type EventEntryStatus = 'refused' | 'undelivered' | 'queued' | 'running' | 'retrying' | 'done' | 'dead'

/** What happened on the local stack, by event, the oldest forgotten first. */
export type Journal = {
  /** @param verdict how its signature was judged, where nothing else tells */
  attempt(attempt: Attempt, verdict?: readonly VerdictStep[]): void
  /** Takes note of an event that the ledger knows. What is known of it already stays, unless the ledger has it as settled. */
  recorded(event: RecordedEvent): void
  /** @param verdict how its signature is judged, step by step */
  answer(answer: GatewayAnswer, verdict?: readonly VerdictStep[]): void
  /** @returns what the function wrote, where it is an object of JSON */
  line(fn: string, text: string): LogLine | undefined
  /** The newest first. */
  readonly events: readonly EventEntry[]
  /** How many events are kept at most. */
  readonly eventsMax: number
  event(eventId: string): EventEntry | undefined
  /** Calls back with each event that changed, until the returned function is called. */
  subscribe(callback: (event: EventEntry) => void): () => void
}

/** What the ledger says of an event, in short. */
export type RecordedEvent = Pick<EventEntry, 'eventId' | 'trigger' | 'item'> & {
  /** Milliseconds since the epoch. */
  readonly receivedAt: number
  readonly status: EventStatus
}

export type JournalOptions = {
  /** How many events are kept; 5000 by default. */
  readonly eventsMax?: number
  /** How many characters of bodies, headers and log lines are kept in all; 64 Mi by default. */
  readonly charactersMax?: number
  /** Asks the ledger what became of an event whose last log lines a killed worker did not write. */
  readonly ledgerStatus?: (eventId: string) => Promise<EventStatus | undefined>
}

export const EVENTS_MAX = 5000
const CHARACTERS_MAX = 64 * 1024 * 1024

/** How many deliveries and log lines are kept of one event. */
const DELIVERIES_MAX = 100
const LINES_MAX = 1000

/** How many characters of one body are kept. */
export const BODY_CHARACTERS_MAX = 256 * 1024

export function createJournal(options: JournalOptions = {}): Journal {
  const { eventsMax = EVENTS_MAX, charactersMax = CHARACTERS_MAX, ledgerStatus } = options
  const entries = new Map<string, EventEntry>()
  const sizes = new Map<string, number>()
  const subscribers = new Set<(event: EventEntry) => void>()
  let characters = 0
  let seq = 0

  const forgetOldest = (): void => {
    const [oldest] = entries.keys()
    if (oldest === undefined) return
    characters -= sizes.get(oldest) ?? 0
    sizes.delete(oldest)
    entries.delete(oldest)
  }
  const changed = (entry: EventEntry, added: number): void => {
    characters += added
    sizes.set(entry.eventId, (sizes.get(entry.eventId) ?? 0) + added)
    // The event at hand stays, however large it is.
    while ((entries.size > eventsMax || characters > charactersMax) && entries.size > 1) forgetOldest()
    for (const callback of subscribers) callback(entry)
  }
  const entryOf = (eventId: string, trigger: string, firstAt: number): EventEntry => {
    const known = entries.get(eventId)
    if (known) return known
    const nothing = { deliveries: [], lines: [], item: '', finishedAt: undefined }
    const entry: EventEntry = { eventId, trigger, firstAt, status: 'refused', ...nothing }
    entries.set(eventId, entry)
    return entry
  }
  /** What the ledger has as settled is settled, whatever the log says or does not say. */
  const settle = (entry: EventEntry, status: EventStatus | undefined): void => {
    if (status === undefined || status === 'open' || entry.status === status) return
    entry.status = status
    changed(entry, 0)
  }
  /** @returns how many characters more are kept now */
  const delivered = (
    entry: EventEntry,
    delivery: Omit<DeliveryEntry, 'seq'> & { readonly seq?: number },
    payload: Record<string, unknown> | undefined,
  ): number => {
    const { body, status } = delivery
    const cut = body.length - BODY_CHARACTERS_MAX
    const kept = cut > 0 ? `${body.slice(0, BODY_CHARACTERS_MAX)}… and ${cut} characters more` : body
    seq += 1
    const one = { ...delivery, body: kept, seq: delivery.seq ?? seq }
    const dropped = push(entry.deliveries, one, DELIVERIES_MAX)
    entry.item ||= itemName(payload)
    answered(entry, status)
    return sizeOf(one) - (dropped ? sizeOf(dropped) : 0)
  }
  return {
    eventsMax,
    attempt(attempt, verdict) {
      const entry = entryOf(attempt.eventId, attempt.trigger, attempt.sentAt)
      entry.trigger = attempt.trigger
      const { deliveryId, headers, status, answer, ms, nextAttemptAt, sentAt: at, attempt: nth } = attempt
      const body = Buffer.from(attempt.body).toString()
      // The front door was heard first; what Box knows of the delivery is more.
      const index = entry.deliveries.findIndex(one => one.deliveryId === deliveryId && one.attempt === 0)
      const [heard] = index < 0 ? [] : entry.deliveries.splice(index, 1)
      const path = heard?.path ?? URL.parse(attempt.address)?.pathname ?? attempt.address
      const delivery = { deliveryId, at, ms, attempt: nth, headers, status, answer, method: 'POST', path }
      const known = heard ? { seq: heard.seq, verdict: heard.verdict } : { verdict }
      const added = delivered(entry, { ...delivery, body, nextAttemptAt, ...known }, parseObject(body))
      changed(entry, added - (heard ? sizeOf(heard) : 0))
    },
    recorded({ eventId, trigger, item, receivedAt, status }) {
      const entry = entryOf(eventId, trigger, receivedAt)
      if (entry.trigger === 'unknown') entry.trigger = trigger
      entry.item ||= item
      const quiet = entry.lines.length === 0 || entry.status === 'refused'
      if (quiet && status === 'open') entry.status = 'queued'
      settle(entry, status)
      changed(entry, 0)
    },
    answer({ at, ms, headers, status, body: answer, path, method, requestBody: body }, verdict) {
      const payload = parseObject(body)
      const eventId = typeof payload?.id === 'string' ? payload.id : `${method} ${path}`
      const entry = entryOf(eventId, 'unknown', at)
      const deliveryId = headers['box-delivery-id'] ?? ''
      const told = { deliveryId, at, ms, attempt: 0, method, path, headers, body, status, answer, verdict }
      changed(entry, delivered(entry, told, payload))
    },
    line(fn, text) {
      const line = parseLine(fn, text)
      const eventId = line?.eventId
      if (!line || typeof eventId !== 'string') return line
      const at = Date.parse(line.time)
      const entry = entryOf(eventId, typeof line.trigger === 'string' ? line.trigger : 'unknown', at)
      const dropped = push(entry.lines, line, LINES_MAX)
      if (line.event === 'delivery_accepted') answered(entry, 202)
      const status = line.event === 'event_finished' && line.status === 'dead' ? 'dead' : STATUS[line.event]
      entry.status = status ?? entry.status
      if (status) entry.finishedAt = status === 'done' || status === 'dead' ? at : undefined
      changed(entry, text.length - (dropped ? JSON.stringify(dropped).length : 0))
      // Only a settled event has duplicates. One that was not heard to end has lost the lines that would say so.
      if (line.event === 'event_duplicate' && entry.status !== 'done' && entry.status !== 'dead')
        void ledgerStatus?.(eventId).then(
          known => settle(entry, known),
          () => {},
        )
      return line
    },
    get events() {
      return [...entries.values()].reverse()
    },
    event: eventId => entries.get(eventId),
    subscribe(callback) {
      subscribers.add(callback)
      return () => subscribers.delete(callback)
    },
  }
}

/** The characters that a delivery keeps, near enough. */
function sizeOf({ body, answer, headers }: DeliveryEntry): number {
  let size = body.length + answer.length
  for (const [name, value] of Object.entries(headers)) size += name.length + value.length
  return size
}

/** @returns what had to go */
function push<T>(list: T[], one: T, max: number): T | undefined {
  list.push(one)
  return list.length > max ? list.shift() : undefined
}

/** A refusal does not change what is known of an accepted event, nor does a repetition of what is done. */
function answered(entry: EventEntry, status: number): void {
  if (entry.status !== 'refused' && entry.status !== 'undelivered') return
  if (status === 202) entry.status = 'queued'
  else entry.status = status >= 400 && status < 500 ? 'refused' : 'undelivered'
}

function itemName(payload: Record<string, unknown> | undefined): string {
  const { source } = payload ?? {}
  if (!isObject(source)) return ''
  const name = source.name ?? (isObject(source.item) ? source.item.name : undefined)
  return typeof name === 'string' ? name : ''
}

const STATUS: Readonly<Record<string, EventEntryStatus>> = {
  run_started: 'running',
  run_retrying: 'retrying',
  event_finished: 'done',
  event_dead_lettered: 'dead',
}

/** Reads a line of a function's log; undefined where it is no object of JSON, as AWS's own lines are. */
export function parseLine(fn: string, text: string): LogLine | undefined {
  const line = parseObject(text)
  if (!line) return undefined
  const { time, level, event, _aws, ...rest } = line
  // What is for CloudWatch says nothing that the fields don't.
  const fields = Object.fromEntries(Object.entries(rest).filter(([name]) => !isMetric(name)))
  return { ...fields, function: fn, time: String(time), level: String(level), event: String(event) }
}
