import { setTimeout as delay } from 'node:timers/promises'
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageBatchCommand,
  type Message,
  type MessageAttributeValue,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs'
import type { SQSEvent, SQSMessageAttribute, SQSRecord } from 'aws-lambda'
import { type CompiledTemplate, numberOf, resource } from '../../infra/build/template.ts'
import { isObject } from '../../lib/base/json.ts'

export type PollerOptions = {
  readonly sqs: SQSClient
  readonly queueUrl: string
  readonly queueArn: string
  readonly batchSize: number
  readonly invoke: (event: SQSEvent) => Promise<unknown>
  /** How many batches are worked on at a time. */
  readonly concurrency: number
  /** Told when the queue can't be reached, or does not delete; it is tried again. */
  readonly onError?: (error: unknown) => void
}

const EVENT_SOURCES = {
  automate: 'AutomateEventSourceMappingSQSQueue',
  reconcile: 'ReconcileEventSourceMappingSQSReconcileQueue',
}

/** How a function's event source in the template takes messages: so many at a time, by so many Lambdas, or else by one. */
export function eventSourceOf(
  template: CompiledTemplate,
  name: keyof typeof EVENT_SOURCES = 'automate',
): Pick<PollerOptions, 'batchSize' | 'concurrency'> {
  const id = EVENT_SOURCES[name]
  const { ScalingConfig: scaling } = resource(template, id).Properties
  const concurrency = isObject(scaling) ? scaling.MaximumConcurrency : 1
  if (typeof concurrency !== 'number')
    throw new TypeError(`${id} has no number ScalingConfig.MaximumConcurrency.`)
  return { batchSize: numberOf(template, id, 'BatchSize'), concurrency }
}

export type Poller = {
  /**
   * Hands the messages of those batches that are under way now out again after so many seconds, should they fail: with AWS
   * they come back when their visibility timeout ends, which is long to look on.
   */
  hurry(seconds: number): void
  /** Receives no more and waits for the batches under way. */
  stop(): Promise<void>
}

/** How long to wait after the queue could not be reached, in milliseconds. */
const PAUSE_MS = 1000

/** How long one receive waits for messages, in seconds; a stop interrupts it. */
const WAIT_SECONDS = 5

/**
 * Stands in for Lambda's SQS event source: receives batches, invokes the function, and deletes what it took.
 * @see https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 */
export function startPoller(options: PollerOptions): Poller {
  const stop = new AbortController()
  const underWay = new Set<Batch>()
  const loops = Array.from({ length: options.concurrency }, async () => {
    while (!stop.signal.aborted)
      await pollOnce(options, stop.signal, underWay).catch(async (error: unknown) => {
        options.onError?.(error)
        await delay(PAUSE_MS, undefined, { signal: stop.signal }).catch(() => {})
      })
  })
  return {
    hurry(seconds) {
      for (const batch of underWay) batch.comesBackAfter = seconds
    },
    async stop() {
      stop.abort()
      await Promise.all(loops)
    },
  }
}

/** Messages that are being worked on; when they come back should that fail, in seconds, where it is not as usual. */
type Batch = { comesBackAfter?: number }

async function pollOnce(options: PollerOptions, signal: AbortSignal, underWay: Set<Batch>): Promise<void> {
  const messages = await receive(options, signal)
  if (messages.length === 0) return
  const records = messages.map(message => recordOf(message, options.queueArn))
  const batch: Batch = {}
  underWay.add(batch)
  const { kept, failed } = await invoke(options, records)
  underWay.delete(batch)
  if (failed && batch.comesBackAfter !== undefined) await handBack(options, messages, batch.comesBackAfter)
  const taken = records.filter(({ messageId }) => !kept.has(messageId))
  if (taken.length === 0) return
  const { Failed = [] } = await options.sqs.send(
    new DeleteMessageBatchCommand({
      QueueUrl: options.queueUrl,
      Entries: taken.map(({ receiptHandle }, index) => ({ Id: String(index), ReceiptHandle: receiptHandle })),
    }),
  )
  for (const { Code, Message: reason } of Failed)
    options.onError?.(
      new Error(`A message was not deleted, so it comes again: ${Code} ${reason ?? ''}`.trim()),
    )
}

async function handBack(
  { sqs, queueUrl: QueueUrl }: PollerOptions,
  messages: readonly Message[],
  VisibilityTimeout: number,
): Promise<void> {
  for (const { ReceiptHandle } of messages)
    await sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout }))
}

async function receive({ sqs, queueUrl, batchSize }: PollerOptions, signal: AbortSignal): Promise<Message[]> {
  try {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: queueUrl,
        MaxNumberOfMessages: batchSize,
        WaitTimeSeconds: WAIT_SECONDS,
        MessageAttributeNames: ['All'],
        MessageSystemAttributeNames: ['All'],
      }),
      { abortSignal: signal },
    )
    return Messages
  } catch (error) {
    if (signal.aborted) return []
    throw error
  }
}

/** The ids that stay on the queue; all of them where the function failed. */
async function invoke(
  options: PollerOptions,
  records: readonly SQSRecord[],
): Promise<{ readonly kept: ReadonlySet<string>; readonly failed: boolean }> {
  const all = new Set(records.map(({ messageId }) => messageId))
  try {
    return { kept: keptOf(await options.invoke({ Records: [...records] }), all), failed: false }
  } catch {
    return { kept: all, failed: true }
  }
}

/**
 * The ids that an answer wants kept: none where it is empty or names none, all of them where it is something else or names
 * a message that is not of the batch.
 * @see https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
 */
export function keptOf(answer: unknown, all: ReadonlySet<string>): ReadonlySet<string> {
  if (answer === null || answer === undefined) return new Set()
  if (!isObject(answer)) return all
  const { batchItemFailures: failures } = answer
  if (failures === undefined || failures === null) return new Set()
  if (!Array.isArray(failures)) return all
  const ids = failures.map((failure: unknown) => (isObject(failure) ? failure.itemIdentifier : undefined))
  return ids.every(id => typeof id === 'string' && all.has(id)) ? new Set(ids.map(String)) : all
}

/** A received message in the form that Lambda gives a function. */
export function recordOf(message: Message, eventSourceARN: string): SQSRecord {
  const attributes = message.Attributes ?? {}
  return {
    messageId: message.MessageId ?? '',
    receiptHandle: message.ReceiptHandle ?? '',
    body: message.Body ?? '',
    attributes: {
      ...attributes,
      ApproximateReceiveCount: attributes.ApproximateReceiveCount ?? '1',
      SentTimestamp: attributes.SentTimestamp ?? '',
      SenderId: attributes.SenderId ?? '',
      ApproximateFirstReceiveTimestamp: attributes.ApproximateFirstReceiveTimestamp ?? '',
    },
    messageAttributes: Object.fromEntries(
      Object.entries(message.MessageAttributes ?? {}).map(([name, attribute]) => [
        name,
        attributeOf(attribute),
      ]),
    ),
    md5OfBody: message.MD5OfBody ?? '',
    ...(message.MD5OfMessageAttributes ? { md5OfMessageAttributes: message.MD5OfMessageAttributes } : {}),
    eventSource: 'aws:sqs',
    eventSourceARN,
    awsRegion: eventSourceARN.split(':')[3] ?? '',
  }
}

const attributeOf = ({ DataType, StringValue, BinaryValue }: MessageAttributeValue): SQSMessageAttribute => ({
  dataType: DataType ?? 'String',
  ...(StringValue === undefined ? {} : { stringValue: StringValue }),
  ...(BinaryValue === undefined ? {} : { binaryValue: Buffer.from(BinaryValue).toString('base64') }),
  stringListValues: [],
  binaryListValues: [],
})
