import type { RunRecord } from '../../lib/ledger/record.ts'
import type { LogLine } from '../../lib/log/log.ts'
import type { QueueDepth } from '../aws/aws.ts'
import type { Provenance } from '../box/events/shapes.ts'
import type { DeliveryEntry, EventEntryStatus } from '../journal.ts'

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
  /** What can't be read, and which permission is missing. */
  readonly problems?: readonly string[]
}

/** A delivery as the list shows it: one request at ingest. */
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
export type ActionResult = {
  readonly message: string
  readonly eventId?: string
  /** A signature key that was generated, as the Developer Console shows it. */
  readonly key?: string
}

/** A file or folder of the emulated Box. */
export type BoxItem = {
  readonly type: 'file' | 'folder'
  readonly id: string
  readonly name: string
  /** Null for the root. */
  readonly parentId: string | null
  readonly trashed: boolean
  /** The shared link's URL. */
  readonly link: string | null
  /** What else is to be seen on it, such as who has locked it. */
  readonly notes: readonly string[]
}

/** Something that belongs to an item, such as a collaboration. */
export type BoxThing = {
  readonly kind: string
  readonly id: string
  readonly item: { readonly type: 'file' | 'folder'; readonly id: string }
  readonly text: string
  readonly state: string
}

export type BoxWebhook = {
  readonly id: string
  readonly target: { readonly type: 'file' | 'folder'; readonly id: string }
  readonly address: string
  readonly triggers: readonly string[]
}

/** A trigger that can be sent, in one of the shapes that docs/payloads.md has. */
export type TemplateName = {
  readonly trigger: string
  readonly shapes: readonly TemplateShape[]
}

/** How a shape is known, and the types of item that a payload in it can be about. */
export type TemplateShape = {
  readonly provenance: Provenance
  readonly date: string
  readonly source: string
  readonly about: readonly ('file' | 'folder')[]
}

/** A field of a form, and what is filled in at first. */
export type FieldView = {
  readonly name: string
  readonly label: string
  readonly kind: 'text' | 'folder' | 'select'
  readonly options?: readonly string[]
  readonly usual?: string
}

/** Something that can be done in the emulated Box. */
export type DoingView = {
  readonly name: string
  readonly label: string
  /** What it is done to: `file`, `folder`, the kind of a thing, or `box` as a whole. */
  readonly on: string
  readonly fields: readonly FieldView[]
  /** What Box may tell of it. */
  readonly triggers: readonly string[]
  /** What it leads to, where its label does not say so; empty otherwise. */
  readonly hint: string
}

/** The emulated Box as the page shows it. */
export type BoxView = {
  readonly items: readonly BoxItem[]
  readonly things: readonly BoxThing[]
  readonly webhooks: readonly BoxWebhook[]
  /** What a webhook on a file or folder can be told of. */
  readonly triggers: { readonly file: readonly string[]; readonly folder: readonly string[] }
  /** Whether its API is paused. */
  readonly paused: boolean
  /** What is out of the ordinary with it as a whole, such as an ended session. */
  readonly notes: readonly string[]
}
