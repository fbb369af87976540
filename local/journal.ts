import { isObject, parseObject } from '../lib/json.ts'
import type { Attempt } from './box/delivery.ts'
import type { GatewayAnswer } from './gateway.ts'

/** One line of a function's log, as an object. */
export type LogLine = {
  readonly function: string
  readonly time: string
  readonly level: string
  readonly event: string
  readonly [field: string]: unknown
}

/** A request at the front door: what was sent and what it was answered. */
export type DeliveryEntry = {
  readonly deliveryId: string
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly ms: number
  /** 1 for the first attempt; 0 for a request that the emulated Box did not send. */
  readonly attempt: number
  readonly headers: Readonly<Record<string, string>>
  /** Cut where it is very long. */
  readonly body: string
  /** 0 where no answer came. */
  readonly status: number
  readonly answer: string
  readonly nextAttemptAt?: number | undefined
}

/** Everything that is known of one event. */
export type EventEntry = {
  readonly eventId: string
  trigger: string
  /** The name of the file or folder that it is about, where its payload has one. */
  item: string
  /** Milliseconds since the epoch. */
  readonly firstAt: number
  status: EventEntryStatus
  /** The latest ones, the newest last. */
  readonly deliveries: DeliveryEntry[]
  /** The latest ones, the newest last. */
  readonly lines: LogLine[]
}

/** Undelivered is what the front door could not take: Box sends it again. Refused is what it did not want. */
export type EventEntryStatus = 'refused' | 'undelivered' | 'queued' | 'running' | 'retrying' | 'done' | 'dead'

/** What happened on the local stack, by event, the oldest forgotten first. */
export type Journal = {
  attempt(attempt: Attempt): void
  answer(answer: GatewayAnswer): void
  /** @returns what the function wrote, where it is an object of JSON */
  line(fn: string, text: string): LogLine | undefined
  /** The newest first. */
  readonly events: readonly EventEntry[]
  event(eventId: string): EventEntry | undefined
  /** Calls back with each event that changed, until the returned function is called. */
  subscribe(callback: (event: EventEntry) => void): () => void
}

/** How many deliveries and log lines are kept of one event, and how many characters of one body. */
const DELIVERIES_MAX = 100
const LINES_MAX = 1000
const BODY_CHARACTERS_MAX = 256 * 1024

/** @param eventsMax how many events are kept; 1000 by default */
export function createJournal(eventsMax = 1000): Journal {
  const entries = new Map<string, EventEntry>()
  const subscribers = new Set<(event: EventEntry) => void>()
  const changed = (entry: EventEntry) => {
    for (const callback of subscribers) callback(entry)
  }
  const entryOf = (eventId: string, trigger: string, firstAt: number): EventEntry => {
    const known = entries.get(eventId)
    if (known) return known
    const nothing = { deliveries: [], lines: [], item: '' }
    const entry: EventEntry = { eventId, trigger, firstAt, status: 'refused', ...nothing }
    entries.set(eventId, entry)
    const [oldest] = entries.keys()
    if (entries.size > eventsMax && oldest !== undefined) entries.delete(oldest)
    return entry
  }
  return {
    attempt(attempt) {
      const entry = entryOf(attempt.eventId, attempt.trigger, attempt.sentAt)
      entry.trigger = attempt.trigger
      const { deliveryId, headers, status, answer, ms, nextAttemptAt } = attempt
      const body = Buffer.from(attempt.body).toString()
      // The front door was heard first; what Box knows of the delivery is more.
      const heard = entry.deliveries.findIndex(one => one.deliveryId === deliveryId)
      if (heard >= 0) entry.deliveries.splice(heard, 1)
      const delivery = {
        deliveryId,
        at: attempt.sentAt,
        ms,
        attempt: attempt.attempt,
        headers,
        status,
        answer,
      }
      delivered(entry, { ...delivery, body, nextAttemptAt }, parseObject(body))
      changed(entry)
    },
    answer({ at, ms, headers, status, body: answer, path, method, requestBody: body }) {
      const payload = parseObject(body)
      const eventId = typeof payload?.id === 'string' ? payload.id : `${method} ${path}`
      const entry = entryOf(eventId, 'unknown', at)
      const deliveryId = headers['box-delivery-id'] ?? ''
      delivered(entry, { deliveryId, at, ms, attempt: 0, headers, body, status, answer }, payload)
      changed(entry)
    },
    line(fn, text) {
      const line = parseLine(fn, text)
      const eventId = line?.eventId
      if (!line || typeof eventId !== 'string') return line
      const trigger = typeof line.trigger === 'string' ? line.trigger : 'unknown'
      const entry = entryOf(eventId, trigger, Date.parse(line.time))
      push(entry.lines, line, LINES_MAX)
      if (line.event === 'delivery_accepted') answered(entry, 202)
      entry.status = STATUS[line.event] ?? entry.status
      if (line.event === 'event_finished' && line.status === 'dead') entry.status = 'dead'
      changed(entry)
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

function delivered(entry: EventEntry, delivery: DeliveryEntry, payload: Record<string, unknown> | undefined) {
  const { body, status } = delivery
  const cut = body.length - BODY_CHARACTERS_MAX
  const kept = cut > 0 ? `${body.slice(0, BODY_CHARACTERS_MAX)}… and ${cut} characters more` : body
  push(entry.deliveries, { ...delivery, body: kept }, DELIVERIES_MAX)
  entry.item ||= itemName(payload)
  answered(entry, status)
}

function push<T>(list: T[], one: T, max: number): void {
  list.push(one)
  if (list.length > max) list.shift()
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

function parseLine(fn: string, text: string): LogLine | undefined {
  const line = parseObject(text)
  if (!line) return undefined
  const { time, level, event, ...fields } = line
  return { ...fields, function: fn, time: String(time), level: String(level), event: String(event) }
}
