import { ChangeMessageVisibilityCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs'
import { createSender, type MessageSender } from './message-sender.ts'

/**
 * The longest a message is hidden. SQS allows 12 hours in all since the message was received, of which a Lambda may have
 * used a quarter of an hour.
 */
export const VISIBILITY_SECONDS_MAX = 43_200 - 900

export type Queue = MessageSender & {
  /** Hides a received message for a number of seconds from now, at most {@link VISIBILITY_SECONDS_MAX}. */
  delay(receiptHandle: string, seconds: number): Promise<void>
}

/** A queue of {@link Message}s over SQS. */
export function createQueue(sqs: Pick<SQSClient, 'send'>, queueUrl: string): Queue {
  return {
    ...createSender(input => sqs.send(new SendMessageCommand(input)), queueUrl),
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
