import type { EventRecord, RunRecord } from '../../lib/ledger/record.ts'

/** What a run is at a moment: what is unfinished is under way, or waits for its next attempt. */
export type RunState = Exclude<RunRecord['status'], 'pending'> | 'running' | 'waiting'

/** @param now in milliseconds since the epoch */
export function runState(
  run: Pick<RunRecord, 'status' | 'nextAt'>,
  { leaseUntil }: Pick<EventRecord, 'leaseUntil'>,
  now: number,
): RunState {
  if (run.status !== 'pending') return run.status
  // A claim takes the time away from what it starts.
  return leaseUntil > now && run.nextAt === undefined ? 'running' : 'waiting'
}

/** What an event is at a moment. */
export type EventState = 'done' | 'dead' | 'running' | 'waiting'

/** @param now in milliseconds since the epoch */
export const eventState = (
  { status, leaseUntil }: Pick<EventRecord, 'status' | 'leaseUntil'>,
  now: number,
): EventState => (status === 'open' ? (leaseUntil > now ? 'running' : 'waiting') : status)
