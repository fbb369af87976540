import middy from '@middy/core'
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda'
import { type Automation, bindSettings } from './automation.ts'
import { type BatchParts, handleBatch } from './batch.ts'
import type { BoxConnection, BoxConnectionOptions, SecretsManager } from './box.ts'
import type { Clock } from './clock.ts'
import { automateConfig, type Environment } from './config.ts'
import { idText } from './event-body.ts'
import { isObject } from './json.ts'
import { createLedger, type LedgerDatabase } from './ledger.ts'
import { createLeftBehind } from './left-behind.ts'
import { createLog } from './log.ts'
import { logSample } from './log-sample.ts'
import { once } from './once.ts'
import { createQueue, type Sqs } from './queue.ts'
import { redact } from './redaction.ts'
import { reconcileOnDeletion } from './webhook-deleted.ts'
import { createWebhookRecord } from './webhook-record.ts'
import { recordedTargets } from './webhook-targets.ts'

/** What the function automate reaches the world through. */
export type AutomateWorld = {
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
export function automateFunction(world: AutomateWorld) {
  const { now } = world.clock
  let ready: BatchParts | undefined
  return middy<SQSEvent, SQSBatchResponse, Error, Pick<Context, 'getRemainingTimeInMillis'>>(MIDDY)
    .onError(({ error, event }) => {
      const log = ready?.log ?? createLog({ now, write: world.write, redaction: redact })
      const told = { error: error?.name ?? 'unknown', message: error?.message ?? '' }
      for (const eventId of eventIdsIn(event)) log.error('batch_failed', { eventId, ...told })
    })
    .handler(async (event, context) => {
      ready ??= partsOf(world)
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

function partsOf(world: AutomateWorld): BatchParts {
  const { automations, env, clock, random, newToken, write } = world
  const config = automateConfig(env)
  const { now } = clock
  const log = createLog({
    now,
    write,
    level: config.logLevel,
    metrics: config.metrics,
    redaction: config.logDetails ? undefined : redact,
  })
  const sqs = once(world.sqs)
  const connection = world.connectBox({
    secretsManager: once(world.secretsManager),
    secretId: config.boxAppSecretId,
    apiUrl: config.boxApiUrl,
    now,
    log,
  })
  const dynamodb = world.dynamodb()
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
