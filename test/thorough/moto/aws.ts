import assert from 'node:assert/strict'
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs'
import { runSpawned } from '../../support/spawn.ts'
import { type MotoStack, REGION } from './stack.ts'

/** The parts of AWS that the stack is made of, in moto. */
export type Aws = ReturnType<typeof connect>

/** Connects to a stack in moto. */
export function connect(endpoint: string, { resources }: MotoStack) {
  const client = { region: REGION, endpoint, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } }
  const sqs = new SQSClient(client)
  // moto's queue URLs name AWS's own host, and the SDK takes a queue's URL for its address.
  const reachable = (value = '') => value.replace(/^https:\/\/sqs\.[^/]+\.amazonaws\.com/, endpoint)
  return {
    client,
    endpoint,
    /** What a process needs so that its AWS is moto. */
    env: {
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    },
    logs: new CloudWatchLogsClient(client),
    reachable,
    sqs,
    dynamodb: new DynamoDBClient(client),
    secretsManager: new SecretsManagerClient(client),
    queueUrl: reachable(resources.Queue),
    deadLetterUrl: reachable(resources.DeadLetterQueue),
    reconcileUrl: reachable(resources.ReconcileQueue),
    table: resources.LedgerTable ?? '',
    async attributesOf(QueueUrl: string) {
      const all = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] })
      return (await sqs.send(all)).Attributes ?? {}
    },
  }
}

/** Runs a command of the CLI on the stage in moto, and returns what it prints. */
export async function boxhooks(aws: Aws, ...args: string[]): Promise<string> {
  const { code, out, err } = await runSpawned([...args, '--stage', 'local'], { env: aws.env })
  assert.equal(code, 0, err)
  return out
}
