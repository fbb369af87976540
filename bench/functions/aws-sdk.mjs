import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs'

// The two calls of ingest through AWS's SDK, and nothing else.
const secretsManager = new SecretsManagerClient({})
const sqs = new SQSClient({ useQueueUrlAsEndpoint: false })

const kept = {}
export const handler = async event => {
  const { SIGNATURE_KEYS_SECRET_ID: SecretId, QUEUE_URL: QueueUrl } = process.env
  kept.secret ??= await secretsManager.send(new GetSecretValueCommand({ SecretId }))
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: event.body }))
  return { statusCode: 202 }
}
