import assert from 'node:assert/strict'
import fc from 'fast-check'
import { backfilledMessage, backfillId } from '../../../lib/backfill/backfilled-event.ts'
import { parseStreamPage, StreamUnreadable } from '../../../lib/backfill/stream-event.ts'
import { sourceOf } from '../../../lib/backfill/stream-source.ts'
import { partTriggers, triggersOf } from '../../../lib/backfill/stream-triggers.ts'
import { isTrigger, parseEvent, TRIGGERS } from '../../../lib/event/event.ts'
import { describeBody } from '../../../lib/queue/message.ts'
import { boundary } from './boundary.ts'

const id = fc.oneof(
  fc.constantFrom('1', '../users/1', '', '1\n', 'x'.repeat(200)),
  fc.bigInt({ min: 0n, max: 2n ** 64n }).map(Number),
  fc.jsonValue({ maxDepth: 1 }),
)
const type = fc.constantFrom('file', 'folder', 'web_link', 'collaboration', 'comment', '__proto__')
const parent = fc.oneof(fc.record({ type, id }, { requiredKeys: [] }), fc.jsonValue({ maxDepth: 1 }))
const source = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record(
      { item_type: type, item_id: id, item_name: fc.string(), parent },
      { requiredKeys: [] },
    ),
  },
  {
    weight: 3,
    arbitrary: fc.record(
      { type, id, parent, item: parent, path_collection: fc.jsonValue() },
      { requiredKeys: [] },
    ),
  },
  {
    weight: 2,
    arbitrary: fc.record({ folder_id: id, file_id: id, folder_name: fc.string() }, { requiredKeys: [] }),
  },
  fc.jsonValue(),
)
const details = fc.oneof(
  fc.record(
    { collab_id: id, role: id, sign_request: fc.record({ sign_request_id: id, files: fc.array(parent) }) },
    { requiredKeys: [] },
  ),
  fc.jsonValue({ maxDepth: 2 }),
)
const eventType = fc.constantFrom(
  ...partTriggers(Object.keys(TRIGGERS).filter(isTrigger), 'enterprise').types,
  ...partTriggers(Object.keys(TRIGGERS).filter(isTrigger), 'user').types,
  'LOGIN',
)
const entry = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record(
      {
        event_id: fc.oneof(fc.uuid(), fc.string()),
        event_type: eventType,
        created_at: fc.constantFrom('2026-11-23T10:00:00-08:00', '2026', 'Nov 23 2026', 'yesterday', ''),
        created_by: fc.jsonValue({ maxDepth: 1 }),
        source,
        additional_details: details,
      },
      { requiredKeys: ['event_id', 'event_type', 'created_at'] },
    ),
  },
  fc.jsonValue({ maxDepth: 1 }),
)
const page = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .record({ next_stream_position: id, entries: fc.array(entry, { maxLength: 4 }) })
      .map(one => JSON.stringify(one)),
  },
  fc.string(),
)

const TARGET = { type: 'folder', id: '100' } as const
const ALL = Object.keys(TRIGGERS).filter(isTrigger)

/** Whatever Box’s stream has: it is no page, or each event that is made of it is one that automate can read. */
export const streamPages = boundary('stream-pages', { weight: 3, quickCases: 1500 }, page, text => {
  let events: ReturnType<typeof parseStreamPage>['events']
  try {
    ;({ events } = parseStreamPage(text))
  } catch (error) {
    assert.ok(error instanceof StreamUnreadable)
    return
  }
  for (const stream of ['enterprise', 'user'] as const)
    for (const event of events)
      for (const trigger of triggersOf(event, stream, ALL)) {
        const about = sourceOf(trigger, event)
        if (!about) continue
        const { type, id } = about.item
        assert.match(id, /^[\w-]{1,128}$/)
        for (const folder of [...(about.path ?? []), ...(about.parent ? [about.parent] : [])]) {
          assert.equal(folder.type, 'folder')
          assert.match(folder.id, /^[\w-]{1,128}$/)
        }
        const eventId = backfillId(event, trigger)
        const message = backfilledMessage(
          {
            id: eventId,
            event,
            trigger,
            targets: [TARGET],
            stream,
            webhookId: undefined,
            about,
            found: undefined,
            path: about.path ?? [],
          },
          '2026-11-23T20:00:00.000Z',
        )
        assert.equal(describeBody(message.body).eventId, eventId)
        const parsed = parseEvent(message.body, { eventId, origin: 'backfill' })
        assert.ok(parsed.ok, parsed.ok ? '' : parsed.reason.message)
        assert.equal(parsed.event.trigger, trigger)
        assert.deepEqual([parsed.event.item?.type, parsed.event.item?.id], [type, id], 'it is about its item')
        assert.deepEqual(parsed.event.source, parsed.event.payload.source, 'all of its source is of its type')
        assert.notEqual(parsed.event.createdAt, '')
      }
})
