import { isSettled, type RunRecord } from './record.ts'

/**
 * The largest item of DynamoDB, in bytes; names of attributes count.
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
 */
const ITEM_BYTES_MAX = 409_600

/** What everything but the payload and the runs takes at most, in bytes. */
const BASE_BYTES = 12_288

/** What a run takes at most beside its steps and its text, in bytes. */
const RUN_BYTES = 512

/** The longest text that says why a run failed or was skipped, in bytes. */
const TEXT_BYTES_MAX = 2048

/** The largest payload that is kept, packed, in bytes. */
const PAYLOAD_BYTES_MAX = 150_000

/** Whether a packed payload leaves room for what so many runs settle with. */
export const payloadFits = (bytes: number, runs: number): boolean =>
  bytes <= PAYLOAD_BYTES_MAX && BASE_BYTES + bytes + runs * (RUN_BYTES + TEXT_BYTES_MAX) <= ITEM_BYTES_MAX

/** The most that the steps of one run may keep, in bytes. */
const STEPS_BYTES_MAX = 65_536

/** The room in the record of one event. Each run has a share of its own, so no run takes another's, and all can be settled. */
export type RecordRoom = {
  /** What the steps of a run that is not settled may keep, in bytes. */
  readonly stepsBytes: number
  /** Shortens the text of a run so that those of all runs fit. */
  bound(run: RunRecord): RunRecord
}

/**
 * Measures the room in an event's record.
 * @param payloadBytes how large its packed payload is
 */
export function recordRoom(runs: Readonly<Record<string, RunRecord>>, payloadBytes: number): RecordRoom {
  const all = Object.values(runs)
  const settled = all.filter(isSettled)
  const open = ITEM_BYTES_MAX - BASE_BYTES - payloadBytes - all.length * RUN_BYTES
  const textBytes = Math.max(0, Math.min(TEXT_BYTES_MAX, Math.floor(open / Math.max(1, 2 * all.length))))
  const kept = settled.reduce((sum, { steps }) => sum + bytesOf(steps), 0)
  const share = (open - all.length * textBytes - kept) / Math.max(1, all.length - settled.length)
  return {
    stepsBytes: Math.max(0, Math.min(STEPS_BYTES_MAX, Math.floor(share))),
    bound({ reason, error, ...run }) {
      return {
        ...run,
        ...(reason === undefined ? {} : { reason: cut(reason, textBytes) }),
        ...(error === undefined ? {} : { error: { ...error, message: cut(error.message, textBytes) } }),
      }
    },
  }
}

/** A character of UTF-16 takes three bytes of UTF-8 at most. */
const cut = (text: string, bytes: number): string =>
  Buffer.byteLength(text) <= bytes ? text : text.slice(0, Math.floor(bytes / 3))

/** What the ledger adds to each entry of a map, in bytes. */
export const ENTRY_BYTES = 4

/** How many bytes of the record steps take. */
export const bytesOf = (steps: Readonly<Record<string, string>>): number =>
  Object.entries(steps).reduce(
    (sum, [name, text]) => sum + Buffer.byteLength(name) + Buffer.byteLength(text) + ENTRY_BYTES,
    0,
  )
