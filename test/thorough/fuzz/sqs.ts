import assert from 'node:assert/strict'
import { SendMessageCommand, type SendMessageCommandInput, type SQSClient } from '@aws-sdk/client-sqs'
import type { ReceivedMessage } from '../../../lib/queue/message.ts'

/** What SQS takes in a body or an attribute's value. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: this is the set of characters that SQS documents
const TAKEN = /^[\u0009\u000a\u000d\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]+$/u

/** Whether SQS would take a text as a body or as an attribute's value. */
export const isTakenBySqs = (text: string): boolean => TAKEN.test(text)

/** Everything SQS allows in a name of an attribute, as far as tests make any. */
const NAME = /^[A-Za-z0-9_.-]{1,256}$/
const MESSAGE_BYTES_MAX = 1_048_576

/**
 * A queue in memory that refuses what SQS refuses, by an assertion, for a message that SQS refuses is one that can't be
 * queued.
 * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
 */
export class MemorySqs {
  readonly sent: ReceivedMessage[] = []

  readonly client: Pick<SQSClient, 'send'> = {
    send: async (command: { readonly input: object }) => {
      if (command instanceof SendMessageCommand) this.sent.push(received(command.input))
      return { $metadata: {} }
    },
  }
}

function received({
  MessageBody: body = '',
  MessageAttributes = {},
  MessageGroupId: groupId,
}: SendMessageCommandInput): ReceivedMessage {
  const attributes = Object.entries(MessageAttributes).map(
    ([name, { StringValue = '' }]) => [name, StringValue] as const,
  )
  assert.match(body, TAKEN, 'SQS takes the body')
  for (const [name, value] of attributes) {
    assert.match(name, NAME, 'SQS takes the name of an attribute')
    assert.match(value, TAKEN, `SQS takes the value of ${name}`)
  }
  assert.ok(attributes.length <= 10, 'SQS takes at most ten attributes')
  assert.match(groupId ?? '', /^[!-~]{1,128}$/, 'SQS takes the group')
  const bytes = attributes.reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + 6 + Buffer.byteLength(value),
    Buffer.byteLength(body),
  )
  assert.ok(bytes <= MESSAGE_BYTES_MAX, 'SQS takes the size')
  return { body, attributes: Object.fromEntries(attributes), groupId }
}
