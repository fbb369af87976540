import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import type { APIGatewayProxyEventV2, APIGatewayProxyResult, SQSBatchResponse, SQSEvent } from 'aws-lambda'
import { automateFunction } from '../../../lib/automate/automate-function.ts'
import { AWS_LIMITS } from '../../../lib/aws/client.ts'
import { ingestFunction } from '../../../lib/ingest/ingest-function.ts'
import { readRecord } from '../../../lib/ledger/record.ts'
import { type ReplayRequest, replayMessage } from '../../../lib/operations/replay.ts'
import { createQueue } from '../../../lib/queue/queue.ts'
import { createWebhookRecord, NO_RECORD } from '../../../lib/webhooks/webhook-record.ts'
import { askedMs, automationOf, hasOddFilter, type Simulated, simulatedOf } from './automations.ts'
import { anomaliesOf, ENV, read, SimulatedAws } from './aws.ts'
import { SimulatedBox } from './box.ts'
import { BoxConnections } from './box-connection.ts'
import { ITEM_BYTES_MAX } from './dynamodb.ts'
import { FILE_NAME } from './event-bodies.ts'
import { EventSource } from './event-source.ts'
import { SimulatedGateway } from './gateway.ts'
import { type Remaining, SimulatedLambda } from './lambda.ts'
import { Network, type Service } from './network.ts'
import type { Plan } from './plan.ts'
import type { Disturbance, Process } from './process.ts'
import { createRandom, type Random } from './random.ts'
import { Scheduler } from './scheduler.ts'
import type { Stored } from './sqs.ts'
import { sendStranger } from './stranger.ts'
import { PLACES, TARGETS, WEBHOOKS } from './watched.ts'
import { Witness } from './witness.ts'

const START = Date.parse('2026-11-23T10:00:00Z')

/** As serverless.yml has it. */
const DEPLOYED = {
  ingest: { timeoutMs: 10_000, concurrency: 50 },
  automate: { timeoutMs: 60_000, concurrency: 5 },
  batchSize: 10,
}

/** As lib/aws/client.ts and functions/automate.ts have them. */
const CLIENTS = {
  ingest: { attempts: AWS_LIMITS.attempts, timeoutMs: AWS_LIMITS.answerMs, totalMs: AWS_LIMITS.totalMs },
  automate: { attempts: 4, timeoutMs: 5000 },
}

const BOX_APP = { clientId: 'client', clientSecret: 'canary-client-secret', enterpriseId: '1' }

/** What the runs of an event may surely keep together, and what one of them takes beside its steps, in bytes. */
const RUNS_BYTES_SURE = 350_000
const RUN_BYTES_MAX = 2600

type Item = Record<string, AttributeValue>

/** After an outage of Secrets Manager ingest may wait this long before it asks again: a call that hangs, and then a pause. */
const READ_AGAIN_MS = 20_000

/** Everything around the two functions, as one seed has it. */
export class World {
  readonly plan: Plan
  readonly random: Random
  readonly scheduler: Scheduler
  readonly network: Network
  readonly witness: Witness
  readonly aws: SimulatedAws
  readonly box: SimulatedBox
  readonly connections: BoxConnections
  readonly source: EventSource
  readonly ingest: SimulatedLambda<APIGatewayProxyEventV2, APIGatewayProxyResult>
  readonly automate: SimulatedLambda<SQSEvent, SQSBatchResponse>
  readonly automations: readonly Simulated[]
  readonly boxService: Service = { name: 'Box', down: false }
  readonly startedAt = START
  /** How many lines were logged. */
  lines = 0
  /** Each event's item as it was last written, whether or not it has expired since. */
  readonly lastWritten = new Map<string, Item>()
  /** What each process works on at the moment, and until when. */
  readonly #invocations = new Map<Process, { readonly events: readonly string[]; readonly until: number }>()
  #processes = 0
  #tokens = 0
  #healed = false

  constructor(plan: Plan, trace?: (line: string) => void) {
    this.plan = plan
    this.random = createRandom(plan.seed, 2)
    this.scheduler = new Scheduler(START, createRandom(plan.seed, 3))
    const { scheduler, random } = this
    this.network = new Network(scheduler, createRandom(plan.seed, 4), plan.rates)
    this.network.onGaveUp = process => this.#disturbed(process)
    this.automations = simulatedOf(plan)
    const healed = () => this.#healed
    const canaries = new Map([
      ['a signature key', 'canary-key'],
      ['the client secret', BOX_APP.clientSecret],
      ['a file name', FILE_NAME],
    ])
    this.witness = new Witness({
      now: () => scheduler.now,
      start: START,
      apartMs: 4000 * plan.rates.skew + 2,
      leaseOf: eventId => this.aws.table.peek(eventId)?.leaseToken?.S,
      canaries,
      sendsMax: plan.rates.lostResponses > 0 ? CLIENTS.automate.attempts : 1,
      steady: isSteady(plan),
      ...(trace ? { trace } : {}),
    })
    for (const one of this.automations)
      this.witness.policies.set(one.name, {
        attempts: one.attempts,
        askedMs: askedMs(one),
        oddFilter: hasOddFilter(one),
      })
    const { network, witness } = this

    const anomalies = anomaliesOf(plan.rates, random, healed)
    const onWrite = (process: Process, eventId: string, after: Item, before: Item | undefined) =>
      this.#onWritten(process, eventId, after, before)
    this.aws = new SimulatedAws({
      scheduler,
      network,
      anomalies,
      onWrite,
      onSize: (key, bytes) =>
        witness.check('record_fits', bytes <= ITEM_BYTES_MAX, () => `that of ${key} has ${bytes} bytes`),
    })
    this.aws.secrets.set('app', JSON.stringify(BOX_APP))
    this.aws.queue.onSent = message => this.#onQueued(message)
    this.aws.deadLetters.onSent = message => this.#onDeadLetter(message)
    const onToken = (token: string) => void canaries.set(`the Box token ${canaries.size}`, token)
    const service = this.boxService
    const box = { plan, scheduler, random, network, witness, service, app: BOX_APP, healed, onToken }
    this.connections = new BoxConnections(box)

    this.ingest = this.#lambda(
      DEPLOYED.ingest,
      process => this.#loadIngest(process),
      () => [],
    )
    this.automate = this.#lambda(
      DEPLOYED.automate,
      process => this.#loadAutomate(process),
      ({ Records }) => Records.map(({ messageAttributes }) => messageAttributes.eventId?.stringValue ?? ''),
    )
    this.source = new EventSource({
      scheduler,
      random,
      queue: this.aws.queue,
      automate: this.automate,
      batchSize: DEPLOYED.batchSize,
      concurrency: DEPLOYED.automate.concurrency,
      lostDeletes: () => (this.#healed ? 0 : plan.rates.duplicateMessages / 5),
    })
    const { lostRequests, lostResponses, serviceErrors } = plan.rates
    this.box = new SimulatedBox({
      plan,
      scheduler,
      random,
      network,
      gateway: new SimulatedGateway(this.ingest, random),
      witness,
      automations: this.automations,
      storeKeys: keys => void this.aws.secrets.set('keys', JSON.stringify(keys)),
      keysReadable: () => {
        const { down, upAt = Number.NEGATIVE_INFINITY } = this.aws.services.secretsManager
        const forLong = !down && scheduler.now - upAt > READ_AGAIN_MS
        return forLong && lostRequests + lostResponses + serviceErrors === 0
      },
    })
  }

  /** Writes down which webhooks are the stage's, as a deployment does. */
  async recordWebhooks(): Promise<void> {
    const { recorded } = this.plan
    const places = PLACES.filter(place => recorded === 'all' || place === recorded)
    if (places.length === 0) return
    const dynamodb = { send: async (command: unknown) => ({ ...this.aws.table.send(command) }) }
    const record = createWebhookRecord({ dynamodb, table: ENV.LEDGER_TABLE }, () => 0)
    const address = 'https://hooks.test/box/webhook'
    const webhooks = places.map(place => ({ target: TARGETS[place], address, webhookId: WEBHOOKS[place] }))
    await record.write(webhooks, NO_RECORD)
  }

  /** Whether the steps of its automations may keep more than there is room for. */
  get isGreedy(): boolean {
    // What was done and can't be kept is not done again under its name.
    if (this.automations.some(({ stepped, resultBytes }) => stepped && resultBytes > 16_384)) return true
    const share = Math.min(65_536, RUNS_BYTES_SURE / this.automations.length - RUN_BYTES_MAX)
    return this.automations.some(one => one.stepped && one.effects.length * (one.resultBytes + 20) > share)
  }

  /** Lets something else than ingest put messages on the queue, for a while. */
  sendStrangers(): void {
    const { plan, random, scheduler, witness, network } = this
    for (let count = 0; count < plan.events; count += 1)
      if (random.chance(plan.rates.strangers))
        scheduler.after(random.between(0, plan.seconds * 1000), () => {
          network.strike('stranger on the queue')
          witness.strangers.add(`stranger-${count}`)
          sendStranger(this.aws.queue, `stranger-${count}`, random)
        })
  }

  /** Mends everything: from now on nothing fails, is lost or is late. */
  heal(): void {
    this.#healed = true
    this.network.clear()
    this.ingest.calm()
    this.automate.calm()
    this.box.heal()
    for (const service of [...Object.values(this.aws.services), this.boxService])
      if (service.down) Object.assign(service, { down: false, upAt: this.scheduler.now })
    this.source.resume()
  }

  /** Moves a dead letter back to the queue as it is, sometimes twice, as SQS's own redrive may. */
  redrive(stored: Stored): void {
    const { queue, deadLetters } = this.aws
    const at = deadLetters.messages.indexOf(stored)
    if (at < 0) return
    deadLetters.messages.splice(at, 1)
    const { eventId } = read(stored)
    this.witness.redriven(eventId)
    this.witness.note(() => `redriven: ${eventId}`)
    this.network.strike('redriven')
    for (let copies = this.random.chance(0.2) ? 2 : 1; copies > 0; copies -= 1) queue.restore(stored)
  }

  /** Has an event run again, sometimes by two messages that are the same. */
  replay(eventId: string, request: ReplayRequest): void {
    const { queue, table } = this.aws
    const item = table.peek(eventId)
    if (!item) return
    const record = readRecord(item)
    // Of what is not kept nothing can be run again.
    if (!record.payload) return
    const message = replayMessage(record, request)
    this.witness.redriven(eventId)
    for (const [name, { status, redrives }] of Object.entries(record.runs))
      if (request.force && status === 'done') this.witness.forced(eventId, name, redrives)
    this.witness.note(() => `replayed: ${eventId} ${JSON.stringify(message.replay)}`)
    this.network.strike('replayed')
    const sender = createQueue({ send: (command: unknown) => queue.send(command) } as never, ENV.QUEUE_URL)
    for (let copies = this.random.chance(0.3) ? 2 : 1; copies > 0; copies -= 1) void sender.send(message)
  }

  #lambda<I, O>(
    deployed: { readonly timeoutMs: number; readonly concurrency: number },
    load: (process: Process) => (event: I, context: Remaining) => Promise<O>,
    eventsOf: (event: I) => string[],
  ): SimulatedLambda<I, O> {
    const { kills, freezes, zombies, recycles, skew } = this.plan.rates
    return new SimulatedLambda<I, O>({
      scheduler: this.scheduler,
      random: this.random,
      chaos: { kills, freezes, zombies, recycles, skewMs: 2000 * skew },
      ...deployed,
      newId: () => {
        this.#processes += 1
        return this.#processes
      },
      load,
      onInvoked: (process, event, until) => {
        this.#invocations.set(process, { events: eventsOf(event), until })
        this.witness.invoked(process)
      },
      onDisturbed: (process, disturbance) => this.#disturbed(process, disturbance),
    })
  }

  #loadIngest(process: Process) {
    const handler = ingestFunction({
      env: ENV,
      now: process.clock.now,
      write: line => this.#line(line),
      aws: this.aws.ingestAwsOf(process, CLIENTS.ingest),
    })
    return async (event: APIGatewayProxyEventV2) => handler(event, {})
  }

  #loadAutomate(process: Process) {
    const surroundings = {
      plan: this.plan,
      witness: this.witness,
      whereabouts: () => ({ process, until: this.#invocations.get(process)?.until ?? 0 }),
      now: () => this.scheduler.now,
      healed: () => this.#healed,
      strike: (kind: string) => this.network.strike(kind),
    }
    const handler = automateFunction({
      automations: this.automations.map(simulated => automationOf(simulated, surroundings)),
      env: ENV,
      clock: process.clock,
      random: this.random.next,
      newToken: () => this.#newToken(process),
      write: line => this.#line(line),
      ...this.aws.clientsOf(process, CLIENTS.automate),
      connectBox: options => this.connections.connect(process, options),
    })
    return async (event: SQSEvent, context: Remaining) => handler(event, context)
  }

  #newToken(process: Process): string {
    this.#tokens += 1
    const token = `token-${this.#tokens}`
    this.witness.tokenMade(token, process)
    return token
  }

  #line(line: string): void {
    this.lines += 1
    this.witness.logged(line)
    this.witness.note(() => `log ${line}`)
  }

  #disturbed(process: Process, disturbance?: Disturbance): void {
    this.network.strike(disturbance ? `process ${disturbance.replace('_', ' ')}` : 'service given up')
    this.witness.note(() => `process ${process.id}: ${disturbance ?? 'left without an answer'}`)
    if (disturbance) this.witness.struck(process)
    if (disturbance === 'timed_out') {
      const steady = isSteady(this.plan) && !process.blocked
      this.witness.check('ends_in_time', !steady, () => `process ${process.id} was stopped`)
    }
    this.witness.disturbed(process, this.#invocations.get(process)?.events ?? [])
  }

  #onQueued(stored: Stored): void {
    const message = read(stored)
    if (message.origin === 'backfill') this.witness.happens(this.box.backfilled(message))
    this.witness.isQueued(message)
  }

  #onDeadLetter(stored: Stored): void {
    const { eventId, failure } = read(stored)
    this.witness.note(() => `dead-letter queue: ${eventId} ${failure?.code}`)
    this.witness.deadLettered(eventId, failure?.redrives ?? 0, failure?.automations ?? [])
    for (const { name, code } of failure?.automations ?? []) this.witness.givenUp(eventId, name, code)
    if (!this.#healed && this.random.chance(this.plan.rates.hastyRedrives))
      this.scheduler.after(this.random.between(0, this.random.pick([60, 3000])), () => this.redrive(stored))
  }

  #onWritten(process: Process, eventId: string, after: Item, before: Item | undefined): void {
    this.lastWritten.set(eventId, after)
    this.witness.written(eventId, before && writtenIn(before), writtenIn(after), process)
  }
}

/** Whether nothing but code and Box can make a function slow. */
const isSteady = ({ rates, times, sdk }: Plan): boolean =>
  rates.lostRequests + rates.lostResponses + rates.freezes + times.outages === 0 && !sdk

const writtenIn = (item: Item) => ({
  token: item.leaseToken?.S ?? '',
  until: Number(item.leaseUntil?.N ?? 0),
  done: Object.entries(item.runs?.M ?? {}).flatMap(([name, { M: run }]) =>
    run?.status?.S === 'done' ? [name] : [],
  ),
})
