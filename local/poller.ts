import { setTimeout as delay } from 'node:timers/promises'
import {
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs'
import type { SQSEvent, SQSRecord } from 'aws-lambda'

export type PollerOptions = {
  readonly sqs: SQSClient
  readonly queueUrl: string
  readonly queueArn: string
  readonly batchSize: number
  readonly invoke: (event: SQSEvent) => Promise<unknown>
  /** How many batches are worked on at a time. */
  readonly concurrency?: number
  /** Told when the queue can't be reached; it is tried again. */
  readonly onError?: (error: unknown) => void
}

export type Poller = {
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
  const loops = Array.from({ length: options.concurrency ?? 2 }, async () => {
    while (!stop.signal.aborted)
      await pollOnce(options, stop.signal).catch(async (error: unknown) => {
        options.onError?.(error)
        await delay(PAUSE_MS, undefined, { signal: stop.signal }).catch(() => {})
      })
  })
  return {
    async stop() {
      stop.abort()
      await Promise.all(loops)
    },
  }
}

async function pollOnce(options: PollerOptions, signal: AbortSignal): Promise<void> {
  const messages = await receive(options, signal)
  if (messages.length === 0) return
  const records = messages.map(message => recordOf(message, options.queueArn))
  const kept = await invoke(options, records)
  const taken = records.filter(({ messageId }) => !kept.has(messageId))
  if (taken.length === 0) return
  await options.sqs.send(
    new DeleteMessageBatchCommand({
      QueueUrl: options.queueUrl,
      Entries: taken.map(({ receiptHandle }, index) => ({ Id: String(index), ReceiptHandle: receiptHandle })),
    }),
  )
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

/** The ids that the function wants kept; all of them where it failed or answered with something else. */
async function invoke(options: PollerOptions, records: readonly SQSRecord[]): Promise<ReadonlySet<string>> {
  const all = new Set(records.map(({ messageId }) => messageId))
  try {
    const answer = await options.invoke({ Records: [...records] })
    if (answer === null || answer === undefined) return new Set()
    const failures = answer instanceof Object ? Reflect.get(answer, 'batchItemFailures') : undefined
    if (failures === undefined || failures === null) return new Set()
    if (!Array.isArray(failures)) return all
    const ids = failures.map((failure: unknown) =>
      failure instanceof Object ? Reflect.get(failure, 'itemIdentifier') : undefined,
    )
    // An identifier that is not of the batch means that the whole batch has failed.
    return ids.every(id => all.has(id)) ? new Set(ids) : all
  } catch {
    return all
  }
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
      Object.entries(message.MessageAttributes ?? {}).map(([name, { StringValue, DataType }]) => [
        name,
        {
          dataType: DataType ?? 'String',
          ...(StringValue === undefined ? {} : { stringValue: StringValue }),
        },
      ]),
    ),
    md5OfBody: message.MD5OfBody ?? '',
    eventSource: 'aws:sqs',
    eventSourceARN,
    awsRegion: 'local',
  }
}
