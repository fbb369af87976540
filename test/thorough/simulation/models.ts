import {
  type AttributeValue,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs'
import type { Random } from './random.ts'
import { SimulatedQueue } from './sqs.ts'

/** Whatever takes an SDK's commands: a client of a real server, or a model. */
export type Takes = { send(command: object): Promise<object> }

/** What both sides are told to do, and what each says. */
export type Said = readonly string[]

/** The queues that a sequence plays on; the second is the first one's dead-letter queue after three receives. */
export type Queues = {
  readonly queueUrl: string
  readonly deadLetterQueueUrl: string
  /** Whether the server refuses the texts that SQS refuses; moto takes any. */
  readonly checksText: boolean
}

/**
 * Plays a sequence of operations that a seed decides on a queue and its dead-letter queue.
 * @returns what came of each operation, in words in which two queues that behave alike say the same
 */
export async function playQueue(
  client: Takes,
  queues: Queues,
  random: Random,
  length: number,
): Promise<Said> {
  const said: string[] = []
  const held: Message[] = []
  const send = (command: object) => client.send(command)
  let sent = 0
  const receive = async (QueueUrl: string, describe: (message: Message) => string) => {
    const command = new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, ...ALL })
    const answer = await send(command)
    const messages: Message[] = 'Messages' in answer && Array.isArray(answer.Messages) ? answer.Messages : []
    said.push(`received ${messages.map(describe).sort().join(' and ') || 'nothing'}`)
    return messages.sort((one, other) => ((one.Body ?? '') < (other.Body ?? '') ? -1 : 1))
  }
  const steps: readonly [() => Promise<unknown>, ...(() => Promise<unknown>)[]] = [
    async () => {
      // One receive takes all that is there, so that no server has to choose.
      if (sent >= 9) return
      sent += 1
      await send(new SendMessageCommand({ QueueUrl: queues.queueUrl, ...messageOf(random, sent) }))
    },
    async () => {
      const told = (message: Message) =>
        `${described(message)}, ${message.Attributes?.ApproximateReceiveCount} times`
      held.push(...(await receive(queues.queueUrl, told)))
    },
    async () => {
      const VisibilityTimeout = random.pick([0, 600])
      for (const { ReceiptHandle } of held.splice(0, random.int(held.length + 1)))
        await send(
          new ChangeMessageVisibilityCommand({ QueueUrl: queues.queueUrl, ReceiptHandle, VisibilityTimeout }),
        )
    },
    async () => {
      for (const { ReceiptHandle } of held.splice(0, random.int(held.length + 1)))
        await send(new DeleteMessageCommand({ QueueUrl: queues.queueUrl, ReceiptHandle }))
    },
    () =>
      send(
        new SendMessageCommand({ QueueUrl: queues.queueUrl, ...refusedMessage(random, queues.checksText) }),
      ),
  ]
  for (let count = 0; count < length; count += 1)
    await random
      .pick(steps)()
      .then(
        () => said.push('done'),
        () => said.push('refused'),
      )
  await receive(queues.deadLetterQueueUrl, described)
  return said
}

const ALL = { MessageAttributeNames: ['All'], MessageSystemAttributeNames: ['All' as const] }

function described({ Body, MessageAttributes }: Message): string {
  const attributes = Object.entries(MessageAttributes ?? {}).map(
    ([name, { StringValue }]) => `${name}=${StringValue}`,
  )
  return `${Body} (${attributes.sort().join()})`
}

const messageOf = (random: Random, count: number) => ({
  MessageBody: `body ${count} ${random.pick(['é', '\t\n', 'x'.repeat(20), '￼'])}`,
  MessageAttributes: {
    eventId: { DataType: 'String', StringValue: `event-${count}` },
    ...(random.chance(0.5) ? { failure: { DataType: 'String', StringValue: '{"code":"é"}' } } : {}),
  },
})

const TOO_LONG = 'x'.repeat(1_048_577)

const refusedMessage = (random: Random, checksText: boolean) => ({
  MessageBody: checksText ? random.pick(['\u0000', '\uffff', '', TOO_LONG]) : TOO_LONG,
})

/**
 * Plays a sequence of operations that a seed decides on a table whose items have the key eventId.
 * @param strict whether the server refuses paths that DynamoDB refuses; moto takes some of them
 * @returns what came of each operation
 */
export async function playTable(
  client: Takes,
  TableName: string,
  random: Random,
  length: number,
  strict = true,
): Promise<Said> {
  const said: string[] = []
  for (let count = 0; count < length; count += 1) {
    const Key = { eventId: { S: `event-${random.int(3)}` } }
    const command = random.pick<() => object>([
      () => new GetItemCommand({ TableName, Key, ConsistentRead: true }),
      () => new PutItemCommand({ TableName, Item: { ...Key, ...freshItem(random) }, ...ifAbsent(random) }),
      () => new UpdateItemCommand({ TableName, Key, ...updateOf(random, strict) }),
      () => new UpdateItemCommand({ TableName, Key, ...updateOf(random, strict) }),
    ])()
    said.push(await outcomeOf(client, command))
  }
  return said
}

async function outcomeOf(client: Takes, command: object): Promise<string> {
  try {
    const answer = await client.send(command)
    return 'Item' in answer ? `has ${canonical(answer.Item)}` : 'done'
  } catch (error) {
    return `refused: ${error instanceof Error ? error.name : typeof error}`
  }
}

const freshItem = (random: Random): Record<string, AttributeValue> => ({
  version: { N: '1' },
  leaseToken: { S: `token-${random.int(3)}` },
  runs: { M: { one: { M: { status: { S: 'pending' }, steps: { M: {} } } } } },
})

const ifAbsent = (random: Random) =>
  random.chance(0.7) ? { ConditionExpression: 'attribute_not_exists(eventId)' } : {}

/** Paths that may not be there, or are there twice. */
const STRICT = ['#r.#o.#s.#a = :text', '#a.#o = :text', '#r = :run, #r.#o = :run'] as const

/** Updates as lib/ledger/ledger.ts writes them, and some that are not to be had. */
function updateOf(random: Random, strict: boolean) {
  const names = { '#v': 'version', '#r': 'runs', '#o': random.pick(['one', 'two', 'three']), '#s': 'steps' }
  const values = {
    ':one': { N: '1' },
    ':run': { M: { status: { S: random.pick(['done', 'pending']) }, steps: { M: {} } } },
    ':text': { S: 'step' },
    ':is': random.chance(0.5) ? { N: String(1 + random.int(3)) } : { S: `token-${random.int(3)}` },
  }
  const left = values[':is'].N === undefined ? '#t' : '#v'
  const set = random.pick(strict ? ['#r.#o = :run', '#a = :text', ...STRICT] : ['#r.#o = :run', '#a = :text'])
  const expressions = {
    UpdateExpression: `SET ${set}, #v = #v + :one`,
    ConditionExpression: `${left} = :is`,
  }
  const used = Object.values(expressions).join(' ')
  const isUsed = ([name]: readonly [string, unknown]) => new RegExp(`${name}\\b`).test(used)
  const all = { ...names, '#t': 'leaseToken', '#a': 'another' }
  return {
    ...expressions,
    ExpressionAttributeNames: Object.fromEntries(Object.entries(all).filter(isUsed)),
    ExpressionAttributeValues: Object.fromEntries(Object.entries(values).filter(isUsed)),
  }
}

/** JSON with the fields of every object in one order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    inner instanceof Object && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([one], [other]) => (one < other ? -1 : 1)))
      : inner,
  )
}

/** A real client as a sequence plays on it. */
export const clientOf = (client: SQSClient | DynamoDBClient): Takes => ({
  send: command => Reflect.apply(client.send, client, [command]),
})

/** Two queues of the model behind one client. */
export function modelQueues(): Takes {
  const time = { now: () => 0, after: () => {} }
  const dead = new SimulatedQueue('dead', { visibilityTimeout: 600 }, time)
  const redrive = { maxReceiveCount: 3, to: dead }
  const queue = new SimulatedQueue('queue', { visibilityTimeout: 600, redrive }, time)
  return {
    async send(command) {
      const input: unknown = Reflect.get(command, 'input')
      const url: unknown = input instanceof Object ? Reflect.get(input, 'QueueUrl') : undefined
      return url === 'dead' ? dead.send(command) : queue.send(command)
    },
  }
}
