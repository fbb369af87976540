import assert from 'node:assert/strict'
import type { SQSRecord } from 'aws-lambda'
import fc from 'fast-check'
import { type BatchDeps, handleBatch } from '../../../lib/automate/batch.ts'
import { automation, bindSettings } from '../../../lib/automation/automation.ts'
import { PermanentError } from '../../../lib/base/errors.ts'
import { createLeftBehind } from '../../../lib/base/under-way.ts'
import { parseEvent } from '../../../lib/event/event.ts'
import type { Ledger } from '../../../lib/ledger/ledger.ts'
import { createLog } from '../../../lib/log/log.ts'
import { type DecodedMessage, decodeMessage, type ReceivedMessage } from '../../../lib/queue/message.ts'
import { createQueue, type Queue } from '../../../lib/queue/queue.ts'
import { samplePayload } from '../../../local/box/events/payload.ts'
import { asyncBoundary } from './boundary.ts'
import { NOW } from './door.ts'
import { memoryLedger } from './memory-ledger.ts'
import { queueMessage } from './queue-message.ts'
import { MemorySqs } from './sqs.ts'

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
  const parts: BatchDeps = {
    automations: AUTOMATIONS,
    ledger: memoryLedger(),
    queue: createQueue(queue.client, 'https://sqs.example/queue'),
    deadLetters: createQueue(deadLetters.client, 'https://sqs.example/dead'),
    targetOf: async () => undefined,
    leftBehind: createLeftBehind(),
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
  message: queueMessage,
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

type World = ReturnType<typeof worker>

/** What is not kept is done with, renewed, or a dead letter with the same bytes. */
async function checkSettled(
  messages: readonly Delivered[],
  kept: ReadonlySet<string>,
  world: World,
): Promise<void> {
  const { parts, queue, deadLetters, lines } = world
  for (const line of lines) assert.ok(JSON.parse(line) instanceof Object)
  const decoded = messages.map(one => decodeMessage(one.message))
  const ids = decoded.map(one => one.message.eventId)
  for (const [index, { message }] of decoded.entries()) {
    const { eventId, body } = message
    // What has the id of another one is a repetition of it.
    if (kept.has(`m${index}`) || ids.indexOf(eventId) !== ids.lastIndexOf(eventId)) continue
    const isThere = (sqs: MemorySqs) => bodies(sqs).some(sent => sent.equals(body))
    const record = await parts.ledger.read(eventId)
    assert.ok(
      record?.status === 'done' || isThere(deadLetters) || isThere(queue),
      'what is not kept is settled',
    )
  }
}

async function work(messages: readonly Delivered[], parts: BatchDeps): Promise<ReadonlySet<string>> {
  const { batchItemFailures } = await handleBatch(messages.map(recordOf), NOW + 60_000, parts)
  return new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier))
}

/** A batch of anything: no throw, no loss, and nothing that AWS would refuse. */
export const batches = asyncBoundary(
  'batches',
  { weight: 6, quickCases: 400 },
  fc.array(delivered, { minLength: 1, maxLength: 4 }),
  async messages => {
    const world = worker()
    const kept = await work(messages, world.parts)
    await checkSettled(messages, kept, world)
    for (const line of world.lines) assert.ok(!line.includes('"message_failed"'), line)
    for (const [index, { message }] of messages.entries())
      assert.ok(
        isReadable(decodeMessage(message)) || !kept.has(`m${index}`),
        'what is unreadable is not kept',
      )
    await redrive(world.deadLetters.sent, world.parts, world.deadLetters)
  },
)

const GOOD: Delivered = {
  message: {
    body: JSON.stringify(samplePayload('FILE.LOCKED', { id: 'good' })),
    attributes: {
      messageFormat: 'v1.text',
      eventId: 'good',
      deliveryId: 'd1',
      trigger: 'FILE.LOCKED',
      receivedAt: new Date(NOW).toISOString(),
      origin: 'webhook',
    },
  },
  receiveCount: '1',
  sentAt: String(NOW),
}

const FIELDS = ['body', 'attributes', 'messageAttributes', 'receiptHandle', 'md5OfBody'] as const

/** Records that lack what SQS always sends: they are settled or kept, and their neighbours are none the worse for it. */
export const recordsInPieces = asyncBoundary(
  'records-in-pieces',
  { weight: 2, quickCases: 200 },
  fc.array(fc.tuple(delivered, fc.subarray([...FIELDS], { minLength: 1 })), { minLength: 1, maxLength: 3 }),
  async odd => {
    const { parts } = worker()
    const records = [GOOD, ...odd.map(([one]) => one)].map(recordOf)
    for (const [index, [, lacks]] of odd.entries())
      for (const field of lacks) Reflect.deleteProperty(records[index + 1] ?? {}, field)
    const { batchItemFailures } = await handleBatch(records, NOW + 60_000, parts)
    const ids = records.map(({ messageId }) => messageId)
    for (const { itemIdentifier } of batchItemFailures) assert.ok(ids.includes(itemIdentifier))
    assert.ok((await parts.ledger.read('good'))?.runs.waits, 'the good one has been tried')
  },
)

/** What becomes of a call to AWS: it works, it never arrives, or its answer gets lost. */
type Fate = 'works' | 'lost' | 'unanswered'

/** The same parts, whose calls to AWS meet one fate after the other; once these are used up, all work. */
function withFaults(parts: BatchDeps, fates: Fate[]): BatchDeps {
  const met = async <T>(call: () => Promise<T>): Promise<T> => {
    const fate = fates.shift() ?? 'works'
    if (fate === 'lost') throw new Error('The call did not arrive.')
    const answer = await call()
    if (fate === 'unanswered') throw new Error('The answer got lost.')
    return answer
  }
  const { ledger, queue, deadLetters } = parts
  const flakyLedger: Ledger = {
    read: id => met(() => ledger.read(id)),
    open: (event, claim) => met(() => ledger.open(event, claim)),
    claim: (seen, claim) => met(() => ledger.claim(seen, claim)),
    write: (id, token, change) => met(() => ledger.write(id, token, change)),
    keepStep: (id, token, run, step, json) => met(() => ledger.keepStep(id, token, run, step, json)),
    drop: (id, dropped) => met(() => ledger.drop(id, dropped)),
  }
  const flakyQueue: Queue = {
    send: message => met(() => queue.send(message)),
    delay: (handle, seconds) => met(() => queue.delay(handle, seconds)),
  }
  return {
    ...parts,
    ledger: flakyLedger,
    queue: flakyQueue,
    deadLetters: { send: message => met(() => deadLetters.send(message)) },
  }
}

/** The same while AWS fails now and then: still no throw and no loss. */
export const batchesWithFaults = asyncBoundary(
  'batches-with-faults',
  { weight: 4, quickCases: 300 },
  fc.record({
    messages: fc.array(delivered, { minLength: 1, maxLength: 4 }),
    fates: fc.array(fc.constantFrom<Fate>('works', 'works', 'lost', 'unanswered'), { maxLength: 20 }),
  }),
  async ({ messages, fates }) => {
    const world = worker()
    const kept = await work(messages, withFaults(world.parts, [...fates]))
    await checkSettled(messages, kept, world)
  },
)

/** Takes the dead letters back, as an operator would: what was unreadable is a dead letter again, all with the same bytes. */
async function redrive(
  letters: readonly ReceivedMessage[],
  parts: BatchDeps,
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
