import automations from 'boxhooks:automations'
import { randomUUID } from 'node:crypto'
import { automateFunction } from '../lib/automate/automate-function.ts'
import { systemClock } from '../lib/base/clock.ts'
import { createBoxConnection } from '../lib/box/box.ts'
import { createLedgerDatabase } from '../lib/ledger/database.ts'

const CLIENT = {
  maxAttempts: 4,
  requestHandler: { connectionTimeout: 1000, requestTimeout: 5000, throwOnRequestTimeout: true },
}

const { env } = process
const LEDGER_LIMITS = { attempts: 4, connectMs: 1000, answerMs: 5000, totalMs: 20_000 }

/** A batch from the queue → the messages that must stay on it. */
export const handler = automateFunction({
  automations,
  env,
  clock: systemClock,
  random: Math.random,
  newToken: randomUUID,
  write: line => void process.stdout.write(`${line}\n`),
  async secretsManager() {
    const { SecretsManagerClient } = await import('@aws-sdk/client-secrets-manager')
    return new SecretsManagerClient(CLIENT)
  },
  async sqs() {
    const { SQSClient } = await import('@aws-sdk/client-sqs')
    // The endpoint is what the environment says, also where a queue's URL names another host.
    return new SQSClient({ ...CLIENT, useQueueUrlAsEndpoint: false })
  },
  dynamodb: () => createLedgerDatabase({ env, limits: LEDGER_LIMITS }),
  connectBox: createBoxConnection,
})
