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
