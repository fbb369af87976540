import { CreateQueueCommand, SendMessageCommand } from '@aws-sdk/client-sqs'
import type { SQSEvent } from 'aws-lambda'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Aws, startAws } from '../../../local/aws/aws.ts'
import {
  eventSourceOf,
  keptOf,
  type PollerOptions,
  recordOf,
  startPoller,
} from '../../../local/runtime/poller.ts'
import { packagedLocal } from '../../support/packaged.ts'

let aws: Aws
beforeAll(async () => {
  aws = await startAws((await packagedLocal()).template)
})
afterAll(() => aws.stop())

let queues = 0
/** A queue of its own with these messages, and a poller on it. */
async function polled(bodies: readonly string[], invoke: PollerOptions['invoke'], visibilitySeconds = 30) {
  queues += 1
  const Attributes = { VisibilityTimeout: String(visibilitySeconds) }
  const made = await aws.sqs.send(new CreateQueueCommand({ QueueName: `polled-${queues}`, Attributes }))
  const queueUrl = made.QueueUrl ?? ''
  for (const MessageBody of bodies)
    await aws.sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody }))
  const errors: unknown[] = []
  const poller = startPoller({
    sqs: aws.sqs,
    queueUrl,
    queueArn: aws.queueArn,
    batchSize: 10,
    concurrency: 1,
    invoke,
    onError: error => errors.push(error),
  })
  return { poller, queueUrl, errors, depth: () => aws.depth(queueUrl) }
}

describe('the SQS event source', () => {
  test('gives the function records as Lambda writes them', async () => {
    const events: SQSEvent[] = []
    const { poller, queueUrl } = await polled([], async event => void events.push(event))
    const message = {
      MessageBody: 'hello',
      MessageAttributes: {
        trigger: { DataType: 'String', StringValue: 'FILE.DOWNLOADED' },
        raw: { DataType: 'Binary', BinaryValue: Uint8Array.from([255, 0]) },
      },
    }
    await aws.sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, ...message }))
    await expect.poll(() => events).toHaveLength(1)
    expect(events[0]?.Records).toEqual([
      expect.objectContaining({
        body: 'hello',
        eventSource: 'aws:sqs',
        eventSourceARN: aws.queueArn,
        awsRegion: 'eu-central-1',
        attributes: expect.objectContaining({
          ApproximateReceiveCount: '1',
          SentTimestamp: expect.stringMatching(/^\d{13}$/),
        }),
        messageAttributes: {
          trigger: {
            dataType: 'String',
            stringValue: 'FILE.DOWNLOADED',
            stringListValues: [],
            binaryListValues: [],
          },
          raw: { dataType: 'Binary', binaryValue: '/wA=', stringListValues: [], binaryListValues: [] },
        },
      }),
    ])
    await poller.stop()
  })

  test('takes batches as large, and as many at a time, as the template says', async () => {
    const { template } = await packagedLocal()
    expect(eventSourceOf(template)).toEqual({ batchSize: 10, concurrency: 5 })
  })

  test('passes on every attribute that the queue gives', () => {
    // The embedded SQS forgets the group of a message on a standard queue; AWS does not.
    const record = recordOf({ MessageId: 'm', Attributes: { MessageGroupId: 'webhook-1' } }, aws.queueArn)
    expect(record.attributes).toMatchObject({ MessageGroupId: 'webhook-1', ApproximateReceiveCount: '1' })
  })

  test('deletes what succeeded, and hands out again what the function wants kept', async () => {
    const received: string[] = []
    const { poller, depth } = await polled(
      ['good', 'bad'],
      async ({ Records }) => {
        received.push(
          ...Records.map(({ body, attributes }) => `${body} ${attributes.ApproximateReceiveCount}`),
        )
        const bad = Records.filter(
          one => one.body === 'bad' && one.attributes.ApproximateReceiveCount === '1',
        )
        return { batchItemFailures: bad.map(({ messageId }) => ({ itemIdentifier: messageId })) }
      },
      0,
    )
    await expect.poll(() => received, { timeout: 10_000 }).toContain('bad 2')
    await expect.poll(depth, { timeout: 10_000 }).toEqual({ waiting: 0, inFlight: 0, delayed: 0 })
    expect(received.filter(one => one.startsWith('good'))).toEqual(['good 1'])
    await poller.stop()
  })

  test('keeps the whole batch where the function fails', async () => {
    let calls = 0
    const { poller, depth } = await polled(['a', 'b'], async () => {
      calls += 1
      throw new Error('no')
    })
    await expect.poll(() => calls).toBeGreaterThan(0)
    await poller.stop()
    expect((await depth()).inFlight + (await depth()).waiting).toBe(2)
  })

  test('stopping waits for the batch under way, and takes no other', async () => {
    let started = false
    let release = () => {}
    const held = new Promise<void>(resolve => {
      release = resolve
    })
    const { poller, depth } = await polled(['a'], async () => {
      started = true
      await held
    })
    await expect.poll(() => started).toBe(true)
    let stopped = false
    const stopping = poller.stop().then(() => {
      stopped = true
    })
    await depth()
    expect(stopped).toBe(false)
    release()
    await stopping
    expect(await depth()).toEqual({ waiting: 0, inFlight: 0, delayed: 0 })
  })
})

describe('a partial batch response', () => {
  const all = new Set(['1', '2'])

  test.each([
    ['nothing', undefined],
    ['null', null],
    ['an empty object', {}],
    ['an empty list', { batchItemFailures: [] }],
    ['no list', { batchItemFailures: null }],
  ])('of %s means that all has succeeded', (_, answer) => {
    expect(keptOf(answer, all)).toEqual(new Set())
  })

  test('keeps what it names', () => {
    expect(keptOf({ batchItemFailures: [{ itemIdentifier: '2' }] }, all)).toEqual(new Set(['2']))
  })

  test.each([
    ['a text', 'done'],
    ['a list', []],
    ['failures that are no list', { batchItemFailures: 'all' }],
    ['an empty identifier', { batchItemFailures: [{ itemIdentifier: '' }] }],
    ['no identifier', { batchItemFailures: [{ itemIdentifier: null }] }],
    ['a wrong key', { batchItemFailures: [{ id: '1' }] }],
    ['a message of another batch', { batchItemFailures: [{ itemIdentifier: '1' }, { itemIdentifier: '3' }] }],
  ])('of %s means that all has failed', (_, answer) => {
    expect(keptOf(answer, all)).toEqual(all)
  })
})

test('the embedded services listen on this machine only', () => {
  for (const url of [aws.env.AWS_ENDPOINT_URL_SQS, aws.env.AWS_ENDPOINT_URL_DYNAMODB])
    expect(new URL(url ?? '').hostname).toBe('127.0.0.1')
})

test('an endpoint where nothing answers is a failure that says what to do', async () => {
  const { template } = await packagedLocal()
  await expect(startAws(template, 'http://127.0.0.1:9')).rejects.toThrow(
    /ECONNREFUSED.*unset AWS_ENDPOINT_URL/,
  )
  await expect(startAws(template, 'nonsense')).rejects.toThrow('AWS_ENDPOINT_URL is nonsense')
})
