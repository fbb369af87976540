import { SendMessageCommand } from '@aws-sdk/client-sqs'
import type { Random } from './random.ts'
import type { SimulatedQueue } from './sqs.ts'

/**
 * Puts a message on the queue that ingest did not write, in a format that no version reads; some are as large as a message
 * may be and a record may not.
 */
export function sendStranger(queue: SimulatedQueue, eventId: string, random: Random): void {
  const text = (StringValue: string) => ({ DataType: 'String', StringValue })
  queue.send(
    new SendMessageCommand({
      QueueUrl: '',
      MessageBody: 'Not an event.',
      MessageAttributes: {
        eventId: text(eventId),
        messageFormat: text('v9.text'),
        trigger: text('x'.repeat(random.pick([10, 10, 450_000]))),
      },
    }),
  )
}
