import { createLedger } from '../../lib/ledger/ledger.ts'
import { type Served, serve } from '../../local/serve.ts'
import type { Embedded } from './embedded.ts'

/** A stage as the CLI finds it on AWS: a stack that tells its outputs, and servers that answer as SQS and DynamoDB do. */
export type Deployed = {
  /** The environment in which a command finds it. */
  readonly env: Readonly<Record<string, string>>
  readonly queueUrl: string
  readonly deadLetterQueueUrl: string
  readonly ledger: ReturnType<typeof createLedger>
  close(): Promise<void>
}

let stages = 0

/**
 * Makes a stage named prod. Besides it there are `old`, whose stack has no outputs, `broken`, whose deployment failed,
 * `denied`, of which AWS tells nothing, and no other.
 * @param more outputs that its stack has besides
 */
export async function startDeployed(
  aws: Embedded,
  more: Readonly<Record<string, string>> = {},
): Promise<Deployed> {
  stages += 1
  const queueUrl = await aws.createQueue(`prod-${stages}`, { VisibilityTimeout: '360' })
  const deadLetterQueueUrl = await aws.createQueue(`prod-dead-${stages}`, {})
  const WebhookUrl = 'https://abc.execute-api.eu-central-1.amazonaws.com/box/webhook'
  const outputs = {
    WebhookUrl,
    QueueUrl: queueUrl,
    DeadLetterQueueUrl: deadLetterQueueUrl,
    LedgerTable: aws.table,
    ...more,
  }
  const stacks = await serve({ fetch: request => describeStacks(request, outputs), port: 0 })
  return {
    env: {
      AWS_ENDPOINT_URL_CLOUDFORMATION: stacks.url,
      AWS_ENDPOINT_URL_SQS: aws.sqsUrl,
      AWS_ENDPOINT_URL_DYNAMODB: await endpointOf(aws),
      AWS_ACCESS_KEY_ID: 'x',
      AWS_SECRET_ACCESS_KEY: 'x',
      AWS_REGION: 'eu-central-1',
    },
    queueUrl,
    deadLetterQueueUrl,
    ledger: createLedger({ dynamodb: aws.dynamodb, table: aws.table, now: Date.now }),
    close: () => stacks.close(),
  }
}

async function endpointOf({ dynamodb }: Embedded): Promise<string> {
  const endpoint = await dynamodb.config.endpoint?.()
  if (!endpoint) throw new Error('The embedded DynamoDB has no address.')
  return `http://${endpoint.hostname}:${endpoint.port}`
}

/** A service of AWS that lets nobody do anything. */
export function startDenying(): Promise<Served> {
  const message = 'User: arn:aws:iam::1:user/x is not authorized to perform this action'
  const body = JSON.stringify({ __type: 'com.amazon.coral.service#AccessDeniedException', message })
  const headers = { 'content-type': 'application/x-amz-json-1.0' }
  return serve({ fetch: () => new Response(body, { status: 400, headers }), port: 0 })
}

/** CloudFormation, as far as it is asked. */
async function describeStacks(
  request: Request,
  outputs: Readonly<Record<string, string>>,
): Promise<Response> {
  const asked = new URLSearchParams(await request.text()).get('StackName') ?? ''
  const xml = (status: number, text: string) =>
    new Response(text, { status, headers: { 'content-type': 'text/xml' } })
  const refused = (code: string, message: string) =>
    xml(
      400,
      `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>1</RequestId></ErrorResponse>`,
    )
  if (asked === 'boxhooks-denied')
    return refused('AccessDenied', 'User x is not authorized to perform: cloudformation:DescribeStacks')
  if (!['boxhooks-prod', 'boxhooks-old', 'boxhooks-broken'].includes(asked))
    return refused('ValidationError', `Stack with id ${asked} does not exist`)
  const members = Object.entries(asked === 'boxhooks-prod' ? outputs : {}).map(
    ([key, value]) => `<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue></member>`,
  )
  return xml(
    200,
    `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>${asked}</StackName><StackStatus>${asked === 'boxhooks-broken' ? 'ROLLBACK_COMPLETE' : 'UPDATE_COMPLETE'}</StackStatus><CreationTime>2026-11-23T10:00:00Z</CreationTime><Outputs>${members.join('')}</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`,
  )
}
