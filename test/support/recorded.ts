import { gzipSync } from 'node:zlib'
import type { Ledger } from '../../lib/ledger/ledger.ts'
import type { RunRecord } from '../../lib/ledger/record.ts'
import { type PayloadOverrides, wireBody } from '../../local/box/events/payload.ts'
import { boxEvent } from '../kit.ts'

/** What of an event that the ledger has matters to a test. */
export type RecordedEvent = PayloadOverrides & {
  readonly trigger?: string
  readonly id: string
  readonly runs?: Readonly<Record<string, RunRecord>>
  readonly targetId?: string
  readonly withoutPayload?: boolean
}

/** Puts an event that is finished into a ledger, as automate does. */
export async function recordEvent(ledger: Pick<Ledger, 'open'>, event: RecordedEvent): Promise<void> {
  const { trigger = 'FILE.DOWNLOADED', id, runs = {}, targetId = '555', withoutPayload, ...overrides } = event
  const payload = gzipSync(wireBody(boxEvent(trigger, { ...overrides, id })))
  const known = {
    eventId: id,
    deliveryId: 'd1',
    trigger,
    source: 'file:1',
    receivedAt: '2026-11-22T10:00:00.000Z',
    origin: 'webhook',
    ...(withoutPayload ? {} : { payload }),
  } as const
  const status = Object.values(runs).some(run => run.status === 'failed') ? 'dead' : 'done'
  const claim = { lease: { token: 't', until: 0 }, status, redrives: 0, runs } as const
  await ledger.open(known, { ...claim, targets: [{ type: 'folder', id: targetId }] })
}

/** What a fixture must not have of {@link canaryEvent}. */
export const CANARY = /canary(?!-event)|mallory|33224412|\b555\b/i

/** An event whose names, addresses and ids can be told apart from any others. */
export function canaryEvent(id: string, trigger: string): RecordedEvent {
  const person = { type: 'user', id: '33224412', name: 'Mallory Canary', login: 'mallory@canary.example' }
  const folder = { type: 'folder', id: '555', name: 'Canary folder' }
  const source =
    trigger === 'COLLABORATION.CREATED'
      ? { accessible_by: { type: 'group', id: '5', name: 'Canary group' } }
      : {
          name: 'Canary contract of Mallory.pdf',
          owned_by: person,
          path_collection: { total_count: 1, entries: [folder] },
          parent: folder,
        }
  return { id, trigger, source, createdBy: person }
}
