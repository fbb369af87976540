import assert from 'node:assert/strict'
import fc from 'fast-check'
import { isObject } from '../../../lib/base/json.ts'
import { parseTimestamp } from '../../../lib/base/timestamp.ts'
import { itemIn, parseEvent, pathOf, sourceKey, TRIGGERS, triggerOf } from '../../../lib/event/event.ts'
import { readBody } from '../../../lib/event/event-body.ts'
import { readInfo, readSource } from '../../../lib/event/resources.ts'
import { parseTarget, targetText } from '../../../lib/event/target.ts'
import { describeBody } from '../../../lib/queue/message.ts'
import { samplePayload } from '../../../local/box/events/payload.ts'
import { spoiled } from '../../support/spoiled-payload.ts'
import { boundary } from './boundary.ts'
import { eventBody, triggerName } from './payloads.ts'

/** Bodies with a trigger, which must be read whatever else they have. */
const spoiledBody = triggerName
  .chain(trigger => spoiled({ ...samplePayload(triggerOf(trigger) ?? 'FILE.LOCKED'), trigger }))
  .map(payload => Buffer.from(JSON.stringify(payload)))

/** An id that can stand in a path of Box's API and changes nothing about it. */
const PLAIN_ID = /^[\w-]{1,128}$/

export const eventBodies = boundary(
  'event-bodies',
  { weight: 12, quickCases: 2000 },
  fc.oneof({ weight: 4, arbitrary: spoiledBody }, eventBody),
  body => {
    const described = describeBody(body)
    const parsed = parseEvent(body)
    assert.equal(Reflect.get({}, 'source'), undefined, 'no prototype is changed')
    assert.equal(parsed.ok, readBody(body).trigger !== undefined, 'a trigger is all that an event needs')
    if (!parsed.ok) return assert.ok(parsed.reason.message.length < 600, 'the reason is a line, not the body')
    const { event } = parsed
    assert.equal(event.id, described.eventId, 'the event goes by the id of the ledger')
    assert.equal(event.triggerName, described.trigger)
    assert.equal(event.webhook.id, described.webhookId)
    assert.ok(event.trigger === 'UNKNOWN' || Object.hasOwn(TRIGGERS, event.trigger))
    assert.ok(event.triggerName.length <= 256)
    assert.ok(isObject(event.source) && isObject(event.additionalInfo))
    assert.ok(event.createdAt === '' || parseTimestamp(event.createdAt) !== undefined)
    assert.match(event.webhook.id, PLAIN_ID)
    if (event.trigger !== 'UNKNOWN') {
      const { source, info } = TRIGGERS[event.trigger]
      const id: unknown = Reflect.get(event.source, 'id')
      if (source !== 'open' && source !== 'shared_link' && id !== undefined)
        assert.match(String(id), PLAIN_ID)
      assert.deepEqual(readSource(source, event.source), event.source, 'what is typed is of its type')
      assert.deepEqual(readInfo(info, event.additionalInfo), event.additionalInfo)
    }
    assert.deepEqual(event.item, itemIn(event.payload))
    if (event.item) {
      assert.match(event.item.id, PLAIN_ID)
      assert.ok(['file', 'folder', 'web_link'].includes(event.item.type))
      assert.equal(sourceKey(event), targetText(event.item))
    }
    for (const target of pathOf(event)) {
      assert.match(target.id, PLAIN_ID)
      assert.deepEqual(parseTarget(targetText(target)), target)
    }
    const key = sourceKey(event)
    assert.ok(key !== '' && Buffer.byteLength(key) <= 1024, 'the index takes the key')
  },
)
