import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
  type Message as SqsMessage,
} from '@aws-sdk/client-sqs'
import type { Ledger } from '../ledger/ledger.ts'
import type { Dropped } from '../ledger/record.ts'
import { decodeMessage, type FailedRun, type Message } from '../queue/message.ts'

/** A message of the dead-letter queue, received and so hidden from others for a while. */
export type DeadLetter = Pick<Message, 'eventId' | 'deliveryId' | 'trigger' | 'receivedAt' | 'origin'> & {
  /** A stable code, see docs/errors.md; `unknown` where boxhooks did not dead-letter it. */
  readonly code: string
  readonly message: string
  /** When it was dead-lettered, ISO 8601. */
  readonly at: string
  readonly ageSeconds: number
  /** When SQS took it, in milliseconds since the epoch by SQS's clock. */
  readonly sentAt: number
  /** The runs that failed; empty where the event as a whole failed. */
  readonly automations: readonly FailedRun[]
  /** Present where more runs failed than are named; see {@link Failure}. */
  readonly all?: number
  readonly body: Uint8Array
  readonly held: HeldLetter
}

/** A received letter as SQS knows it. */
export type HeldLetter = {
  readonly messageId: string
  readonly receiptHandle: string
  /** The message as it came, which is how it goes back. */
  readonly received: Pick<SqsMessage, 'Body' | 'MessageAttributes' | 'Attributes'>
}

type DeadLetterCount = {
  /** About how many can be received, and how many are hidden because somebody has received them. */
  readonly waiting: number
  readonly hidden: number
}

export type DeadLetters = {
  /** About how many letters there are; SQS counts with a delay. */
  count(): Promise<DeadLetterCount>
  /**
   * Receives letters and hides them for {@link HIDDEN_SECONDS}, after which they are there again by themselves.
   * @param max at most so many, up to {@link PAGE_MAX}, which is the default
   * @returns none where no letter can be received
   */
  receive(max?: number): Promise<readonly DeadLetter[]>
  /** Hides received letters for a number of seconds from now; 0 gives them back. */
  hide(letters: readonly Pick<HeldLetter, 'receiptHandle'>[], seconds: number): Promise<void>
  /**
   * Sends a letter to the queue as it is, then deletes it. A copy that is left where the deletion fails takes nothing back
   * when it comes a second time; see docs/design.md.
   */
  redrive(letter: DeadLetter): Promise<void>
  /** Keeps the reason in the ledger's record of the event, then deletes the letter for good. */
  drop(letter: DeadLetter, dropped: Omit<Dropped, 'at'>): Promise<void>
}

/**
 * How long a received letter stays hidden when nobody says otherwise, in seconds: long enough to work on one page, and
 * short enough for a command that was killed to leave no gap.
 */
export const HIDDEN_SECONDS = 120

/** The most letters that SQS gives or takes in one call. */
export const PAGE_MAX = 10

export type DeadLettersOptions = {
  readonly sqs: Pick<SQSClient, 'send'>
  readonly deadLetterQueueUrl: string
  /** Where a letter is redriven to. */
  readonly queueUrl: string
  readonly ledger: Pick<Ledger, 'open' | 'drop'>
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** The dead-letter queue as one reads it, works it off and clears it. Its methods throw what the clients of AWS throw. */
export function createDeadLetters(options: DeadLettersOptions): DeadLetters {
  const { sqs, deadLetterQueueUrl: QueueUrl, queueUrl, ledger, now } = options
  const remove = ({ held: { receiptHandle: ReceiptHandle } }: DeadLetter) =>
    sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }))
  return {
    async count() {
      const command = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...COUNTS] })
      const { Attributes = {} } = await sqs.send(command)
      const [waiting, hidden] = COUNTS.map(name => Number(Attributes[name] ?? 0))
      return { waiting: waiting ?? 0, hidden: hidden ?? 0 }
    },
    async receive(MaxNumberOfMessages = PAGE_MAX) {
      const hidden = { MaxNumberOfMessages, VisibilityTimeout: HIDDEN_SECONDS }
      const command = new ReceiveMessageCommand({ QueueUrl, ...hidden, ...WHOLE })
      const { Messages = [] } = await sqs.send(command)
      return Messages.map(message => readLetter(message, now()))
    },
    async hide(letters, VisibilityTimeout) {
      for (let from = 0; from < letters.length; from += PAGE_MAX) {
        const batch = letters.slice(from, from + PAGE_MAX)
        const Entries = batch.map(({ receiptHandle: ReceiptHandle }, index) => ({
          Id: String(index),
          ReceiptHandle,
          VisibilityTimeout,
        }))
        // One that can't be changed is visible already, or deleted.
        await sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries }))
      }
    },
    async redrive(letter) {
      const { Body, MessageAttributes, Attributes } = letter.held.received
      const MessageGroupId = Attributes?.MessageGroupId
      const group = MessageGroupId ? { MessageGroupId } : {}
      await sqs.send(
        new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: Body, MessageAttributes, ...group }),
      )
      await remove(letter)
    },
    async drop(letter, dropped) {
      const at = new Date(now()).toISOString()
      if (!(await ledger.drop(letter.eventId, { at, ...dropped }))) {
        await openDropped(ledger, letter)
        await ledger.drop(letter.eventId, { at, ...dropped })
      }
      await remove(letter)
    },
  }
}

const COUNTS = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const

/**
 * A receive that waits asks every server of the queue, so that "none" means none.
 * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html
 */
const WHOLE = {
  WaitTimeSeconds: 1,
  MessageAttributeNames: ['All'],
  MessageSystemAttributeNames: ['All' as const],
}

function readLetter(message: SqsMessage, now: number): DeadLetter {
  const { Body = '', MessageAttributes = {}, Attributes = {}, MessageId = '', ReceiptHandle = '' } = message
  const texts = Object.entries(MessageAttributes).map(([name, { StringValue }]) => [name, StringValue])
  const attributes: Record<string, string | undefined> = Object.fromEntries(texts)
  const { message: read } = decodeMessage({ body: Body, attributes, groupId: Attributes.MessageGroupId })
  const { eventId, deliveryId, trigger, receivedAt, origin, body, failure } = read
  const sentAt = Number(Attributes.SentTimestamp) || now
  const failedAt = Date.parse(failure?.at ?? '')
  const at = Number.isNaN(failedAt) ? sentAt : failedAt
  return {
    eventId,
    deliveryId,
    trigger,
    receivedAt,
    origin,
    code: failure?.code || 'unknown',
    message: failure?.message ?? FOREIGN,
    at: new Date(at).toISOString(),
    ageSeconds: Math.max(0, Math.round((now - at) / 1000)),
    sentAt,
    automations: failure?.automations ?? [],
    ...(failure?.all === undefined ? {} : { all: failure.all }),
    body,
    held: {
      messageId: MessageId,
      receiptHandle: ReceiptHandle,
      received: { Body, MessageAttributes, Attributes },
    },
  }
}

const FOREIGN =
  'The letter has no reason, so boxhooks did not dead-letter it: SQS moved it here after 1000 receives, or something else sent it.'

/** A letter whose event has no record gets one, so that the reason is kept and the event stays dropped. */
async function openDropped(ledger: Pick<Ledger, 'open'>, letter: DeadLetter): Promise<void> {
  const { eventId, deliveryId, trigger, receivedAt, origin } = letter
  const lease = { token: `dropped ${letter.held.messageId}`, until: 0 }
  await ledger.open(
    { eventId, deliveryId, trigger, source: 'none', receivedAt, origin },
    { lease, status: 'dead', redrives: 0, runs: {} },
  )
}
