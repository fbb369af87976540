import { type EventRecord, FRESH_RUN, type RunRecord } from '../../lib/ledger/record.ts'

/** What matters to a test of an event's record; a run is fresh but for what is given of it. */
export type RecordParts = Partial<Omit<EventRecord, 'runs'>> & {
  readonly runs?: Readonly<Record<string, Partial<RunRecord>>>
}

/** Builds the ledger's whole record of an event: an upload that no automation ran at, unless it is said otherwise. */
export const recordOf = ({ runs = {}, ...parts }: RecordParts = {}): EventRecord => ({
  eventId: 'e',
  deliveryId: 'd',
  trigger: 'FILE.UPLOADED',
  source: 'file:1',
  receivedAt: '2026-11-23T10:00:00.000Z',
  origin: 'webhook',
  status: 'done',
  version: 1,
  leaseToken: 't',
  leaseUntil: 0,
  redrives: 0,
  runs: Object.fromEntries(Object.entries(runs).map(([name, run]) => [name, { ...FRESH_RUN, ...run }])),
  ...parts,
})
