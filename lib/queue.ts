import { ChangeMessageVisibilityCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs'
import {
  encodedBytes,
  encodeMessage,
  MESSAGE_BYTES_FIRST_MAX,
  MESSAGE_BYTES_MAX,
  type Message,
} from './message.ts'

/**
 * The longest a message is hidden. SQS allows 12 hours in all since the message was received, of which a Lambda may have
 * used a quarter of an hour.
 */
export const VISIBILITY_SECONDS_MAX = 43_200 - 900

export type Queue = {
  /**
   * Puts a message on the queue.
   * @throws MessageTooLarge where SQS would refuse its size; the SQS client's errors otherwise
   */
  send(message: Message): Promise<void>
  /** Hides a received message for a number of seconds from now, at most {@link VISIBILITY_SECONDS_MAX}. */
  delay(receiptHandle: string, seconds: number): Promise<void>
}

export class MessageTooLarge extends Error {
  override readonly name = 'MessageTooLarge'
  readonly bytes: number

  constructor(bytes: number) {
    super(
      `The message has ${bytes} bytes; SQS takes at most ${MESSAGE_BYTES_MAX}, body and attributes together, and ${MESSAGE_BYTES_MAX - MESSAGE_BYTES_FIRST_MAX} of them are kept for the reason of a failure.`,
    )
    this.bytes = bytes
  }
}

/** A queue of {@link Message}s over SQS. */
export function createQueue(sqs: Pick<SQSClient, 'send'>, queueUrl: string): Queue {
  return {
    async send(message) {
      const encoded = encodeMessage(message)
      const bytes = encodedBytes(encoded)
      if (bytes > (message.failure ? MESSAGE_BYTES_MAX : MESSAGE_BYTES_FIRST_MAX))
        throw new MessageTooLarge(bytes)
      const attributes = Object.entries(encoded.attributes).map(
        ([name, value]) => [name, { DataType: 'String', StringValue: value }] as const,
      )
      await sqs.send(
        new SendMessageCommand({
          QueueUrl: queueUrl,
          MessageBody: encoded.body,
          MessageAttributes: Object.fromEntries(attributes),
          // On a standard queue this makes delivery fair between groups, so one busy target can't starve the rest.
          MessageGroupId: encoded.groupId,
        }),
      )
    },
    async delay(receiptHandle, seconds) {
      const VisibilityTimeout = Math.min(Math.max(Math.ceil(seconds), 0), VISIBILITY_SECONDS_MAX)
      await sqs.send(
        new ChangeMessageVisibilityCommand({
          QueueUrl: queueUrl,
          ReceiptHandle: receiptHandle,
          VisibilityTimeout,
        }),
      )
    },
  }
}
