/** Checks the simulation's models of SQS and DynamoDB against moto: the same operations, the same outcomes. */
import assert from 'node:assert/strict'
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { CreateQueueCommand, GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs'
import { Table } from '../simulation/dynamodb.ts'
import { clientOf, modelQueues, playQueue, playTable } from '../simulation/models.ts'
import { createRandom } from '../simulation/random.ts'
import { startMoto } from './server.ts'

const SEEDS = Array.from({ length: 15 }, (_, index) => index + 1)
const CLIENT = { region: 'eu-central-1', credentials: { accessKeyId: 'x', secretAccessKey: 'x' } }

const moto = await startMoto()
if (moto) {
  try {
    const sqs = new SQSClient({ ...CLIENT, endpoint: moto.endpoint })
    const dynamodb = new DynamoDBClient({ ...CLIENT, endpoint: moto.endpoint })
    for (const seed of SEEDS) {
      await compareQueues(sqs, seed)
      await compareTables(dynamodb, seed)
    }
    console.log(`The models of SQS and DynamoDB say what moto says, over ${SEEDS.length} sequences each.`)
  } finally {
    await moto.stop()
  }
} else console.log('SKIPPED: moto_server is not here, so the models are not checked against it.')

async function compareQueues(sqs: SQSClient, seed: number): Promise<void> {
  const create = async (QueueName: string, more: Record<string, string> = {}) => {
    const Attributes = { VisibilityTimeout: '600', ...more }
    const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName, Attributes }))
    return QueueUrl
  }
  const deadLetterQueueUrl = await create(`dead-${seed}`)
  const asked = new GetQueueAttributesCommand({ QueueUrl: deadLetterQueueUrl, AttributeNames: ['QueueArn'] })
  const deadLetterTargetArn = (await sqs.send(asked)).Attributes?.QueueArn
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn, maxReceiveCount: 3 })
  const queueUrl = await create(`queue-${seed}`, { RedrivePolicy })
  const real = await playQueue(
    clientOf(sqs),
    { queueUrl, deadLetterQueueUrl, checksText: false },
    createRandom(seed),
    40,
  )
  const urls = { queueUrl: 'queue', deadLetterQueueUrl: 'dead', checksText: false }
  const model = await playQueue(modelQueues(), urls, createRandom(seed), 40)
  assert.deepEqual(model, real, `the model of SQS and moto differ with seed ${seed}`)
}

async function compareTables(dynamodb: DynamoDBClient, seed: number): Promise<void> {
  const TableName = `table-${seed}`
  await dynamodb.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'eventId', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'eventId', KeyType: 'HASH' }],
    }),
  )
  const real = await playTable(clientOf(dynamodb), TableName, createRandom(seed), 60, false)
  const table = new Table('eventId')
  const model = await playTable(
    { send: async command => table.send(command) },
    TableName,
    createRandom(seed),
    60,
    false,
  )
  assert.deepEqual(model, real, `the model of DynamoDB and moto differ with seed ${seed}`)
}
