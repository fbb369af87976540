import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  decodeMessage,
  describeBody,
  encodeMessage,
  type ReceivedMessage,
} from '../../../lib/queue/message.ts'
import { anyCharacter } from '../../support/any-character.ts'
import { boundary } from './boundary.ts'
import { eventBody, payloadBody } from './payloads.ts'
import { isTakenBySqs } from './sqs.ts'

/** A text of which SQS takes every character. */
const taken = (text: string): string => [...text].filter(isTakenBySqs).join('')
const text = fc.string({ unit: anyCharacter, maxLength: 20 }).map(taken)

const failure = fc.oneof(
  fc
    .record({
      code: text,
      message: text,
      at: text,
      redrives: fc.oneof(fc.nat(3), fc.jsonValue({ maxDepth: 0 })),
      automations: fc.oneof(
        fc.array(
          fc.record({ name: fc.constantFrom('works', 'fails', '__proto__', ''), redrives: fc.nat(2) }),
          {
            maxLength: 3,
          },
        ),
        fc.jsonValue({ maxDepth: 2 }),
      ),
    })
    .map(json => taken(JSON.stringify(json))),
  text,
)
const replay = fc.oneof(
  fc
    .record(
      {
        runs: fc.array(
          fc.record({ name: fc.constantFrom('works', 'fails', '__proto__', ''), redrives: fc.nat(2) }),
          { maxLength: 3 },
        ),
        redrives: fc.oneof(fc.nat(2), fc.jsonValue({ maxDepth: 0 })),
        only: fc.oneof(
          fc.array(fc.constantFrom('works', 'waits', '__proto__')),
          fc.jsonValue({ maxDepth: 1 }),
        ),
      },
      { requiredKeys: [] },
    )
    .map(json => taken(JSON.stringify(json))),
  text,
)
const format = fc.constantFrom('v1.text', 'v1.base64', 'v2.zstd', 'v1', 'V1.TEXT', '__proto__')
const attributes = fc.record(
  {
    messageFormat: fc.oneof({ weight: 3, arbitrary: format }, text),
    eventId: fc.oneof(text, fc.string({ minLength: 100, maxLength: 3000 }).map(taken), fc.uuid()),
    deliveryId: text,
    trigger: text,
    receivedAt: fc.oneof(
      text,
      fc.constantFrom('2026-11-23T10:00:00.000Z', '+275760-09-13T00:00:00.001Z', '0'),
    ),
    origin: fc.constantFrom('webhook', 'v1', 'backfill', 'else', '__proto__'),
    failure,
    replay,
    newer: text,
    __proto__: text,
  },
  { requiredKeys: [], noNullPrototype: true },
)

/** What ingest puts on the queue. */
const written: fc.Arbitrary<ReceivedMessage> = fc
  .oneof({ weight: 2, arbitrary: payloadBody }, eventBody)
  .filter(body => body.length > 0)
  .map(body =>
    encodeMessage({
      ...describeBody(body),
      deliveryId: 'd1',
      receivedAt: '2026-11-23T10:00:00.000Z',
      origin: 'webhook',
      body,
    }),
  )

const anyMessage: fc.Arbitrary<ReceivedMessage> = fc.oneof(
  written,
  fc
    .tuple(written, attributes)
    .map(([one, other]) => ({ ...one, attributes: { ...one.attributes, ...other } })),
  fc.record({
    body: fc
      .oneof(fc.json(), text, fc.base64String({ maxLength: 80 }))
      .filter(body => taken(body) !== '')
      .map(taken),
    attributes,
  }),
)

const isGiven = (entry: [string, string | undefined]): entry is [string, string] => Boolean(entry[1])

/** SQS takes no empty value, so what it hands out has none. */
const given = ({ body, attributes: all }: ReceivedMessage): ReceivedMessage => ({
  body,
  attributes: Object.fromEntries(Object.entries(all).filter(isGiven)),
})

/** What ingest wrote, that with some of its attributes changed, and what it never wrote. */
export const queueMessage: fc.Arbitrary<ReceivedMessage> = anyMessage.map(given)

export const queueMessages = boundary(
  'queue-messages',
  { weight: 10, quickCases: 2000 },
  queueMessage,
  received => {
    const decoded = decodeMessage(received)
    const again = encodeMessage(decoded.message)
    assert.ok(/^[!-~]{1,128}$/.test(decoded.message.eventId), 'the ledger takes the event id')
    assert.ok(!Number.isNaN(Date.parse(decoded.message.receivedAt)))
    for (const one of [again.body, ...Object.values(again.attributes)]) assert.ok(isTakenBySqs(one))
    assert.ok(Object.keys(again.attributes).length <= 10)
    const twice = decodeMessage(again)
    assert.ok(Buffer.from(twice.message.body).equals(decoded.message.body), 'the body stays')
    assert.equal(twice.ok, decoded.ok)
    assert.equal(twice.message.eventId, decoded.message.eventId)
    if (decoded.ok) return
    assert.equal(again.body, received.body)
    const { failure: _, ...own } = received.attributes
    assert.deepEqual({ ...again.attributes, ...own }, again.attributes, 'its own attributes stay')
  },
)
