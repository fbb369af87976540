import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { bundle, ROOT } from '../../infra/bundle.ts'
import { type CompiledTemplate, environmentOf, numberOf, resource } from '../../infra/template.ts'
import { systemClock } from '../../lib/clock.ts'
import { createLedger } from '../../lib/ledger.ts'
import type { EventRecord } from '../../lib/record.ts'
import { type Aws, awsEnvironment, makeResources } from '../../local/aws.ts'
import { createEmulatedBox, type EmulatedBox } from '../../local/box/emulated-box.ts'
import { killAll } from './child.ts'
import { takeDeadLetters } from './dead-letters.ts'
import { Door } from './door.ts'
import { kindOf } from './expected.ts'
import { type Service, type ServiceName, startServices } from './services.ts'
import { until } from './until.ts'
import { judge, type Verdict } from './verdict.ts'
import { type Effect, Witness } from './witness.ts'
import { type Worker, Workers } from './workers.ts'

export type RigOptions = {
  readonly template: CompiledTemplate
  readonly workers: number
  /** Told of each call that changed something in Box, before it is answered. */
  readonly onEffect?: (effect: Effect, worker: Worker) => Promise<void> | void
}

/** The whole of boxhooks with each part in a process of its own, and the emulated Box in this one. */
export type Rig = {
  readonly witness: Witness
  readonly box: EmulatedBox
  readonly services: Readonly<Record<ServiceName, Service>>
  readonly workers: Workers
  readonly door: Door
  /** Where the bundles are that the processes run. */
  readonly bundles: string
  /** Sets what is done at each effect from now on. */
  onEffect(act: NonNullable<RigOptions['onEffect']>): void
  /**
   * Downloads so many new files, each of which is an event, and waits whenever so many are unfinished.
   * @returns the events' ids
   */
  download(events: number, unfinishedMax?: number): Promise<string[]>
  /** Waits until everything is done with, and compares the final state with the expected one. */
  settle(deadlineMs: number): Promise<Verdict>
  stop(): Promise<void>
}

/**
 * The Lambda's time, in seconds: much shorter than deployed, so that what was lost comes back soon; but long enough for
 * what the engine keeps back of it (5 s for a claim, 2.5 s at the end).
 */
const FUNCTION_SECONDS = 8
/** AWS wants no less than the function's time. */
const VISIBILITY_SECONDS = 9
/** Seconds between the attempts of a delivery. Box's own take two hours. */
const RETRY_SECONDS = [0.3, 0.5, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
const KEYS = { primary: 'primary-of-the-rig', secondary: 'secondary-of-the-rig' }
const BOX_APP = { clientId: 'local-client', clientSecret: 'local-secret', enterpriseId: '1' }
const FOLDER = '100001'
const FEED_MS = 120_000

export async function startRig(options: RigOptions): Promise<Rig> {
  const undo: (() => Promise<unknown> | unknown)[] = [killAll]
  const stop = async () => {
    for (const one of undo.splice(0).reverse()) await one()
  }
  try {
    return await assemble(options, undo, stop)
  } catch (error) {
    await stop()
    throw error
  }
}

async function assemble(
  options: RigOptions,
  undo: (() => Promise<unknown> | unknown)[],
  stop: () => Promise<void>,
): Promise<Rig> {
  let onEffect = options.onEffect ?? (() => {})
  const witness = new Witness()
  const surprise = (reason: string) => void witness.surprises.push(reason)
  let stopping = false
  undo.push(() => {
    stopping = true
  })
  const [folder, services] = await Promise.all([
    ownBundles(),
    startServices({
      secrets: { SignatureKeysSecret: KEYS, BoxAppSecret: BOX_APP },
      onWrite: write => witness.write(write),
      onLedgerCut: () => witness.ledgerCut(),
      onEnd: reason => stopping || surprise(reason),
    }),
  ])
  undo.push(() => rm(folder, { recursive: true, force: true }))
  const template = withShortTimes(options.template)
  const aws = await makeResources(template, { sqs: services.sqs.direct, dynamodb: services.dynamodb.direct })
  undo.push(() => aws.stop())

  const envOf = (functionId: string) => functionEnvironment(template, functionId, aws, services)
  const door = new Door({
    settings: {
      bundle: join(folder, 'ingest', 'index.mjs'),
      timeoutMs: numberOf(template, 'IngestLambdaFunction', 'Timeout') * 1000,
    },
    env: envOf('IngestLambdaFunction'),
    onLine: line => witness.line('ingest', line),
    onEnd: surprise,
  })
  undo.push(() => door.close())
  const box = createEmulatedBox({
    clock: systemClock,
    newId: randomUUID,
    keys: KEYS,
    fetch: request => door.fetch(request),
    retrySeconds: RETRY_SECONDS,
    onAttempt: attempt => stopping || witness.delivery(attempt),
  })
  undo.push(() => box.close())
  const workers = new Workers({
    witness,
    settings: {
      bundle: join(folder, 'automate', 'index.mjs'),
      timeoutMs: FUNCTION_SECONDS * 1000,
      queueUrl: aws.queueUrl,
      queueArn: aws.queueArn,
      batchSize: numberOf(template, 'AutomateEventSourceMappingSQSQueue', 'BatchSize'),
    },
    env: envOf('AutomateLambdaFunction'),
    box: request => box.fetch(request),
    onEffect: async (effect, worker) => onEffect(effect, worker),
  })
  undo.push(() => workers.close())
  box.content.createFolder({ id: FOLDER, parentId: '0', name: 'Review' })
  const triggers = ['FILE.DOWNLOADED'] as const
  box.webhooks.create({
    target: { type: 'folder', id: FOLDER },
    address: 'http://127.0.0.1/box/webhook',
    triggers,
  })
  await Promise.all([door.add(), door.add(), ...Array.from({ length: options.workers }, () => workers.add())])
  return {
    witness,
    box,
    services,
    workers,
    door,
    bundles: folder,
    onEffect(act) {
      onEffect = act
    },
    download: (events, unfinishedMax = 100) => download(box, witness, events, unfinishedMax),
    settle: deadlineMs => settle(witness, aws, deadlineMs),
    stop,
  }
}

/** The bundles that Lambda gets, but with the test's automations. */
async function ownBundles(): Promise<string> {
  await mkdir(join(ROOT, '.boxhooks'), { recursive: true })
  const folder = await mkdtemp(join(ROOT, '.boxhooks', 'processes-'))
  await bundle({ outDir: folder, automationsDir: join('test', 'processes', 'automations') })
  return folder
}

function withShortTimes(template: CompiledTemplate): CompiledTemplate {
  const queue = resource(template, 'Queue')
  const Properties = { ...queue.Properties, VisibilityTimeout: VISIBILITY_SECONDS }
  return { ...template, Resources: { ...template.Resources, Queue: { ...queue, Properties } } }
}

function functionEnvironment(
  template: CompiledTemplate,
  functionId: string,
  aws: Aws,
  services: Readonly<Record<ServiceName, Service>>,
): Record<string, string> {
  const refs = {
    Queue: aws.queueUrl,
    DeadLetterQueue: aws.deadLetterQueueUrl,
    LedgerTable: aws.table,
    SignatureKeysSecret: 'SignatureKeysSecret',
    BoxAppSecret: 'BoxAppSecret',
  }
  return {
    ...environmentOf(template, functionId, refs),
    ...awsEnvironment({ sqs: services.sqs.proxied, dynamodb: services.dynamodb.proxied }),
    AWS_ENDPOINT_URL_SECRETS_MANAGER: services.secrets.proxied,
    LOG_LEVEL: 'warn',
  }
}

async function download(
  { content, sent }: EmulatedBox,
  witness: Witness,
  events: number,
  unfinishedMax: number,
): Promise<string[]> {
  const ids: string[] = []
  const wanted = witness.cases.size + events
  while (witness.cases.size < wanted) {
    await until(
      'there is room for more events',
      FEED_MS,
      () => witness.cases.size - witness.finished < unfinishedMax,
    )
    const number = witness.cases.size
    const kind = kindOf(number)
    const { id } = content.uploadFile({ parentId: FOLDER, name: `${kind} ${number}`, content: 'x' })
    content.updateFile(id, { sharedLink: { access: 'open' } })
    content.downloadFile(id)
    const eventId = sent.at(-1)?.eventId ?? ''
    witness.event(eventId, kind)
    ids.push(eventId)
  }
  return ids
}

async function settle(witness: Witness, aws: Aws, deadlineMs: number): Promise<Verdict> {
  let open = ''
  const isOver = async () => {
    const { cases, finished, accepted } = witness
    open = `${cases.size - finished} unfinished, ${cases.size - accepted} undelivered`
    if (finished < cases.size || accepted < cases.size) return false
    const { waiting, inFlight, delayed } = await aws.depth(aws.queueUrl)
    open = `${waiting} messages waiting, ${inFlight} in flight, ${delayed} delayed`
    return waiting + inFlight + delayed === 0
  }
  await until('every event is finished, and the queue is empty', deadlineMs, isOver).catch(
    (error: unknown) => {
      // Which events are still open is for the verdict to say.
      witness.surprises.push(`${error instanceof Error ? error.message : error} What is left: ${open}.`)
    },
  )
  const ledger = createLedger({ dynamodb: aws.dynamodb, table: aws.table, now: systemClock.now })
  const records = new Map<string, EventRecord>()
  for (const eventId of witness.cases.keys()) {
    const record = await ledger.read(eventId)
    if (record) records.set(eventId, record)
  }
  return judge(witness, records, await takeDeadLetters(aws))
}
