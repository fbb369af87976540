import { join } from 'node:path'
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { LambdaClient } from '@aws-sdk/client-lambda'
import { SNSClient } from '@aws-sdk/client-sns'
import { SQSClient } from '@aws-sdk/client-sqs'
import { ROOT } from '../../infra/build/bundle.ts'
import { type ManifestEntry, readManifest } from '../../infra/build/manifest.ts'
import type { BoxCheck } from '../../lib/webhooks/box-check.ts'
import type { ReconcileReport } from '../../lib/webhooks/reconcile.ts'
import type { WebhookAnswer } from '../../lib/webhooks/webhook-request.ts'
import { askReconcile } from '../stage/ask-reconcile.ts'
import { type Reach, reachStage } from '../stage/stage-aws.ts'
import { type Place, placeFlags } from '../stage/stage-ref.ts'
import type { Shell } from '../terminal/shell.ts'
import type { FunctionState } from './deployed-function.ts'
import { type Answered, askDoor, type DoorRequest } from './door.ts'

/** A place that is looked over: what it tells of itself, and what more than one check asks it. */
export type Scene = {
  readonly place: Place
  /** The options that name the place in a command that is told. */
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
  readonly reach: Reach['client']
  /** The address that the webhooks deliver to; undefined where the stage does not tell it. */
  readonly address: string | undefined
  readonly clients: {
    readonly cloudwatch: CloudWatchClient
    readonly dynamodb: DynamoDBClient
    readonly lambda: LambdaClient
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
  /** Sends a request to the front door. @throws DoorClosed; the signal's reason */
  askDoor(address: string, request: DoorRequest): Promise<Answered>
  /** How the front door answers an unsigned post; asked once. */
  unsigned(): Promise<Answered>
  /**
   * What the automations of this clone declare; read once.
   * @throws ManifestError
   */
  manifest(): Promise<readonly ManifestEntry[]>
  /** Each function's state, once it was asked for. */
  readonly functions: Map<string, Promise<FunctionState>>
  close(): void
}

/**
 * Finds a place, and asks it nothing yet.
 * @param finding ends the search for it
 * @param signal ends whatever is asked later on
 * @throws AwsUnreachable; the signal's reason
 */
export async function openScene(
  shell: Shell,
  place: Place,
  finding: AbortSignal,
  signal: AbortSignal,
): Promise<Scene> {
  const { now, project } = shell
  const { outputs, client } = await reachStage(shell, place, finding)
  const clients = clientsOf(client, place)
  const address = outputs.DomainWebhookUrl ?? outputs.WebhookUrl
  const ask = (action: 'check' | 'plan') => askReconcile(place, { action }, signal)
  return {
    place,
    flags: placeFlags(place),
    region: 'stage' in place ? place.region : 'local',
    root: ROOT,
    project,
    now,
    outputs,
    reach: client,
    address,
    clients,
    boxCheck: once(async () => checkIn(await ask('check'))),
    plan: once(async () => reportIn(await ask('plan'))),
    askDoor: (at, request) => askDoor(shell, at, request),
    unsigned: once(() => askDoor(shell, address ?? '', { method: 'POST', body: '{}', signal })),
    manifest: once(() => readManifest(join(project, 'automations'), join(ROOT, '.boxhooks', 'doctor'))),
    functions: new Map(),
    close() {
      for (const one of Object.values(clients)) one.destroy()
    },
  }
}

/** The local stack has no such services as are skipped there, so nothing is ever sent to those clients. */
function clientsOf(client: Reach['client'], place: Place): Scene['clients'] {
  const there = (service: string) => ({ ...client(service), maxAttempts: 2 })
  const away = (service: string) => ('stage' in place ? there(service) : { region: 'local' })
  return {
    cloudwatch: new CloudWatchClient(away('CLOUDWATCH')),
    dynamodb: new DynamoDBClient(there('DYNAMODB')),
    lambda: new LambdaClient(away('LAMBDA')),
    sns: new SNSClient(away('SNS')),
    // The endpoint is what the environment says, also where a queue's URL names another host.
    sqs: new SQSClient({ ...there('SQS'), useQueueUrlAsEndpoint: false }),
  }
}

function once<R>(ask: () => Promise<R>): () => Promise<R> {
  let asked: Promise<R> | undefined
  return () => {
    asked ??= ask()
    return asked
  }
}

/** The deployed function is of another version than this clone. */
class OlderFunction extends Error {
  override readonly name = 'OlderFunction'
}

function checkIn(answer: WebhookAnswer): BoxCheck {
  if (answer.ok && 'check' in answer) return answer.check
  throw new OlderFunction(answer.ok ? 'It answers something else.' : answer.error.message)
}

function reportIn(answer: WebhookAnswer): ReconcileReport {
  if (answer.ok && 'report' in answer) return answer.report
  throw new OlderFunction(answer.ok ? 'It answers something else.' : answer.error.message)
}
