import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs'
import type { SQSBatchResponse } from 'aws-lambda'
import { type BatchDeps, handleBatch } from '../../lib/automate/batch.ts'
import { type Automation, bindSettings } from '../../lib/automation/automation.ts'
import { createLeftBehind } from '../../lib/base/under-way.ts'
import { createLedger } from '../../lib/ledger/ledger.ts'
import type { EventRecord } from '../../lib/ledger/record.ts'
import { createLog } from '../../lib/log/log.ts'
import { type ReplayRequest, type ReplaySent, sendReplay } from '../../lib/operations/replay.ts'
import { describeBody, type Failure } from '../../lib/queue/message.ts'
import { createQueue } from '../../lib/queue/queue.ts'
import { type PayloadOverrides, samplePayload, wireBody } from '../../local/box/events/payload.ts'
import { recordOf } from '../../local/runtime/poller.ts'
import type { Embedded } from './embedded.ts'
import { type ManualClock, manualClock } from './manual-clock.ts'

export const NOW = Date.parse('2026-11-23T10:00:00Z')

/** What one test sees of the engine: the real one on the real APIs, under a clock and a chance of the test's own. */
export type Engine = {
  readonly clock: ManualClock
  /** Every log line so far, as an object. */
  readonly lines: Record<string, unknown>[]
  /** Puts a delivery on the queue, as ingest does. */
  send(trigger: string, overrides?: PayloadOverrides & { deliveryId?: string }): Promise<string>
  sendBody(body: Uint8Array, deliveryId?: string): Promise<string>
  /** Receives what is visible and works through it as automate does. */
  work(options?: WorkOptions): Promise<SQSBatchResponse & { received: number }>
  /** Lets every hidden message come back now, as time would. */
  reveal(): Promise<void>
  record(eventId: string): Promise<EventRecord | undefined>
  /** How many seconds each hidden message is still hidden for. */
  hiddenSeconds(): Promise<number[]>
  /** Messages on the queue, hidden or not. */
  queued(): Promise<number>
  /** What the dead letters say, the oldest first. */
  deadLetters(): Promise<Failure[]>
  /** Moves every dead letter back to the queue as it is, as SQS's own redrive does. */
  redrive(options?: { copies?: number }): Promise<void>
  /** Asks for an event to be run again. */
  replay(eventId: string, request?: ReplayRequest, options?: { copies?: number }): Promise<ReplaySent>
  /** Puts a message on the queue that boxhooks did not write. */
  sendForeign(body: string, attributes?: Readonly<Record<string, string>>): Promise<void>
}

export type WorkOptions = {
  readonly automations?: readonly Automation[]
  /** The Lambda's remaining time; 60 s by default. */
  readonly remainingMs?: number
  readonly parts?: Partial<BatchDeps>
  /** How often SQS says it has handed each message out. */
  readonly receiveCount?: number
  /** How many messages are received at most; ten by default. */
  readonly limit?: number
}

let engines = 0

/** An engine with queues and a table of its own on embedded servers. */
export async function createEngine(aws: Embedded, automations: readonly Automation[]): Promise<Engine> {
  engines += 1
  const [queueName, deadName] = [`events-${engines}`, `dead-${engines}`]
  const queueUrl = await aws.createQueue(queueName, { VisibilityTimeout: '360' })
  const deadUrl = await aws.createQueue(deadName, {})
  const clock = manualClock(NOW)
  const lines: Record<string, unknown>[] = []
  const queue = createQueue(aws.sqs, queueUrl)
  const deadLetters = createQueue(aws.sqs, deadUrl)
  const ledger = createLedger({ dynamodb: aws.dynamodb, table: aws.table, now: clock.now })
  let tokens = 0
  const leftBehind = createLeftBehind()
  const parts = (using: readonly Automation[]): BatchDeps => ({
    automations: bindSettings(using, {}),
    ledger,
    queue,
    deadLetters,
    // The webhook of every event is set on what the first automation watches.
    targetOf: async () => bindSettings(using, {})[0]?.watch[0],
    leftBehind,
    box: () => {
      throw new Error('This test has no Box.')
    },
    clock,
    random: () => 0.5,
    newToken: () => {
      tokens += 1
      return `engine-${engines}-token-${tokens}`
    },
    log: createLog({ now: clock.now, write: line => lines.push(JSON.parse(line)), level: 'debug' }),
    concurrency: 5,
  })
  const sendBody = async (body: Uint8Array, deliveryId = 'delivery-1') => {
    const receivedAt = new Date(clock.now()).toISOString()
    const described = describeBody(body, receivedAt)
    await queue.send({ ...described, deliveryId, receivedAt, origin: 'webhook', body })
    return described.eventId
  }
  const receive = (QueueUrl: string, limit = 10) =>
    aws.sqs.send(
      new ReceiveMessageCommand({
        QueueUrl,
        MaxNumberOfMessages: limit,
        MessageAttributeNames: ['All'],
        MessageSystemAttributeNames: ['All'],
      }),
    )
  const inflight = async () => (await aws.messages(queueName)).inflight
  const ready = async (name: string) => (await aws.messages(name)).ready
  let sent = 0
  return {
    clock,
    lines,
    sendBody,
    send(trigger, { deliveryId, ...overrides } = {}) {
      sent += 1
      const id = overrides.id ?? `engine-${engines}-event-${sent}`
      return sendBody(wireBody(samplePayload(trigger, { ...overrides, id })), deliveryId)
    },
    async work(options = {}) {
      const { Messages = [] } = await receive(queueUrl, options.limit)
      const records = Messages.map(message => {
        const record = recordOf(message, 'arn:aws:sqs:local:000000000000:events')
        const receives = options.receiveCount ?? record.attributes.ApproximateReceiveCount
        return { ...record, attributes: { ...record.attributes, ApproximateReceiveCount: String(receives) } }
      })
      const answer = await handleBatch(records, clock.now() + (options.remainingMs ?? 60_000), {
        ...parts(options.automations ?? automations),
        ...options.parts,
      })
      const kept = new Set(answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier))
      for (const { messageId, receiptHandle } of records)
        if (!kept.has(messageId))
          await aws.sqs.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle: receiptHandle }))
      return { ...answer, received: records.length }
    },
    async reveal() {
      const visible = { QueueUrl: queueUrl, VisibilityTimeout: 0 }
      for (const { receiptHandle } of await inflight())
        await aws.sqs.send(new ChangeMessageVisibilityCommand({ ...visible, ReceiptHandle: receiptHandle }))
    },
    record: eventId => ledger.read(eventId),
    hiddenSeconds: async () =>
      (await inflight()).map(({ visibilityDeadline }) => Math.ceil((visibilityDeadline - Date.now()) / 1000)),
    queued: async () => (await ready(queueName)).length + (await inflight()).length,
    deadLetters: async () =>
      (await ready(deadName)).map(({ messageAttributes }) =>
        JSON.parse(messageAttributes.failure?.StringValue ?? '{}'),
      ),
    async sendForeign(body, attributes = {}) {
      const MessageAttributes = Object.fromEntries(
        Object.entries(attributes).map(([name, StringValue]) => [name, { DataType: 'String', StringValue }]),
      )
      await aws.sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: body, MessageAttributes }))
    },
    replay(eventId, request, { copies = 1 } = {}) {
      const send: typeof queue.send = async message => {
        for (let copy = 0; copy < copies; copy += 1) await queue.send(message)
      }
      return sendReplay({ ledger, queue: { send } }, eventId, request)
    },
    async redrive({ copies = 1 } = {}) {
      const { Messages = [] } = await receive(deadUrl)
      for (const { Body, MessageAttributes, ReceiptHandle } of Messages) {
        const message = { QueueUrl: queueUrl, MessageBody: Body, MessageAttributes }
        for (let copy = 0; copy < copies; copy += 1) await aws.sqs.send(new SendMessageCommand(message))
        await aws.sqs.send(new DeleteMessageCommand({ QueueUrl: deadUrl, ReceiptHandle }))
      }
    },
  }
}
