import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs'
import type { IngestAws } from '../../../lib/ingest/aws.ts'
import { decodeMessage, type Message } from '../../../lib/queue/message.ts'
import { Table, type TableOptions } from './dynamodb.ts'
import { type Network, type Service, ServiceRefusal } from './network.ts'
import type { Process } from './process.ts'
import type { Random } from './random.ts'
import type { Scheduler } from './scheduler.ts'
import { type Anomalies, SimulatedQueue, type Stored } from './sqs.ts'

/** As infra/cloudformation/queue.yml has it. */
const QUEUE = { visibilityTimeout: 360, maxReceiveCount: 1000 }

/** The environment in which the functions find what is here. */
export const ENV = {
  QUEUE_URL: 'https://sqs.test/events',
  DEAD_LETTER_QUEUE_URL: 'https://sqs.test/dead',
  LEDGER_TABLE: 'ledger',
  SIGNATURE_KEYS_SECRET_ID: 'keys',
  BOX_APP_SECRET_ID: 'app',
}

export type SimulatedAwsOptions = {
  readonly scheduler: Scheduler
  readonly network: Network
  readonly anomalies: Anomalies
  readonly onWrite: (process: Process, ...written: Parameters<NonNullable<TableOptions['onWrite']>>) => void
  readonly onSize: NonNullable<TableOptions['onSize']>
}

/** How a client of the functions is set up: how often it tries, and how long it waits, in milliseconds. */
export type ClientSettings = {
  readonly attempts: number
  readonly timeoutMs: number
  /** How long all attempts have together. */
  readonly totalMs?: number
}

/** SQS, DynamoDB and Secrets Manager as the functions' clients reach them. */
export class SimulatedAws {
  readonly queue: SimulatedQueue
  readonly deadLetters: SimulatedQueue
  readonly table: Table
  readonly secrets = new Map<string, string>()
  readonly services: Readonly<Record<'secretsManager' | 'sqs' | 'dynamodb', Service>> = {
    secretsManager: { name: 'Secrets Manager', down: false },
    sqs: { name: 'SQS', down: false },
    dynamodb: { name: 'DynamoDB', down: false },
  }
  readonly #network: Network
  /** Who a write to the table comes from. */
  #writer: Process | undefined

  constructor({ scheduler, network, anomalies, onWrite, onSize }: SimulatedAwsOptions) {
    this.#network = network
    const now = () => scheduler.now
    const time = { now, after: (ms: number, callback: () => void) => scheduler.after(ms, callback) }
    this.deadLetters = new SimulatedQueue('dead', { visibilityTimeout: 30 }, time)
    const { visibilityTimeout, maxReceiveCount } = QUEUE
    const redrive = { maxReceiveCount, to: this.deadLetters }
    this.queue = new SimulatedQueue('events', { visibilityTimeout, redrive }, time, anomalies)
    this.table = new Table('eventId', {
      now: () => scheduler.now / 1000,
      onWrite: (...written) => {
        if (this.#writer) onWrite(this.#writer, ...written)
      },
      onSize,
    })
  }

  /** The clients of a process, each made when it is asked for. */
  clientsOf(process: Process, settings: ClientSettings) {
    const { secretsManager, sqs, dynamodb } = this.services
    return {
      secretsManager: () => this.#client(process, secretsManager, settings, command => this.#secret(command)),
      sqs: () => this.#client(process, sqs, settings, command => this.#queueOf(command).send(command)),
      dynamodb: () =>
        this.#client(process, dynamodb, settings, command => {
          this.#writer = process
          return this.table.send(command)
        }),
    }
  }

  /** Clients of an operator, whose calls all succeed; nothing that they write is a worker's. */
  operatorClients() {
    const clientOf = (apply: (command: unknown) => object) => {
      const send = async (command: unknown) => {
        this.#writer = undefined
        return apply(command)
      }
      return () => ({ send }) as never
    }
    return {
      secretsManager: clientOf(command => this.#secret(command)),
      sqs: clientOf(command => this.queue.send(command)),
      dynamodb: clientOf(command => this.table.send(command)),
    }
  }

  /** The two calls of ingest, as a process makes them. */
  ingestAwsOf(process: Process, settings: ClientSettings): IngestAws {
    const clients = this.clientsOf(process, settings)
    const secretsManager: Pick<SecretsManagerClient, 'send'> = clients.secretsManager()
    const sqs: Pick<SQSClient, 'send'> = clients.sqs()
    return {
      async getSecretText(SecretId) {
        return (await secretsManager.send(new GetSecretValueCommand({ SecretId }))).SecretString
      },
      async sendMessage(input) {
        await sqs.send(new SendMessageCommand(input))
      },
    }
  }

  #client(process: Process, service: Service, settings: ClientSettings, apply: (command: unknown) => object) {
    const send = (command: unknown) =>
      this.#network.call({ process, service, ...settings, apply: () => apply(command) })
    // That a model answers a command with that command's output is checked against real servers, not by types.
    return { send } as never
  }

  #queueOf(command: unknown): SimulatedQueue {
    const input = command instanceof Object && 'input' in command ? command.input : undefined
    const url = input instanceof Object ? Reflect.get(input, 'QueueUrl') : undefined
    return url === ENV.QUEUE_URL ? this.queue : this.deadLetters
  }

  #secret(command: unknown): object {
    if (!(command instanceof GetSecretValueCommand))
      throw new ServiceRefusal('UnknownOperationException', 'The model has no such command.', false)
    const SecretString = this.secrets.get(command.input.SecretId ?? '')
    if (SecretString === undefined)
      throw new ServiceRefusal('ResourceNotFoundException', 'There is no such secret.', false)
    return { SecretString }
  }
}

const [HOUR, DAY] = [3_600_000, 86_400_000]

/** What a plan lets queues do besides what they are asked to. */
export const anomaliesOf = (
  rates: { readonly resurrectedMessages: number; readonly duplicateMessages: number },
  random: Random,
  healed: () => boolean,
): Anomalies => ({
  resurrectAfterMs: () =>
    !healed() && random.chance(rates.resurrectedMessages)
      ? random.pick([10, 60_000, HOUR, 3 * DAY]) * random.next()
      : undefined,
  duplicates: () => !healed() && random.chance(rates.duplicateMessages / 10),
  pick: count => random.int(count),
})

/** A message as whoever looks into a queue reads it. */
export function read({ body, attributes, groupId }: Stored): Message {
  const texts = Object.entries(attributes).map(([name, { StringValue }]) => [name, StringValue] as const)
  return decodeMessage({ body, attributes: Object.fromEntries(texts), groupId }).message
}
