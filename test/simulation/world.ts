import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager'
import type { APIGatewayProxyEventV2, APIGatewayProxyResult, SQSBatchResponse, SQSEvent } from 'aws-lambda'
import { automateFunction } from '../../lib/automate-function.ts'
import { type BoxConnection, type BoxConnectionOptions, createBoxConnection } from '../../lib/box.ts'
import { ingestFunction } from '../../lib/ingest-function.ts'
import { decodeMessage, type Message } from '../../lib/message.ts'
import type { SignatureKeys } from '../../lib/signature.ts'
import { automationOf, FOLDERS, type Simulated, simulatedOf } from './automations.ts'
import { FILE_NAME, fileIdOf, SimulatedBox, WEBHOOKS } from './box.ts'
import { type BoxVerdict, connectQuickly } from './box-api.ts'
import { Table } from './dynamodb.ts'
import { EventSource } from './event-source.ts'
import { SimulatedGateway } from './gateway.ts'
import { type Remaining, SimulatedLambda } from './lambda.ts'
import { Network, type Service, ServiceRefusal } from './network.ts'
import type { Plan } from './plan.ts'
import type { Disturbance, Process } from './process.ts'
import { createRandom, type Random } from './random.ts'
import { Scheduler } from './scheduler.ts'
import { SdkBox } from './sdk.ts'
import { SimulatedQueue, type Stored } from './sqs.ts'
import { type Lease, Witness } from './witness.ts'

const START = Date.parse('2026-11-23T10:00:00Z')
const HOUR = 3_600_000
const DAY = 24 * HOUR

/** As serverless.yml and infra/queue.yml have it. */
const DEPLOYED = {
  ingest: { timeoutMs: 10_000, concurrency: 50 },
  automate: { timeoutMs: 60_000, concurrency: 5, batchSize: 10 },
  queue: { visibilityTimeout: 360, maxReceiveCount: 1000 },
}

const ENV = {
  QUEUE_URL: 'https://sqs.test/events',
  DEAD_LETTER_QUEUE_URL: 'https://sqs.test/dead',
  LEDGER_TABLE: 'ledger',
  SIGNATURE_KEYS_SECRET_ID: 'keys',
  BOX_APP_SECRET_ID: 'app',
}

const BOX_APP = { clientId: 'client', clientSecret: 'canary-client-secret', enterpriseId: '1' }

type Item = Record<string, AttributeValue>

/** Everything around the two functions, as one seed has it. */
export class World {
  readonly scheduler: Scheduler
  readonly network: Network
  readonly witness: Witness
  readonly box: SimulatedBox
  readonly queue: SimulatedQueue
  readonly deadLetters: SimulatedQueue
  readonly table: Table
  readonly source: EventSource
  readonly ingest: SimulatedLambda<APIGatewayProxyEventV2, APIGatewayProxyResult>
  readonly automate: SimulatedLambda<SQSEvent, SQSBatchResponse>
  readonly automations: readonly Simulated[]
  readonly plan: Plan
  readonly random: Random
  readonly services = {
    secretsManager: { name: 'Secrets Manager', down: false },
    sqs: { name: 'SQS', down: false },
    dynamodb: { name: 'DynamoDB', down: false },
    box: { name: 'Box', down: false },
  }
  readonly startedAt = START
  lines = 0
  /** Each event's item as it was last written, whether or not it has expired since. */
  readonly lastWritten = new Map<string, Item>()
  readonly #secrets = new Map<string, string>([['app', JSON.stringify(BOX_APP)]])
  /** What each process works on at the moment, and until when. */
  readonly #invocations = new Map<Process, { readonly events: readonly string[]; readonly until: number }>()
  /** Who a write to the table comes from. */
  #writer: Process | undefined
  /** Box's API as the SDK reaches it; where it is undefined, Box is called without the SDK. */
  #sdkBox: SdkBox | undefined
  readonly #canaries = new Map([
    ['a signature key', 'canary-key'],
    ['the client secret', BOX_APP.clientSecret],
    ['a file name', FILE_NAME],
  ])
  #processes = 0
  #tokens = 0
  #ids = 0
  #healed = false

  constructor(plan: Plan, trace?: (line: string) => void) {
    this.plan = plan
    this.random = createRandom(plan.seed, 2)
    this.scheduler = new Scheduler(START, createRandom(plan.seed, 3))
    const { scheduler, random } = this
    this.network = new Network(scheduler, createRandom(plan.seed, 4), plan.rates)
    this.network.onGaveUp = process => this.#disturbed(process)
    this.automations = simulatedOf(plan)
    const now = () => scheduler.now
    this.witness = new Witness({
      now,
      start: START,
      apartMs: 4000 * plan.rates.skew + 2,
      leaseOf: eventId => this.table.peek(eventId)?.leaseToken?.S,
      canaries: this.#canaries,
      ...(trace ? { trace } : {}),
    })
    for (const { name, attempts } of this.automations) this.witness.policies.set(name, { attempts })

    const anomalies = {
      resurrectAfterMs: () =>
        !this.#healed && random.chance(plan.rates.resurrectedMessages)
          ? random.pick([10, 60_000, HOUR, 3 * DAY]) * random.next()
          : undefined,
      duplicates: () => !this.#healed && random.chance(plan.rates.duplicateMessages / 10),
      pick: (count: number) => random.int(count),
    }
    const time = { now, after: (ms: number, callback: () => void) => scheduler.after(ms, callback) }
    this.deadLetters = new SimulatedQueue('dead', { visibilityTimeout: 30 }, time)
    const { visibilityTimeout, maxReceiveCount } = DEPLOYED.queue
    const redrive = { maxReceiveCount, to: this.deadLetters }
    this.queue = new SimulatedQueue('events', { visibilityTimeout, redrive }, time, anomalies)
    this.queue.onSent = message => this.#onQueued(message)
    this.deadLetters.onSent = message => this.#onDeadLetter(message)
    this.table = new Table('eventId', {
      now: () => scheduler.now / 1000,
      onWrite: (key, after, before) => this.#onWritten(key, after, before),
    })

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
    const gateway = new SimulatedGateway(this.ingest, random)
    this.source = new EventSource({
      scheduler,
      random,
      queue: this.queue,
      automate: this.automate,
      batchSize: DEPLOYED.automate.batchSize,
      concurrency: DEPLOYED.automate.concurrency,
      lostDeletes: () => (this.#healed ? 0 : plan.rates.duplicateMessages / 5),
    })
    this.box = new SimulatedBox({
      plan,
      scheduler,
      random,
      network: this.network,
      gateway,
      witness: this.witness,
      automations: this.automations,
      storeKeys: (keys: SignatureKeys) => void this.#secrets.set('keys', JSON.stringify(keys)),
      keysReadable: () =>
        !this.services.secretsManager.down &&
        plan.rates.lostRequests + plan.rates.lostResponses + plan.rates.serviceErrors === 0,
    })
  }

  /** Mends everything: from now on nothing fails, is lost or is late. */
  heal(): void {
    this.#healed = true
    this.network.clear()
    this.ingest.calm()
    this.automate.calm()
    this.box.heal()
    for (const service of Object.values(this.services)) service.down = false
    this.source.resume()
  }

  secretOf(id: string): string | undefined {
    return this.#secrets.get(id)
  }

  #lambda<I, O>(
    { timeoutMs, concurrency }: { timeoutMs: number; concurrency: number },
    load: (process: Process) => (event: I, context: Remaining) => Promise<O>,
    eventsOf: (event: I) => string[],
  ): SimulatedLambda<I, O> {
    const { kills, freezes, zombies, recycles, skew } = this.plan.rates
    return new SimulatedLambda<I, O>({
      scheduler: this.scheduler,
      random: this.random,
      chaos: { kills, freezes, zombies, recycles, skewMs: 2000 * skew },
      timeoutMs,
      concurrency,
      newId: () => {
        this.#processes += 1
        return this.#processes
      },
      load,
      onInvoked: (process, event, until) =>
        void this.#invocations.set(process, { events: eventsOf(event), until }),
      onDisturbed: (process, disturbance) => this.#disturbed(process, disturbance),
    })
  }

  #loadIngest(process: Process) {
    const handler = ingestFunction({
      env: ENV,
      now: process.clock.now,
      write: line => this.#line(line),
      secretsManager: () => this.#client(process, this.services.secretsManager, 2, 2500, this.#secret),
      sqs: () => this.#client(process, this.services.sqs, 2, 2500, command => this.queue.send(command)),
    })
    return async (event: APIGatewayProxyEventV2) => handler(event, {})
  }

  #loadAutomate(process: Process) {
    const { services } = this
    const handler = automateFunction({
      automations: this.automations.map(simulated =>
        automationOf(simulated, {
          plan: this.plan,
          witness: this.witness,
          whereabouts: () => ({ process, until: this.#invocations.get(process)?.until ?? 0 }),
          now: () => this.scheduler.now,
          healed: () => this.#healed,
        }),
      ),
      env: ENV,
      clock: process.clock,
      random: this.random.next,
      newToken: () => this.#newToken(process),
      write: line => this.#line(line),
      secretsManager: () => this.#client(process, services.secretsManager, 4, 5000, this.#secret),
      sqs: () =>
        this.#client(process, services.sqs, 4, 5000, command =>
          queueUrlOf(command) === ENV.QUEUE_URL ? this.queue.send(command) : this.deadLetters.send(command),
        ),
      dynamodb: () =>
        this.#client(process, services.dynamodb, 4, 5000, command => {
          this.#writer = process
          return this.table.send(command)
        }),
      connectBox: options => this.#connect(process, options),
    })
    return async (event: SQSEvent, context: Remaining) => handler(event, context)
  }

  /** Makes ready what takes real time. */
  async load(): Promise<void> {
    const { scheduler, random, plan } = this
    if (!plan.sdk) return
    this.#sdkBox = await SdkBox.load({
      scheduler,
      random,
      newId: () => {
        this.#ids += 1
        return `box-${String(this.#ids).padStart(8, '0')}`
      },
      ...BOX_APP,
      verdict: () => this.#verdict(),
      update: description => this.#updated(description),
      onToken: token => void this.#canaries.set(`the Box token ${this.#canaries.size}`, token),
    })
    for (let count = 0; count < plan.events; count += 1)
      this.#sdkBox.addFile(fileIdOf(count), `${FILE_NAME}-${count}`)
  }

  revokeTokens(): void {
    this.#sdkBox?.revokeTokens()
    this.network.strike('Box tokens revoked')
  }

  #connect(process: Process, options: BoxConnectionOptions): BoxConnection {
    const { scheduler, random } = this
    const sdkBox = this.#sdkBox
    if (sdkBox) return createBoxConnection({ ...options, network: sdkBox.networkOf(process) })
    return connectQuickly({
      process,
      scheduler,
      random,
      verdict: () => this.#verdict(),
      update: description => this.#updated(description),
      targetOf: webhookId =>
        webhookId === WEBHOOKS.outer
          ? { type: 'folder', id: FOLDERS.outer }
          : { type: 'folder', id: FOLDERS.inner },
    })
  }

  #verdict(): BoxVerdict {
    const { random, network } = this
    const { throttledCalls, failedCalls, lostCalls } = this.plan.rates
    if (this.#healed) return { kind: 'done', heard: true }
    if (this.services.box.down) return { kind: 'lost' }
    if (random.chance(throttledCalls)) {
      network.strike('Box throttled')
      return { kind: 'refused', status: 429, retryAfter: random.pick([1, 5, 60, 900]) }
    }
    if (random.chance(failedCalls)) {
      network.strike('Box failed')
      return { kind: 'refused', status: random.pick([500, 502, 503]) }
    }
    const heard = !random.chance(lostCalls)
    if (!heard) network.strike('Box unheard')
    return { kind: 'done', heard }
  }

  #updated(description: string): void {
    const [serial = '', effect = ''] = description.split(' ')
    const attempt = this.witness.attempts[Number(serial)]
    if (attempt) this.witness.effect(attempt, effect)
  }

  /** An AWS client whose calls go over the simulated network. */
  #client(
    process: Process,
    service: Service,
    attempts: number,
    timeoutMs: number,
    apply: (command: unknown) => object,
  ) {
    // What the model answers is what the command's output type says; the models are checked against real servers.
    const send = (command: unknown) =>
      this.network.call({ process, service, attempts, timeoutMs, apply: () => apply(command) })
    return { send } as never
  }

  readonly #secret = (command: unknown): object => {
    if (!(command instanceof GetSecretValueCommand))
      throw new ServiceRefusal('UnknownOperationException', 'The model has no such command.', false)
    const SecretString = this.#secrets.get(command.input.SecretId ?? '')
    if (SecretString === undefined)
      throw new ServiceRefusal('ResourceNotFoundException', 'There is no such secret.', false)
    return { SecretString }
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
    this.witness.disturbed(process, this.#invocations.get(process)?.events ?? [])
  }

  #onQueued(stored: Stored): void {
    const { eventId, body } = read(stored)
    this.witness.isQueued(eventId, body)
  }

  #onDeadLetter(stored: Stored): void {
    const { eventId, failure } = read(stored)
    this.witness.note(() => `dead-letter queue: ${eventId} ${failure?.code}`)
    for (const { name, code } of failure?.automations ?? []) this.witness.givenUp(eventId, name, code)
    if (!this.#healed && this.random.chance(this.plan.rates.hastyRedrives))
      this.scheduler.after(this.random.between(0, this.random.pick([60, 3000])), () => this.redrive(stored))
  }

  /** Moves a dead letter back to the queue as it is, sometimes twice, as SQS's own redrive may. */
  redrive(stored: Stored): void {
    const { messages } = this.deadLetters
    const at = messages.indexOf(stored)
    if (at < 0) return
    messages.splice(at, 1)
    const { eventId } = read(stored)
    this.witness.redriven(eventId)
    this.witness.note(() => `redriven: ${eventId}`)
    this.network.strike('redriven')
    for (let copies = this.random.chance(0.2) ? 2 : 1; copies > 0; copies -= 1) this.queue.restore(stored)
  }

  #onWritten(eventId: string, after: Item, before: Item | undefined): void {
    const process = this.#writer
    this.lastWritten.set(eventId, after)
    if (!process) return
    const done = Object.entries(after.runs?.M ?? {}).flatMap(([name, { M: run }]) =>
      run?.status?.S === 'done' ? [name] : [],
    )
    this.witness.written(eventId, before && leaseOf(before), { ...leaseOf(after), done }, process)
  }
}

const leaseOf = (item: Item): Lease => ({
  token: item.leaseToken?.S ?? '',
  until: Number(item.leaseUntil?.N ?? 0),
})

const queueUrlOf = (command: unknown): unknown =>
  command instanceof Object && 'input' in command && command.input instanceof Object
    ? Reflect.get(command.input, 'QueueUrl')
    : undefined

/** A message as whoever looks into a queue reads it. */
export function read({ body, attributes, groupId }: Stored): Message {
  const texts = Object.entries(attributes).map(([name, { StringValue }]) => [name, StringValue] as const)
  return decodeMessage({ body, attributes: Object.fromEntries(texts), groupId }).message
}
