/**
 * Makes the stack in moto, an emulated AWS, from the compiled template, and takes deliveries through it: the functions
 * run from their artifacts, unpacked away from node_modules, with the environment that CloudFormation gave them.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import {
  CloudWatchLogsClient,
  CreateLogStreamCommand,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs'
import { DescribeTableCommand, DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb'
import {
  CreateSecretCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import {
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { type Packaged, packageStage } from '../infra/package.ts'
import { numberOf, resource } from '../infra/template.ts'
import { systemClock } from '../lib/clock.ts'
import { isObject } from '../lib/json.ts'
import { createLedger, type Ledger } from '../lib/ledger.ts'
import { describeBody } from '../lib/message.ts'
import { createEmulatedBox, type EmulatedBox } from '../local/box/emulated-box.ts'
import { createGateway } from '../local/gateway.ts'
import { createStageSource } from '../local/inspector/stage-source.ts'
import { createLambda, type Lambda } from '../local/lambda.ts'
import { startPoller } from '../local/poller.ts'
import { serve } from '../local/serve.ts'
import { runCommand, startCommand } from '../test/command.ts'
import { boxEvent, signedDelivery } from '../test/kit.ts'
import { startMoto } from './moto-server.ts'
import { createStack, type MotoStack, REGION } from './moto-stack.ts'

const KEYS = { primary: 'moto-primary-key', secondary: 'moto-secondary-key' }
const BOX_APP = { clientId: 'local-client', clientSecret: 'local-secret', enterpriseId: '1' }
const AUTOMATION = 'remove-shared-link-after-download'
/** How long anything may take, in milliseconds, before it counts as not happening. */
const PATIENCE_MS = 30_000

/** What the functions wrote, which on AWS would be in CloudWatch. */
const logged: { name: string; line: string }[] = []

/** What is undone when all is over, the last first. */
const undo: (() => Promise<unknown>)[] = []
try {
  const moto = await startMoto()
  if (moto) {
    undo.push(() => moto.stop())
    await prove(moto.endpoint)
  } else console.log('SKIPPED: moto_server is not here, so no stack is made in it.')
} finally {
  for (const step of undo.reverse()) await step()
}

async function prove(endpoint: string): Promise<void> {
  const packaged = await packageStage({ stage: 'local' })
  const stack = await createStack(endpoint, packaged)
  say(`moto made ${Object.keys(stack.resources).length} resources; it can't make ${stack.leftOut.join(', ')}`)
  const aws = connect(endpoint, stack)
  await checkResources(aws, packaged)
  const secrets = await makeSecrets(aws, packaged)
  const box = await startBox()
  const unpacked = await mkdtemp(join(tmpdir(), 'boxhooks-moto-'))
  undo.push(() => rm(unpacked, { recursive: true, force: true }))
  const start = (name: string, logicalId: string, env: Record<string, string>) =>
    startFunction({ aws, packaged, stack, unpacked }, name, logicalId, env)
  const ingest = await start('ingest', 'IngestLambdaFunction', { SIGNATURE_KEYS_SECRET_ID: secrets.keys })
  const automate = await start('automate', 'AutomateLambdaFunction', {
    BOX_APP_SECRET_ID: secrets.boxApp,
    BOX_API_URL: box.url,
  })
  const reconcile = await start('reconcile', 'ReconcileLambdaFunction', {
    BOX_APP_SECRET_ID: secrets.boxApp,
    BOX_API_URL: box.url,
  })
  await tell({ aws, packaged, secrets, box: box.box, ingest, automate, reconcile })
  await examine(aws)
  await look(aws)
  await lookBack(aws)
  await lookAtKeys(aws)
}

/** Which keys are stored, and which deliveries were signed with them. */
async function lookAtKeys(aws: Aws): Promise<void> {
  assert.partialDeepStrictEqual(JSON.parse(await boxhooks(aws, 'keys', 'status', '--json')), {
    keys: [
      { name: 'primary', seen: 4 },
      { name: 'secondary', seen: 4 },
    ],
    rotation: null,
  })
  say('boxhooks keys status tells which keys sign deliveries, from the secret and the logs')
}

/** Looks at what happened as `boxhooks inspect` does: from logs, ledger and queues. */
async function look(aws: Aws): Promise<void> {
  const since = systemClock.now() - 3_600_000
  const logs = new CloudWatchLogsClient(aws.client)
  undo.push(async () => logs.destroy())
  for (const name of ['ingest', 'automate']) {
    const [logGroupName, logStreamName] = [`/aws/lambda/boxhooks-local-${name}`, 'stream']
    await logs.send(new CreateLogStreamCommand({ logGroupName, logStreamName }))
    const lines = logged.filter(one => one.name === name).map(({ line }) => line)
    const logEvents = lines.map(message => ({ message, timestamp: systemClock.now() }))
    await logs.send(new PutLogEventsCommand({ logGroupName, logStreamName, logEvents }))
  }
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: aws.endpoint,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  })
  const source = createStageSource({
    stage: 'local',
    region: REGION,
    outputs: {
      WebhookUrl: 'https://moto.example/box/webhook',
      QueueUrl: aws.queueUrl,
      DeadLetterQueueUrl: aws.deadLetterUrl,
      LedgerTable: aws.table,
    },
    since,
    onProblem: problem => assert.fail(problem),
  })
  undo.push(() => source.stop())
  const { journal } = source
  await until('the page knows what became of every event', async () => {
    const states = new Set<string>(journal.events.map(({ status }) => status))
    return ['done', 'dead', 'refused'].every(state => states.has(state))
  })
  const done = journal.events.find(({ lines }) => lines.some(({ automation }) => automation === AUTOMATION))
  assert.ok(done, 'the run is on the page')
  assert.equal((await source.record(done.eventId))?.status, 'done')
  assert.equal((await source.queues()).queue.waiting, 0)
  say(`inspect shows ${journal.events.length} events from the logs, the ledger and the queues`)
  await lookWithCommand(aws, journal.events.length)
}

/** The command itself serves the same, and leaves everything as it was. */
async function lookWithCommand(aws: Aws, events: number): Promise<void> {
  const before = await stateOf(aws)
  const running = startCommand(['inspect', '--stage', 'local', '--since', '2h', '--port', '0'], {
    env: { AWS_REGION: REGION },
  })
  undo.push(async () => running.child.kill('SIGINT'))
  await until('boxhooks inspect serves', async () => running.printed.out.includes('read-only'))
  const [url = ''] = /http:\/\/localhost:\d+/.exec(running.printed.out) ?? []
  await until('boxhooks inspect shows every event', async () => {
    const shown: unknown = await (await fetch(`${url}/_local/events`)).json()
    return Array.isArray(shown) && shown.length === events
  })
  const replay = await fetch(`${url}/_local/actions/replay`, { method: 'POST', body: '{}' })
  assert.equal(replay.status, 404, 'there is no action on a deployed stage')
  running.child.kill('SIGINT')
  const { code, err } = await running.ended
  assert.deepEqual({ code, err }, { code: 0, err: '' })
  assert.deepEqual(await stateOf(aws), before)
  say('boxhooks inspect --stage showed the same, and changed neither a queue nor the ledger')
}

/** What looking on must not change: the ledger's records, and the messages of both queues. */
async function stateOf({ dynamodb, table, attributesOf, queueUrl, deadLetterUrl }: Aws) {
  const { Items = [] } = await dynamodb.send(new ScanCommand({ TableName: table }))
  const queues = await Promise.all([attributesOf(queueUrl), attributesOf(deadLetterUrl)])
  return { records: Items.map(item => JSON.stringify(item)).sort(), queues }
}

/** Looks back as an operator does, through the command line. */
async function lookBack(aws: Aws): Promise<void> {
  const args = ['--automation', AUTOMATION, '--status', 'done', '--trigger', 'FILE.DOWNLOADED', '--json']
  const listed: unknown = JSON.parse(await boxhooks(aws, 'events', 'list', ...args))
  assert.ok(Array.isArray(listed) && listed.length === 1, 'one event ran the automation')
  const { eventId, item } = listed[0]
  const shown = await boxhooks(aws, 'events', 'show', eventId)
  for (const told of [
    /accepted, signed with the primary key/,
    /PUT \/2\.0\/files\/\d+ → 200/,
    /event finished: done/,
  ])
    assert.match(shown, told)
  const answer = await boxhooks(aws, 'why', item, AUTOMATION)
  assert.match(answer, /remove-shared-link-after-download: done/)
  assert.match(answer, /Box delivered the event 2 times/)
  say('boxhooks events and why tell what happened, from the ledger and the logs')
}

type Aws = ReturnType<typeof connect>
type Secrets = Awaited<ReturnType<typeof makeSecrets>>

function connect(endpoint: string, { resources }: MotoStack) {
  const client = { region: REGION, endpoint, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } }
  const sqs = new SQSClient(client)
  // moto's queue URLs name AWS's own host, and the SDK takes a queue's URL for its address.
  const reachable = (value = '') => value.replace(/^https:\/\/sqs\.[^/]+\.amazonaws\.com/, endpoint)
  return {
    client,
    endpoint,
    reachable,
    sqs,
    dynamodb: new DynamoDBClient(client),
    secretsManager: new SecretsManagerClient(client),
    queueUrl: reachable(resources.Queue),
    deadLetterUrl: reachable(resources.DeadLetterQueue),
    reconcileUrl: reachable(resources.ReconcileQueue),
    table: resources.LedgerTable ?? '',
    async attributesOf(QueueUrl: string) {
      const all = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] })
      return (await sqs.send(all)).Attributes ?? {}
    },
  }
}

async function checkResources(aws: Aws, { template }: Packaged): Promise<void> {
  const queue = await aws.attributesOf(aws.queueUrl)
  const deadLetters = await aws.attributesOf(aws.deadLetterUrl)
  assert.equal(queue.VisibilityTimeout, String(numberOf(template, 'Queue', 'VisibilityTimeout')))
  assert.deepEqual(JSON.parse(queue.RedrivePolicy ?? '{}'), {
    deadLetterTargetArn: deadLetters.QueueArn,
    maxReceiveCount: 1000,
  })
  assert.equal(deadLetters.MessageRetentionPeriod, String(14 * 24 * 3600))
  const { Table } = await aws.dynamodb.send(new DescribeTableCommand({ TableName: aws.table }))
  assert.deepEqual(Table?.KeySchema, resource(template, 'LedgerTable').Properties.KeySchema)
  const indexes = Table?.GlobalSecondaryIndexes?.map(({ IndexName }) => IndexName)
  assert.deepEqual(indexes, ['bySource', 'byDay'])
  say('the queues and the table are as the template says')
}

/** moto's CloudFormation makes no secrets, so they are made from what the template says of them. */
async function makeSecrets({ secretsManager }: Aws, { template }: Packaged) {
  const make = async (id: string): Promise<string> => {
    const SecretString = String(resource(template, id).Properties.SecretString)
    const { ARN = '' } = await secretsManager.send(new CreateSecretCommand({ Name: id, SecretString }))
    return ARN
  }
  return { keys: await make('SignatureKeysSecret'), boxApp: await make('BoxAppSecret') }
}

async function startBox(): Promise<{ box: EmulatedBox; url: string }> {
  const box = createEmulatedBox({
    clock: systemClock,
    newId: randomUUID,
    keys: KEYS,
    fetch: async () => new Response(null, { status: 202 }),
  })
  const { url, close } = await serve({ fetch: box.fetch, port: 0 })
  undo.push(close, () => box.close())
  return { box, url }
}

async function startFunction(
  from: { aws: Aws; packaged: Packaged; stack: MotoStack; unpacked: string },
  name: string,
  logicalId: string,
  env: Record<string, string>,
): Promise<Lambda> {
  const { handler, env: given, ...limits } = await from.stack.function(logicalId)
  const folder = join(from.unpacked, name)
  execFileSync('python3', ['-m', 'zipfile', '-e', join(from.packaged.folder, `${name}.zip`), folder])
  const variables = Object.entries(given).map(([variable, value]) => [variable, from.aws.reachable(value)])
  const lambda = createLambda({
    name,
    bundle: join(folder, dirname(handler), 'index.mjs'),
    ...limits,
    env: {
      ...Object.fromEntries(variables),
      ...env,
      AWS_ENDPOINT_URL: from.aws.endpoint,
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    },
    onLine: line => {
      console.log(`    ${name} ${line}`)
      logged.push({ name, line })
    },
  })
  undo.push(() => lambda.close())
  return lambda
}

async function tell(scene: {
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
  assert.equal(await post(signedDelivery(event, KEYS)), 202)
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

  assert.equal(await post(signedDelivery(event, KEYS)), 202)
  await until('the queue is empty again', async () => {
    const attributes = await aws.attributesOf(aws.queueUrl)
    return (await waiting()) === 0 && attributes.ApproximateNumberOfMessagesNotVisible === '0'
  })
  assert.equal((await record())?.runs[AUTOMATION]?.attempts, 1)
  say('the same event, delivered again, had no second effect')

  scene.box.webhooks.delete(made?.id ?? '')
  assert.equal(await post(signedDelivery(boxEvent('WEBHOOK.DELETED', { id: randomUUID() }), KEYS)), 202)
  await until('the deleted webhook is there again', async () => webhooks().length === 1)
  say('a webhook that Box deleted was made anew')

  const unreadable = signedDelivery({ ...event, id: randomUUID(), trigger: null }, KEYS)
  assert.equal(await post(unreadable), 202)
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

/** Runs a command of the CLI on the stage in moto, and returns what it prints. */
async function boxhooks({ endpoint }: Aws, ...args: string[]): Promise<string> {
  const env = {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: REGION,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  }
  const { code, out, err } = await runCommand([...args, '--stage', 'local'], { env })
  assert.equal(code, 0, err)
  return out
}

/** The doctor must find well what moto has, and name what it lacks. */
async function examine({ endpoint }: Aws): Promise<void> {
  const env = {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: REGION,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  }
  const { out, err } = await runCommand(['doctor', '--stage', 'local', '--json'], { env })
  const told: unknown = JSON.parse(out || '{}')
  const checks = isObject(told) && Array.isArray(told.checks) ? told.checks.filter(isObject) : []
  const statusOf = (name: string) => checks.find(({ check }) => check === name)?.status
  for (const name of ['queue', 'queue-age', 'dead-letters', 'table', 'version', 'settings'])
    assert.equal(statusOf(name), 'ok', `${name}: ${out}${err}`)
  // moto's CloudFormation sets neither the time to live nor the recovery of a table.
  assert.equal(statusOf('expiry'), 'fail')
  assert.equal(statusOf('recovery'), 'warn')
  // moto makes no alarms, and nobody has subscribed.
  assert.equal(statusOf('alarms'), 'fail')
  assert.equal(statusOf('alarm-topic'), 'warn')
  say('boxhooks doctor judged queue, ledger, version and settings')
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

function say(what: string): void {
  console.log(`✔ ${what}`)
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = systemClock.now() + PATIENCE_MS
  while (!(await holds())) {
    if (systemClock.now() > deadline) throw new Error(`It did not happen that ${what}.`)
    await delay(100)
  }
}
