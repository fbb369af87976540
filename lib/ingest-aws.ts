import { hash } from 'node:crypto'
import { type AwsApi, type AwsCallOptions, createAwsCall } from './aws-call.ts'
import { AwsUnreachable } from './aws-error.ts'
import type { SendMessageInput } from './queue/message-sender.ts'

/** All that ingest asks of AWS. */
export type IngestAws = {
  /** The text of a secret; undefined where it has none. */
  getSecretText(secretId: string): Promise<string | undefined>
  sendMessage(input: SendMessageInput): Promise<void>
}

const SECRETS_MANAGER: AwsApi = {
  service: 'secretsmanager',
  target: 'secretsmanager',
  contentType: 'application/x-amz-json-1.1',
}

const SQS: AwsApi = {
  service: 'sqs',
  target: 'AmazonSQS',
  contentType: 'application/x-amz-json-1.0',
  queryMode: true,
}

/**
 * Secrets Manager and SQS as ingest calls them, without AWS's SDK.
 * @throws (each method) AwsError, AwsUnreachable, AwsSettingsMissing
 */
export function createIngestAws(options: AwsCallOptions): IngestAws {
  const call = createAwsCall(options)
  return {
    async getSecretText(secretId) {
      const { SecretString } = await call(SECRETS_MANAGER, 'GetSecretValue', {
        SecretId: secretId,
        VersionStage: 'AWSCURRENT',
      })
      return typeof SecretString === 'string' ? SecretString : undefined
    },
    async sendMessage(input) {
      const sent = call(SQS, 'SendMessage', input)
      // Made while the answer is awaited.
      const expected = hash('md5', input.MessageBody, 'hex')
      const { MD5OfMessageBody } = await sent
      if (MD5OfMessageBody === expected) return
      throw new AwsUnreachable('AnswerInvalid', 'SQS has taken another body than was sent.')
    },
  }
}
