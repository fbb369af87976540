import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { SQSClient } from '@aws-sdk/client-sqs'
import { ingestFunction } from '../lib/ingest-function.ts'

/** Two attempts within these times leave room for an answer long before Box's 30 s are over. */
const CLIENT = {
  maxAttempts: 2,
  requestHandler: { connectionTimeout: 1000, requestTimeout: 2500, throwOnRequestTimeout: true },
}

/** API Gateway's request → queued with 202, or the refusal that fits. */
export const handler = ingestFunction({
  env: process.env,
  now: Date.now,
  write: line => void process.stdout.write(`${line}\n`),
  secretsManager: () => new SecretsManagerClient(CLIENT),
  // The endpoint is what the environment says, also where a queue's URL names another host.
  sqs: () => new SQSClient({ ...CLIENT, useQueueUrlAsEndpoint: false }),
})
