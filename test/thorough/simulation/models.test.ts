import { describe, expect, test } from 'vitest'
import { useEmbedded } from '../../support/embedded.ts'
import { Table } from './dynamodb.ts'
import { clientOf, modelQueues, playQueue, playTable, type Takes } from './models.ts'
import { createRandom } from './random.ts'

const aws = useEmbedded()

const SEEDS = Array.from({ length: 25 }, (_, index) => index + 1)

describe('the model of SQS', () => {
  test.each(SEEDS)('says what the embedded server says: seed %i', async seed => {
    const deadLetterQueueUrl = await aws.createQueue(`model-dead-${seed}`, { VisibilityTimeout: '600' })
    const queueUrl = await aws.createQueue(`model-${seed}`, {
      VisibilityTimeout: '600',
      RedrivePolicy: JSON.stringify({
        deadLetterTargetArn: `arn:aws:sqs:eu-central-1:000000000000:model-dead-${seed}`,
        maxReceiveCount: 3,
      }),
    })
    const real = await playQueue(
      clientOf(aws.sqs),
      { queueUrl, deadLetterQueueUrl, checksText: true },
      createRandom(seed),
      40,
    )
    const urls = { queueUrl: 'queue', deadLetterQueueUrl: 'dead', checksText: true }
    expect(await playQueue(modelQueues(), urls, createRandom(seed), 40)).toEqual(real)
  })
})

describe('the model of DynamoDB', () => {
  test.each(SEEDS)('says what the embedded server says: seed %i', async seed => {
    const prefixed = clientOf(aws.dynamodb)
    const table = new Table('eventId')
    const model: Takes = { send: async command => table.send(command) }
    const real = await playTable(ownKeys(prefixed, seed), aws.table, createRandom(seed), 60)
    expect(await playTable(ownKeys(model, seed), aws.table, createRandom(seed), 60)).toEqual(real)
  })
})

/** Gives each seed keys of its own, so that one table serves all of them. */
function ownKeys(client: Takes, seed: number): Takes {
  const own = (item: unknown) => {
    const key: unknown = item instanceof Object ? Reflect.get(item, 'eventId') : undefined
    if (key instanceof Object && 'S' in key) Reflect.set(item ?? {}, 'eventId', { S: `${seed} ${key.S}` })
  }
  return {
    send(command) {
      const input: unknown = Reflect.get(command, 'input')
      if (input instanceof Object) for (const part of ['Key', 'Item']) own(Reflect.get(input, part))
      return client.send(command)
    },
  }
}
