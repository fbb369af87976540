import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CreateTableCommand, type CreateTableCommandInput, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { build } from 'esbuild'
import { parse } from 'yaml'
import { bundle, ROOT } from '../infra/build/bundle.ts'
import { isObject } from '../lib/base/json.ts'
import { describeBody, encodeMessage } from '../lib/queue/message.ts'
import { type Child, numberIn, startChild, textIn } from './child.ts'
import { bodyOf } from './delivery.ts'
import { median } from './figures.ts'

export const ENGINES = {
  boxhooks: 'boxhooks’ automate',
  powertools: 'Powertools batch + idempotency',
} as const
type Engine = keyof typeof ENGINES

export type AutomateFigures = {
  readonly automations: number
  readonly engines: Readonly<Record<Engine, EngineFigures>>
  /** Of all rounds the median of our processor time by theirs in the same round. */
  readonly cpuRatio: number
}

type EngineFigures = {
  /** Milliseconds of the processor, of all threads, for one event. */
  readonly cpuMs: number
  readonly callsPerEvent: number
  readonly eventsPerSecond: number
}

const AUTOMATIONS = [1, 5, 20]
const BATCH = 10
/** Batches that are worked off before anything counts, and in each round. */
const WARM_BATCHES = 30
const BATCHES = 20

/**
 * Works the same events off with both, in turns in the same run. Each has its own process, and both the same DynamoDB in a third.
 * The automations do nothing, so that what is measured is what stands around them.
 */
export async function benchAutomate(
  rounds: number,
  onPart: (text: string) => void,
): Promise<AutomateFigures[]> {
  const figures: AutomateFigures[] = []
  for (const automations of AUTOMATIONS) {
    onPart(`automate: ${automations} automations an event`)
    const database = await startDatabase()
    const engines = await startEngines(automations, database)
    for (const { work } of engines) await work(WARM_BATCHES, 1)
    const measured = new Map(engines.map(({ name }) => [name, [] as Work[]]))
    for (let round = 0; round < rounds; round += 1)
      for (const { name, work } of round % 2 ? engines.toReversed() : engines)
        measured.get(name)?.push(await work(BATCHES, 1))
    for (const { end } of engines) end()
    database.end()
    const of = (name: Engine): EngineFigures => summary(measured.get(name) ?? [])
    const [ours = [], theirs = []] = [measured.get('boxhooks'), measured.get('powertools')]
    figures.push({
      automations,
      engines: { boxhooks: of('boxhooks'), powertools: of('powertools') },
      cpuRatio: median(ours.map(({ cpuMs }, round) => cpuMs / (theirs[round]?.cpuMs ?? Number.NaN))),
    })
  }
  return figures
}

/** What some events have taken. */
type Work = {
  readonly events: number
  readonly cpuMs: number
  readonly wallMs: number
  readonly calls: number
  readonly rssMb: number
}

export type AutomateProcess = {
  readonly name: Engine
  /** Works off so many batches of new events with bodies of so many kilobytes. */
  work(batches: number, kilobytes: number): Promise<Work>
  end(): void
}

function summary(work: readonly Work[]): EngineFigures {
  const each = (value: (one: Work) => number) => median(work.map(value))
  return {
    cpuMs: each(({ cpuMs, events }) => cpuMs / events),
    callsPerEvent: each(({ calls, events }) => calls / events),
    eventsPerSecond: each(({ wallMs, events }) => (events / wallMs) * 1000),
  }
}

export type Database = {
  readonly url: string
  calls(): Promise<number>
  makeTable(): Promise<string>
  end(): void
}

/** Starts DynamoDB in a process of its own. */
export async function startDatabase(): Promise<Database> {
  const child = await startChild('database.ts')
  const url = textIn(child.greeting, 'url')
  const client = new DynamoDBClient({
    endpoint: url,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
  })
  return {
    url,
    calls: async () => numberIn(await child.ask({}), 'calls'),
    async makeTable() {
      const TableName = `ledger-${randomUUID()}`
      await client.send(new CreateTableCommand({ TableName, ...(await ledgerSchema()) }))
      return TableName
    },
    end() {
      client.destroy()
      child.end()
    },
  }
}

/** The ledger's table as the template has it; Powertools gets one that is just the same. */
async function ledgerSchema(): Promise<Omit<CreateTableCommandInput, 'TableName'>> {
  const template: unknown = parse(
    await readFile(join(ROOT, 'infra', 'cloudformation', 'ledger.yml'), 'utf8'),
    {
      logLevel: 'error',
    },
  )
  const { Resources } = isObject(template) ? template : { Resources: undefined }
  const table = isObject(Resources) && isObject(Resources.LedgerTable) ? Resources.LedgerTable.Properties : {}
  const { AttributeDefinitions, KeySchema, GlobalSecondaryIndexes, BillingMode } = isObject(table)
    ? table
    : {}
  // The SDK checks nothing here; the server does, and refuses what is no table.
  return JSON.parse(JSON.stringify({ AttributeDefinitions, KeySchema, GlobalSecondaryIndexes, BillingMode }))
}

/** Starts both with so many automations for an event. */
async function startEngines(automations: number, database: Database): Promise<AutomateProcess[]> {
  const ours = await startAutomate(automations, database)
  const theirs = await startEngine('powertools', await buildPowertools(), automations, database)
  return [ours, theirs]
}

/** Starts our automate with so many automations for an event. */
export const startAutomate = async (automations: number, database: Database): Promise<AutomateProcess> =>
  startEngine('boxhooks', await buildAutomate(automations), automations, database)

async function startEngine(
  name: Engine,
  bundlePath: string,
  automations: number,
  database: Database,
): Promise<AutomateProcess> {
  const worker: Child = await startChild('worker.mjs', {
    BENCH_BUNDLE: bundlePath,
    BENCH_AUTOMATIONS: String(automations),
    AWS_ENDPOINT_URL: database.url,
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'x',
    AWS_SECRET_ACCESS_KEY: 'x',
    AWS_LAMBDA_FUNCTION_NAME: 'bench',
    LEDGER_TABLE: await database.makeTable(),
    QUEUE_URL: 'http://127.0.0.1:1/events',
    DEAD_LETTER_QUEUE_URL: 'http://127.0.0.1:1/dead',
    BOX_APP_SECRET_ID: 'box-app',
  })
  return {
    name,
    async work(batches, kilobytes) {
      const invocations = Array.from({ length: batches }, () => batchOf(kilobytes))
      const before = await database.calls()
      const done = await worker.ask({ invocations })
      return {
        events: batches * BATCH,
        cpuMs: numberIn(done, 'cpuMs'),
        wallMs: numberIn(done, 'wallMs'),
        calls: (await database.calls()) - before,
        rssMb: numberIn(done, 'rssMb'),
      }
    },
    end: () => worker.end(),
  }
}

/** A batch of so many events as Lambda hands it over from SQS. */
export function batchOf(kilobytes: number, events = BATCH): object {
  const Records = Array.from({ length: events }, () => {
    const body = Buffer.from(bodyOf(kilobytes * 1024))
    const encoded = encodeMessage({
      ...describeBody(body),
      deliveryId: randomUUID(),
      receivedAt: new Date().toISOString(),
      origin: 'webhook',
      body,
    })
    const attributes = Object.entries(encoded.attributes)
    return {
      messageId: randomUUID(),
      receiptHandle: 'handle',
      body: encoded.body,
      attributes: { ApproximateReceiveCount: '1', MessageGroupId: encoded.groupId },
      messageAttributes: Object.fromEntries(
        attributes.map(([name, stringValue]) => [name, { stringValue, dataType: 'String' }]),
      ),
      eventSource: 'aws:sqs',
      eventSourceARN: 'arn:aws:sqs:eu-central-1:000000000000:events',
      awsRegion: 'eu-central-1',
    }
  })
  return { Records }
}

const OUT = join(ROOT, '.boxhooks', 'bench')

/** Bundles automate with so many automations, which do nothing; returns the bundle's file. */
export async function buildAutomate(automations: number): Promise<string> {
  const folder = join(OUT, `automate-${automations}`)
  const automationsDir = join(folder, 'automations')
  await rm(folder, { recursive: true, force: true })
  await mkdir(automationsDir, { recursive: true })
  for (let number = 1; number <= automations; number += 1)
    await writeFile(
      join(automationsDir, `automation-${number}.ts`),
      `import { automation } from 'boxhooks'

export default automation({
  name: 'automation-${number}',
  on: 'FILE.UPLOADED',
  watch: { folder: '100001' },
  async run() {},
})
`,
    )
  await bundle({ outDir: join(folder, 'dist'), automationsDir })
  return join(folder, 'dist', 'automate', 'index.mjs')
}

async function buildPowertools(): Promise<string> {
  const outfile = join(OUT, 'powertools', 'index.mjs')
  await build({
    entryPoints: [join(import.meta.dirname, 'functions', 'powertools.mjs')],
    outfile,
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node24',
    mainFields: ['module', 'main'],
    format: 'esm',
    banner: {
      js: "import{createRequire as __benchRequire}from'node:module';const require=__benchRequire(import.meta.url);",
    },
    logLevel: 'error',
  })
  return outfile
}
