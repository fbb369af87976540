import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { SQSClient } from '@aws-sdk/client-sqs'
import middy from '@middy/core'
import type { APIGatewayProxyEvent, APIGatewayProxyEventV2, APIGatewayProxyResult } from 'aws-lambda'
import { ingestConfig } from '../lib/config.ts'
import { deliveryFromGateway } from '../lib/delivery.ts'
import { ANSWERS, type Answer, failed, type IngestParts, ingest } from '../lib/ingest.ts'
import { createLog, errorKind } from '../lib/log.ts'
import { createQueue } from '../lib/queue.ts'
import { createKeyring } from '../lib/signature-keys.ts'

const now = () => Date.now()
const write = (line: string) => void process.stdout.write(`${line}\n`)

/** Two attempts within these times leave room for an answer long before Box's 30 s are over. */
const CLIENT = {
  maxAttempts: 2,
  requestHandler: { connectionTimeout: 1000, requestTimeout: 2500, throwOnRequestTimeout: true },
}

/** The endpoint is what the environment says, also where a queue's URL names another host. */
const SQS_CLIENT = { ...CLIENT, useQueueUrlAsEndpoint: false }

const parts = (): IngestParts => {
  const config = ingestConfig(process.env)
  const log = createLog({ now, write, level: config.logLevel })
  const keyring = createKeyring({
    secretsManager: new SecretsManagerClient(CLIENT),
    secretId: config.signatureKeysSecretId,
    now,
    onFailure: error => log.error('signature_keys_unavailable', { error: errorKind(error) }),
  })
  return {
    ...config,
    keyring,
    queue: createQueue(new SQSClient(SQS_CLIENT), config.queueUrl),
    log,
    now,
  }
}

let ready: IngestParts | undefined

const respond = (answer: Answer): APIGatewayProxyResult => ({
  statusCode: answer.status,
  headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...answer.headers },
  body: JSON.stringify({ code: answer.code, message: answer.message }),
})

/** API Gateway's request (payload format 2.0 or 1.0) → queued with 202, or the refusal that fits. */
export const handler = middy<APIGatewayProxyEvent | APIGatewayProxyEventV2, APIGatewayProxyResult>()
  .onError(request => {
    const error = request.error
    const log = ready?.log ?? createLog({ now, write })
    if (error?.name === 'ConfigError') log.error('config_invalid', { message: error.message })
    request.response = respond(failed(log, ANSWERS.internal_error, error))
  })
  .handler(async event => {
    ready ??= parts()
    return respond(await ingest(deliveryFromGateway(event), ready))
  })
