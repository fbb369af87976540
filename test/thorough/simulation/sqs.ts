import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  type MessageAttributeValue,
  ReceiveMessageCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs'
import { ServiceRefusal } from './network.ts'

export type QueueOptions = {
  /** Seconds. */
  readonly visibilityTimeout: number
  readonly redrive?: { readonly maxReceiveCount: number; readonly to: SimulatedQueue }
  /** Seconds; 14 days by default. */
  readonly retention?: number
}

/** What a standard queue may do besides what it is asked to. Each is asked anew each time. */
export type Anomalies = {
  /** Whether a deleted message comes back once, after so many milliseconds. */
  readonly resurrectAfterMs: () => number | undefined
  /** Whether a message is handed out although somebody has it already. */
  readonly duplicates: () => boolean
  /** Which of so many messages comes next. */
  readonly pick: (count: number) => number
}

const NO_ANOMALIES: Anomalies = {
  resurrectAfterMs: () => undefined,
  duplicates: () => false,
  pick: () => 0,
}

export type QueueTime = {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly after: (ms: number, callback: () => void) => unknown
}

/** A message as a queue keeps it. */
export type Stored = {
  readonly id: string
  readonly body: string
  readonly attributes: Readonly<Record<string, MessageAttributeValue>>
  readonly groupId: string | undefined
  readonly sentAt: number
  firstReceivedAt: number | undefined
  receivedAt: number
  receives: number
  visibleAt: number
  receipt: string
  deleted: boolean
}

const MESSAGE_BYTES_MAX = 1_048_576
const VISIBILITY_SECONDS_MAX = 43_200

/**
 * A standard queue of SQS: at least once, in no order, hidden while somebody works on it, given up to the dead-letter
 * queue after so many receives, dropped when it is too old.
 * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/standard-queues.html
 */
export class SimulatedQueue {
  readonly messages: Stored[] = []
  /** Messages that got too old. */
  readonly dropped: Stored[] = []
  /** Told when a message may be there to receive. */
  onVisible: () => void = () => {}
  /** Told of each message that is sent. */
  onSent: (message: Stored) => void = () => {}
  readonly #name: string
  readonly #options: QueueOptions
  readonly #time: QueueTime
  readonly #anomalies: Anomalies
  #made = 0

  constructor(name: string, options: QueueOptions, time: QueueTime, anomalies: Anomalies = NO_ANOMALIES) {
    this.#name = name
    this.#options = options
    this.#time = time
    this.#anomalies = anomalies
  }

  /** @throws what the SQS client throws at such a command */
  send(command: unknown): object {
    if (command instanceof SendMessageCommand) return this.#send(command.input)
    if (command instanceof ReceiveMessageCommand) return this.#receive(command.input)
    if (command instanceof ChangeMessageVisibilityCommand) return this.#change(command.input)
    if (command instanceof DeleteMessageCommand) return this.#delete(command.input)
    if (command instanceof GetQueueAttributesCommand)
      return { Attributes: { ApproximateNumberOfMessages: String(this.messages.length) } }
    throw new ServiceRefusal('UnknownOperationException', 'The model has no such command.', false)
  }

  #send(input: SendMessageCommand['input']): object {
    const { MessageBody: body = '', MessageAttributes: attributes = {}, MessageGroupId: groupId } = input
    refuseUncarriable(body, attributes)
    const message = this.#add({ body, attributes, groupId, receives: 0 })
    this.#announce(message)
    return { MessageId: message.id }
  }

  /** Takes a message of another queue as it is. */
  restore({ body, attributes, groupId }: Stored): void {
    this.#announce(this.#add({ body, attributes, groupId, receives: 0 }))
  }

  #add(given: Pick<Stored, 'body' | 'attributes' | 'groupId' | 'receives'>): Stored {
    this.#made += 1
    const now = this.#time.now()
    const message: Stored = {
      ...given,
      id: `${this.#name}-${this.#made}`,
      sentAt: now,
      firstReceivedAt: undefined,
      receivedAt: 0,
      visibleAt: now,
      receipt: '',
      deleted: false,
    }
    this.messages.push(message)
    this.onSent(message)
    return message
  }

  #announce({ visibleAt }: Stored): void {
    const wait = visibleAt - this.#time.now()
    this.#time.after(wait, () => this.onVisible())
  }

  #receive(input: ReceiveMessageCommand['input']): object {
    this.dropOld()
    const now = this.#time.now()
    const ready = this.messages.filter(message => message.visibleAt <= now || this.#seenTwice(message, now))
    const received: object[] = []
    const timeout = input.VisibilityTimeout ?? this.#options.visibilityTimeout
    while (ready.length > 0 && received.length < (input.MaxNumberOfMessages ?? 1)) {
      const [message] = ready.splice(this.#anomalies.pick(ready.length), 1)
      if (message && !this.#giveUp(message)) received.push(this.#handOut(message, now, timeout))
    }
    return received.length > 0 ? { Messages: received } : {}
  }

  /** A server that has not heard yet that a message was received hands it out as well. */
  #seenTwice({ receivedAt, receives }: Stored, now: number): boolean {
    return receives === 1 && now - receivedAt < 2000 && this.#anomalies.duplicates()
  }

  #handOut(message: Stored, now: number, timeout: number): object {
    message.receives += 1
    message.firstReceivedAt ??= now
    message.receivedAt = now
    message.receipt = `${message.id}#${message.receives}`
    message.visibleAt = now + timeout * 1000
    this.#announce(message)
    return {
      MessageId: message.id,
      ReceiptHandle: message.receipt,
      Body: message.body,
      MessageAttributes: message.attributes,
      Attributes: {
        ApproximateReceiveCount: String(message.receives),
        ApproximateFirstReceiveTimestamp: String(Math.floor(message.firstReceivedAt)),
        SentTimestamp: String(Math.floor(message.sentAt)),
        ...(message.groupId ? { MessageGroupId: message.groupId } : {}),
      },
    }
  }

  /** @returns whether the message was received too often, and is on the dead-letter queue now */
  #giveUp(message: Stored): boolean {
    const { redrive } = this.#options
    if (!redrive || message.receives < redrive.maxReceiveCount) return false
    this.#remove(message)
    redrive.to.restore(message)
    return true
  }

  #change({
    ReceiptHandle,
    VisibilityTimeout: seconds = 0,
  }: ChangeMessageVisibilityCommand['input']): object {
    const message = this.messages.find(one => one.receipt === ReceiptHandle)
    const now = this.#time.now()
    if (!message || message.visibleAt <= now)
      throw new ServiceRefusal(
        'MessageNotInflight',
        'The message does not exist or is not available for visibility timeout change.',
        false,
      )
    if (now + seconds * 1000 - message.receivedAt > VISIBILITY_SECONDS_MAX * 1000)
      throw new ServiceRefusal('InvalidParameterValue', 'Total VisibilityTimeout is too long.', false)
    message.visibleAt = now + seconds * 1000
    this.#announce(message)
    return {}
  }

  #delete({ ReceiptHandle }: DeleteMessageCommand['input']): object {
    const message = this.messages.find(one => one.receipt === ReceiptHandle)
    if (!message) return {}
    this.#remove(message)
    const comesBackAfter = this.#anomalies.resurrectAfterMs()
    if (comesBackAfter !== undefined)
      this.#time.after(comesBackAfter, () => {
        message.visibleAt = this.#time.now()
        this.messages.push(message)
        this.onVisible()
      })
    return {}
  }

  /** Drops what is older than the queue keeps it. */
  dropOld(): void {
    const oldest = this.#time.now() - (this.#options.retention ?? 14 * 86_400) * 1000
    for (const message of this.messages.filter(({ sentAt }) => sentAt < oldest)) {
      // One that was deleted and came back is nothing that anybody waits for.
      if (!message.deleted) this.dropped.push(message)
      this.#remove(message)
    }
  }

  #remove(message: Stored): void {
    message.deleted = true
    const index = this.messages.indexOf(message)
    if (index >= 0) this.messages.splice(index, 1)
  }
}

/** @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html */
const UNCARRIABLE = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u

function refuseUncarriable(body: string, attributes: Readonly<Record<string, MessageAttributeValue>>): void {
  let bytes = Buffer.byteLength(body)
  const texts = [body]
  for (const [name, { DataType = '', StringValue = '' }] of Object.entries(attributes)) {
    bytes += Buffer.byteLength(name) + DataType.length + Buffer.byteLength(StringValue)
    texts.push(StringValue)
    if (StringValue === '')
      throw new ServiceRefusal('InvalidParameterValue', `The attribute ${name} is empty.`, false)
  }
  if (Object.keys(attributes).length > 10)
    throw new ServiceRefusal('InvalidParameterValue', 'There are more than 10 attributes.', false)
  if (body === '') throw new ServiceRefusal('MissingParameter', 'The request has no MessageBody.', false)
  if (bytes > MESSAGE_BYTES_MAX)
    throw new ServiceRefusal('InvalidParameterValue', 'The message is longer than 1048576 bytes.', false)
  if (texts.some(text => UNCARRIABLE.test(text)))
    throw new ServiceRefusal('InvalidMessageContents', 'The message has invalid characters.', false)
}
