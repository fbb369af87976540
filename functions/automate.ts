import automations from 'boxhooks:automations'
import { randomUUID } from 'node:crypto'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { SQSClient } from '@aws-sdk/client-sqs'
import middy from '@middy/core'
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda'
import { bindSettings } from '../lib/automation.ts'
import { type BatchParts, handleBatch } from '../lib/batch.ts'
import { createBoxConnection } from '../lib/box.ts'
import { systemClock } from '../lib/clock.ts'
import { automateConfig } from '../lib/config.ts'
import { createLedger } from '../lib/ledger.ts'
import { createLog } from '../lib/log.ts'
import { createQueue } from '../lib/queue.ts'

const { now } = systemClock
const write = (line: string) => void process.stdout.write(`${line}\n`)

const CLIENT = {
  maxAttempts: 4,
  requestHandler: { connectionTimeout: 1000, requestTimeout: 5000, throwOnRequestTimeout: true },
}

/** The endpoint is what the environment says, also where a queue's URL names another host. */
const SQS_CLIENT = { ...CLIENT, useQueueUrlAsEndpoint: false }

const parts = (): BatchParts => {
  const config = automateConfig(process.env)
  const log = createLog({ now, write, level: config.logLevel })
  const sqs = new SQSClient(SQS_CLIENT)
  const connection = createBoxConnection({
    secretsManager: new SecretsManagerClient(CLIENT),
    secretId: config.boxAppSecretId,
    apiUrl: config.boxApiUrl,
    now,
    log,
  })
  return {
    automations: bindSettings(automations, process.env),
    ledger: createLedger({ dynamodb: new DynamoDBClient(CLIENT), table: config.ledgerTable, now }),
    queue: createQueue(sqs, config.queueUrl),
    deadLetters: createQueue(sqs, config.deadLetterQueueUrl),
    box: connection.box,
    targetOf: connection.targetOf,
    clock: systemClock,
    random: Math.random,
    newToken: randomUUID,
    log,
    concurrency: config.concurrency,
  }
}

let ready: BatchParts | undefined

/** A batch from the queue → the messages that must stay on it. */
export const handler = middy<SQSEvent, SQSBatchResponse, Error, Context>()
  .onError(({ error }) => {
    const log = ready?.log ?? createLog({ now, write })
    log.error('batch_failed', { error: error?.name ?? 'unknown', message: error?.message ?? '' })
  })
  .handler(async (event, context) => {
    ready ??= parts()
    return handleBatch(event.Records, now() + context.getRemainingTimeInMillis(), ready)
  })
