import assert from 'node:assert/strict'
import type { SQSRecord } from 'aws-lambda'
import fc from 'fast-check'
import { automation, bindSettings } from '../../lib/automation.ts'
import { type BatchParts, handleBatch } from '../../lib/batch.ts'
import { PermanentError } from '../../lib/errors.ts'
import { parseEvent } from '../../lib/event.ts'
import { createLog } from '../../lib/log.ts'
import {
  type DecodedMessage,
  decodeMessage,
  describeBody,
  encodeMessage,
  type ReceivedMessage,
} from '../../lib/message.ts'
import { createQueue } from '../../lib/queue.ts'
import { asyncBoundary, boundary } from './boundary.ts'
import { NOW } from './door.ts'
import { memoryLedger } from './memory-ledger.ts'
import { eventBody, payloadBody } from './payloads.ts'
import { isTakenBySqs, MemorySqs } from './sqs.ts'

/** A text of which SQS takes every character. */
const taken = (text: string): string => [...text].filter(isTakenBySqs).join('')
const text = fc.string({ unit: 'binary', maxLength: 20 }).map(taken)

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

/** What ingest wrote with some of its attributes changed, and what it never wrote. */
const message: fc.Arbitrary<ReceivedMessage> = fc.oneof(
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

export const queueMessages = boundary(
  'queue-messages',
  { weight: 10, quickCases: 2000 },
  message.map(given),
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

const WATCH = { folder: '100001' } as const
const AUTOMATIONS = bindSettings(
  [
    automation({
      name: 'works',
      on: ['FILE.DOWNLOADED', 'FILE.UPLOADED', 'COMMENT.CREATED', 'NO_ACTIVE_SESSION'],
      watch: WATCH,
      run: ({ step, event }) => step('once', () => event.id).then(() => {}),
    }),
    automation({
      name: 'fails',
      on: ['FILE.DOWNLOADED', 'FILE.TRASHED', 'METADATA_INSTANCE.CREATED'],
      watch: WATCH,
      run() {
        throw new PermanentError('It always fails.')
      },
    }),
    automation({
      name: 'waits',
      on: ['FILE.LOCKED', 'FOLDER.CREATED'],
      watch: WATCH,
      run() {
        throw new Error('It fails for now.')
      },
    }),
  ],
  {},
)

type Delivered = { readonly message: ReceivedMessage; readonly receiveCount: string; readonly sentAt: string }

/** automate with everything real but AWS, which is in memory. */
function worker() {
  const lines: string[] = []
  const [queue, deadLetters] = [new MemorySqs(), new MemorySqs()]
  let tokens = 0
  const parts: BatchParts = {
    automations: AUTOMATIONS,
    ledger: memoryLedger(),
    queue: createQueue(queue.client, 'https://sqs.example/queue'),
    deadLetters: createQueue(deadLetters.client, 'https://sqs.example/dead'),
    targetOf: async () => undefined,
    box: () => {
      throw new Error('No automation here calls Box.')
    },
    clock: { now: () => NOW, after: () => () => {} },
    random: () => 0.5,
    newToken: () => {
      tokens += 1
      return `token-${tokens}`
    },
    log: createLog({ now: () => NOW, write: line => lines.push(line) }),
    concurrency: 3,
  }
  return { parts, queue, deadLetters, lines }
}

const recordOf = (
  { message: { body, attributes: all }, receiveCount, sentAt }: Delivered,
  index: number,
): SQSRecord => ({
  messageId: `m${index}`,
  receiptHandle: `r${index}`,
  body,
  attributes: {
    ApproximateReceiveCount: receiveCount,
    SentTimestamp: sentAt,
    SenderId: '',
    ApproximateFirstReceiveTimestamp: '',
  },
  messageAttributes: Object.fromEntries(
    Object.entries(all).map(([name, stringValue = '']) => [name, { dataType: 'String', stringValue }]),
  ),
  md5OfBody: '',
  eventSource: 'aws:sqs',
  eventSourceARN: 'arn:aws:sqs:eu-central-1:000000000000:queue',
  awsRegion: 'eu-central-1',
})

const delivered: fc.Arbitrary<Delivered> = fc.record({
  message: message.map(given),
  receiveCount: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom('1', '2') },
    fc.constantFrom('499', '500', '', 'x', '-1'),
  ),
  sentAt: fc.oneof(
    { weight: 4, arbitrary: fc.constant(String(NOW - 1000)) },
    fc.constantFrom('', 'x', '0', '-1', '1e15', String(NOW - 11 * 86_400_000)),
  ),
})

/** Whether an automation could be run for what a message holds. */
const isReadable = ({ ok, message: { body, eventId } }: DecodedMessage): boolean =>
  ok && parseEvent(body, { eventId }).ok

const bodies = (sqs: MemorySqs): Buffer[] => sqs.sent.map(one => Buffer.from(decodeMessage(one).message.body))

/** A batch of anything: no throw, no loss. What is not kept is done with, renewed, or a dead letter with the same bytes. */
export const batches = asyncBoundary(
  'batches',
  { weight: 8, quickCases: 400 },
  fc.array(delivered, { minLength: 1, maxLength: 4 }),
  async messages => {
    const { parts, queue, deadLetters, lines } = worker()
    const records = messages.map(recordOf)
    const { batchItemFailures } = await handleBatch(records, NOW + 60_000, parts)
    const kept = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier))
    for (const line of lines) assert.ok(JSON.parse(line) instanceof Object)

    const decoded = messages.map(one => decodeMessage(one.message))
    const ids = decoded.map(one => one.message.eventId)
    for (const [index, one] of decoded.entries()) {
      const { eventId, body } = one.message
      // What has the id of another one is a repetition of it.
      if (ids.indexOf(eventId) !== ids.lastIndexOf(eventId)) continue
      const isThere = (sqs: MemorySqs) => bodies(sqs).some(sent => sent.equals(body))
      const record = await parts.ledger.read(eventId)
      const settled = record?.status === 'done' || isThere(deadLetters) || isThere(queue)
      assert.ok(kept.has(`m${index}`) || settled, 'what is not kept is settled')
      if (!isReadable(one))
        assert.ok(!kept.has(`m${index}`) && isThere(deadLetters), 'what is unreadable is a dead letter')
    }
    await redrive(deadLetters.sent, parts, deadLetters)
  },
)

/** Takes the dead letters back, as an operator would: what was unreadable is a dead letter again, all with the same bytes. */
async function redrive(
  letters: readonly ReceivedMessage[],
  parts: BatchParts,
  deadLetters: MemorySqs,
): Promise<void> {
  const before = [...letters]
  const expected = bodies(deadLetters).map(String)
  deadLetters.sent.length = 0
  const records = before.map((one, index) =>
    recordOf({ message: one, receiveCount: '1', sentAt: String(NOW) }, index),
  )
  const later = { ...parts, clock: { ...parts.clock, now: () => NOW + 3_600_000 } }
  const { batchItemFailures } = await handleBatch(records, NOW + 3_660_000, later)
  for (const { itemIdentifier } of batchItemFailures) {
    const letter = before[Number(itemIdentifier.slice(1))]
    assert.ok(letter && isReadable(decodeMessage(letter)), 'only what can be run waits')
  }
  for (const body of bodies(deadLetters))
    assert.ok(expected.includes(String(body)), 'its bytes are unchanged')
}
