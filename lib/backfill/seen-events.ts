import pMap from 'p-map'
import { isObject } from '../base/json.ts'
import { parseTimestamp } from '../base/timestamp.ts'
import { type Target, triggerOf } from '../event/event.ts'
import { type EventBody, readBody } from '../event/event-body.ts'
import type { History } from '../ledger/history.ts'
import { unpackPayload } from '../ledger/payload.ts'
import type { EventRecord } from '../ledger/record.ts'
import { MESSAGE_BYTES_MAX } from '../queue/message.ts'
import type { Claim } from './claims.ts'
import type { StreamFamily } from './stream-event.ts'

/**
 * How long after something happened a webhook's delivery may have been received, in milliseconds. Box tries for about two hours;
 * a day allows for other plans of its.
 */
const RECEIVED_MS_MAX = 86_400_000

/** How many items the ledger is asked about at a time. */
const AT_ONCE = { concurrency: 5 }

/** A claim that webhooks brought, and the targets that their record has; undefined where these are unknown. */
export type Seen = { readonly match: Match; readonly targets: readonly Target[] | undefined }

/**
 * Finds which claims the ledger has seen through webhooks. Box sends one event to all webhooks under one id, so one record
 * stands for one event of an item and a trigger, whichever of its targets' webhooks have brought it.
 * @param taken the matches of earlier pages
 * @param family what was backfilled from the same streams is known by its id, and stands for nothing else
 */
export async function seenEvents(
  history: Pick<History, 'ofItem'>,
  claims: readonly Claim[],
  taken: readonly Match[],
  family: StreamFamily,
): Promise<readonly Seen[]> {
  const known = await recordsOf(history, claims)
  const groups = Map.groupBy(claims, one => [...one.sources, one.trigger].join(' '))
  const seen: Seen[] = []
  for (const group of groups.values()) {
    const [first] = group
    if (!first) continue
    const records = first.sources
      .flatMap(source => known.get(source) ?? [])
      .filter(record => triggerOf(record.trigger) === first.trigger)
    const targetsOf = new Map(records.map(({ eventId, targets }) => [eventId, targets]))
    const dated = records.flatMap(record => datedOf(record, family))
    const events = group.map(({ id, event }) => ({ id, at: event.at }))
    const matches = matchEvents(events, dated, [...taken, ...seen.map(({ match }) => match)])
    for (const match of matches) seen.push({ match, targets: targetsOf.get(match.record) })
  }
  return seen
}

/** The records of all items that claims are about, each item read once. */
async function recordsOf(
  history: Pick<History, 'ofItem'>,
  claims: readonly Claim[],
): Promise<ReadonlyMap<string, readonly EventRecord[]>> {
  const times = new Map<string, { from: number; to: number }>()
  for (const { sources, event } of claims)
    for (const source of sources) {
      const { from, to } = times.get(source) ?? { from: event.at, to: event.at }
      times.set(source, { from: Math.min(from, event.at), to: Math.max(to, event.at) })
    }
  const read = async ([source, { from, to }]: readonly [string, { from: number; to: number }]) => {
    const span = { from: from - TOLERANCE_MS, to: to + RECEIVED_MS_MAX }
    const records: EventRecord[] = []
    for await (const record of history.ofItem(source, span)) records.push(record)
    return [source, records] as const
  }
  return new Map(await pMap(times, read, AT_ONCE))
}

function datedOf(record: EventRecord, family: StreamFamily): readonly Dated[] {
  const { payload = {}, createdAt = '' } = bodyOf(record) ?? {}
  if (record.origin === 'backfill' && familyIn(payload) === family) return []
  const at = parseTimestamp(createdAt || record.receivedAt)
  return at === undefined ? [] : [{ id: record.eventId, at }]
}

function familyIn({ additional_info: info }: Readonly<Record<string, unknown>>): unknown {
  return isObject(info) && isObject(info.backfill) ? info.backfill.stream : undefined
}

/** The body of an event's record; undefined where it was too large to be kept. */
function bodyOf({ payload }: EventRecord): EventBody | undefined {
  try {
    return payload && readBody(unpackPayload(payload, MESSAGE_BYTES_MAX))
  } catch {
    return undefined
  }
}

/** Something that can be matched: what it is known by, and when it happened, in milliseconds since the epoch. */
export type Dated = { readonly id: string; readonly at: number }

/** That a record of the ledger stands for an event of the stream. */
export type Match = {
  /** Of the event of the stream. */
  readonly event: string
  /** Of the record. */
  readonly record: string
  /** When the record's event happened. */
  readonly at: number
}

/**
 * How far apart the times of one happening may be that a webhook and a stream tell of, in milliseconds. Both are Box's own, in
 * whole seconds, so seconds would do; what is too much costs nothing, for each record stands for one event only.
 */
export const TOLERANCE_MS = 120_000

/**
 * Matches events of one item, trigger and target with the records of webhooks of the same, one to one. Events are taken in the
 * order of time, and each gets the earliest record within the tolerance that is still free: of all ways to match, that leaves
 * the fewest events unmatched, wherever the stream is cut into pages. Events of one time stay in the stream's order: by their ids,
 * two runs that cut it differently would take different ones for lost. Which of two alike events a few seconds apart is
 * taken for the lost one makes no difference to what is done.
 * @param events in the order of the stream where their times are the same
 * @param taken the matches of earlier pages; an event that has one keeps it
 * @returns the matches of these events, those that were taken before included
 */
export function matchEvents(
  events: readonly Dated[],
  records: readonly Dated[],
  taken: readonly Match[],
): readonly Match[] {
  const before = new Map(taken.map(match => [match.event, match]))
  const used = new Set(taken.map(({ record }) => record))
  const free = [...records].sort(byTime).filter(({ id }) => !used.has(id))
  const matches: Match[] = []
  for (const event of [...events].sort((one, other) => one.at - other.at)) {
    const kept = before.get(event.id)
    if (kept) matches.push(kept)
    if (kept) continue
    const index = free.findIndex(({ at }) => Math.abs(at - event.at) <= TOLERANCE_MS)
    const [record] = index < 0 ? [] : free.splice(index, 1)
    if (record) matches.push({ event: event.id, record: record.id, at: record.at })
  }
  return matches
}

const byTime = (one: Dated, other: Dated): number =>
  one.at - other.at || (one.id < other.id ? -1 : one.id > other.id ? 1 : 0)

/** How many matches are remembered from page to page; more than these belong to events long past. */
const TAKEN_MAX = 4000

/**
 * The matches that later pages need to know of.
 * @param from the earliest time that an event to come can have
 */
export function matchesToKeep(matches: readonly Match[], from: number): readonly Match[] {
  return matches
    .filter(({ at }) => at >= from - TOLERANCE_MS)
    .sort((one, other) => one.at - other.at)
    .slice(-TAKEN_MAX)
}
