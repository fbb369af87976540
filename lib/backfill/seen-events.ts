import { isObject } from '../base/json.ts'
import { parseTimestamp } from '../base/timestamp.ts'
import { type Target, triggerOf } from '../event/event.ts'
import { type EventBody, readBody } from '../event/event-body.ts'
import type { History } from '../ledger/history.ts'
import { unpackPayload } from '../ledger/payload.ts'
import type { EventRecord } from '../ledger/record.ts'
import { MESSAGE_BYTES_MAX } from '../queue/message.ts'
import type { Claim } from './claims.ts'
import { inParallel } from './in-parallel.ts'
import { type Dated, type Match, matchEvents, TOLERANCE_MS } from './matching.ts'
import type { StreamFamily } from './stream-event.ts'

/**
 * How long after something happened a webhook's delivery may have been received, in milliseconds. Box tries for about two hours;
 * a day allows for other plans of its.
 */
const RECEIVED_MS_MAX = 86_400_000

/** How many items the ledger is asked about at a time. */
const AT_ONCE = 5

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
  const read = await inParallel([...times], AT_ONCE, async ([source, { from, to }]) => {
    const span = { from: from - TOLERANCE_MS, to: to + RECEIVED_MS_MAX }
    const records: EventRecord[] = []
    for await (const record of history.ofItem(source, span)) records.push(record)
    return [source, records] as const
  })
  return new Map(read)
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
