import type { RunRecord } from '../../lib/record.ts'
import type { QueueDepth } from '../aws.ts'
import type { DeliveryEntry, EventEntryStatus, LogLine } from '../journal.ts'

/** What the page is opened on. */
export type About = {
  /** The stage's name; `local` for the stack on this machine. */
  readonly stage: string
  /** Whether the page may do anything, or only look. */
  readonly readOnly: boolean
  /** The region of a deployed stage. */
  readonly region?: string
  /** The address that Box delivers to. */
  readonly webhookUrl: string
  readonly automations: readonly { readonly name: string; readonly on: readonly string[] }[]
  /** How many events are kept before the oldest is forgotten. */
  readonly eventsMax: number
}

/** A delivery as the list shows it: one request at the front door. */
export type DeliverySummary = Pick<DeliveryEntry, 'seq' | 'at' | 'ms' | 'attempt' | 'status'> & {
  /** The code of the answer; see docs/errors.md. */
  readonly code: string
}

/** An event as the list shows it, with its deliveries. */
export type EventSummary = {
  readonly eventId: string
  readonly trigger: string
  /** The name of the item; empty where it is not known. */
  readonly item: string
  readonly status: EventEntryStatus
  /** Milliseconds since the epoch. */
  readonly firstAt: number
  /** Milliseconds since the epoch; absent while it is not finished. */
  readonly finishedAt?: number
  /** The oldest first. */
  readonly deliveries: readonly DeliverySummary[]
}

/** What the ledger knows of an event, without the payload. */
export type RecordView = {
  readonly status: string
  readonly receivedAt: string
  readonly origin: string
  readonly source: string
  readonly version: number
  readonly redrives: number
  readonly leaseUntil: number
  readonly targets?: readonly { readonly type: string; readonly id: string }[]
  readonly error?: { readonly code: string; readonly message: string }
  readonly runs: Readonly<Record<string, RunRecord>>
}

/** All that is known of one event. */
export type EventDetails = Pick<EventEntryView, 'eventId' | 'trigger' | 'item' | 'firstAt' | 'status'> & {
  readonly deliveries: readonly DeliveryEntry[]
  readonly lines: readonly LogLine[]
  readonly record: RecordView | null
  /** The body as the ledger keeps it; null where it keeps none. */
  readonly payload: string | null
}

type EventEntryView = Omit<EventSummary, 'deliveries'>

/** How full the queues are. */
export type QueueState = { readonly queue: QueueDepth; readonly deadLetters: QueueDepth }

/** An event on the dead-letter queue. */
export type DeadLetterView = {
  readonly messageId: string
  readonly eventId: string
  readonly trigger: string
  readonly code: string
  readonly message: string
  /** ISO 8601. */
  readonly at: string
  readonly automations: readonly string[]
}

/** What came of something that was asked for: a sentence, and the event that it can be watched at. */
export type ActionResult = { readonly message: string; readonly eventId?: string }
