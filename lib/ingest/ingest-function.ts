import middy from '@middy/core'
import type { APIGatewayProxyEvent, APIGatewayProxyEventV2, APIGatewayProxyResult } from 'aws-lambda'
import { type Environment, type EnvironmentReader, readEnvironment } from '../base/environment.ts'
import { V1_FIELDS, type V1Names } from '../event/event-v1.ts'
import { createLog, errorKind, type LogConfig, logSample, readLogConfig } from '../log/log.ts'
import { createSender } from '../queue/message-sender.ts'
import type { IngestAws } from './aws.ts'
import { deliveryFromGateway } from './delivery.ts'
import { ANSWERS, type Answer, failed, type IngestParts, ingest } from './ingest.ts'
import { type IngestV1Parts, ingestV1, isV1Path } from './ingest-v1.ts'
import { createKeyring, warmed } from './signature-keys.ts'

export type IngestConfig = {
  readonly queueUrl: string
  readonly signatureKeysSecretId: string
  readonly ageMaxSeconds: number
  readonly skewMaxSeconds: number
  /** Present where V1 callbacks are taken. */
  readonly v1?: { readonly secretId: string; readonly names: V1Names }
  /** The part of the events, from 0 to 1, that is logged though nothing is wrong. */
  readonly logSampleRate: number
} & LogConfig

/**
 * The bounds of a delivery's age that a stage may accept, in seconds: a minute, because clocks differ, to three hours, which is
 * more than the two in which Box redelivers.
 */
const AGE_BOUNDS_SECONDS = [60, 10_800] as const

/**
 * Reads ingest's settings.
 * @throws ConfigError that names every variable that is missing or wrong
 */
export const ingestConfig = (env: Environment): IngestConfig =>
  readEnvironment(env, variable => {
    const v1SecretId = variable.optionalText('V1_SECRET_ID')
    return {
      queueUrl: variable.url('QUEUE_URL'),
      signatureKeysSecretId: variable.text('SIGNATURE_KEYS_SECRET_ID'),
      ageMaxSeconds: variable.integer('SIGNATURE_AGE_MAX_SECONDS', 600, AGE_BOUNDS_SECONDS),
      skewMaxSeconds: variable.integer('SIGNATURE_SKEW_MAX_SECONDS', 60),
      ...(v1SecretId ? { v1: { secretId: v1SecretId, names: readV1Names(variable) } } : {}),
      ...readLogConfig(variable),
      logSampleRate: variable.share('LOG_SAMPLE_RATE', 1),
    }
  })

const V1_NAMED: readonly string[] = [...V1_FIELDS, 'token']

/** Reads `item_id=file, token=secret`: callback parameters that have other names than those of Box's templates. */
function readV1Names(variable: EnvironmentReader): V1Names {
  const entries = (variable.optionalText('V1_PARAMETERS') ?? '')
    .split(',')
    .filter(entry => entry.trim() !== '')
  const pairs = entries.map(entry => entry.split('=').map(part => part.trim()))
  for (const [field = '', parameter, ...more] of pairs)
    if (!V1_NAMED.includes(field) || !parameter || more.length > 0)
      variable.problem(
        `V1_PARAMETERS must be of the form item_id=NAME, a comma between two, with fields of ${V1_NAMED.join(', ')}.`,
      )
  return Object.fromEntries(pairs.map(([field = '', parameter = '']): [string, string] => [field, parameter]))
}

/** What the function ingest reaches the world through. */
export type IngestWorld = {
  readonly env: Environment
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Takes one finished log line. */
  readonly write: (line: string) => void
  readonly aws: IngestAws
}

/**
 * Makes the function ingest: API Gateway's request (payload format 2.0 or 1.0) → queued with 202, or the refusal that
 * fits. Begins to fetch the keys before the first request. Never throws.
 */
export function ingestFunction(world: IngestWorld) {
  const { now, write } = world
  let ready = readyIfUsable(world)
  return middy<APIGatewayProxyEvent | APIGatewayProxyEventV2, APIGatewayProxyResult, Error, object>(MIDDY)
    .onError(request => {
      const error = request.error
      const log = ready?.parts.log ?? createLog({ now, write })
      if (error?.name === 'ConfigError') log.error('config_invalid', { message: error.message })
      request.response = respond(failed(log, ANSWERS.internal_error, error))
    })
    .handler(async event => {
      ready ??= partsOf(world)
      const delivery = deliveryFromGateway(event)
      const v1 = isV1Path(delivery.path) ? ready.v1() : undefined
      return respond(await (v1 ? ingestV1(delivery, v1) : ingest(delivery, ready.parts)))
    })
}

/** The clients' own time-outs end a request long before the function's; middy needs no timer for it. */
const MIDDY = { timeoutEarlyInMillis: 0 }

type Ready = {
  readonly parts: IngestParts
  /** Made with the first V1 callback; undefined where V1 is off. */
  readonly v1: () => IngestV1Parts | undefined
}

/** A function that threw while it starts would tell Box nothing; each request tells what is wrong with the settings. */
function readyIfUsable(world: IngestWorld): Ready | undefined {
  try {
    return partsOf(world)
  } catch {
    return undefined
  }
}

function partsOf({ env, now, write, aws }: IngestWorld): Ready {
  const config = ingestConfig(env)
  const log = createLog({ now, write, level: config.logLevel, metrics: config.metrics })
  const keyringOf = (secretId: string, failure: string) =>
    createKeyring({
      readSecret: () => aws.getSecretText(secretId),
      now,
      onFailure: error => log.error(failure, { error: errorKind(error) }),
    })
  const keyring = warmed(keyringOf(config.signatureKeysSecretId, 'signature_keys_unavailable'))
  const queue = createSender(aws.sendMessage, config.queueUrl)
  let v1: IngestV1Parts | undefined
  return {
    parts: { ...config, keyring, queue, log, inSample: logSample(config.logSampleRate), now },
    v1() {
      if (config.v1 && !v1)
        v1 = {
          tokens: keyringOf(config.v1.secretId, 'v1_tokens_unavailable'),
          names: config.v1.names,
          queue,
          log,
          now,
        }
      return v1
    },
  }
}

const respond = (answer: Answer): APIGatewayProxyResult => ({
  statusCode: answer.status,
  headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...answer.headers },
  body: JSON.stringify({ code: answer.code, message: answer.message }),
})
