import automations from 'boxhooks:automations'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { systemClock } from '../lib/base/clock.ts'
import { createBoxConnection } from '../lib/box/box.ts'
import { reconcileFunction } from '../lib/webhooks/reconcile-function.ts'

const CLIENT = {
  maxAttempts: 4,
  requestHandler: { connectionTimeout: 1000, requestTimeout: 5000, throwOnRequestTimeout: true },
}

/** A request about the webhooks on Box → what was found and done. */
export const handler = reconcileFunction({
  automations,
  env: process.env,
  clock: systemClock,
  random: Math.random,
  write: line => void process.stdout.write(`${line}\n`),
  secretsManager: () => new SecretsManagerClient(CLIENT),
  dynamodb: () => new DynamoDBClient(CLIENT),
  connectBox: createBoxConnection,
})
