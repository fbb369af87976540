import { expect, test } from 'vitest'
import { seenEvents } from '../../../lib/backfill/seen-events.ts'
import type { Target } from '../../../lib/event/event.ts'
import { recordOf } from '../../support/records.ts'

const AT = '2026-11-23T10:00:00.000Z'
const OUTER: Target = { type: 'folder', id: '1' }
const INNER: Target = { type: 'folder', id: '2' }

type Claims = Parameters<typeof seenEvents>[1]

const claim = (target: Target): Claims[number] => ({
  id: `claim of ${target.id}`,
  event: {
    id: 'stream-1',
    type: 'DOWNLOAD',
    createdAt: AT,
    at: Date.parse(AT),
    source: { item_type: 'file', item_id: '9' },
    details: {},
  },
  trigger: 'FILE.DOWNLOADED',
  target,
  about: { item: { type: 'file', id: '9' }, source: {} },
  path: [],
  sources: ['file:9'],
})

/** Which claims are seen where the ledger has one event, brought by the webhooks of these targets. */
async function seenOf(targets: readonly Target[]): Promise<readonly string[]> {
  const record = recordOf({
    eventId: 'e1',
    source: 'file:9',
    trigger: 'FILE.DOWNLOADED',
    receivedAt: AT,
    targets,
  })
  const history = {
    async *ofItem() {
      yield record
    },
  }
  const seen = await seenEvents(history, [claim(OUTER), claim(INNER)], [], 'enterprise')
  return seen.map(({ event }) => event)
}

test('one event that two webhooks have brought is seen for the targets of both', async () => {
  expect(await seenOf([OUTER, INNER])).toEqual(['claim of 1', 'claim of 2'])
})

test('an event that one webhook has brought is seen for its target alone', async () => {
  expect(await seenOf([INNER])).toEqual(['claim of 2'])
})
