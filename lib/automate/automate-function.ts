import middy from '@middy/core'
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda'
import { type Automation, bindSettings, RECONCILE_WEBHOOKS } from '../automation/automation.ts'
import type { Clock } from '../base/clock.ts'
import { type Environment, readEnvironment } from '../base/environment.ts'
import { isObject } from '../base/json.ts'
import { once } from '../base/once.ts'
import { DEFAULT_RETRY } from '../base/retry.ts'
import { createLeftBehind } from '../base/under-way.ts'
import type { BoxConnection } from '../box/box.ts'
import type { BoxConnectionOptions, SecretsManager } from '../box/connected-app.ts'
import { idText } from '../event/event-body.ts'
import { createLedger, type LedgerDatabase } from '../ledger/ledger.ts'
import { createLog, type LogConfig, logSample, readLogConfig } from '../log/log.ts'
import { createFunctionLog, redact } from '../log/redaction.ts'
import { createQueue, type Sqs } from '../queue/queue.ts'
import { createWebhookRecord } from '../webhooks/webhook-record.ts'
import { recordedTargets } from '../webhooks/webhook-targets.ts'
import { type BatchDeps, handleBatch } from './batch.ts'

export type AutomateConfig = {
  readonly queueUrl: string
  readonly deadLetterQueueUrl: string
  readonly ledgerTable: string
  readonly boxAppSecretId: string
  readonly boxApiUrl: string
  /** Where reconcile is told of a webhook that Box has deleted; undefined where there is no reconcile. */
  readonly reconcileQueueUrl: string | undefined
  /** How many events of one batch are worked on at a time. */
  readonly concurrency: number
  /** The part of the events, from 0 to 1, that is logged though nothing is wrong. */
  readonly logSampleRate: number
  /** Whether logs may show names, addresses and links. */
  readonly logDetails: boolean
} & LogConfig

/**
 * Reads automate's settings.
 * @throws ConfigError that names every variable that is missing or wrong
 */
export const automateConfig = (env: Environment): AutomateConfig =>
  readEnvironment(env, variable => ({
    queueUrl: variable.url('QUEUE_URL'),
    deadLetterQueueUrl: variable.url('DEAD_LETTER_QUEUE_URL'),
    ledgerTable: variable.text('LEDGER_TABLE'),
    boxAppSecretId: variable.text('BOX_APP_SECRET_ID'),
    boxApiUrl: variable.url('BOX_API_URL', 'https://api.box.com'),
    reconcileQueueUrl: variable.optionalUrl('RECONCILE_QUEUE_URL'),
    concurrency: Math.max(1, variable.integer('AUTOMATE_CONCURRENCY', 5)),
    logDetails: variable.flag('LOG_DETAILS'),
    logSampleRate: variable.share('LOG_SAMPLE_RATE', 1),
    ...readLogConfig(variable),
  }))

/** The collaborators of the function automate. */
export type AutomateDeps = {
  readonly automations: readonly Automation[]
  readonly env: Environment
  readonly clock: Clock
  /** From 0 up to, not including, 1. */
  readonly random: () => number
  /** A text that is never made twice, for leases. */
  readonly newToken: () => string
  /** Takes one finished log line. */
  readonly write: (line: string) => void
  /** Made with the first batch, so that loading the function costs nothing. */
  readonly dynamodb: () => LedgerDatabase
  /** Each made when it is first needed: most batches need neither. */
  readonly secretsManager: () => SecretsManager | Promise<SecretsManager>
  readonly sqs: () => Sqs | Promise<Sqs>
  readonly connectBox: (options: BoxConnectionOptions) => BoxConnection
}

/**
 * Makes the function automate: a batch from the queue → the messages that must stay on it.
 * @throws ConfigError where the environment is not usable; SQS then keeps the whole batch
 */
export function automateFunction(deps: AutomateDeps) {
  const { now } = deps.clock
  let ready: BatchDeps | undefined
  return middy<SQSEvent, SQSBatchResponse, Error, Pick<Context, 'getRemainingTimeInMillis'>>(MIDDY)
    .onError(({ error, event }) => {
      const log = ready?.log ?? createLog({ now, write: deps.write, redaction: redact })
      const fields = { error: error?.name ?? 'unknown', message: error?.message ?? '' }
      for (const eventId of eventIdsIn(event)) log.error('batch_failed', { eventId, ...fields })
    })
    .handler(async (event, context) => {
      ready ??= createDeps(deps)
      return handleBatch(event.Records, now() + context.getRemainingTimeInMillis(), ready)
    })
}

/** Of what could not even be begun as much as finds it again: a line for each event, or one where there is none. */
function eventIdsIn(event: unknown): readonly (string | undefined)[] {
  const { Records: records } = isObject(event) ? event : {}
  if (!Array.isArray(records) || records.length === 0) return [undefined]
  return records.map(record => idText(within(record, 'messageAttributes', 'eventId', 'stringValue')))
}

const within = (value: unknown, ...path: readonly string[]): unknown =>
  path.reduce((inner, name) => (isObject(inner) ? inner[name] : undefined), value)

/** Runs end before the function's time is up, and say what became of them; middy needs no timer for it. */
const MIDDY = { timeoutEarlyInMillis: 0 }

function createDeps(deps: AutomateDeps): BatchDeps {
  const { automations, env, clock, random, newToken } = deps
  const config = automateConfig(env)
  const { now } = clock
  const log = createFunctionLog(config, deps)
  const sqs = once(deps.sqs)
  const connection = deps.connectBox({
    secretsManager: once(deps.secretsManager),
    secretId: config.boxAppSecretId,
    apiUrl: config.boxApiUrl,
    now,
    log,
  })
  const dynamodb = deps.dynamodb()
  const record = createWebhookRecord({ dynamodb, table: config.ledgerTable }, now)
  const { reconcileQueueUrl } = config
  const own = reconcileQueueUrl ? [reconcileOnDeletion(sqs, reconcileQueueUrl)] : []
  return {
    automations: bindSettings([...automations, ...own], env),
    ledger: createLedger({ dynamodb, table: config.ledgerTable, now }),
    queue: createQueue(sqs, config.queueUrl),
    deadLetters: createQueue(sqs, config.deadLetterQueueUrl),
    box: connection.box,
    leftBehind: createLeftBehind(),
    targetOf: recordedTargets(record, connection.targetOf, now),
    clock,
    random,
    newToken,
    log,
    concurrency: config.concurrency,
    inSample: logSample(config.logSampleRate),
  }
}

/**
 * Makes an automation of boxhooks' own: when Box says that it has deleted a webhook, it asks the function reconcile to
 * create it again where an automation still needs it. The engine does this once per event, and retries it.
 * @param sqs gives a client when it is needed
 * @param queueUrl the queue that reconcile listens to
 */
function reconcileOnDeletion(sqs: () => Promise<Sqs>, queueUrl: string): Automation {
  return {
    name: RECONCILE_WEBHOOKS,
    on: ['WEBHOOK.DELETED'],
    watch: [],
    settings: {},
    retry: DEFAULT_RETRY,
    async run({ event }) {
      const MessageBody = JSON.stringify({ eventId: event.id, webhookId: event.webhook.id })
      const { SendMessageCommand } = await import('@aws-sdk/client-sqs')
      await (await sqs()).send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody }))
    },
  }
}
