import { FUNCTIONS } from '../../infra/build/bundle.ts'
import { resource } from '../../infra/build/template.ts'
import { isObject, parseObject } from '../../lib/base/json.ts'
import { type Served, serve } from '../../local/serve.ts'
import type { Stack } from '../../local/stack.ts'
import { packagedLocal } from './packaged.ts'

/** What AWS says of the stage that a local stack stands for; a test changes what it is to say. */
type StageState = {
  outputs: Record<string, string>
  /** Name → what Lambda has of it. */
  functions: Record<string, Record<string, unknown>>
  mappings: Record<string, unknown>[]
  alarms: Record<string, unknown>[]
  topic: Record<string, string>
  timeToLive: Record<string, unknown>
  recovery: string
  /** Seconds that the oldest event has waited. */
  ages: number[]
  /** Changes what an embedded server has answered. */
  bend: (right: string, json: Record<string, unknown>) => Record<string, unknown>
  /** Rights that nobody has, such as sqs:GetQueueAttributes. */
  denied: Set<string>
  /** Rights whose calls get no answer. */
  hanging: Set<string>
  /** The rights of all calls so far. */
  readonly asked: string[]
}

/**
 * One address for all of AWS: it describes a healthy stage named local, and passes what concerns messages, records, secrets and
 * the function reconcile on to the servers of a local stack. Beside that stage there are `denied` and `old`, as in
 * test/support/deployed.ts.
 */
export type ControlPlane = {
  /** The environment in which a command finds it. */
  readonly env: Readonly<Record<string, string>>
  state: StageState
  /** Makes the stage healthy again. */
  heal(): void
  close(): Promise<void>
}

const TOPIC = 'arn:aws:sns:eu-central-1:000000000000:boxhooks-local-AlarmTopic'

export async function startControlPlane(stack: Stack): Promise<ControlPlane> {
  const told = parseObject(await (await fetch(`${stack.url}/_local/stage`)).text()) ?? {}
  const [outputs, env] = [texts(told.outputs), texts(told.env)]
  const { template } = await packagedLocal()
  const behind: Record<string, string> = {
    sqs: env.AWS_ENDPOINT_URL_SQS ?? '',
    dynamodb: env.AWS_ENDPOINT_URL_DYNAMODB ?? '',
    secretsmanager: env.AWS_ENDPOINT_URL_SECRETS_MANAGER ?? '',
    lambda: stack.url,
  }
  const healthy = (): StageState => ({
    outputs: { ...outputs, AlarmTopicArn: TOPIC },
    functions: Object.fromEntries(
      FUNCTIONS.map(name => {
        const id = `${name.charAt(0).toUpperCase()}${name.slice(1)}LambdaFunction`
        const { Properties } = resource(template, id)
        const { Runtime, Architectures, Timeout, Environment } = Properties
        const state = { State: 'Active', LastUpdateStatus: 'Successful' }
        return [
          `boxhooks-local-${name}`,
          { Runtime, Architectures, Timeout, ...state, Environment: plain(Environment) },
        ]
      }),
    ),
    mappings: [
      {
        UUID: 'uuid-1',
        EventSourceArn: stack.aws.queueArn,
        FunctionArn: 'arn:aws:lambda:eu-central-1:000000000000:function:boxhooks-local-automate',
        State: 'Enabled',
        BatchSize: 10,
        ScalingConfig: { MaximumConcurrency: 5 },
      },
    ],
    alarms: [
      alarm('DeadLetters'),
      alarm('QueueAge'),
      { ...alarm('IngestErrors', 'ALARM'), AlarmActions: ['another stage’s'] },
    ],
    topic: { SubscriptionsConfirmed: '1', SubscriptionsPending: '0' },
    timeToLive: { TimeToLiveStatus: 'ENABLED', AttributeName: 'expiresAt' },
    recovery: 'ENABLED',
    ages: [],
    bend: (_, json) => json,
    denied: new Set(),
    hanging: new Set(),
    asked: [],
  })
  const plane: Pick<ControlPlane, 'state'> = { state: healthy() }
  const server: Served = await serve({
    fetch: request => answer(request, plane.state, behind),
    port: 0,
  })
  return {
    env: {
      AWS_ENDPOINT_URL: server.url,
      AWS_ACCESS_KEY_ID: 'x',
      AWS_SECRET_ACCESS_KEY: 'x',
      AWS_REGION: 'eu-central-1',
    },
    get state() {
      return plane.state
    },
    heal() {
      plane.state = healthy()
    },
    close: () => server.close(),
  }
}

/** An alarm of the stage, by the name that CloudFormation makes. */
export const alarm = (name: string, StateValue = 'OK'): Record<string, unknown> => ({
  AlarmName: `boxhooks-local-${name}Alarm-1ABC2DEF`,
  AlarmDescription: `What ${name} means.`,
  AlarmActions: [TOPIC],
  ActionsEnabled: true,
  StateValue,
  StateUpdatedTimestamp: 1_795_000_000,
})

async function answer(
  request: Request,
  state: StageState,
  behind: Readonly<Record<string, string>>,
): Promise<Response> {
  const body = await request.text()
  const right = rightOf(request, body)
  state.asked.push(right)
  const [service = ''] = right.split(':')
  if (state.hanging.has(right)) await new Promise(() => {})
  if (state.denied.has(right)) return denied(service, right)
  const name = /functions\/([^/]+)\/configuration$/.exec(new URL(request.url).pathname)?.[1]
  if (name !== undefined) {
    const found = state.functions[name]
    return found ? json(found) : json({ message: 'Function not found' }, 404, NOT_FOUND)
  }
  const own = ANSWERS[right]
  if (own) return own(state, body)
  const headers = new Headers(request.headers)
  for (const name of ['host', 'content-length', 'connection', 'accept-encoding']) headers.delete(name)
  const url = new URL(request.url)
  const passed = await fetch(`${behind[service]}${url.pathname}${url.search}`, {
    method: request.method,
    headers,
    ...(body === '' ? {} : { body }),
  })
  const text = await passed.text()
  const said = parseObject(text)
  const told = new Headers(passed.headers)
  for (const name of [
    'content-length',
    'content-encoding',
    'x-amz-crc32',
    'connection',
    'keep-alive',
    'transfer-encoding',
  ])
    told.delete(name)
  const bent = said && passed.ok ? JSON.stringify(state.bend(right, said)) : text
  return new Response(bent, { status: passed.status, headers: told })
}

/** The right that a call takes, by the service that it is signed for. */
function rightOf(request: Request, body: string): string {
  const { pathname } = new URL(request.url)
  const [, service = ''] =
    /Credential=[^/]+\/\d+\/[^/]+\/([^/]+)\//.exec(request.headers.get('authorization') ?? '') ?? []
  const target = request.headers.get('x-amz-target')?.split('.').at(-1)
  const form = new URLSearchParams(body).get('Action')
  const path = /\/invocations$/.test(pathname)
    ? 'InvokeFunction'
    : /event-source-mappings/.test(pathname)
      ? 'ListEventSourceMappings'
      : 'GetFunctionConfiguration'
  return `${service === 'monitoring' ? 'cloudwatch' : service}:${target ?? form ?? path}`
}

const xml = (status: number, text: string) =>
  new Response(text, { status, headers: { 'content-type': 'text/xml' } })
const json = (value: object, status = 200, headers: Record<string, string> = {}) =>
  Response.json(value, { status, headers: { 'content-type': 'application/x-amz-json-1.0', ...headers } })

const NOT_FOUND = { 'x-amzn-errortype': 'ResourceNotFoundException' }

const refusal = (code: string, message: string) =>
  `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>1</RequestId></ErrorResponse>`

function denied(service: string, right: string): Response {
  const message = `User: arn:aws:iam::1:user/x is not authorized to perform: ${right}`
  if (service === 'sns') return xml(403, refusal('AuthorizationError', message))
  if (service === 'cloudformation') return xml(403, refusal('AccessDenied', message))
  const type = service === 'cloudwatch' ? 'AccessDenied' : 'AccessDeniedException'
  return json(
    { __type: `com.amazonaws#${type}`, message, Message: message },
    service === 'lambda' ? 403 : 400,
    {
      'x-amzn-errortype': type,
    },
  )
}

const ANSWERS: Readonly<Record<string, (state: StageState, body: string) => Response>> = {
  'cloudformation:DescribeStacks': describeStacks,
  'lambda:ListEventSourceMappings': ({ mappings }) => json({ EventSourceMappings: mappings }),
  'cloudwatch:DescribeAlarms': ({ alarms }) => json({ MetricAlarms: alarms }),
  'cloudwatch:GetMetricStatistics': ({ ages }) =>
    json({ Datapoints: ages.map((Maximum, index) => ({ Maximum, Timestamp: 1_795_000_000 + index })) }),
  'sns:GetTopicAttributes': ({ topic }) =>
    xml(
      200,
      `<GetTopicAttributesResponse><GetTopicAttributesResult><Attributes>${Object.entries(topic)
        .map(([key, value]) => `<entry><key>${key}</key><value>${value}</value></entry>`)
        .join('')}</Attributes></GetTopicAttributesResult></GetTopicAttributesResponse>`,
    ),
  'dynamodb:DescribeTimeToLive': ({ timeToLive }) => json({ TimeToLiveDescription: timeToLive }),
  'dynamodb:DescribeContinuousBackups': ({ recovery }) =>
    json({
      ContinuousBackupsDescription: {
        ContinuousBackupsStatus: 'ENABLED',
        PointInTimeRecoveryDescription: { PointInTimeRecoveryStatus: recovery },
      },
    }),
}

function describeStacks({ outputs }: StageState, body: string): Response {
  const asked = new URLSearchParams(body).get('StackName') ?? ''
  if (asked === 'boxhooks-denied')
    return xml(
      403,
      refusal('AccessDenied', 'User x is not authorized to perform: cloudformation:DescribeStacks'),
    )
  if (asked !== 'boxhooks-local' && asked !== 'boxhooks-old')
    return xml(400, refusal('ValidationError', `Stack with id ${asked} does not exist`))
  const members = Object.entries(asked === 'boxhooks-local' ? outputs : {}).map(
    ([key, value]) => `<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue></member>`,
  )
  return xml(
    200,
    `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>${asked}</StackName><StackStatus>UPDATE_COMPLETE</StackStatus><CreationTime>2026-11-23T10:00:00Z</CreationTime><Outputs>${members.join('')}</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`,
  )
}

const texts = (value: unknown): Record<string, string> =>
  Object.fromEntries(
    Object.entries(isObject(value) ? value : {}).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    ),
  )

/** A function's environment without what only CloudFormation can fill in. */
function plain(environment: unknown): { Variables: Record<string, string> } {
  return { Variables: texts(isObject(environment) ? environment.Variables : {}) }
}
