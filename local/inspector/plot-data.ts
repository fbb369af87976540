import type { DeliverySummary, EventSummary } from './protocol.ts'

/** How many deliveries came within a stretch of time, by what they were answered. */
export type Bucket = {
  /** When it begins, in milliseconds since the epoch. */
  readonly at: number
  readonly good: number
  readonly refused: number
  /** Not taken, or without an answer. */
  readonly failed: number
}

/** Counts deliveries over the stretches up to now, the oldest first. */
export function bucketsOf(
  deliveries: readonly Pick<DeliverySummary, 'at' | 'status'>[],
  now: number,
  { count, ms }: { readonly count: number; readonly ms: number },
): readonly Bucket[] {
  const start = now - count * ms
  const buckets = Array.from({ length: count }, (_, index) => ({
    at: start + index * ms,
    good: 0,
    refused: 0,
    failed: 0,
  }))
  for (const { at, status } of deliveries) {
    const bucket = buckets[Math.min(count - 1, Math.floor((at - start) / ms))]
    if (!bucket || at < start) continue
    if (status >= 200 && status < 300) bucket.good += 1
    else if (status >= 400 && status < 500) bucket.refused += 1
    else bucket.failed += 1
  }
  return buckets
}

/** How long something took, in milliseconds, and when it was. */
export type Latency = { readonly key: string; readonly at: number; readonly ms: number }

/** How many points a plot shows of each kind. */
const POINTS_MAX = 400

/**
 * How long the latest answers took, and how long the latest events took to their end.
 * @param rows the newest first
 */
export function latencyOf(
  rows: readonly {
    readonly key: string
    readonly event: EventSummary
    readonly delivery?: DeliverySummary
  }[],
): { readonly answers: readonly Latency[]; readonly ends: readonly Latency[] } {
  const answers: Latency[] = []
  const ends = new Map<string, Latency>()
  for (const { key, event, delivery } of rows) {
    if (answers.length >= POINTS_MAX && ends.size >= POINTS_MAX) break
    if (delivery && answers.length < POINTS_MAX) answers.push({ key, at: delivery.at, ms: delivery.ms })
    const { eventId, firstAt, finishedAt } = event
    if (finishedAt !== undefined && ends.size < POINTS_MAX)
      ends.set(eventId, { key: `end of ${eventId}`, at: finishedAt, ms: Math.max(0, finishedAt - firstAt) })
  }
  return { answers, ends: [...ends.values()] }
}

/**
 * The value that a share of all values does not exceed (nearest rank).
 * @param share from 0 to 1
 */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
}
