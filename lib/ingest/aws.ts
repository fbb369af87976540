import { hash } from 'node:crypto'
import { type AwsApi, type AwsOptions, createAwsCall } from '../aws/client.ts'
import { AwsUnreachable } from '../aws/errors.ts'
import type { SendMessageInput } from '../queue/message-sender.ts'

/** All that ingest asks of AWS. */
export type IngestAws = {
  /** The text of a secret; undefined where it has none. */
  getSecretText(secretId: string): Promise<string | undefined>
  sendMessage(input: SendMessageInput): Promise<void>
}

const SECRETS_MANAGER: AwsApi = {
  service: 'secretsmanager',
  endpoint: 'AWS_ENDPOINT_URL_SECRETS_MANAGER',
  target: 'secretsmanager',
  headers: { 'content-type': 'application/x-amz-json-1.1' },
}

const SQS: AwsApi = {
  service: 'sqs',
  endpoint: 'AWS_ENDPOINT_URL_SQS',
  target: 'AmazonSQS',
  // Asks for errors by their old codes, as AWS's SDKs do.
  headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-query-mode': 'true' },
}

/**
 * Secrets Manager and SQS as ingest calls them, without AWS's SDK.
 * @throws (each method) AwsError, AwsUnreachable, AwsSettingsMissing
 */
export function createIngestAws(options: AwsOptions): IngestAws {
  const askSecretsManager = createAwsCall(SECRETS_MANAGER, options)
  const askSqs = createAwsCall(SQS, options)
  return {
    async getSecretText(secretId) {
      const { SecretString } = await askSecretsManager('GetSecretValue', {
        SecretId: secretId,
        VersionStage: 'AWSCURRENT',
      })
      return typeof SecretString === 'string' ? SecretString : undefined
    },
    async sendMessage(input) {
      const sent = askSqs('SendMessage', input)
      // Made while the answer is awaited.
      const expected = hash('md5', input.MessageBody, 'hex')
      const { MD5OfMessageBody } = await sent
      if (MD5OfMessageBody === expected) return
      throw new AwsUnreachable('AnswerInvalid', 'SQS has taken another body than was sent.')
    },
  }
}
