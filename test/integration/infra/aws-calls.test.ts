import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DeleteMessageBatchCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { beforeAll, describe, expect, test } from 'vitest'
import { bundle, ROOT } from '../../../infra/build/bundle.ts'
import { systemClock } from '../../../lib/base/clock.ts'
import { isObject, parseObject } from '../../../lib/base/json.ts'
import { createWebhookRecord, NO_RECORD } from '../../../lib/webhooks/webhook-record.ts'
import { createSecretsManager } from '../../../local/aws/secrets-manager.ts'
import { createEmulatedBox } from '../../../local/box/emulated-box.ts'
import { samplePayload } from '../../../local/box/events/payload.ts'
import type { WireObject } from '../../../local/box/events/shapes.ts'
import { createGateway } from '../../../local/runtime/gateway.ts'
import { createLambda } from '../../../local/runtime/lambda.ts'
import { keptOf, recordOf } from '../../../local/runtime/poller.ts'
import { type Served, serve } from '../../../local/serve.ts'
import { putSource, signedDelivery } from '../../kit.ts'
import { startEmbedded } from '../../support/embedded.ts'
import { useStarted } from '../../support/started.ts'

const KEYS = { primary: 'primary-key', secondary: 'secondary-key' }
const BOX_APP = { clientId: 'local-client', clientSecret: 'local-secret', enterpriseId: '1' }
const FOLDER = '100001'

/** How many automations run for an event of each trigger. */
const AUTOMATIONS = { 'FILE.LOCKED': 0, 'FILE.UPLOADED': 1, 'FILE.DOWNLOADED': 3 } as const
type Trigger = keyof typeof AUTOMATIONS
const TRIGGERS: readonly Trigger[] = ['FILE.LOCKED', 'FILE.UPLOADED', 'FILE.DOWNLOADED']

/** Requests by caller, service and action, such as `ingest SQS SendMessage`. */
type Calls = Readonly<Record<string, number>>

const rig = useStarted(startRig, ({ stop }) => stop())

/** The bundles of ingest and automate on embedded servers, with each request that reaches a server counted. */
async function startRig() {
  const stops: (() => Promise<unknown> | unknown)[] = []
  const served = async (fetch: (request: Request) => Promise<Response>): Promise<string> => {
    const server: Served = await serve({ fetch, port: 0 })
    stops.push(server.close)
    return server.url
  }
  const embedded = await startEmbedded()
  stops.push(embedded.stop)
  const counts = new Map<string, number>()
  const writeUnits: number[] = []
  const count = (request: Request, service: string): string => {
    const action = request.headers.get('x-amz-target')?.split('.')[1] ?? ''
    const [, caller = ''] = /Credential=([^/]+)\//.exec(request.headers.get('authorization') ?? '') ?? []
    const key = `${caller} ${service} ${action}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
    return action
  }
  const sqs = await served(async request => {
    count(request, 'SQS')
    return forward(embedded.sqsUrl, request, await request.text())
  })
  const dynamodb = await served(async request => {
    const action = count(request, 'DynamoDB')
    const input = parseObject(await request.text()) ?? {}
    const metered = JSON.stringify({ ...input, ReturnConsumedCapacity: 'TOTAL' })
    const answer = await forward(embedded.dynamodbUrl, request, metered)
    const output = parseObject(await answer.clone().text()) ?? {}
    const { CapacityUnits: units } = isObject(output.ConsumedCapacity) ? output.ConsumedCapacity : {}
    if (action !== 'GetItem' && typeof units === 'number') writeUnits.push(units)
    const refused = String(output.__type).endsWith('ConditionalCheckFailedException')
    if (!refused || input.ReturnValuesOnConditionCheckFailure !== 'ALL_OLD') return answer
    // DynamoDB answers with the item that is there; the embedded server does not.
    const { eventId } = isObject(input.Item) ? input.Item : {}
    const read = JSON.stringify({ TableName: input.TableName, Key: { eventId }, ConsistentRead: true })
    const found = await forward(embedded.dynamodbUrl, request, read, 'DynamoDB_20120810.GetItem')
    const { Item } = parseObject(await found.text()) ?? {}
    return Response.json({ ...output, Item }, { status: answer.status })
  })
  const manager = createSecretsManager({ keys: JSON.stringify(KEYS), app: JSON.stringify(BOX_APP) })
  const secrets = await served(request => {
    count(request, 'SecretsManager')
    return manager.fetch(request)
  })
  const box = createEmulatedBox({
    clock: systemClock,
    newId: randomUUID,
    keys: KEYS,
    fetch: async () => new Response(null, { status: 202 }),
  })
  const boxUrl = await served(async request => box.fetch(request))
  stops.push(box.close)

  const bundles = await buildBundles()
  stops.push(() => rm(bundles, { recursive: true, force: true }))
  const queueUrl = await embedded.createQueue('events', { VisibilityTimeout: '360' })
  const deadLetterQueueUrl = await embedded.createQueue('dead-letters', {})
  const start = (name: 'ingest' | 'automate') => {
    const lambda = createLambda({
      name,
      bundle: join(bundles, name, 'index.mjs'),
      timeoutMs: 30_000,
      env: {
        AWS_REGION: 'eu-central-1',
        AWS_ACCESS_KEY_ID: name,
        AWS_SECRET_ACCESS_KEY: 'x',
        AWS_ENDPOINT_URL_SQS: sqs,
        AWS_ENDPOINT_URL_DYNAMODB: dynamodb,
        AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets,
        BOX_API_URL: boxUrl,
        QUEUE_URL: queueUrl,
        DEAD_LETTER_QUEUE_URL: deadLetterQueueUrl,
        LEDGER_TABLE: embedded.table,
        SIGNATURE_KEYS_SECRET_ID: 'keys',
        BOX_APP_SECRET_ID: 'app',
      },
    })
    stops.push(lambda.close)
    return lambda
  }
  const ingest = start('ingest')
  const automate = start('automate')
  const gateway = createGateway({ invoke: event => ingest.invoke(event), now: systemClock.now })
  const poller = new SQSClient({
    region: 'eu-central-1',
    endpoint: sqs,
    credentials: { accessKeyId: 'poller', secretAccessKey: 'x' },
  })
  stops.push(() => poller.destroy())

  const webhook = {
    webhookId: '1',
    target: { type: 'folder', id: FOLDER },
    address: 'https://a.example',
  } as const
  await createWebhookRecord(embedded, systemClock.now).write([webhook], NO_RECORD)
  return {
    box,
    async deliver(event: WireObject): Promise<void> {
      const { body, headers } = signedDelivery(event, KEYS)
      const init = { method: 'POST', headers, body: Uint8Array.from(body) }
      const { status } = await gateway(new Request('http://localhost/box/webhook', init))
      expect(status).toBe(202)
    },
    /** Does as Lambda's event source: receives a message, invokes automate, deletes what is not to come back. */
    async work(): Promise<void> {
      const { Messages = [] } = await poller.send(
        new ReceiveMessageCommand({
          QueueUrl: queueUrl,
          WaitTimeSeconds: 10,
          MessageAttributeNames: ['All'],
          MessageSystemAttributeNames: ['All'],
        }),
      )
      expect(Messages).toHaveLength(1)
      const Records = Messages.map(message => recordOf(message, 'arn:aws:sqs:eu-central-1:0:events'))
      const kept = keptOf(await automate.invoke({ Records }), new Set(Records.map(one => one.messageId)))
      const Entries = Records.filter(({ messageId }) => !kept.has(messageId)).map(one => ({
        Id: one.messageId,
        ReceiptHandle: one.receiptHandle,
      }))
      if (Entries.length > 0)
        await poller.send(new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries }))
    },
    /** The requests since this was last asked. */
    calls(): Calls {
      const taken = Object.fromEntries(counts)
      counts.clear()
      return taken
    },
    /** The write units of each ledger write so far, without those of the indexes. */
    writeUnits,
    async stop() {
      for (const stop of stops.reverse()) await stop()
    },
  }
}

/** Passes a request on to an embedded server. */
async function forward(url: string, request: Request, body: string, target?: string): Promise<Response> {
  const headers = new Headers(request.headers)
  for (const name of ['host', 'content-length', 'connection']) headers.delete(name)
  if (target !== undefined) headers.set('x-amz-target', target)
  const answer = await fetch(new URL(new URL(request.url).pathname, url), { method: 'POST', headers, body })
  const type = answer.headers.get('content-type') ?? 'application/x-amz-json-1.0'
  return new Response(await answer.text(), { status: answer.status, headers: { 'content-type': type } })
}

/** Builds the bundles that Lambda gets, of three automations that call Box once. */
async function buildBundles(): Promise<string> {
  await mkdir(join(ROOT, '.boxhooks'), { recursive: true })
  const outDir = await mkdtemp(join(ROOT, '.boxhooks', 'calls-'))
  const automationsDir = join(outDir, 'automations')
  await mkdir(automationsDir)
  for (const number of [1, 2, 3]) {
    const on = Object.entries(AUTOMATIONS).flatMap(([trigger, runs]) => (number > runs ? [] : [trigger]))
    const code = `import { automation } from 'boxhooks'

export default automation({
  name: 'automation-${number}',
  on: ${JSON.stringify(on)},
  watch: { folder: '${FOLDER}' },
  retry: { baseSeconds: 1, capSeconds: 1 },
  async run({ event, box }) {
    await box.files.updateFileById(event.source.id, { requestBody: { sharedLink: null } })
  },
})
`
    await writeFile(join(automationsDir, `automation-${number}.ts`), code)
  }
  await bundle({ outDir, automationsDir })
  return outDir
}

function eventOf(trigger: Trigger): WireObject {
  const entries = ['0', FOLDER].map(id => ({ type: 'folder', id, name: `Folder ${id}` }))
  const path_collection = { total_count: entries.length, entries }
  const event = samplePayload(trigger, {
    id: randomUUID(),
    webhookId: '1',
    source: { id: '910001', path_collection },
  })
  putSource(rig.box, event)
  return event
}

/** Delivers an event and works until it is done with, after as many attempts as are said. */
async function callsOf(event: WireObject, attempts = 1): Promise<Calls> {
  rig.calls()
  await rig.deliver(event)
  for (let attempt = 0; attempt < attempts; attempt += 1) await rig.work()
  return rig.calls()
}

/** A row of the table of docs/cost.md: what an event takes of something that AWS bills. */
type Row = {
  /** With so many automations. */
  readonly event: (automations: number) => number
  readonly duplicate: number
  readonly retry: number
  readonly start: number
  /** US dollars for a million. */
  readonly price: number
  /** US dollars for a million events, as the table says. */
  readonly dollars: number
}

/** With which shares and automations the last column of the table is computed. */
const LAST_COLUMN = { automations: 1, duplicate: 0.01, retry: 0.01, start: 0.02 }

/** Reads the number in a cell such as `2`, `$1.00 [a]` or `$0.25 a GB [d]`. */
function numberIn(cell: string): number {
  const [, digits] = /^\$?(\d+(?:\.\d+)?)(?: |$)/.exec(cell) ?? []
  if (digits === undefined) throw new Error(`There is no number in the cell "${cell}" of docs/cost.md.`)
  return Number(digits)
}

function rowOf([
  event = '',
  duplicate = '',
  retry = '',
  start = '',
  price = '',
  dollars = '',
]: string[]): Row {
  const own = numberIn(event.replace(/^n \+ /, ''))
  return {
    event: automations => own + (event.startsWith('n + ') ? automations : 0),
    duplicate: numberIn(duplicate),
    retry: numberIn(retry),
    start: numberIn(start),
    price: numberIn(price),
    dollars: numberIn(dollars),
  }
}

async function readTable(): Promise<{ readonly rows: ReadonlyMap<string, Row>; readonly total: number }> {
  const text = await readFile(join(ROOT, 'docs', 'cost.md'), 'utf8')
  const [, section = ''] = text.split('\n## ')
  const [, , ...lines] = section.split('\n').filter(line => line.startsWith('|'))
  const cells = lines.map(line => line.split('|').map(cell => cell.trim()))
  const [, ...total] = cells.pop()?.reverse() ?? []
  const rows = cells.map(([, name = '', ...rest]) => [name, rowOf(rest)] as const)
  return { rows: new Map(rows), total: numberIn(total[0] ?? '') }
}

/** What the table calls the requests. */
const NAMES: readonly (readonly [request: RegExp, row: string])[] = [
  [/^(ingest|automate) SQS /, 'SQS requests by ingest and automate'],
  [/^poller SQS /, "SQS requests by Lambda's poller"],
  [/^automate DynamoDB (Put|Update)Item$/, 'Ledger writes'],
  [/^automate DynamoDB GetItem$/, 'Ledger reads'],
  [/ SecretsManager GetSecretValue$/, 'Secrets Manager requests'],
]

/** Counts requests by the rows of the table that they belong to. */
function byRow(calls: Calls): Readonly<Record<string, number>> {
  const sums = Object.fromEntries(NAMES.map(([, row]) => [row, 0]))
  for (const [call, times] of Object.entries(calls)) {
    const row = NAMES.find(([request]) => request.test(call))?.[1]
    expect(row, call).toBeDefined()
    if (row !== undefined) sums[row] = (sums[row] ?? 0) + times
  }
  return sums
}

/** How many more requests there are in one count than in another. */
const less = (calls: Calls, usual: Calls): Calls =>
  Object.fromEntries(Object.entries(calls).map(([call, times]) => [call, times - (usual[call] ?? 0)]))

/** What the table says of the requests that are counted. */
async function fromTable(amount: (row: Row) => number): Promise<Readonly<Record<string, number>>> {
  const { rows } = await readTable()
  return Object.fromEntries(
    NAMES.map(([, name]) => {
      const row = rows.get(name)
      return [name, row ? amount(row) : Number.NaN]
    }),
  )
}

/** What Lambda's poller asks for a message that is worked off. */
const POLLED = { 'poller SQS ReceiveMessage': 1, 'poller SQS DeleteMessageBatch': 1 }

describe('AWS is called, as docs/cost.md says,', { timeout: 60_000 }, () => {
  let starts: Calls
  let usual: Calls
  beforeAll(async () => {
    const first = await callsOf(eventOf('FILE.UPLOADED'))
    usual = await callsOf(eventOf('FILE.UPLOADED'))
    starts = less(first, usual)
  }, 60_000)

  test('at a start for two secrets and the record of the webhooks', async () => {
    expect(starts).toMatchObject({
      'ingest SecretsManager GetSecretValue': 1,
      'automate SecretsManager GetSecretValue': 1,
      'automate DynamoDB GetItem': 1,
    })
    expect(byRow(starts)).toEqual(await fromTable(row => row.start))
  })

  test.each(TRIGGERS)('for an event of %s once by ingest and n + 1 times by automate', async trigger => {
    const automations = AUTOMATIONS[trigger]
    const calls = await callsOf(eventOf(trigger))
    expect(calls).toEqual({
      'ingest SQS SendMessage': 1,
      'automate DynamoDB PutItem': 1,
      ...(automations === 0 ? {} : { 'automate DynamoDB UpdateItem': automations }),
      ...POLLED,
    })
    expect(byRow(calls)).toEqual(await fromTable(row => row.event(automations)))
  })

  test('for a duplicate once by ingest and once by automate', async () => {
    const event = eventOf('FILE.UPLOADED')
    await callsOf(event)
    const calls = await callsOf(event)
    expect(calls).toEqual({ 'ingest SQS SendMessage': 1, 'automate DynamoDB PutItem': 1, ...POLLED })
    expect(byRow(calls)).toEqual(await fromTable(row => row.duplicate))
  })

  test('for an attempt after a 429 with a read, a claim, a write and a change of visibility', async () => {
    rig.box.faults.push({ method: 'PUT', times: 1, status: 429, retryAfterSeconds: 1 })
    const retry = less(await callsOf(eventOf('FILE.UPLOADED'), 2), usual)
    expect(retry).toMatchObject({
      'automate SQS ChangeMessageVisibility': 1,
      'automate DynamoDB GetItem': 1,
      'automate DynamoDB UpdateItem': 2,
    })
    expect(byRow(retry)).toEqual(await fromTable(row => row.retry))
  })

  test('with ledger writes of one unit each', async () => {
    rig.writeUnits.length = 0
    await callsOf(eventOf('FILE.DOWNLOADED'))
    expect(rig.writeUnits).toEqual([1, 1, 1, 1])
  })
})

test('the table of docs/cost.md adds up', async () => {
  const { rows, total } = await readTable()
  const { automations, duplicate, retry, start } = LAST_COLUMN
  const costs = [...rows].map(([name, row]) => {
    const amount = row.event(automations) + duplicate * row.duplicate + retry * row.retry + start * row.start
    expect(row.dollars, name).toBe(Number((amount * row.price).toFixed(2)))
    return row.dollars
  })
  expect(costs.reduce((sum, dollars) => sum + dollars, 0)).toBeCloseTo(total, 2)
})
