import { DeleteMessageCommand, type Message, ReceiveMessageCommand } from '@aws-sdk/client-sqs'
import { parseObject } from '../../../lib/base/json.ts'
import type { Aws } from '../../../local/aws/aws.ts'

/** What lies on the dead-letter queue. */
export type DeadLetter = {
  readonly eventId: string
  readonly code: string
  /** The automations that were given up. */
  readonly automations: readonly string[]
  /** Milliseconds since the epoch. */
  readonly sentAt: number
}

/** Takes everything off the dead-letter queue. */
export async function takeDeadLetters({ sqs, deadLetterQueueUrl: QueueUrl }: Aws): Promise<DeadLetter[]> {
  const letters: DeadLetter[] = []
  for (;;) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl,
        MaxNumberOfMessages: 10,
        MessageAttributeNames: ['All'],
        MessageSystemAttributeNames: ['All'],
      }),
    )
    if (Messages.length === 0) return letters
    for (const message of Messages) {
      letters.push(letterOf(message))
      await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message.ReceiptHandle }))
    }
  }
}

function letterOf({ MessageAttributes = {}, Attributes = {} }: Message): DeadLetter {
  const failure = parseObject(MessageAttributes.failure?.StringValue ?? '') ?? {}
  const automations = Array.isArray(failure.automations) ? failure.automations : []
  return {
    eventId: MessageAttributes.eventId?.StringValue ?? '',
    code: String(failure.code),
    automations: automations.map(({ name }) => String(name)),
    sentAt: Number(Attributes.SentTimestamp),
  }
}
