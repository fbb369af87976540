import { join } from 'node:path'
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { SNSClient } from '@aws-sdk/client-sns'
import { SQSClient } from '@aws-sdk/client-sqs'
import { ROOT } from '../../infra/build/bundle.ts'
import { type ManifestEntry, readManifest } from '../../infra/build/manifest.ts'
import { awsReason } from '../../infra/stage/aws-reason.ts'
import { ExpectedError } from '../../lib/base/expected-error.ts'
import { parseObject } from '../../lib/base/json.ts'
import type { BoxCheck } from '../../lib/webhooks/box-check.ts'
import type { ReconcileReport } from '../../lib/webhooks/reconcile.ts'
import type { WebhookAnswer } from '../../lib/webhooks/webhook-request.ts'
import { askReconcile } from '../stage/invoke.ts'
import { type Reach, reachStage } from '../stage/stage-aws.ts'
import { formatStageFlags, type StageRef } from '../stage/stage-ref.ts'
import type { Shell } from '../terminal/shell.ts'
import type { Finding } from './finding.ts'

/** The stage that is checked, and what more than one check asks of it. */
export type DoctorContext = {
  readonly ref: StageRef
  /** The options that name the stage, for commands that are suggested. */
  readonly flags: string
  /** The region of a stage. */
  readonly region: string
  /** This clone's folder, whose code a stage is compared with. */
  readonly root: string
  /** The folder whose serverless.yml and automations a stage is compared with. */
  readonly project: string
  /** The time of this machine, in milliseconds since the epoch. */
  now(): number
  readonly outputs: Readonly<Record<string, string>>
  /** The address that the webhooks deliver to; undefined where the stage has no such output. */
  readonly address: string | undefined
  readonly clients: {
    readonly cloudwatch: CloudWatchClient
    readonly dynamodb: DynamoDBClient
    readonly lambda: LambdaClient
    readonly secrets: SecretsManagerClient
    readonly sns: SNSClient
    readonly sqs: SQSClient
  }
  /**
   * What the Box app can do, as the function reconcile finds; asked once.
   * @throws FunctionUnreachable
   */
  boxCheck(): Promise<BoxCheck>
  /** @throws FunctionUnreachable */
  plan(): Promise<ReconcileReport>
  /** Sends a request to the ingest endpoint. @throws EndpointUnreachable; the signal's reason */
  askEndpoint(address: string, request: EndpointRequest): Promise<EndpointAnswer>
  /** How the ingest endpoint answers an unsigned POST; asked once. */
  unsigned(): Promise<EndpointAnswer>
  /**
   * What the automations of this clone declare; read once.
   * @throws ExpectedError
   */
  manifest(): Promise<readonly ManifestEntry[]>
  /** Each function's state, once it was asked for. */
  readonly functions: Map<string, Promise<FunctionState>>
  close(): void
}

/**
 * Finds the stage, and asks nothing of it yet.
 * @param finding ends the search for it
 * @param signal ends whatever is asked later on
 * @throws AwsUnreachable; the signal's reason
 */
export async function openContext(
  shell: Shell,
  ref: StageRef,
  finding: AbortSignal,
  signal: AbortSignal,
): Promise<DoctorContext> {
  const { now, project } = shell
  const { outputs, client } = await reachStage(shell, ref, finding)
  const clients = clientsOf(client, ref)
  const address = outputs.DomainWebhookUrl ?? outputs.WebhookUrl
  const ask = (action: 'check' | 'plan') => askReconcile(ref, { action }, signal)
  return {
    ref,
    flags: formatStageFlags(ref),
    region: 'stage' in ref ? ref.region : 'local',
    root: ROOT,
    project,
    now,
    outputs,
    address,
    clients,
    boxCheck: once(async () => checkIn(await ask('check'), ref)),
    plan: once(async () => reportIn(await ask('plan'), ref)),
    askEndpoint: (at, request) => askEndpoint(shell, at, request),
    unsigned: once(() => askEndpoint(shell, address ?? '', { method: 'POST', body: '{}', signal })),
    manifest: once(() => readManifest(join(project, 'automations'), join(ROOT, '.boxhooks', 'doctor'))),
    functions: new Map(),
    close() {
      for (const one of Object.values(clients)) one.destroy()
    },
  }
}

/** Creates the clients. The local stack lacks the services whose checks are skipped there; their clients send nothing. */
function clientsOf(client: Reach['client'], ref: StageRef): DoctorContext['clients'] {
  const there = (service: string) => ({ ...client(service), maxAttempts: 2 })
  const away = (service: string) => ('stage' in ref ? there(service) : { region: 'local' })
  return {
    cloudwatch: new CloudWatchClient(away('CLOUDWATCH')),
    dynamodb: new DynamoDBClient(there('DYNAMODB')),
    lambda: new LambdaClient(away('LAMBDA')),
    secrets: new SecretsManagerClient(there('SECRETS_MANAGER')),
    sns: new SNSClient(away('SNS')),
    // The endpoint is what the environment says, also where a queue's URL names another host.
    sqs: new SQSClient({ ...there('SQS'), useQueueUrlAsEndpoint: false }),
  }
}

function once<R>(ask: () => Promise<R>): () => Promise<R> {
  let callAws: Promise<R> | undefined
  return () => {
    callAws ??= ask()
    return callAws
  }
}

function checkIn(answer: WebhookAnswer, ref: StageRef): BoxCheck {
  if (answer.ok && 'check' in answer) return answer.check
  throw otherVersion(answer, ref)
}

function reportIn(answer: WebhookAnswer, ref: StageRef): ReconcileReport {
  if (answer.ok && 'report' in answer) return answer.report
  throw otherVersion(answer, ref)
}

function otherVersion(answer: WebhookAnswer, ref: StageRef): CheckInconclusive {
  const reason = answer.ok ? 'It answers something else.' : answer.error.message
  return new CheckInconclusive(
    `The function ${functionName({ ref }, 'reconcile')} is of another version than this clone: ${reason}`,
    { fix: deployFix({ ref }) },
  )
}

/** In the order in which they are printed. */
export const GROUPS = [
  'Box app',
  'Webhooks',
  'Ingest endpoint',
  'Queue',
  'Ledger',
  'Alarms',
  'Versions',
  'Clock',
] as const

export type Group = (typeof GROUPS)[number]

/** One check. Its name is stable; docs/operate.md has each. */
export type Check = {
  readonly group: Group
  readonly name: string
  /** The rights on AWS that it takes, such as `sqs:GetQueueAttributes`. */
  readonly rights: readonly string[]
  /** Why it means nothing on the local stack; absent where it does. */
  readonly notLocal?: string
  /** The stack's outputs without which it can't be done. */
  readonly outputs?: readonly string[]
  /**
   * @param signal ends its calls when its time is over or the user stops the command
   * @throws CheckInconclusive, AwsUnreachable, FunctionUnreachable; the signal's reason
   */
  run(context: DoctorContext, signal: AbortSignal): Promise<Finding>
}

/** Ends a check without a verdict. The message says why, and what is lacking. */
export class CheckInconclusive extends ExpectedError {
  override readonly name = 'CheckInconclusive'
  readonly fix: string | undefined

  /** @param options.fix a command or a step that makes the check possible */
  constructor(message: string, options: ErrorOptions & { readonly fix?: string } = {}) {
    super(message, options)
    this.fix = options.fix
  }
}

/**
 * Calls AWS for a check.
 * @param right the right that it takes, such as sqs:GetQueueAttributes
 * @throws CheckInconclusive that names the right where AWS refuses; the signal's reason
 */
export async function callAws<R>(
  { ref, region }: Pick<DoctorContext, 'ref' | 'region'>,
  right: string,
  signal: AbortSignal,
  call: (options: { readonly abortSignal: AbortSignal }) => Promise<R>,
): Promise<R> {
  try {
    return await call({ abortSignal: signal })
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof CheckInconclusive) throw error
    if ('stage' in ref) throw new CheckInconclusive(awsReason(error, right, region), { cause: error })
    const reason = error instanceof Error ? error.message || error.name : String(error)
    throw new CheckInconclusive(`The local stack does not answer ${right}: ${reason}`, { cause: error })
  }
}

/** Formats how to deploy the stage again from this clone. */
export const deployFix = ({ ref }: Pick<DoctorContext, 'ref'>): string =>
  'stage' in ref ? `npm run deploy -- --stage ${ref.stage}` : 'Start the local stack again: npm start'

/** A function as Lambda has it. */
export type FunctionState = {
  readonly state: string
  readonly lastUpdate: string
  readonly runtime: string
  readonly architecture: string
  readonly timeoutSeconds: number
  readonly env: Readonly<Record<string, string>>
}

/**
 * Reads a function's configuration from Lambda, once for all checks.
 * @throws CheckInconclusive
 */
export function deployedFunction(
  context: DoctorContext,
  name: string,
  signal: AbortSignal,
): Promise<FunctionState> {
  const known = context.functions.get(name) ?? ask(context, name, signal)
  context.functions.set(name, known)
  return known
}

async function ask(context: DoctorContext, name: string, signal: AbortSignal): Promise<FunctionState> {
  const FunctionName = functionName(context, name)
  const right = `lambda:GetFunctionConfiguration on ${FunctionName}`
  const found = await callAws(context, right, signal, options =>
    context.clients.lambda
      .send(new GetFunctionConfigurationCommand({ FunctionName }), options)
      .catch(error => {
        if (error instanceof Error && error.name === 'ResourceNotFoundException') return undefined
        throw error
      }),
  )
  if (!found) throw new CheckInconclusive(`There is no function ${FunctionName}. Deploy the stage again.`)
  return {
    state: found.State ?? 'Active',
    lastUpdate: found.LastUpdateStatus ?? 'Successful',
    runtime: found.Runtime ?? '',
    architecture: found.Architectures?.[0] ?? '',
    timeoutSeconds: found.Timeout ?? 0,
    env: found.Environment?.Variables ?? {},
  }
}

export const functionName = ({ ref }: Pick<DoctorContext, 'ref'>, name: string): string =>
  `boxhooks-${'stage' in ref ? ref.stage : 'local'}-${name}`

/** How the ingest endpoint answered a request. */
export type EndpointAnswer = {
  readonly status: number
  /** The code of an answer of ours; see docs/errors.md. */
  readonly code: string | undefined
  /** Milliseconds from the request to the whole answer. */
  readonly ms: number
  /** The answer's own time by its header Date, and this machine's in the middle of the request; milliseconds since the epoch. */
  readonly date: number | undefined
  readonly at: number
}

/** Nothing answered; the message says why. */
export class EndpointUnreachable extends ExpectedError {
  override readonly name = 'DoorClosed'
  /** What the system or TLS calls it, such as ENOTFOUND. */
  readonly code: string

  constructor(address: string, code: string, options: ErrorOptions) {
    super(`Nothing answers at ${address}: ${code}.`, options)
    this.code = code
  }
}

type EndpointRequest = {
  readonly method: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal: AbortSignal
}

/**
 * Sends a request to the ingest endpoint, as anyone on the internet can.
 * @throws EndpointUnreachable; the signal's reason
 */
async function askEndpoint(
  { fetch, now }: Shell,
  address: string,
  request: EndpointRequest,
): Promise<EndpointAnswer> {
  const { method, headers = {}, body, signal } = request
  const begun = now()
  try {
    const answer = await fetch(address, {
      method,
      headers: { 'user-agent': 'boxhooks-doctor', 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body }),
      redirect: 'manual',
      signal,
    })
    const json = parseObject((await answer.text()).slice(0, 100_000))
    const ended = now()
    const date = Date.parse(answer.headers.get('date') ?? '')
    return {
      status: answer.status,
      code: typeof json?.code === 'string' ? json.code : undefined,
      ms: ended - begun,
      // The header has whole seconds, so on average it is half a second behind.
      date: Number.isFinite(date) ? date + 500 : undefined,
      at: (begun + ended) / 2,
    }
  } catch (error) {
    signal.throwIfAborted()
    throw new EndpointUnreachable(address, codeOf(error), { cause: error })
  }
}

function codeOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code
  return cause instanceof Error ? cause.message : String(cause)
}
