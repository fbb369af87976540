import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { GetItemCommand } from '@aws-sdk/client-dynamodb'
import { DeleteMessageBatchCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import type { SQSEvent } from 'aws-lambda'
import { bundle, ROOT } from '../../../infra/bundle.ts'
import { type CompiledTemplate, environmentOf, numberOf, resource } from '../../../infra/template.ts'
import { systemClock } from '../../../lib/clock.ts'
import { isObject, parseObject } from '../../../lib/json.ts'
import { type Aws, makeResources } from '../../../local/aws.ts'
import { createEmulatedBox, type EmulatedBox } from '../../../local/box/emulated-box.ts'
import type { WireObject } from '../../../local/box/payload.ts'
import { startEmbeddedDynamoDb, startEmbeddedSqs } from '../../../local/embedded-aws.ts'
import { createGateway } from '../../../local/gateway.ts'
import { createLambda, type Lambda } from '../../../local/lambda.ts'
import { keptOf, recordOf } from '../../../local/poller.ts'
import { createSecretsManager } from '../../../local/secrets-manager.ts'
import { serve } from '../../../local/serve.ts'
import { signedDelivery } from '../../kit.ts'
import { type KeysOnlyIndex, LedgerMeter } from './ledger-meter.ts'
import { peakMemoryMb } from './peak-memory.ts'
import { type Asked, CALLERS, type Caller, WireMeter } from './wire-meter.ts'

/** What a function asked of AWS and logged. */
type Measured = Asked & { readonly logLines: number; readonly logBytes: number }

/** The functions as Lambda gets them, with every request that they make to AWS counted. */
export type TracedStack = {
  readonly box: EmulatedBox
  /** Posts a signed delivery at the front door, and returns what ingest did. */
  deliver(event: WireObject): Promise<Measured>
  /** Does as Lambda's event source: takes up to so many messages, invokes automate, deletes what it took. */
  work(messagesMax: number): Promise<{ readonly automate: Measured; readonly poller: Asked }>
  /** Lets reconcile compare the webhooks on Box with what is declared, as its schedule does. */
  reconcile(): Promise<Measured>
  /** The bytes of an event's item in the ledger, of its keys in the indexes, and of its message. */
  sizes(eventId: string): Promise<Sizes>
  /**
   * Lets each function work, in a process of its own, on so many events that were delivered for that, and says how much
   * memory that took at most, in MB.
   */
  peakMemory(events: readonly WireObject[]): Promise<{ readonly ingest: number; readonly automate: number }>
  /** The names of the metrics that log lines have carried, each with its dimensions' values. */
  readonly metrics: ReadonlySet<string>
  stop(): Promise<void>
}

type Sizes = { readonly item: number; readonly index: number; readonly message: number }

const KEYS = { primary: 'primary-of-the-trace', secondary: 'secondary-of-the-trace' }
const BOX_APP = { clientId: 'local-client', clientSecret: 'local-secret', enterpriseId: '1' }

export type TracedOptions = {
  readonly template: CompiledTemplate
  /** The code of each automation, by the name of its file. */
  readonly automations: Readonly<Record<string, string>>
  /** Further variables of both functions' environments. */
  readonly env?: Readonly<Record<string, string>>
}

export async function startTraced({ template, automations, env = {} }: TracedOptions): Promise<TracedStack> {
  const stops: (() => Promise<unknown> | unknown)[] = []
  const stop = async () => {
    for (const one of stops.splice(0).reverse()) await one()
  }
  try {
    return await assemble(template, automations, env, stops, stop)
  } catch (error) {
    await stop()
    throw error
  }
}

async function assemble(
  template: CompiledTemplate,
  automations: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>>,
  stops: (() => Promise<unknown> | unknown)[],
  stop: () => Promise<void>,
): Promise<TracedStack> {
  const bundles = await buildBundles(automations)
  stops.push(() => rm(bundles, { recursive: true, force: true }))
  const [sqs, dynamodb] = await Promise.all([startEmbeddedSqs(), startEmbeddedDynamoDb()])
  stops.push(() => Promise.all([sqs.stop(), dynamodb.stop()]))
  const aws = await makeResources(template, { sqs: sqs.url, dynamodb: dynamodb.url })
  stops.push(() => aws.stop())
  const ledger = new LedgerMeter(indexesOf(template))
  const meter = new WireMeter(ledger)
  for (const { http } of [sqs, dynamodb]) meter.listen(http)

  const manager = createSecretsManager({
    SignatureKeysSecret: JSON.stringify(KEYS),
    BoxAppSecret: JSON.stringify(BOX_APP),
  })
  const secrets = await serve({
    fetch: request => {
      meter.secret(request)
      return manager.fetch(request)
    },
    port: 0,
  })
  stops.push(() => secrets.close())
  const box = createEmulatedBox({
    clock: systemClock,
    newId: randomUUID,
    keys: KEYS,
    fetch: async () => new Response(null, { status: 202 }),
  })
  const boxServer = await serve({ fetch: box.fetch, port: 0 })
  stops.push(
    () => boxServer.close(),
    () => box.close(),
  )

  const lines = new Map<Caller, string[]>()
  const environments = new Map<string, Record<string, string>>()
  const requests: unknown[] = []
  const metrics = new Set<string>()
  const start = (
    name: 'ingest' | 'automate' | 'reconcile',
    functionId: string,
    given: Record<string, string> = {},
  ): Lambda => {
    const functionEnv = {
      ...environmentOf(template, functionId, refsOf(aws), { BOX_API_URL: boxServer.url, ...given }),
      ...aws.env,
      AWS_ACCESS_KEY_ID: name,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets.url,
      ...env,
    }
    environments.set(name, functionEnv)
    const started = createLambda({
      name,
      bundle: join(bundles, name, 'index.mjs'),
      timeoutMs: numberOf(template, functionId, 'Timeout') * 1000,
      env: functionEnv,
      onLine(line) {
        lines.set(name, [...(lines.get(name) ?? []), line])
        for (const metric of metricsOf(line)) metrics.add(metric)
      },
    })
    stops.push(() => started.close())
    return started
  }
  const take = async (name: 'ingest' | 'automate' | 'reconcile'): Promise<Measured> => {
    await linesRead()
    const written = lines.get(name) ?? []
    lines.delete(name)
    const logBytes = written.reduce((sum, line) => sum + Buffer.byteLength(line), 0)
    return { ...meter.take(name), logLines: written.length, logBytes }
  }
  const ingest = start('ingest', 'IngestLambdaFunction')
  const automate = start('automate', 'AutomateLambdaFunction')
  const WEBHOOK_ADDRESS = 'https://hooks.example/box/webhook'
  const reconcile = start('reconcile', 'ReconcileLambdaFunction', { WEBHOOK_ADDRESS })
  const gateway = createGateway({
    invoke(event) {
      requests.push(event)
      return ingest.invoke(event)
    },
    now: systemClock.now,
  })
  const poller = new SQSClient({
    region: 'eu-central-1',
    endpoint: sqs.url,
    credentials: { accessKeyId: 'poller', secretAccessKey: 'x' },
  })
  stops.push(() => poller.destroy())
  const deliver = async (event: WireObject): Promise<Measured> => {
    const { body, headers } = signedDelivery(event, KEYS)
    const request = new Request('http://localhost/box/webhook', {
      method: 'POST',
      headers,
      body: Uint8Array.from(body),
    })
    const { status } = await gateway(request)
    if (status !== 202) throw new Error(`ingest answered ${status}.`)
    return take('ingest')
  }
  return {
    box,
    metrics,
    deliver,
    async work(messagesMax) {
      await workBatch(poller, aws, automate, messagesMax)
      return { automate: await take('automate'), poller: meter.take('poller') }
    },
    async reconcile() {
      await reconcile.invoke({ source: 'aws.events' })
      return take('reconcile')
    },
    async peakMemory(events) {
      requests.length = 0
      for (const event of events) await deliver(event)
      const batches: unknown[] = []
      for (let taken = 0; taken < events.length; taken += 10) batches.push(await takeBatch(poller, aws, 10))
      const peak = (name: string, all: readonly unknown[]) =>
        peakMemoryMb(join(bundles, name, 'index.mjs'), environments.get(name) ?? {}, all)
      const measured = {
        ingest: await peak('ingest', requests),
        automate: await peak('automate', batches),
      }
      for (const caller of CALLERS) meter.take(caller)
      return measured
    },
    async sizes(eventId) {
      const Key = { eventId: { S: eventId } }
      const { Item } = await aws.dynamodb.send(new GetItemCommand({ TableName: aws.table, Key }))
      ledger.check(eventId, wireForm(Item))
      return { item: ledger.bytes(eventId), index: ledger.indexBytes(eventId), message: meter.messageBytes }
    },
    stop,
  }
}

async function buildBundles(automations: Readonly<Record<string, string>>): Promise<string> {
  await mkdir(join(ROOT, '.boxhooks'), { recursive: true })
  const folder = await mkdtemp(join(ROOT, '.boxhooks', 'trace-'))
  const automationsDir = join(folder, 'automations')
  await mkdir(automationsDir)
  for (const [name, code] of Object.entries(automations)) await writeFile(join(automationsDir, name), code)
  await bundle({ outDir: folder, automationsDir })
  return folder
}

const refsOf = (aws: Aws): Record<string, string> => ({
  Queue: aws.queueUrl,
  DeadLetterQueue: aws.deadLetterQueueUrl,
  ReconcileQueue: aws.reconcileQueueUrl,
  LedgerTable: aws.table,
  SignatureKeysSecret: 'SignatureKeysSecret',
  BoxAppSecret: 'BoxAppSecret',
})

function indexesOf(template: CompiledTemplate): KeysOnlyIndex[] {
  const { GlobalSecondaryIndexes: indexes } = resource(template, 'LedgerTable').Properties
  return (Array.isArray(indexes) ? indexes : []).map((index: unknown) => {
    const { KeySchema: schema, Projection: projection } = isObject(index) ? index : {}
    if (!isObject(projection) || projection.ProjectionType !== 'KEYS_ONLY')
      throw new TypeError('The meter knows only indexes of keys.')
    return { keys: (Array.isArray(schema) ? schema : []).map(key => String(key.AttributeName)) }
  })
}

/** Receives messages as Lambda's event source does. */
async function takeBatch(poller: SQSClient, aws: Aws, messagesMax: number): Promise<SQSEvent> {
  const { Messages = [] } = await poller.send(
    new ReceiveMessageCommand({
      QueueUrl: aws.queueUrl,
      MaxNumberOfMessages: messagesMax,
      WaitTimeSeconds: 20,
      MessageAttributeNames: ['All'],
      MessageSystemAttributeNames: ['All'],
    }),
  )
  if (Messages.length === 0) throw new Error('There was no message.')
  return { Records: Messages.map(message => recordOf(message, aws.queueArn)) }
}

async function workBatch(poller: SQSClient, aws: Aws, automate: Lambda, messagesMax: number): Promise<void> {
  const { Records: records } = await takeBatch(poller, aws, messagesMax)
  const all = new Set(records.map(one => one.messageId))
  const kept = keptOf(await automate.invoke({ Records: records }), all)
  const Entries = records
    .filter(({ messageId }) => !kept.has(messageId))
    .map(({ receiptHandle }, index) => ({ Id: String(index), ReceiptHandle: receiptHandle }))
  if (Entries.length > 0)
    await poller.send(new DeleteMessageBatchCommand({ QueueUrl: aws.queueUrl, Entries }))
}

/** What is on the wire of an item that the SDK has read: bytes are base64 there. */
const wireForm = (item: unknown): unknown =>
  JSON.parse(
    JSON.stringify(item, (_, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value,
    ),
  )

/** A worker's last lines are read when its answer is, and told of in the turns after that. */
async function linesRead(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise(resolve => setImmediate(resolve))
}

/** The metrics that a line carries in CloudWatch's embedded metric format. */
function metricsOf(line: string): string[] {
  const json = parseObject(line)
  const meta = json && isObject(json._aws) ? json._aws.CloudWatchMetrics : undefined
  return (Array.isArray(meta) ? meta : []).flatMap(({ Dimensions = [[]], Metrics = [] }) =>
    Metrics.flatMap(({ Name }: { Name: string }) =>
      Dimensions.map((names: string[]) => [Name, ...names.map(name => json?.[name])].join(' ')),
    ),
  )
}
