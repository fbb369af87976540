import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { unmarshall } from '@aws-sdk/util-dynamodb'
import type { Target } from '../event/event.ts'
import { parseTarget } from '../event/target.ts'

/** Open while a run of it is unfinished; done when every run is; dead when nothing is left but runs that were given up. */
export type EventStatus = 'open' | 'done' | 'dead'

export type RunStatus = 'pending' | 'done' | 'skipped' | 'failed'

/** What the ledger knows of one automation's run at one event. Times are milliseconds since the epoch. */
export type RunRecord = {
  readonly status: RunStatus
  /** Attempts that count, the one under way included. */
  readonly attempts: number
  /** How often in a row the run has waited uncounted. */
  readonly throttles: number
  /** How often the run was taken back from the dead-letter queue. */
  readonly redrives: number
  /** Step name → its result as JSON text. */
  readonly steps: Readonly<Record<string, string>>
  /** Not before this time. */
  readonly nextAt?: number
  /** When the first of the uncounted waits in a row began; absent once an attempt counts or the run is settled. */
  readonly waitingSince?: number
  /** Since when Box has refused the app's credentials in a row. */
  readonly refusedSince?: number
  readonly startedAt?: number
  readonly finishedAt?: number
  /** Why it was skipped. */
  readonly reason?: string
  readonly error?: { readonly code: string; readonly message: string }
  /** Set where the run was given up but the dead-letter queue has not taken it yet. */
  readonly givenUp?: boolean
}

/** What the ledger knows of one event. */
export type EventRecord = {
  readonly eventId: string
  readonly deliveryId: string
  readonly trigger: string
  readonly source: string
  /** ISO 8601. */
  readonly receivedAt: string
  readonly origin: string
  readonly status: EventStatus
  /** Grows with every write. */
  readonly version: number
  readonly leaseToken: string
  /** Milliseconds since the epoch; 0 once released. */
  readonly leaseUntil: number
  /** How often the event as a whole was taken back from the dead-letter queue. */
  readonly redrives: number
  readonly runs: Readonly<Record<string, RunRecord>>
  /** The watched targets that the event is about; absent until that is known. */
  readonly targets?: readonly Target[]
  /** The webhooks whose targets these are: Box sends one event to each webhook that it concerns. */
  readonly webhooks?: readonly string[]
  readonly error?: { readonly code: string; readonly message: string }
  /** The body, packed; see payload.ts. */
  readonly payload?: Uint8Array
  /** Present where somebody has dropped a dead letter of the event. */
  readonly dropped?: Dropped
}

/** The attributes of an event's item that make its record. */
export const RECORD_FIELDS: readonly (keyof EventRecord)[] = [
  'eventId',
  'deliveryId',
  'trigger',
  'source',
  'receivedAt',
  'origin',
  'status',
  'version',
  'leaseToken',
  'leaseUntil',
  'redrives',
  'runs',
  'targets',
  'webhooks',
  'error',
  'payload',
  'dropped',
]

/** That, and why, somebody has taken a dead letter away for good. */
export type Dropped = {
  /** ISO 8601. */
  readonly at: string
  readonly reason: string
  /** Who it was, as far as that is known. */
  readonly by?: string
}

export const FRESH_RUN: RunRecord = { status: 'pending', attempts: 0, throttles: 0, redrives: 0, steps: {} }

/** Whether nothing more is to be done for a run. */
export const isSettled = (run: RunRecord): boolean => run.status !== 'pending'

/** An event's status, given all its runs. */
export function statusOf(runs: Readonly<Record<string, RunRecord>>): EventStatus {
  const all = Object.values(runs)
  if (all.some(run => !isSettled(run))) return 'open'
  return all.some(run => run.status === 'failed') ? 'dead' : 'done'
}

/**
 * Reads an item of the ledger's table, written by this version or another: what is missing or of another type gets the
 * value that loses nothing. Never throws.
 */
export function readRecord(item: Record<string, AttributeValue>): EventRecord {
  // Number, for the library throws where an integer is beyond what JavaScript counts exactly.
  const raw = fields(object(unmarshall(item, { wrapNumbers: Number })))
  const error = readError(raw.value('error'))
  const payload = raw.value('payload')
  const targets = raw.value('targets')
  const webhooks = raw.value('webhooks')
  const dropped = readDropped(raw.value('dropped'))
  return {
    eventId: raw.text('eventId'),
    deliveryId: raw.text('deliveryId'),
    trigger: raw.text('trigger'),
    source: raw.text('source'),
    receivedAt: raw.text('receivedAt'),
    origin: raw.text('origin'),
    status: raw.oneOf('status', ['open', 'done', 'dead'], 'open'),
    version: raw.number('version'),
    leaseToken: raw.text('leaseToken'),
    leaseUntil: raw.number('leaseUntil'),
    redrives: raw.number('redrives'),
    runs: Object.fromEntries(
      Object.entries(object(raw.value('runs'))).map(([name, run]) => [name, readRun(run)]),
    ),
    ...(Array.isArray(targets) ? { targets: targets.flatMap(readTarget) } : {}),
    ...(Array.isArray(webhooks) ? { webhooks: webhooks.filter(id => typeof id === 'string') } : {}),
    ...(error ? { error } : {}),
    ...(payload instanceof Uint8Array ? { payload } : {}),
    ...(dropped ? { dropped } : {}),
  }
}

const readTarget = (text: unknown): readonly Target[] => {
  const target = typeof text === 'string' ? parseTarget(text) : undefined
  return target ? [target] : []
}

function readRun(value: unknown): RunRecord {
  const raw = fields(object(value))
  const error = readError(raw.value('error'))
  const reason = raw.text('reason')
  const steps = Object.entries(object(raw.value('steps'))).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  )
  return {
    status: raw.oneOf('status', ['pending', 'done', 'skipped', 'failed'], 'pending'),
    attempts: raw.number('attempts'),
    throttles: raw.number('throttles'),
    redrives: raw.number('redrives'),
    steps: Object.fromEntries(steps),
    ...raw.optionalNumber('nextAt'),
    ...raw.optionalNumber('waitingSince'),
    ...raw.optionalNumber('refusedSince'),
    ...raw.optionalNumber('startedAt'),
    ...raw.optionalNumber('finishedAt'),
    ...(reason ? { reason } : {}),
    ...(error ? { error } : {}),
    ...(raw.value('givenUp') === true ? { givenUp: true } : {}),
  }
}

function readError(value: unknown): { code: string; message: string } | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const raw = fields(object(value))
  return { code: raw.text('code'), message: raw.text('message') }
}

function readDropped(value: unknown): Dropped | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const raw = fields(object(value))
  const by = raw.text('by')
  return { at: raw.text('at'), reason: raw.text('reason'), ...(by ? { by } : {}) }
}

function object(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function fields(raw: Record<string, unknown>) {
  return {
    value: (name: string): unknown => raw[name],
    text: (name: string): string => (typeof raw[name] === 'string' ? raw[name] : ''),
    number: (name: string): number => (typeof raw[name] === 'number' ? raw[name] : 0),
    optionalNumber: (
      name: 'nextAt' | 'waitingSince' | 'refusedSince' | 'startedAt' | 'finishedAt',
    ): Pick<RunRecord, typeof name> => {
      const value = raw[name]
      return typeof value === 'number' ? { [name]: value } : {}
    },
    oneOf: <V extends string>(name: string, known: readonly V[], fallback: V): V =>
      known.find(one => one === raw[name]) ?? fallback,
  }
}
