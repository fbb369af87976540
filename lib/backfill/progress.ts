import { gunzipSync, gzipSync } from 'node:zlib'
import { isObject, parseObject } from '../base/json.ts'
import { TRIGGERS, type Trigger } from '../event/event.ts'
import { type ItemDatabase, versionedItem } from '../webhooks/versioned-item.ts'
import type { Match } from './seen-events.ts'
import { STREAMS, type StreamName } from './stream-event.ts'

/** What is to be back-filled. */
export type BackfillSpan = {
  /** ISO 8601. */
  readonly since: string
  readonly until: string
  readonly stream: StreamName
}

/** What became of the events of one trigger. */
export type TriggerCounts = {
  /** In the stream. */
  readonly read: number
  /** Not below anything that is watched for the trigger. */
  readonly notCovered: number
  /** Seen through webhooks. */
  readonly seen: number
  /** Back-filled before. */
  readonly before: number
  /** Put on the queue, or to be put there. */
  readonly queued: number
  /** The item is gone or hidden from the app, and the stream does not tell where it lay. */
  readonly unclear: number
}

const NO_COUNTS: TriggerCounts = { read: 0, notCovered: 0, seen: 0, before: 0, queued: 0, unclear: 0 }

export type Counts = { readonly [T in Trigger]?: TriggerCounts }

/** An event of which nobody can tell whether it lay below a watched target. */
export type Unclear = {
  readonly eventId: string
  readonly eventType: string
  readonly createdAt: string
  /** Such as `file:123`; empty where the event names none. */
  readonly item: string
}

/** How far a back-fill has come. Plain JSON. */
export type Progress = {
  /** Where to go on in the stream; absent at its beginning. */
  readonly position?: string
  /** Up to when the stream has been read, ISO 8601. */
  readonly through: string
  readonly done: boolean
  readonly pages: number
  readonly counts: Counts
  /** The first of those that are unclear. */
  readonly unclear: readonly Unclear[]
  readonly matches: readonly Match[]
}

/** How many unclear events are named. */
export const UNCLEAR_NAMED = 20

export const beginningOf = ({ since }: BackfillSpan): Progress => ({
  through: since,
  done: false,
  pages: 0,
  counts: {},
  unclear: [],
  matches: [],
})

/** Adds counts of a trigger to others. */
export function addCounts(counts: Counts, trigger: Trigger, more: Partial<TriggerCounts>): Counts {
  const before = counts[trigger] ?? NO_COUNTS
  const sum = (name: keyof TriggerCounts) => before[name] + (more[name] ?? 0)
  return {
    ...counts,
    [trigger]: {
      read: sum('read'),
      notCovered: sum('notCovered'),
      seen: sum('seen'),
      before: sum('before'),
      queued: sum('queued'),
      unclear: sum('unclear'),
    },
  }
}

/** The counts of all triggers together. */
export function totalOf(counts: Counts): TriggerCounts {
  const all: Counts = Object.values(counts).reduce<Counts>(
    (sum, one) => addCounts(sum, 'FILE.UPLOADED', one),
    {},
  )
  return all['FILE.UPLOADED'] ?? NO_COUNTS
}

/**
 * Reads what is to be back-filled.
 * @returns undefined where it is nothing of the kind
 */
function parseSpan(raw: unknown): BackfillSpan | undefined {
  if (!isObject(raw)) return undefined
  const { since, until } = raw
  const stream = STREAMS.find(known => known === raw.stream)
  return isTime(since) && isTime(until) && stream ? { since, until, stream } : undefined
}

/**
 * Reads how far a back-fill has come, which this version wrote or another.
 * @returns undefined where it can't be read
 */
export function parseProgress(raw: unknown): Progress | undefined {
  if (!isObject(raw) || !isTime(raw.through) || typeof raw.done !== 'boolean') return undefined
  const { position, through, done, pages } = raw
  return {
    ...(typeof position === 'string' && position !== '' ? { position } : {}),
    through,
    done,
    pages: countOf(pages),
    counts: parseCounts(raw.counts),
    unclear: listOf(raw.unclear).flatMap(parseUnclear),
    matches: listOf(raw.matches).flatMap(parseMatch),
  }
}

function parseCounts(raw: unknown): Counts {
  if (!isObject(raw)) return {}
  let counts: Counts = {}
  for (const [name, value] of Object.entries(raw)) {
    if (!isKnown(name) || !isObject(value)) continue
    const { read, notCovered, seen, before, queued, unclear } = value
    counts = addCounts(counts, name, {
      read: countOf(read),
      notCovered: countOf(notCovered),
      seen: countOf(seen),
      before: countOf(before),
      queued: countOf(queued),
      unclear: countOf(unclear),
    })
  }
  return counts
}

function parseUnclear(raw: Record<string, unknown>): readonly Unclear[] {
  const { eventId, eventType, createdAt, item } = raw
  return typeof eventId === 'string' &&
    typeof eventType === 'string' &&
    isTime(createdAt) &&
    typeof item === 'string'
    ? [{ eventId, eventType, createdAt, item }]
    : []
}

function parseMatch({ event, record, at }: Record<string, unknown>): readonly Match[] {
  return typeof event === 'string' && typeof record === 'string' && typeof at === 'number'
    ? [{ event, record, at }]
    : []
}

const isKnown = (name: string): name is Trigger => Object.hasOwn(TRIGGERS, name)
const isTime = (value: unknown): value is string =>
  typeof value === 'string' && !Number.isNaN(Date.parse(value))
const countOf = (value: unknown): number =>
  Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : 0
const listOf = (value: unknown): readonly Record<string, unknown>[] =>
  Array.isArray(value) ? value.filter(isObject) : []

/** The back-fill of a stage that is under way, or the last one that was. */
export type BackfillState = {
  /** When it was begun, ISO 8601. */
  readonly begunAt: string
  readonly span: BackfillSpan
  readonly progress: Progress
}

/** Where a stage remembers how far its back-fill has come, so that anybody can go on with it. */
export type BackfillStates = {
  /** One that can't be read is as none, but has a version all the same; 0 where there is nothing at all. */
  read(): Promise<{ readonly version: number; readonly state: BackfillState | undefined }>
  /**
   * Replaces what is remembered.
   * @param seen the version on whose strength it is replaced
   * @returns false where somebody else has written since
   */
  write(state: BackfillState, seen: number): Promise<boolean>
}

/** The key of the state in the ledger's table. No event can have it, for no event's id has a space; see idText(). */
export const BACKFILL_STATE_KEY = 'back-fill of this stage'

/** How much is unpacked at most, in bytes; what is kept has far less. */
const PROGRESS_BYTES_MAX = 4_000_000

/** The state as one item beside the events of the ledger's table. */
export function createBackfillStates(options: {
  readonly dynamodb: ItemDatabase
  readonly table: string
}): BackfillStates {
  const item = versionedItem(options, BACKFILL_STATE_KEY)
  return {
    async read() {
      const found = (await item.read()) ?? {}
      return { version: typeof found.version === 'number' ? found.version : 0, state: readState(found) }
    },
    write: ({ begunAt, span, progress }, seen) =>
      item.write({ begunAt, span, progress: gzipSync(JSON.stringify(progress)) }, seen),
  }
}

function readState({ begunAt, span, progress }: Record<string, unknown>): BackfillState | undefined {
  const read = parseSpan(span)
  const come = progress instanceof Uint8Array ? parseProgress(unpacked(progress)) : undefined
  if (!read || !come || typeof begunAt !== 'string') return undefined
  return { begunAt, span: read, progress: come }
}

function unpacked(packed: Uint8Array): unknown {
  try {
    return parseObject(gunzipSync(packed, { maxOutputLength: PROGRESS_BYTES_MAX }).toString())
  } catch {
    return undefined
  }
}
