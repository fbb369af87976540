import automations from 'boxhooks:automations'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { SQSClient } from '@aws-sdk/client-sqs'
import { backfillFunction } from '../lib/backfill/backfill-function.ts'
import { systemClock } from '../lib/base/clock.ts'
import { createBoxConnection } from '../lib/box/box.ts'

const CLIENT = {
  maxAttempts: 4,
  requestHandler: { connectionTimeout: 1000, requestTimeout: 5000, throwOnRequestTimeout: true },
}

/** A request to make up for events that webhooks did not bring → how far it has come. */
export const handler = backfillFunction({
  automations,
  env: process.env,
  clock: systemClock,
  write: line => void process.stdout.write(`${line}\n`),
  secretsManager: () => new SecretsManagerClient(CLIENT),
  // The endpoint is what the environment says, also where a queue's URL names another host.
  sqs: () => new SQSClient({ ...CLIENT, useQueueUrlAsEndpoint: false }),
  dynamodb: () => new DynamoDBClient(CLIENT),
  connectBox: createBoxConnection,
})
