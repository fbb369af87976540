import type { SQSClient } from '@aws-sdk/client-sqs'
import { createSender, type MessageSender, type SendMessageInput } from './message-sender.ts'

/**
 * The longest a message is hidden. SQS allows 12 hours in all since the message was received, of which a Lambda may have
 * used a quarter of an hour.
 */
export const VISIBILITY_SECONDS_MAX = 43_200 - 900

export type Queue = MessageSender & {
  /** Hides a received message for a number of seconds from now, at most {@link VISIBILITY_SECONDS_MAX}. */
  delay(receiptHandle: string, seconds: number): Promise<void>
}

export type Sqs = Pick<SQSClient, 'send'>

/**
 * A queue of {@link Message}s over SQS.
 * @param sqs a client, or what gives it when it is first needed: with it, AWS's code is loaded
 */
export function createQueue(sqs: Sqs | (() => Promise<Sqs>), queueUrl: string): Queue {
  const client = async (): Promise<Sqs> => (typeof sqs === 'function' ? sqs() : sqs)
  const sendMessage = async (input: SendMessageInput): Promise<unknown> => {
    const { SendMessageCommand } = await import('@aws-sdk/client-sqs')
    return (await client()).send(new SendMessageCommand(input))
  }
  return {
    ...createSender(sendMessage, queueUrl),
    async delay(receiptHandle, seconds) {
      const { ChangeMessageVisibilityCommand } = await import('@aws-sdk/client-sqs')
      const VisibilityTimeout = Math.min(Math.max(Math.ceil(seconds), 0), VISIBILITY_SECONDS_MAX)
      const input = { QueueUrl: queueUrl, ReceiptHandle: receiptHandle, VisibilityTimeout }
      await (await client()).send(new ChangeMessageVisibilityCommand(input))
    },
  }
}

/** Counts the messages that have not been received yet, those included that come back. */
export async function countWaiting(sqs: Sqs, QueueUrl: string): Promise<number> {
  const { GetQueueAttributesCommand } = await import('@aws-sdk/client-sqs')
  const names = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesDelayed'] as const
  const { Attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...names] }),
  )
  return names.reduce((sum, name) => sum + Number(Attributes[name] ?? 0), 0)
}
