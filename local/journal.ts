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
  readonly body: string
  readonly status: number
  readonly answer: string
  readonly nextAttemptAt?: number | undefined
}

/** Everything that is known of one event. */
export type EventEntry = {
  readonly eventId: string
  trigger: string
  /** Milliseconds since the epoch. */
  readonly firstAt: number
  status: EventEntryStatus
  readonly deliveries: DeliveryEntry[]
  readonly lines: LogLine[]
}

export type EventEntryStatus = 'refused' | 'queued' | 'running' | 'retrying' | 'done' | 'dead'

/** What happened on the local stack, by event, the oldest forgotten first. */
export type Journal = {
  attempt(attempt: Attempt): void
  answer(answer: GatewayAnswer): void
  line(fn: string, text: string): void
  /** The newest first. */
  readonly events: readonly EventEntry[]
  event(eventId: string): EventEntry | undefined
  /** Calls back with each event that changed, until the returned function is called. */
  subscribe(callback: (event: EventEntry) => void): () => void
}

/** @param cap how many events are kept; 1000 by default */
export function createJournal(cap = 1000): Journal {
  const entries = new Map<string, EventEntry>()
  const subscribers = new Set<(event: EventEntry) => void>()
  const changed = (entry: EventEntry) => {
    for (const callback of subscribers) callback(entry)
  }
  const entryOf = (eventId: string, trigger: string, at: number): EventEntry => {
    const known = entries.get(eventId)
    if (known) return known
    const entry: EventEntry = { eventId, trigger, firstAt: at, status: 'refused', deliveries: [], lines: [] }
    entries.set(eventId, entry)
    const [oldest] = entries.keys()
    if (entries.size > cap && oldest !== undefined) entries.delete(oldest)
    return entry
  }
  return {
    attempt(attempt) {
      const entry = entryOf(attempt.eventId, attempt.trigger, attempt.sentAt)
      entry.trigger = attempt.trigger
      const { deliveryId, headers, status, answer, ms, nextAttemptAt } = attempt
      const body = Buffer.from(attempt.body).toString()
      const delivery = { deliveryId, at: attempt.sentAt, ms, attempt: attempt.attempt, headers, body }
      // The front door was heard first; what Box knows of the delivery is more.
      const heard = entry.deliveries.findIndex(one => one.deliveryId === deliveryId)
      if (heard >= 0) entry.deliveries.splice(heard, 1)
      entry.deliveries.push({ ...delivery, status, answer, nextAttemptAt })
      accepted(entry, status)
      changed(entry)
    },
    answer({ at, ms, headers, status, body: answer, path, method, requestBody: body }) {
      const deliveryId = headers['box-delivery-id'] ?? ''
      const entry = entryOf(eventIdOf(body) ?? `${method} ${path}`, 'unknown', at)
      entry.deliveries.push({ deliveryId, at, ms, attempt: 0, headers, body, status, answer })
      accepted(entry, status)
      changed(entry)
    },
    line(fn, text) {
      const line = parseLine(fn, text)
      const eventId = line?.eventId
      if (!line || typeof eventId !== 'string') return
      const trigger = typeof line.trigger === 'string' ? line.trigger : 'unknown'
      const entry = entryOf(eventId, trigger, Date.parse(line.time))
      entry.lines.push(line)
      if (line.event === 'delivery_accepted') accepted(entry, 202)
      entry.status = STATUS[line.event] ?? entry.status
      if (line.event === 'event_finished' && line.status === 'dead') entry.status = 'dead'
      changed(entry)
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

/** A refusal does not change what is known of an event, nor does a repetition of what is done. */
function accepted(entry: EventEntry, status: number): void {
  if (status === 202 && entry.status === 'refused') entry.status = 'queued'
}

const STATUS: Readonly<Record<string, EventEntryStatus>> = {
  run_started: 'running',
  run_retrying: 'retrying',
  event_finished: 'done',
  event_dead_lettered: 'dead',
}

function parseLine(fn: string, text: string): LogLine | undefined {
  try {
    const line: unknown = JSON.parse(text)
    if (typeof line !== 'object' || line === null) return undefined
    const { time, level, event, ...fields }: Record<string, unknown> = { ...line }
    return { ...fields, function: fn, time: String(time), level: String(level), event: String(event) }
  } catch {
    return undefined
  }
}

function eventIdOf(body: string): string | undefined {
  try {
    const json: unknown = JSON.parse(body)
    const id = json instanceof Object ? Reflect.get(json, 'id') : undefined
    return typeof id === 'string' ? id : undefined
  } catch {
    return undefined
  }
}
