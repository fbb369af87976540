import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import type { IngestAws } from '../../lib/ingest/aws.ts'
import type { LedgerDatabase } from '../../lib/ledger/ledger.ts'

/** What only tells AWS about the SDK itself, anew with each attempt. */
const TELEMETRY = ['user-agent', 'x-amz-user-agent', 'amz-sdk-invocation-id', 'amz-sdk-request']

const BEFORE_SIGNING = {
  name: 'withoutTelemetry',
  relation: 'before',
  toMiddleware: 'httpSigningMiddleware',
} as const

type Signed = { readonly request: { readonly headers: object } }

const withoutTelemetry =
  <A extends Signed, R>(next: (args: A) => R) =>
  (args: A): R => {
    for (const name of TELEMETRY) Reflect.deleteProperty(args.request.headers, name)
    return next(args)
  }

type Settings = {
  readonly maxAttempts: number
  readonly requestHandler?: {
    readonly connectionTimeout: number
    readonly requestTimeout: number
    readonly throwOnRequestTimeout: true
  }
}

/** The calls of ingest as AWS's own SDK makes them, with what the environment says. */
export function sdkCalls(settings: Settings = { maxAttempts: 3 }): IngestAws {
  const secretsManager = new SecretsManagerClient(settings)
  const sqs = new SQSClient({ ...settings, useQueueUrlAsEndpoint: false })
  for (const client of [secretsManager, sqs]) silence(client)
  return {
    async getSecretText(SecretId) {
      return (await secretsManager.send(new GetSecretValueCommand({ SecretId, VersionStage: 'AWSCURRENT' })))
        .SecretString
    },
    async sendMessage(input) {
      await sqs.send(new SendMessageCommand(input))
    },
  }
}

/** DynamoDB as AWS's own SDK calls it, with what the environment says. */
export function sdkDatabase(settings: Settings = { maxAttempts: 4 }): LedgerDatabase {
  const client = new DynamoDBClient(settings)
  silence(client)
  return client
}

const silence = ({
  middlewareStack,
}: {
  readonly middlewareStack: { readonly addRelativeTo: unknown }
}): void => {
  const { addRelativeTo } = middlewareStack
  if (typeof addRelativeTo === 'function')
    Reflect.apply(addRelativeTo, middlewareStack, [withoutTelemetry, BEFORE_SIGNING])
}
