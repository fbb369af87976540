import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { SQSClient } from '@aws-sdk/client-sqs'
import { AwsUnreachable, awsReason } from '../../infra/stage/aws-reason.ts'
import { readStage } from '../../infra/stage/stage.ts'
import { isObject } from '../../lib/base/json.ts'
import { createHistory, type History } from '../../lib/ledger/history.ts'
import { createLedger, type Ledger } from '../../lib/ledger/ledger.ts'
import { createDeadLetters, type DeadLetters } from '../../lib/operations/dead-letters.ts'
import { createQueue, type Queue } from '../../lib/queue/queue.ts'
import type { Shell } from '../terminal/shell.ts'
import type { StageRef } from './stage-ref.ts'

/** The queues and the ledger of a stage. A failing call throws AwsUnreachable with what to do. */
export type StageAws = {
  readonly queue: Queue
  readonly deadLetters: DeadLetters
  readonly ledger: Ledger
  /** Without payloads. */
  readonly history: History
  close(): void
}

/**
 * Connects to the queues and the ledger of a stage, by the outputs of a deployed stack or by asking the local one.
 * @throws AwsUnreachable
 */
export async function connectStage(shell: Shell, ref: StageRef): Promise<StageAws> {
  const { output, client } = await reachStage(shell, ref)
  const queueUrl = output('QueueUrl')
  const deadLetterQueueUrl = output('DeadLetterQueueUrl')
  const table = output('LedgerTable')
  // The endpoint is what the environment says, also where a queue's URL names another host.
  const sqs = new SQSClient({ ...client('SQS'), useQueueUrlAsEndpoint: false })
  const dynamodb = new DynamoDBClient(client('DYNAMODB'))
  sqs.middlewareStack.add(explainErrors('sqs', ref), INITIALIZE)
  dynamodb.middlewareStack.add(explainErrors('dynamodb', ref), INITIALIZE)
  const ledger = createLedger({ dynamodb, table, now: shell.now })
  return {
    queue: createQueue(sqs, queueUrl),
    deadLetters: createDeadLetters({ sqs, deadLetterQueueUrl, queueUrl, ledger, now: shell.now }),
    ledger,
    history: createHistory({ dynamodb, table }),
    close() {
      sqs.destroy()
      dynamodb.destroy()
    },
  }
}

/**
 * Connects to a stage for as long as the work takes.
 * @throws AwsUnreachable
 */
export async function atStage(
  shell: Shell,
  ref: StageRef,
  work: (stage: StageAws) => Promise<void>,
): Promise<void> {
  const stage = await connectStage(shell, ref)
  try {
    await work(stage)
  } finally {
    stage.close()
  }
}

/**
 * Reads the outputs of a stage, and how its services are reached.
 * @throws AwsUnreachable; the signal's reason
 */
export async function reachStage(shell: Shell, ref: StageRef, signal?: AbortSignal): Promise<Reach> {
  const found = await ('stage' in ref ? readDeployed(ref, signal) : readLocal(shell, ref))
  return {
    ...found,
    output(name) {
      const value = found.outputs[name]
      if (value) return value
      throw new AwsUnreachable(
        'stage' in ref
          ? `The stack boxhooks-${ref.stage} has no output ${name}. Deploy the stage again: npm run deploy -- --stage ${ref.stage}`
          : `The local stack on port ${ref.port} has no output ${name}. Start it again from this clone: npm start`,
      )
    },
  }
}

/** The outputs of a stage, and how its services are reached. */
export type Reach = {
  readonly outputs: Readonly<Record<string, string>>
  /** An output of the stack. @throws AwsUnreachable where it has none of this name */
  output(name: string): string
  /**
   * How the client of a service is set up.
   * @throws AwsUnreachable where the local stack has no such service
   */
  readonly client: (service: string) => {
    readonly region: string
    readonly endpoint?: string
    readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string }
  }
}

type StageServices = Omit<Reach, 'output'>

async function readDeployed(
  ref: { readonly stage: string; readonly region: string },
  signal: AbortSignal | undefined,
): Promise<StageServices> {
  const outputs = await readStage({ ...ref, ...(signal ? { signal } : {}) })
  return { outputs, client: () => ({ region: ref.region }) }
}

async function readLocal(shell: Shell, { port }: { readonly port: number }): Promise<StageServices> {
  const { outputs, env } = await askLocal(shell, port, '/_local/stage')
  if (!isObject(outputs) || !isObject(env)) throw notOurs(port)
  const { AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = texts(env)
  const credentials = {
    accessKeyId: AWS_ACCESS_KEY_ID ?? 'local',
    secretAccessKey: AWS_SECRET_ACCESS_KEY ?? 'local',
  }
  return {
    outputs: texts(outputs),
    client(service) {
      const endpoint = texts(env)[`AWS_ENDPOINT_URL_${service}`]
      if (endpoint === undefined) throw notOurs(port)
      return { region: AWS_REGION ?? 'local', endpoint, credentials }
    },
  }
}

/** How long the local stack may take to answer, in milliseconds; it is busy for a while when it starts. */
const ANSWER_MS_MAX = 10_000

/**
 * Reads from the local stack what only commands and its page need.
 * @param path such as `/_local/stage`
 * @throws AwsUnreachable
 */
export async function askLocal(
  { fetch }: Shell,
  port: number,
  path: string,
): Promise<Readonly<Record<string, unknown>>> {
  try {
    const answer = await fetch(`http://localhost:${port}${path}`, {
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    })
    const json: unknown = answer.ok ? await answer.json().catch(() => undefined) : undefined
    if (isObject(json)) return json
  } catch (cause) {
    throw new AwsUnreachable(
      `No local stack answers on port ${port}. Start it with npm start, or use --port.`,
      { cause },
    )
  }
  throw notOurs(port)
}

const notOurs = (port: number): AwsUnreachable =>
  new AwsUnreachable(
    `The server on port ${port} is not a local stack of this version. Start it from this clone with npm start, or use --port.`,
  )

const texts = (object: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(object).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )

export const INITIALIZE = { step: 'initialize', name: 'tellReason' } as const

/** Makes a middleware that turns the error of a failing call into AwsUnreachable with the reason and what to do. */
export const explainErrors =
  (service: string, ref: StageRef) =>
  <A, R>(next: (args: A) => Promise<R>, { commandName = '' }: { readonly commandName?: string }) =>
  async (args: A): Promise<R> => {
    try {
      return await next(args)
    } catch (error) {
      // The ledger handles this one: another writer was faster.
      if (error instanceof Error && error.name === 'ConditionalCheckFailedException') throw error
      const right = `${service}:${commandName.replace(/(Batch)?Command$/, '')}`
      throw new AwsUnreachable(reasonOf(error, right, ref), { cause: error })
    }
  }

const GONE: ReadonlySet<string> = new Set([
  'QueueDoesNotExist',
  'AWS.SimpleQueueService.NonExistentQueue',
  'ResourceNotFoundException',
])

function reasonOf(error: unknown, right: string, ref: StageRef): string {
  const { name, message } = error instanceof Error ? error : new Error(String(error))
  if (!('stage' in ref))
    return `The local stack on port ${ref.port} does not answer ${right} any more: ${message || name}. Start it again with npm start; a stopped stack loses its queues and its ledger.`
  if (GONE.has(name))
    return `${right}: a resource of stage ${ref.stage} no longer exists: ${message} Deploy the stage again: npm run deploy -- --stage ${ref.stage}`
  return awsReason(error, right, ref.region)
}
