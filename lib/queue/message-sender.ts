import {
  encodedBytes,
  encodeMessage,
  MESSAGE_BYTES_FIRST_MAX,
  MESSAGE_BYTES_MAX,
  type Message,
} from './message.ts'

/** What SQS's SendMessage is asked for. */
export type SendMessageInput = {
  QueueUrl: string
  MessageBody: string
  MessageAttributes: Record<string, { DataType: 'String'; StringValue: string }>
  MessageGroupId: string
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

export type MessageSender = {
  /**
   * Puts a message on the queue.
   * @throws MessageTooLarge where SQS would refuse its size; the errors of what calls SQS otherwise
   */
  send(message: Message): Promise<void>
}

/** @param sendMessage calls SQS, through whichever client */
export function createSender(
  sendMessage: (input: SendMessageInput) => Promise<unknown>,
  queueUrl: string,
): MessageSender {
  return {
    async send(message) {
      const encoded = encodeMessage(message)
      const bytes = encodedBytes(encoded)
      if (bytes > (message.failure ? MESSAGE_BYTES_MAX : MESSAGE_BYTES_FIRST_MAX))
        throw new MessageTooLarge(bytes)
      const attributes = Object.entries(encoded.attributes).map(
        ([name, value]) => [name, { DataType: 'String' as const, StringValue: value }] as const,
      )
      await sendMessage({
        QueueUrl: queueUrl,
        MessageBody: encoded.body,
        MessageAttributes: Object.fromEntries(attributes),
        // On a standard queue this makes delivery fair between groups, so one busy target can't starve the rest.
        MessageGroupId: encoded.groupId,
      })
    },
  }
}
