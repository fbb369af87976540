import assert from 'node:assert/strict'
import fc from 'fast-check'
import { parseEvent, pathOf, sourceKey, TRIGGERS } from '../../../lib/event.ts'
import { isObject } from '../../../lib/json.ts'
import { describeBody } from '../../../lib/message.ts'
import { parseTarget, targetText } from '../../../lib/target.ts'
import { samplePayload } from '../../../local/box/payload.ts'
import { boundary } from './boundary.ts'
import { eventBody, triggerName } from './payloads.ts'

const id = fc.oneof(
  fc.constantFrom(
    '1',
    '',
    '0',
    '../users/me',
    '1?x=1',
    '1/../2',
    'a b',
    'é',
    '%2e%2e',
    '\n',
    '-',
    '__proto__',
  ),
  fc.uuid(),
  fc.string({ minLength: 100, maxLength: 300 }),
)
const value = fc.oneof(
  id,
  fc.jsonValue({ maxDepth: 1 }),
  fc.constantFrom<unknown>(
    'file',
    'folder',
    'webhook',
    [],
    {},
    null,
    Number.MAX_VALUE,
    12345678901234567890n.toString(),
  ),
)
const fieldName = fc.constantFrom(
  'id',
  'type',
  'trigger',
  'source',
  'webhook',
  'created_by',
  'additional_info',
  'created_at',
  'path_collection',
  'entries',
  'parent',
  'item',
  '$parent',
  'source_files',
  'sign_files',
  'target',
  '__proto__',
  'constructor',
)

type Change = {
  readonly depth: number
  readonly pick: number
  readonly name: string
  readonly value: unknown
  readonly remove: boolean
}

/** Replaces, adds or removes a field somewhere in a payload. */
function changed(json: unknown, { depth, pick, name, value: put, remove }: Change): unknown {
  if (!isObject(json)) return put
  const names = Object.keys(json)
  const existing = names[pick % Math.max(1, names.length)] ?? name
  if (depth > 0 && isObject(json[existing]))
    return {
      ...json,
      [existing]: changed(json[existing], { depth: depth - 1, pick, name, value: put, remove }),
    }
  const { [existing]: _, ...rest } = json
  return remove ? rest : { ...json, [pick % 2 === 0 ? existing : name]: put }
}

const change = fc.record({ depth: fc.nat(3), pick: fc.nat(40), name: fieldName, value, remove: fc.boolean() })
const mutated = fc.tuple(triggerName, fc.array(change, { maxLength: 3 })).map(([trigger, changes]) => {
  const known = Object.hasOwn(TRIGGERS, trigger)
    ? samplePayload(trigger)
    : { ...samplePayload('FILE.LOCKED'), trigger }
  return Buffer.from(JSON.stringify(changes.reduce(changed, known)))
})

/** An id that can stand in a path of Box's API and changes nothing about it. */
const PLAIN_ID = /^[\w-]{1,128}$/

export const eventBodies = boundary(
  'event-bodies',
  { weight: 12, quickCases: 2000 },
  fc.oneof({ weight: 4, arbitrary: mutated }, eventBody),
  body => {
    const described = describeBody(body)
    const parsed = parseEvent(body, { eventId: described.eventId })
    assert.equal(Reflect.get({}, 'source'), undefined, 'no prototype is changed')
    if (!parsed.ok) return assert.ok(parsed.reason.message.length < 600, 'the reason is a line, not the body')
    const { event } = parsed
    assert.ok(event.trigger === 'UNKNOWN' || Object.hasOwn(TRIGGERS, event.trigger))
    assert.ok(event.triggerName.length <= 256)
    assert.ok(event.id !== '')
    assert.ok(isObject(event.source) && isObject(event.additionalInfo))
    assert.equal(typeof event.createdAt, 'string')
    assert.match(event.webhook.id, PLAIN_ID)
    const kind = event.trigger === 'UNKNOWN' ? 'open' : TRIGGERS[event.trigger].source
    if (kind !== 'open') assert.match(String(event.source.id), PLAIN_ID)
    for (const target of pathOf(event)) {
      assert.match(target.id, PLAIN_ID)
      assert.deepEqual(parseTarget(targetText(target)), target)
    }
    const key = sourceKey(event)
    assert.ok(key !== '' && Buffer.byteLength(key) <= 1024, 'the index takes the key')
  },
)
