import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { GetQueueAttributesCommand, type SQSClient } from '@aws-sdk/client-sqs'
import middy from '@middy/core'
import type { Context } from 'aws-lambda'
import { type Automation, bindSettings } from '../automation/automation.ts'
import type { Clock } from '../base/clock.ts'
import { type Environment, readEnvironment } from '../base/environment.ts'
import { AutomationError } from '../base/errors.ts'
import { once } from '../base/once.ts'
import type { BoxConnection } from '../box/box.ts'
import { isBoxError } from '../box/box-error.ts'
import type { BoxConnectionOptions } from '../box/connected-app.ts'
import { createHistory } from '../ledger/history.ts'
import { createLog, type Log, type LogConfig, readLogConfig } from '../log/log.ts'
import { redact } from '../log/redaction.ts'
import { createQueue } from '../queue/queue.ts'
import { desiredWebhooks } from '../webhooks/plan.ts'
import { createWebhookRecord } from '../webhooks/webhook-record.ts'
import type { BackfillParts } from './backfill.ts'
import { createBackfillAnswers } from './backfill-answers.ts'
import { forbidden } from './backfill-refusals.ts'
import {
  type BackfillAnswer,
  type BackfillRefusal,
  type BackfillRequest,
  parseBackfillRequest,
} from './backfill-request.ts'
import { createItems } from './item-cache.ts'
import { createKnownIds } from './known-ids.ts'
import { createBackfillStates } from './state.ts'
import { createStreamApi } from './stream-api.ts'
import { type StreamName, StreamUnreadable } from './stream-event.ts'

export type BackfillConfig = {
  readonly queueUrl: string
  readonly ledgerTable: string
  readonly boxAppSecretId: string
  readonly boxApiUrl: string
  /** What the stage was deployed from; see infra/build/version.ts. */
  readonly version: string | undefined
  /** Whether logs may show names, addresses and links. */
  readonly logDetails: boolean
} & LogConfig

/**
 * Reads backfill's settings.
 * @throws ConfigError that names every variable that is missing or wrong
 */
export const backfillConfig = (env: Environment): BackfillConfig =>
  readEnvironment(env, variable => ({
    queueUrl: variable.url('QUEUE_URL'),
    ledgerTable: variable.text('LEDGER_TABLE'),
    boxAppSecretId: variable.text('BOX_APP_SECRET_ID'),
    boxApiUrl: variable.url('BOX_API_URL', 'https://api.box.com'),
    version: variable.optionalText('BOXHOOKS_VERSION'),
    logDetails: variable.flag('LOG_DETAILS'),
    ...readLogConfig(variable),
  }))

/** What the function backfill reaches the world through. */
export type BackfillWorld = {
  readonly automations: readonly Automation[]
  readonly env: Environment
  readonly clock: Clock
  /** Takes one finished log line. */
  readonly write: (line: string) => void
  /** Each made with the first request, so that loading the function costs nothing. */
  readonly secretsManager: () => Pick<SecretsManagerClient, 'send'>
  readonly sqs: () => Pick<SQSClient, 'send'>
  readonly dynamodb: () => Pick<DynamoDBClient, 'send'>
  readonly connectBox: (options: BoxConnectionOptions) => BoxConnection
}

/** How long a step begins pages, in milliseconds; whoever asks is told of progress in between. */
const STEP_MS = 5000

/** The time that a page may take, in milliseconds: none is begun with less left. */
const PAGE_MS = 120_000

/** Makes the function backfill, which the command line asks step by step; see {@link BackfillRequest}. */
export function backfillFunction(world: BackfillWorld) {
  let ready: ReturnType<typeof partsOf> | undefined
  return middy<unknown, BackfillAnswer, Error, Pick<Context, 'getRemainingTimeInMillis'>>(MIDDY).handler(
    async (event, context) => {
      ready ??= partsOf(world)
      const request = parseBackfillRequest(event)
      if (!request) return UNKNOWN
      const now = world.clock.now()
      const deadline = now + Math.min(STEP_MS, Math.max(1, context.getRemainingTimeInMillis() - PAGE_MS))
      return ready.answer(request, deadline)
    },
  )
}

/** What is under way ends before the function's time is up; middy needs no timer for it. */
const MIDDY = { timeoutEarlyInMillis: 0 }

const UNKNOWN: BackfillAnswer = {
  ok: false,
  error: {
    code: 'request_invalid',
    message:
      'This is none of the requests that backfill knows: status, count, run. Use `npx boxhooks backfill`.',
  },
}

function partsOf(world: BackfillWorld) {
  const { automations, env, clock } = world
  const config = backfillConfig(env)
  const log = createLog({
    now: clock.now,
    write: world.write,
    level: config.logLevel,
    metrics: config.metrics,
    redaction: config.logDetails ? undefined : redact,
  })
  const [sqs, dynamodb] = [world.sqs(), world.dynamodb()]
  const table = config.ledgerTable
  const box = world
    .connectBox({
      secretsManager: once(world.secretsManager),
      secretId: config.boxAppSecretId,
      apiUrl: config.boxApiUrl,
      now: clock.now,
      log,
    })
    .box({ log })
  const api = createStreamApi(box, config.boxApiUrl)
  const parts: Omit<BackfillParts, 'webhookIds'> = {
    api,
    items: createItems(api, clock),
    history: createHistory({ dynamodb, table, payloads: true }),
    knownIds: createKnownIds({ dynamodb, table }),
    queue: createQueue(sqs, config.queueUrl),
    watched: desiredWebhooks(
      bindSettings(automations, env).map(({ automation: { on, v1 = false }, watch }) => ({ on, watch, v1 })),
    ),
    clock,
  }
  const answer = createBackfillAnswers({
    parts,
    states: createBackfillStates({ dynamodb, table }),
    webhooks: createWebhookRecord({ dynamodb, table }, clock.now),
    waiting: () => waitingOn(sqs, config.queueUrl),
    log,
  })
  return {
    async answer(request: BackfillRequest, deadline: number): Promise<BackfillAnswer> {
      try {
        return await answer(request, deadline)
      } catch (error) {
        return {
          ok: false,
          error: refusalOf(error, 'stream' in request ? request.stream : 'enterprise', log),
        }
      }
    },
  }
}

/** @throws what is neither Box's refusal nor an answer of it that can't be read */
function refusalOf(error: unknown, stream: StreamName, log: Log): BackfillRefusal {
  const refusal = describedRefusal(error, stream)
  if (!refusal) throw error
  log.error('backfill_refused', { code: refusal.code, message: refusal.message, status: refusal.status })
  return refusal
}

function describedRefusal(error: unknown, stream: StreamName): BackfillRefusal | undefined {
  if (error instanceof StreamUnreadable) return { code: 'backfill_stream_unreadable', message: error.message }
  if (isBoxError(error, 403) && error.call.path === '/2.0/events') return forbidden(stream, error.requestId)
  if (!(error instanceof AutomationError)) return undefined
  const { code, message } = error.failure
  if (!isBoxError(error)) return { code, message }
  const { status, requestId } = error
  return { code, message, status, ...(requestId === undefined ? {} : { requestId }) }
}

/** How many messages nobody has received yet, those included that come back. */
async function waitingOn(sqs: Pick<SQSClient, 'send'>, QueueUrl: string): Promise<number> {
  const { Attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl,
      AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesDelayed'],
    }),
  )
  const { ApproximateNumberOfMessages: visible = 0, ApproximateNumberOfMessagesDelayed: delayed = 0 } =
    Attributes
  return Number(visible) + Number(delayed)
}
