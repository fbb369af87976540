import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type CompiledTemplate, numberOf } from '../../../infra/build/template.ts'
import { systemClock } from '../../../lib/base/clock.ts'
import { createLedger } from '../../../lib/ledger/ledger.ts'
import type { EventRecord } from '../../../lib/ledger/record.ts'
import { type Aws, makeResources } from '../../../local/aws/aws.ts'
import { createEmulatedBox, type EmulatedBox } from '../../../local/box/emulated-box.ts'
import { eventSourceOf } from '../../../local/runtime/poller.ts'
import { killAll } from './child.ts'
import { takeDeadLetters } from './dead-letters.ts'
import { buildBundles, FUNCTION_SECONDS, functionEnvironment, withShortTimes } from './deployment.ts'
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
}

/** Told of each call that changed something in Box, before it is answered. */
type EffectHook = (effect: Effect, worker: Worker) => Promise<void> | void

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
  onEffect(hook: EffectHook): void
  /**
   * Downloads so many new files, each of which is an event, and waits whenever so many are unfinished.
   * @returns the events' ids
   */
  download(events: number, unfinishedMax?: number): Promise<string[]>
  /** Waits until everything is done with, and compares the final state with the expected one. */
  settle(deadlineMs: number): Promise<Verdict>
  stop(): Promise<void>
}

/** Seconds between the attempts of a delivery. Box's own take two hours. */
const RETRY_SECONDS = [0.3, 0.5, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
const KEYS = { primary: 'primary-of-the-rig', secondary: 'secondary-of-the-rig' }
const BOX_APP = { clientId: 'local-client', clientSecret: 'local-secret', enterpriseId: '1' }
const FOLDER = '100001'
const FEED_MS = 120_000

/** @throws Error where a process does not start; none is then left */
export async function startRig(options: RigOptions): Promise<Rig> {
  const undo: (() => Promise<unknown> | unknown)[] = [killAll]
  const stop = async () => {
    for (const one of undo.splice(0).reverse()) await one()
  }
  try {
    return { ...(await assemble(options, undo)), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** What all parts have in common. */
type Ground = {
  readonly witness: Witness
  readonly template: CompiledTemplate
  readonly bundles: string
  readonly services: Readonly<Record<ServiceName, Service>>
  readonly aws: Aws
}

async function assemble(
  options: RigOptions,
  undo: (() => Promise<unknown> | unknown)[],
): Promise<Omit<Rig, 'stop'>> {
  const ground = await prepare(options.template, undo)
  const { witness, services, aws, bundles } = ground
  const door = doorOn(ground)
  undo.push(() => door.close())
  const box = boxBefore(door, witness)
  undo.push(() => box.close())
  let onEffect: EffectHook = () => {}
  const workers = workersOn(ground, box, (effect, worker) => onEffect(effect, worker))
  undo.push(() => workers.close())
  undo.push(() => witness.close())
  const all = Array.from({ length: options.workers }, () => workers.add())
  await Promise.all([door.add(), door.add(), ...all])
  return {
    witness,
    box,
    services,
    workers,
    door,
    bundles,
    onEffect(hook) {
      onEffect = hook
    },
    download: (events, unfinishedMax = 100) => download(box, witness, events, unfinishedMax),
    settle: deadlineMs => settle(witness, aws, deadlineMs),
  }
}

async function prepare(
  deployed: CompiledTemplate,
  undo: (() => Promise<unknown> | unknown)[],
): Promise<Ground> {
  const witness = new Witness()
  const template = withShortTimes(deployed)
  const [bundles, services] = await Promise.all([
    buildBundles(),
    startServices({
      secrets: { SignatureKeysSecret: KEYS, BoxAppSecret: BOX_APP },
      onWrite: write => witness.write(write),
      onLedgerCut: () => witness.ledgerCut(),
      onEnd: reason => witness.surprise(reason),
    }),
  ])
  undo.push(() => rm(bundles, { recursive: true, force: true }))
  const aws = await makeResources(template, { sqs: services.sqs.direct, dynamodb: services.dynamodb.direct })
  undo.push(() => aws.stop())
  return { witness, template, bundles, services, aws }
}

const doorOn = ({ witness, template, bundles, aws, services }: Ground): Door =>
  new Door({
    settings: {
      bundle: join(bundles, 'ingest', 'index.mjs'),
      timeoutMs: numberOf(template, 'IngestLambdaFunction', 'Timeout') * 1000,
    },
    env: functionEnvironment(template, 'IngestLambdaFunction', aws, services),
    onLine: line => witness.line('ingest', line),
    onEnd: reason => witness.surprise(reason),
  })

/** An emulated Box with one folder and a webhook on it. */
function boxBefore(door: Door, witness: Witness): EmulatedBox {
  const box = createEmulatedBox({
    clock: systemClock,
    newId: randomUUID,
    keys: KEYS,
    fetch: request => door.fetch(request),
    retrySeconds: RETRY_SECONDS,
    onAttempt: attempt => witness.delivery(attempt),
  })
  box.content.createFolder({ id: FOLDER, parentId: '0', name: 'Review' })
  const target = { type: 'folder', id: FOLDER } as const
  box.webhooks.create({ target, address: 'http://127.0.0.1/box/webhook', triggers: ['FILE.DOWNLOADED'] })
  return box
}

const workersOn = (
  { witness, template, bundles, aws, services }: Ground,
  box: EmulatedBox,
  onEffect: EffectHook,
): Workers =>
  new Workers({
    witness,
    settings: {
      bundle: join(bundles, 'automate', 'index.mjs'),
      timeoutMs: FUNCTION_SECONDS * 1000,
      queueUrl: aws.queueUrl,
      queueArn: aws.queueArn,
      batchSize: eventSourceOf(template).batchSize,
    },
    env: functionEnvironment(template, 'AutomateLambdaFunction', aws, services),
    box: request => box.fetch(request),
    onEffect: async (effect, worker) => onEffect(effect, worker),
  })

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
      witness.surprise(`${error instanceof Error ? error.message : error} What is left: ${open}.`)
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
