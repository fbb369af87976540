import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import type { SQSClient } from '@aws-sdk/client-sqs'
import middy from '@middy/core'
import type { APIGatewayProxyEvent, APIGatewayProxyEventV2, APIGatewayProxyResult } from 'aws-lambda'
import { type Environment, ingestConfig } from './config.ts'
import { deliveryFromGateway } from './delivery.ts'
import { ANSWERS, type Answer, failed, type IngestParts, ingest } from './ingest.ts'
import { createLog, errorKind } from './log.ts'
import { createQueue } from './queue.ts'
import { createKeyring } from './signature-keys.ts'

/** What the function ingest reaches the world through. */
export type IngestWorld = {
  readonly env: Environment
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Takes one finished log line. */
  readonly write: (line: string) => void
  /** Made with the first request, so that loading the function costs nothing. */
  readonly secretsManager: () => Pick<SecretsManagerClient, 'send'>
  readonly sqs: () => Pick<SQSClient, 'send'>
}

/**
 * Makes the function ingest: API Gateway's request (payload format 2.0 or 1.0) → queued with 202, or the refusal that
 * fits. Never throws.
 */
export function ingestFunction(world: IngestWorld) {
  const { now, write } = world
  let ready: IngestParts | undefined
  return middy<APIGatewayProxyEvent | APIGatewayProxyEventV2, APIGatewayProxyResult, Error, object>(MIDDY)
    .onError(request => {
      const error = request.error
      const log = ready?.log ?? createLog({ now, write })
      if (error?.name === 'ConfigError') log.error('config_invalid', { message: error.message })
      request.response = respond(failed(log, ANSWERS.internal_error, error))
    })
    .handler(async event => {
      ready ??= partsOf(world)
      return respond(await ingest(deliveryFromGateway(event), ready))
    })
}

/** The clients' own time-outs end a request long before the function's; middy needs no timer for it. */
const MIDDY = { timeoutEarlyInMillis: 0 }

function partsOf({ env, now, write, secretsManager, sqs }: IngestWorld): IngestParts {
  const config = ingestConfig(env)
  const log = createLog({ now, write, level: config.logLevel })
  const keyring = createKeyring({
    secretsManager: secretsManager(),
    secretId: config.signatureKeysSecretId,
    now,
    onFailure: error => log.error('signature_keys_unavailable', { error: errorKind(error) }),
  })
  return { ...config, keyring, queue: createQueue(sqs(), config.queueUrl), log, now }
}

const respond = (answer: Answer): APIGatewayProxyResult => ({
  statusCode: answer.status,
  headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...answer.headers },
  body: JSON.stringify({ code: answer.code, message: answer.message }),
})
