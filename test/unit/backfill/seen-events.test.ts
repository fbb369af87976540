import { expect, test } from 'vitest'
import { seenEvents } from '../../../lib/backfill/seen-events.ts'
import type { Target } from '../../../lib/event/event.ts'
import { recordOf } from '../../support/records.ts'

const AT = '2026-11-23T10:00:00.000Z'
const OUTER: Target = { type: 'folder', id: '1' }
const INNER: Target = { type: 'folder', id: '2' }

type Claims = Parameters<typeof seenEvents>[1]

const claim = (name: string): Claims[number] => ({
  id: name,
  event: {
    id: `stream of ${name}`,
    type: 'DOWNLOAD',
    createdAt: AT,
    at: Date.parse(AT),
    source: { item_type: 'file', item_id: '9' },
    details: {},
  },
  trigger: 'FILE.DOWNLOADED',
  targets: [OUTER, INNER],
  about: { item: { type: 'file', id: '9' }, source: {} },
  path: [],
  sources: ['file:9'],
})

/** Which claims are seen, and where, if the ledger has an event of these targets for each list. */
async function seenOf(claims: Claims, records: readonly (readonly Target[])[]) {
  const history = {
    async *ofItem() {
      for (const [index, targets] of records.entries())
        yield recordOf({
          eventId: `e${index}`,
          source: 'file:9',
          trigger: 'FILE.DOWNLOADED',
          receivedAt: AT,
          targets,
        })
    },
  }
  const seen = await seenEvents(history, claims, [], 'enterprise')
  return seen.map(({ match, targets }) => [match.event, match.record, targets])
}

test('an event is seen with the targets whose webhooks have brought it', async () => {
  expect(await seenOf([claim('a')], [[OUTER, INNER]])).toEqual([['a', 'e0', [OUTER, INNER]]])
  expect(await seenOf([claim('a')], [[INNER]])).toEqual([['a', 'e0', [INNER]]])
  expect(await seenOf([claim('a')], [])).toEqual([])
})

test('of two alike events each has a record of its own, whichever webhooks brought them', async () => {
  expect(await seenOf([claim('a'), claim('b')], [[INNER], [OUTER]])).toEqual([
    ['a', 'e0', [INNER]],
    ['b', 'e1', [OUTER]],
  ])
})
