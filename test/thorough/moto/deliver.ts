import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { PutSecretValueCommand } from '@aws-sdk/client-secrets-manager'
import { type Message, ReceiveMessageCommand } from '@aws-sdk/client-sqs'
import type { Packaged } from '../../../infra/build/package.ts'
import { numberOf } from '../../../infra/build/template.ts'
import { systemClock } from '../../../lib/base/clock.ts'
import { createLedger, type Ledger } from '../../../lib/ledger/ledger.ts'
import { describeBody } from '../../../lib/queue/message.ts'
import type { EmulatedBox } from '../../../local/box/emulated-box.ts'
import { createGateway } from '../../../local/runtime/gateway.ts'
import type { Lambda } from '../../../local/runtime/lambda.ts'
import { startPoller } from '../../../local/runtime/poller.ts'
import { boxEvent, signedDelivery } from '../../kit.ts'
import { type Aws, boxhooks } from './aws.ts'
import type { Secrets } from './make.ts'
import { AUTOMATION, BOX_APP, KEYS, say, undo, until } from './scene.ts'

export async function tell(scene: {
  readonly aws: Aws
  readonly packaged: Packaged
  readonly secrets: Secrets
  readonly box: EmulatedBox
  readonly ingest: Lambda
  readonly automate: Lambda
  readonly reconcile: Lambda
}): Promise<void> {
  const { aws, packaged, secrets, ingest, automate, reconcile } = scene
  const { content } = scene.box
  const gateway = createGateway({ invoke: request => ingest.invoke(request), now: systemClock.now })
  const post = async ({ body, headers }: ReturnType<typeof signedDelivery>) => {
    const request = { method: 'POST', body: Uint8Array.from(body), headers }
    return (await gateway(new Request('https://moto.example/box/webhook', request))).status
  }
  const accept = async (delivery: ReturnType<typeof signedDelivery>) =>
    until('ingest accepts the delivery, as Box repeats it', async () => {
      const status = await post(delivery)
      assert.ok(status === 202 || status === 503, `ingest answered ${status}`)
      return status === 202
    })
  const waiting = async () => Number((await aws.attributesOf(aws.queueUrl)).ApproximateNumberOfMessages)

  content.createFolder({ id: '100001', parentId: '0', name: 'Review' })
  const { id } = content.uploadFile({ parentId: '100001', name: 'offer.pdf', content: 'an offer' })
  content.updateFile(id, { sharedLink: { access: 'open' } })
  const event = boxEvent('FILE.DOWNLOADED', { id: randomUUID(), source: { id } })

  assert.equal(await post(signedDelivery(event, KEYS)), 503, 'keys that nobody has set must close the door')
  const set = (SecretId: string, value: object) =>
    aws.secretsManager.send(new PutSecretValueCommand({ SecretId, SecretString: JSON.stringify(value) }))
  await set(secrets.keys, KEYS)
  await set(secrets.boxApp, BOX_APP)
  // Keys are fetched again only after a while; a new instance has them at once.
  await ingest.kill()
  assert.equal(await post(signedDelivery(event, { primary: 'forged' })), 401)
  assert.equal(await waiting(), 0)
  await accept(signedDelivery(event, KEYS))
  assert.equal(await waiting(), 1)
  say('ingest refused a forged delivery and queued a signed one')

  await reconcile.invoke({ action: 'apply' })
  const webhooks = () => [...scene.box.webhooks.all.values()]
  const [made] = webhooks()
  assert.match(made?.address ?? '', /\.execute-api\.eu-central-1\.amazonaws\.com\/box\/webhook$/)
  assert.equal(made?.target.id, '100001')
  say('reconcile made the webhook that the automations declare')

  const batchOf = (id: string) => numberOf(packaged.template, id, 'BatchSize')
  await startEventSource(aws, aws.queueUrl, automate, batchOf('AutomateEventSourceMappingSQSQueue'))
  await startEventSource(
    aws,
    aws.reconcileUrl,
    reconcile,
    batchOf('ReconcileEventSourceMappingSQSReconcileQueue'),
  )
  const ledger = createLedger({ dynamodb: aws.dynamodb, table: aws.table, now: systemClock.now })
  const record = () => ledger.read(String(event.id))
  await until('the event is finished in the ledger', async () => (await record())?.status === 'done')
  assert.equal((await record())?.runs[AUTOMATION]?.status, 'done')
  assert.equal(content.file(id).sharedLink, undefined)
  say('automate removed the shared link and recorded the run')

  await accept(signedDelivery(event, KEYS))
  await until('the queue is empty again', async () => {
    const attributes = await aws.attributesOf(aws.queueUrl)
    return (await waiting()) === 0 && attributes.ApproximateNumberOfMessagesNotVisible === '0'
  })
  assert.equal((await record())?.runs[AUTOMATION]?.attempts, 1)
  say('the same event, delivered again, had no second effect')

  scene.box.webhooks.delete(made?.id ?? '')
  await accept(signedDelivery(boxEvent('WEBHOOK.DELETED', { id: randomUUID() }), KEYS))
  await until('the deleted webhook is there again', async () => webhooks().length === 1)
  say('a webhook that Box deleted was made anew')

  const about = { type: 'file', id: '4711' }
  const unreadable = signedDelivery({ ...event, id: randomUUID(), trigger: null, source: about }, KEYS)
  await accept(unreadable)
  const letter = await deadLetter(aws)
  assert.equal(letter.Body, new TextDecoder().decode(unreadable.body))
  say(`an unreadable event is a dead letter: ${letter.MessageAttributes?.failure?.StringValue}`)

  const { eventId: deadId } = describeBody(unreadable.body)
  await workOffDeadLetters(aws, ledger, deadId)
  content.updateFile(id, { sharedLink: { access: 'open' } })
  await boxhooks(aws, 'replay', String(event.id), '--force', '--yes')
  await until('the shared link is gone again', async () => content.file(id).sharedLink === undefined)
  say('boxhooks replay ran a done event again by force')
}

/** As an operator does it, through the command line. */
async function workOffDeadLetters(aws: Aws, ledger: Ledger, eventId: string): Promise<void> {
  const listed: unknown = JSON.parse(await boxhooks(aws, 'dlq', 'list', '--json'))
  assert.partialDeepStrictEqual(listed, [{ eventId, code: 'event_unreadable' }])
  assert.match(await boxhooks(aws, 'dlq', 'redrive', '--all', '--dry-run'), /^1 dead letter of stage local/)
  assert.equal(await boxhooks(aws, 'dlq', 'redrive', eventId, '--yes'), '1 dead letter redriven.\n')
  await until('the redriven event is dead again', async () => (await ledger.read(eventId))?.redrives === 1)
  assert.equal(
    await boxhooks(aws, 'dlq', 'drop', eventId, '--yes', '--reason', 'It was a test.'),
    '1 dead letter dropped.\n',
  )
  assert.equal((await ledger.read(eventId))?.dropped?.reason, 'It was a test.')
  assert.match(await boxhooks(aws, 'dlq', 'list'), /no dead letter in stage local/)
  say('boxhooks dlq listed, redrove and dropped the dead letter')
}

async function startEventSource(aws: Aws, queueUrl: string, to: Lambda, batchSize: number): Promise<void> {
  const poller = startPoller({
    sqs: aws.sqs,
    queueUrl,
    queueArn: (await aws.attributesOf(queueUrl)).QueueArn ?? '',
    batchSize,
    invoke: batch => to.invoke(batch),
    concurrency: 1,
  })
  undo.push(() => poller.stop())
}

async function deadLetter({ sqs, deadLetterUrl: QueueUrl }: Aws): Promise<Message> {
  const received: Message[] = []
  await until('a message lies on the dead-letter queue', async () => {
    const seen = { QueueUrl, MessageAttributeNames: ['All'], VisibilityTimeout: 0 }
    const command = new ReceiveMessageCommand(seen)
    received.push(...((await sqs.send(command)).Messages ?? []))
    return received.length > 0
  })
  return received[0] ?? {}
}
