import { randomUUID } from 'node:crypto'
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DeleteTableCommand,
  DynamoDBClient,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb'
import {
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { type CompiledTemplate, numberOf, resource } from '../../infra/build/template.ts'
import { ExpectedError } from '../../lib/base/expected-error.ts'
import { isObject } from '../../lib/base/json.ts'
import { startEmbeddedDynamoDb, startEmbeddedSqs } from './embedded-aws.ts'

/** The AWS services that the functions use, with what the template says is in them. */
export type Aws = {
  /** What the functions need to reach the services, as environment variables. */
  readonly env: Readonly<Record<string, string>>
  readonly sqs: SQSClient
  readonly dynamodb: DynamoDBClient
  readonly queueUrl: string
  readonly queueArn: string
  readonly deadLetterQueueUrl: string
  readonly reconcileQueueUrl: string
  readonly reconcileQueueArn: string
  readonly table: string
  /** How many messages wait, are in flight, and are delayed. */
  depth(queueUrl: string): Promise<QueueDepth>
  stop(): Promise<void>
}

export type QueueDepth = { readonly waiting: number; readonly inFlight: number; readonly delayed: number }

export class AwsEndpointFailed extends ExpectedError {
  override readonly name = 'AwsEndpointFailed'

  constructor(endpoint: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message || cause.name : String(cause)
    super(
      `AWS_ENDPOINT_URL is ${withoutPassword(endpoint)}, but the stack's queues, table and secrets can't be made there: ${reason}. Start what emulates AWS there (moto_server -p 5000 for http://127.0.0.1:5000), or unset AWS_ENDPOINT_URL to use the embedded servers.`,
      { cause },
    )
  }
}

function withoutPassword(endpoint: string): string {
  const url = URL.parse(endpoint)
  if (!url?.password) return endpoint
  url.username = ''
  url.password = ''
  return url.href
}

const REGION = 'eu-central-1'
const CREDENTIALS = { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local', AWS_REGION: REGION }

/** Where the services answer. */
export type AwsEndpoints = { readonly sqs: string; readonly dynamodb: string }

/**
 * Makes the template's queues and table, in embedded servers or, with `endpoint`, in whatever emulates AWS there. What is
 * made has names of its own, for an endpoint that others use as well, and is removed from there at the end.
 * @param endpoint such as http://127.0.0.1:5000 for a moto server
 * @throws AwsEndpointFailed
 */
export async function startAws(template: CompiledTemplate, endpoint?: string): Promise<Aws> {
  if (endpoint === undefined) return startEmbeddedAws(template)
  if (!URL.canParse(endpoint)) throw new AwsEndpointFailed(endpoint, new Error('it is no URL'))
  const aws = await makeResources(template, { sqs: endpoint, dynamodb: endpoint }).catch((error: unknown) => {
    throw new AwsEndpointFailed(endpoint, error)
  })
  const { sqs, dynamodb, queueUrl, deadLetterQueueUrl, reconcileQueueUrl, table } = aws
  const remove = async () => {
    // An endpoint that is gone by now has nothing left to remove.
    await Promise.allSettled([
      sqs.send(new DeleteQueueCommand({ QueueUrl: queueUrl })),
      sqs.send(new DeleteQueueCommand({ QueueUrl: deadLetterQueueUrl })),
      sqs.send(new DeleteQueueCommand({ QueueUrl: reconcileQueueUrl })),
      dynamodb.send(new DeleteTableCommand({ TableName: table })),
    ])
    await aws.stop()
  }
  try {
    await setTimeToLive(dynamodb, table, template)
  } catch (error) {
    await remove()
    throw new AwsEndpointFailed(endpoint, error)
  }
  return { ...aws, stop: remove }
}

async function startEmbeddedAws(template: CompiledTemplate): Promise<Aws> {
  const [sqs, dynamodb] = await Promise.all([startEmbeddedSqs(), startEmbeddedDynamoDb()])
  const stopServers = () => Promise.all([sqs.stop(), dynamodb.stop()])
  try {
    const aws = await makeResources(template, { sqs: sqs.url, dynamodb: dynamodb.url })
    return {
      ...aws,
      async stop() {
        await aws.stop()
        await stopServers()
      },
    }
  } catch (error) {
    await stopServers()
    throw error
  }
}

/** Makes the template's queues and table in servers that run already; `stop` only lets go of them. */
export async function makeResources(template: CompiledTemplate, endpoints: AwsEndpoints): Promise<Aws> {
  const client = { region: REGION, credentials: { accessKeyId: 'local', secretAccessKey: 'local' } }
  const sqs = new SQSClient({ ...client, endpoint: endpoints.sqs })
  const dynamodb = new DynamoDBClient({ ...client, endpoint: endpoints.dynamodb })
  const stop = async () => {
    sqs.destroy()
    dynamodb.destroy()
  }
  try {
    const run = randomUUID().slice(0, 8)
    const deadLetters = await createQueue(
      sqs,
      `boxhooks-local-dead-letters-${run}`,
      template,
      'DeadLetterQueue',
      {},
    )
    const queue = await createQueue(sqs, `boxhooks-local-${run}`, template, 'Queue', {
      VisibilityTimeout: String(numberOf(template, 'Queue', 'VisibilityTimeout')),
      RedrivePolicy: redrivePolicy(template, deadLetters.arn),
    })
    const deletions = await createQueue(sqs, `boxhooks-local-reconcile-${run}`, template, 'ReconcileQueue', {
      VisibilityTimeout: String(numberOf(template, 'ReconcileQueue', 'VisibilityTimeout')),
    })
    const table = `boxhooks-local-ledger-${run}`
    await createTable(dynamodb, table, template)
    return {
      env: awsEnvironment(endpoints),
      sqs,
      dynamodb,
      queueUrl: queue.url,
      queueArn: queue.arn,
      deadLetterQueueUrl: deadLetters.url,
      reconcileQueueUrl: deletions.url,
      reconcileQueueArn: deletions.arn,
      table,
      depth: queueUrl => depthOf(sqs, queueUrl),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** What a function needs to reach services that answer there, as environment variables. */
export const awsEnvironment = ({ sqs, dynamodb }: AwsEndpoints): Record<string, string> => ({
  ...CREDENTIALS,
  AWS_ENDPOINT_URL_SQS: sqs,
  AWS_ENDPOINT_URL_DYNAMODB: dynamodb,
})

async function createQueue(
  sqs: SQSClient,
  name: string,
  template: CompiledTemplate,
  logicalId: string,
  attributes: Record<string, string>,
): Promise<{ url: string; arn: string }> {
  const retention = numberOf(template, logicalId, 'MessageRetentionPeriod')
  const made = await sqs.send(
    new CreateQueueCommand({
      QueueName: name,
      Attributes: { MessageRetentionPeriod: String(retention), ...attributes },
    }),
  )
  // Servers name hosts that only their own resolver knows; the path is what counts.
  const { href: url } = new URL(
    new URL(made.QueueUrl ?? '').pathname,
    await sqs.config.endpoint?.().then(urlOf),
  )
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['QueueArn'] }),
  )
  return { url, arn: Attributes?.QueueArn ?? '' }
}

const urlOf = ({ protocol, hostname, port }: { protocol: string; hostname: string; port?: number }): string =>
  `${protocol}//${hostname}${port ? `:${port}` : ''}`

function redrivePolicy(template: CompiledTemplate, deadLetterTargetArn: string): string {
  const { RedrivePolicy } = resource(template, 'Queue').Properties
  const maxReceiveCount = isObject(RedrivePolicy) ? RedrivePolicy.maxReceiveCount : undefined
  return JSON.stringify({ deadLetterTargetArn, maxReceiveCount })
}

async function createTable(
  dynamodb: DynamoDBClient,
  name: string,
  template: CompiledTemplate,
): Promise<void> {
  // Of the table's properties, these are the ones that both CloudFormation and CreateTable know.
  const { AttributeDefinitions, KeySchema, GlobalSecondaryIndexes, BillingMode } = resource(
    template,
    'LedgerTable',
  ).Properties
  const definition = { AttributeDefinitions, KeySchema, GlobalSecondaryIndexes, BillingMode }
  // The SDK checks nothing here; the server does, and refuses what is no table.
  const input: CreateTableCommandInput = JSON.parse(JSON.stringify({ TableName: name, ...definition }))
  await dynamodb.send(new CreateTableCommand(input))
}

/** The embedded DynamoDB has no time to live, and nothing in it lives longer than its process. */
async function setTimeToLive(dynamodb: DynamoDBClient, table: string, template: CompiledTemplate) {
  const { TimeToLiveSpecification: specification } = resource(template, 'LedgerTable').Properties
  if (!isObject(specification)) return
  await dynamodb.send(
    new UpdateTimeToLiveCommand({
      TableName: table,
      TimeToLiveSpecification: {
        AttributeName: String(specification.AttributeName),
        Enabled: specification.Enabled === true,
      },
    }),
  )
}

async function depthOf(sqs: SQSClient, QueueUrl: string): Promise<QueueDepth> {
  const { Attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }),
  )
  return {
    waiting: Number(Attributes.ApproximateNumberOfMessages ?? 0),
    inFlight: Number(Attributes.ApproximateNumberOfMessagesNotVisible ?? 0),
    delayed: Number(Attributes.ApproximateNumberOfMessagesDelayed ?? 0),
  }
}
