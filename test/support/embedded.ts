import {
  type AttributeValue,
  CreateTableCommand,
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  type GlobalSecondaryIndex,
} from '@aws-sdk/client-dynamodb'
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs'
import type { FauxqsServer } from 'fauxqs'
import { startEmbeddedDynamoDb, startEmbeddedSqs } from '../../local/aws/embedded-aws.ts'
import { useStarted } from './started.ts'

/** The embedded SQS and DynamoDB, with the ledger's table. */
export type Embedded = {
  readonly sqs: SQSClient
  readonly dynamodb: DynamoDBClient
  /** Where SQS answers. */
  readonly sqsUrl: string
  /** Where DynamoDB answers. */
  readonly dynamodbUrl: string
  readonly table: string
  /** Makes a queue and returns its URL. */
  createQueue(name: string, attributes: Record<string, string>): Promise<string>
  /**
   * Looks at a queue's messages without receiving them.
   * @param queue its name or its URL
   */
  messages(queue: string): Promise<QueueMessages>
  /** Reads an item of the ledger as DynamoDB has it. */
  item(eventId: string): Promise<Record<string, AttributeValue> | undefined>
  /** Takes an item away, as if it had never been. */
  remove(eventId: string): Promise<void>
  stop(): Promise<void>
}

type QueueMessages = NonNullable<ReturnType<FauxqsServer['inspectQueue']>>['messages']

export async function startEmbedded(): Promise<Embedded> {
  const [queues, database] = await Promise.all([startEmbeddedSqs(), startEmbeddedDynamoDb()])
  const client = { region: 'eu-central-1', credentials: { accessKeyId: 'x', secretAccessKey: 'x' } }
  const sqs = new SQSClient({ ...client, endpoint: queues.url })
  const dynamodb = new DynamoDBClient({ ...client, endpoint: database.url })
  const table = 'ledger'
  await dynamodb.send(
    new CreateTableCommand({
      TableName: table,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: ['eventId', 'source', 'receivedOn', 'receivedAt'].map(AttributeName => ({
        AttributeName,
        AttributeType: 'S',
      })),
      KeySchema: [{ AttributeName: 'eventId', KeyType: 'HASH' }],
      GlobalSecondaryIndexes: [byTime('bySource', 'source'), byTime('byDay', 'receivedOn')],
    }),
  )
  return {
    sqs,
    dynamodb,
    sqsUrl: queues.url,
    dynamodbUrl: database.url,
    table,
    async createQueue(name, Attributes) {
      await sqs.send(new CreateQueueCommand({ QueueName: name, Attributes }))
      return `${queues.url}/000000000000/${name}`
    },
    async messages(queue) {
      const name = queue.slice(queue.lastIndexOf('/') + 1)
      const response = await fetch(`${queues.url}/_fauxqs/queues/${name}`)
      const { messages }: { messages: QueueMessages } = JSON.parse(await response.text())
      return messages
    },
    async item(eventId) {
      const key = { eventId: { S: eventId } }
      return (await dynamodb.send(new GetItemCommand({ TableName: table, Key: key }))).Item
    },
    async remove(eventId) {
      await dynamodb.send(new DeleteItemCommand({ TableName: table, Key: { eventId: { S: eventId } } }))
    },
    async stop() {
      sqs.destroy()
      dynamodb.destroy()
      await Promise.all([queues.stop(), database.stop()])
    },
  }
}

/** An index of the ledger, as infra/cloudformation/ledger.yml has it. */
const byTime = (IndexName: string, key: string): GlobalSecondaryIndex => ({
  IndexName,
  KeySchema: [
    { AttributeName: key, KeyType: 'HASH' },
    { AttributeName: 'receivedAt', KeyType: 'RANGE' },
  ],
  Projection: { ProjectionType: 'KEYS_ONLY' },
})

/** Embedded servers for all tests of a file or a describe block. */
export const useEmbedded = (): Embedded => useStarted(startEmbedded, embedded => embedded.stop())
