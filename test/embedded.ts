import {
  type AttributeValue,
  CreateTableCommand,
  DynamoDBClient,
  GetItemCommand,
} from '@aws-sdk/client-dynamodb'
import { SQSClient } from '@aws-sdk/client-sqs'
import dynalite from 'dynalite'
import { type FauxqsServer, startFauxqs } from 'fauxqs'

/** The embedded SQS and DynamoDB, with the ledger's table. */
export type Embedded = {
  readonly sqs: SQSClient
  readonly dynamodb: DynamoDBClient
  readonly fauxqs: FauxqsServer
  readonly table: string
  /** Makes a queue and returns its URL. */
  createQueue(name: string, attributes: Record<string, string>): string
  /** Reads an item of the ledger as DynamoDB has it. */
  item(eventId: string): Promise<Record<string, AttributeValue> | undefined>
  stop(): Promise<void>
}

export async function startEmbedded(): Promise<Embedded> {
  const fauxqs = await startFauxqs({ port: 0, logger: false })
  const database = dynalite({ createTableMs: 0 })
  await new Promise<void>(resolve => database.listen(0, '127.0.0.1', resolve))
  const address = database.address()
  if (address === null || typeof address === 'string') throw new Error('The database has no port.')
  const client = { region: 'eu-central-1', credentials: { accessKeyId: 'x', secretAccessKey: 'x' } }
  const sqs = new SQSClient({ ...client, endpoint: fauxqs.address })
  const dynamodb = new DynamoDBClient({ ...client, endpoint: `http://127.0.0.1:${address.port}` })
  const table = 'ledger'
  await dynamodb.send(
    new CreateTableCommand({
      TableName: table,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'eventId', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'eventId', KeyType: 'HASH' }],
    }),
  )
  return {
    sqs,
    dynamodb,
    fauxqs,
    table,
    createQueue(name, attributes) {
      fauxqs.createQueue(name, { attributes })
      return `${fauxqs.address}/000000000000/${name}`
    },
    async item(eventId) {
      const key = { eventId: { S: eventId } }
      return (await dynamodb.send(new GetItemCommand({ TableName: table, Key: key }))).Item
    },
    async stop() {
      sqs.destroy()
      dynamodb.destroy()
      await fauxqs.stop()
      await new Promise(resolve => database.close(resolve))
    },
  }
}
