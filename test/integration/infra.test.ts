import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { EXAMPLES, FUNCTIONS, type FunctionName, ROOT } from '../../infra/bundle.ts'
import { type Packaged, packageBuilt } from '../../infra/package.ts'
import { type CompiledTemplate, numberOf, resource } from '../../infra/template.ts'
import { BACKFILL_STATE_KEY } from '../../lib/backfill/state.ts'
import { isObject } from '../../lib/json.ts'
import { WEBHOOK_RECORD_KEY } from '../../lib/webhook-record.ts'
import { packagedLocal } from '../support/packaged.ts'

let packaged: Packaged
let template: CompiledTemplate
beforeAll(async () => {
  packaged = await packagedLocal()
  template = packaged.template
})

const properties = (id: string) => resource(template, id).Properties
const ofType = (type: string) => Object.entries(template.Resources).filter(([, { Type }]) => Type === type)
/** Every statement of a role's policies. */
const statements = (role: string): Record<string, unknown>[] => {
  const policies = properties(role).Policies
  return (Array.isArray(policies) ? policies : []).flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
}

const actions = (role: string): string[] =>
  statements(role)
    .flatMap(({ Action }) => Action)
    .map(String)
    .sort()

/** The calls to AWS that the code of a bundle makes, as the rights they take. */
function callsOf(name: FunctionName): string[] {
  const metafile: { inputs: object } = JSON.parse(
    readFileSync(join(EXAMPLES, 'dist', 'meta', `${name}.json`), 'utf8'),
  )
  const own = Object.keys(metafile.inputs).filter(file => /^(lib|functions)\//.test(file))
  const code = own.map(file => readFileSync(join(ROOT, file), 'utf8')).join('\n')
  const made = [...code.matchAll(/new (\w+)Command\(/g), ...code.matchAll(/\bcall\([A-Z_]+, '(\w+)'/g)]
  const calls = new Set(made.map(([, call = '']) => call))
  return [...calls].map(call => `${SERVICE[call] ?? 'an unknown service'}:${call}`).sort()
}

const LAMBDAS = [
  'IngestLambdaFunction',
  'AutomateLambdaFunction',
  'ReconcileLambdaFunction',
  'BackfillLambdaFunction',
]

const SERVICE: Readonly<Record<string, string>> = {
  GetSecretValue: 'secretsmanager',
  SendMessage: 'sqs',
  ChangeMessageVisibility: 'sqs',
  GetItem: 'dynamodb',
  PutItem: 'dynamodb',
  BatchGetItem: 'dynamodb',
  Query: 'dynamodb',
  GetQueueAttributes: 'sqs',
  UpdateItem: 'dynamodb',
}

describe('the compiled template', () => {
  test('hides a message for six times as long as automate may take, and gives it up only as a backstop', () => {
    expect(numberOf(template, 'Queue', 'VisibilityTimeout')).toBe(
      6 * numberOf(template, 'AutomateLambdaFunction', 'Timeout'),
    )
    expect(properties('Queue')).toMatchObject({
      MessageRetentionPeriod: 1_209_600,
      SqsManagedSseEnabled: true,
      RedrivePolicy: { maxReceiveCount: 1000 },
    })
    expect(properties('DeadLetterQueue')).toMatchObject({
      MessageRetentionPeriod: 1_209_600,
      SqsManagedSseEnabled: true,
    })
    expect(properties('AutomateEventSourceMappingSQSQueue')).toMatchObject({
      BatchSize: 10,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: 5 },
    })
  })

  test('lets nobody at the queues without TLS', () => {
    for (const [policy, queue] of [
      ['QueuePolicy', 'Queue'],
      ['DeadLetterQueuePolicy', 'DeadLetterQueue'],
    ])
      expect(properties(policy ?? '')).toMatchObject({
        Queues: [{ Ref: queue }],
        PolicyDocument: {
          Statement: [
            {
              Effect: 'Deny',
              Action: 'sqs:*',
              Principal: '*',
              Resource: { 'Fn::GetAtt': [queue, 'Arn'] },
              Condition: { Bool: { 'aws:SecureTransport': false } },
            },
          ],
        },
      })
  })

  test('keeps the ledger whatever happens to the stack', () => {
    expect(resource(template, 'LedgerTable')).toMatchObject({
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        BillingMode: 'PAY_PER_REQUEST',
        TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      },
    })
  })

  test('gives each function a role of its own with just what it does', () => {
    expect(
      ofType('AWS::IAM::Role')
        .map(([id]) => id)
        .sort(),
    ).toEqual(['AutomateRole', 'BackfillRole', 'IngestRole', 'ReconcileRole'])
    expect(actions('IngestRole')).toEqual([
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      'secretsmanager:GetSecretValue',
      'sqs:SendMessage',
    ])
    expect(actions('AutomateRole')).toEqual([
      'dynamodb:GetItem',
      'dynamodb:PutItem',
      'dynamodb:UpdateItem',
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      'secretsmanager:GetSecretValue',
      'sqs:ChangeMessageVisibility',
      'sqs:DeleteMessage',
      'sqs:GetQueueAttributes',
      'sqs:ReceiveMessage',
      'sqs:SendMessage',
      'sqs:SendMessage',
      'sqs:SendMessage',
    ])
    expect(actions('ReconcileRole')).toEqual([
      'dynamodb:GetItem',
      'dynamodb:PutItem',
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      'secretsmanager:GetSecretValue',
      'sqs:DeleteMessage',
      'sqs:GetQueueAttributes',
      'sqs:ReceiveMessage',
    ])
  })

  test('lets backfill read the ledger, but write no item of it but the one that says how far it is', () => {
    expect(actions('BackfillRole')).toEqual([
      'dynamodb:BatchGetItem',
      'dynamodb:GetItem',
      'dynamodb:PutItem',
      'dynamodb:Query',
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      'secretsmanager:GetSecretValue',
      'sqs:GetQueueAttributes',
      'sqs:SendMessage',
    ])
    const [statement] = statements('BackfillRole').filter(({ Sid }) => Sid === 'KeepHowFar')
    expect(statement).toMatchObject({
      Action: 'dynamodb:PutItem',
      Condition: { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': BACKFILL_STATE_KEY } },
    })
  })

  test('lets reconcile at no item of the ledger but the one that says which webhooks are ours', () => {
    const [statement] = statements('ReconcileRole').filter(({ Sid }) => Sid === 'KeepWhatIsOurs')
    expect(statement).toMatchObject({
      Condition: { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': WEBHOOK_RECORD_KEY } },
    })
  })

  test('gives ingest a right for every call that its code makes, and automate those of the event source too', () => {
    const rights = (role: string) => [...new Set(actions(role))].filter(right => !right.startsWith('logs:'))
    expect(rights('IngestRole')).toEqual(callsOf('ingest'))
    const poller = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes']
    expect(rights('AutomateRole')).toEqual([...callsOf('automate'), ...poller].sort())
    expect(rights('ReconcileRole')).toEqual([...callsOf('reconcile'), ...poller].sort())
    // backfill's bundle shares modules with what changes a message's visibility and writes the ledger, which it does not.
    const shared = ['sqs:ChangeMessageVisibility', 'dynamodb:UpdateItem']
    expect(rights('BackfillRole')).toEqual(callsOf('backfill').filter(call => !shared.includes(call)))
  })

  test('names every resource in its policies, but for the log streams, whose names Lambda chooses', () => {
    const all = ['IngestRole', 'AutomateRole', 'ReconcileRole', 'BackfillRole'].flatMap(statements)
    for (const { Resource, Sid } of all) {
      const named = isObject(Resource) && ('Ref' in Resource || 'Fn::GetAtt' in Resource)
      const index = JSON.stringify(Resource) === '{"Fn::Sub":"${LedgerTable.Arn}/index/bySource"}'
      if (Sid !== 'WriteLog') expect(named || index, String(Sid)).toBe(true)
      else
        expect(JSON.stringify(Resource)).toMatch(
          /log-group:\/aws\/lambda\/boxhooks-local-(ingest|automate|reconcile|backfill):\*"/,
        )
    }
  })

  test('gives the functions the environment they read, settings included', () => {
    const variables = (id: string) => {
      const { Environment } = properties(id)
      return isObject(Environment) ? Object.keys(Environment.Variables ?? {}).sort() : []
    }
    const everywhere = ['BOXHOOKS_VERSION', 'METRICS', 'METRICS_NAMESPACE']
    expect(variables('IngestLambdaFunction')).toEqual([
      ...everywhere,
      'QUEUE_URL',
      'SIGNATURE_KEYS_SECRET_ID',
    ])
    const declared = [...new Set(packaged.manifest.flatMap(one => Object.keys(one.settings)))]
    expect(declared).toEqual(
      expect.arrayContaining(['ALLOWED_DOMAINS', 'ARCHIVE_FOLDER_ID', 'REVIEW_FOLDER_ID']),
    )
    const shared = [...declared, ...everywhere, 'LOG_DETAILS', 'BOX_APP_SECRET_ID', 'LEDGER_TABLE']
    expect(variables('AutomateLambdaFunction')).toEqual(
      [...shared, 'AUTOMATE_CONCURRENCY', 'DEAD_LETTER_QUEUE_URL', 'QUEUE_URL', 'RECONCILE_QUEUE_URL'].sort(),
    )
    expect(variables('ReconcileLambdaFunction')).toEqual([...shared, 'WEBHOOK_ADDRESS'].sort())
    expect(variables('BackfillLambdaFunction')).toEqual([...shared, 'QUEUE_URL'].sort())
    for (const id of LAMBDAS)
      expect(properties(id)).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'] })
  })

  test('throttles and logs at the front door, and keeps logs for a while', () => {
    expect(properties('HttpApiStage')).toMatchObject({
      DefaultRouteSettings: { ThrottlingRateLimit: 200, ThrottlingBurstLimit: 400 },
      AccessLogSettings: { Format: expect.stringContaining('$context.status') },
    })
    const groups = ofType('AWS::Logs::LogGroup')
    expect(groups).toHaveLength(FUNCTIONS.length + 1)
    for (const [, group] of groups) expect(group.Properties.RetentionInDays).toBe(30)
  })

  test('alarms on what an operator must know, to one topic', () => {
    const alarms = ofType('AWS::CloudWatch::Alarm')
    expect(alarms.map(([id]) => id).sort()).toEqual([
      'AutomateErrorsAlarm',
      'AutomateThrottlesAlarm',
      'DeadLettersAlarm',
      'IngestErrorsAlarm',
      'IngestServerErrorsAlarm',
      'IngestThrottlesAlarm',
      'QueueAgeAlarm',
      'ReconcileErrorsAlarm',
      'RefusalsAlarm',
      'WebhooksInConflictAlarm',
      'WebhooksMissingAlarm',
    ])
    for (const [, { Properties }] of alarms) expect(Properties.AlarmActions).toEqual([{ Ref: 'AlarmTopic' }])
  })

  test('has a dashboard that is JSON once its references are filled in', () => {
    const body = properties('Dashboard').DashboardBody
    const text = isObject(body) ? String(body['Fn::Sub']).replace(/\$\{[^}]*\}/g, 'x') : ''
    expect(JSON.parse(text).widgets).toHaveLength(11)
  })

  test('tells what a user needs next', () => {
    expect(Object.keys(template.Outputs)).toEqual(
      expect.arrayContaining([
        'WebhookUrl',
        'SignatureKeysSecretArn',
        'BoxAppSecretArn',
        'DeadLetterQueueUrl',
      ]),
    )
  })
})

/** Packages a stage of the test's own from the bundles that are there. */
const packageWith = (stage: string, params: readonly string[]): Promise<Packaged> =>
  packageBuilt({
    stage,
    project: EXAMPLES,
    manifest: packaged.manifest,
    args: params.flatMap(param => ['--param', param]),
  })

const SAMPLE_SETTINGS = ['REVIEW_FOLDER_ID=1', 'ARCHIVE_FOLDER_ID=2', 'ALLOWED_DOMAINS=a.example,b.example']
/** Values for the settings of automations that were added to the samples. */
const addedSettings = () => {
  const declared = new Set(packaged.manifest.flatMap(one => Object.keys(one.settings)))
  for (const setting of SAMPLE_SETTINGS) declared.delete(setting.split('=')[0] ?? '')
  return [...declared].map(setting => `${setting}=1`)
}
const settings = () => [...SAMPLE_SETTINGS, ...addedSettings()]
const needing = (setting: string) =>
  packaged.manifest.filter(one => Object.hasOwn(one.settings, setting)).map(({ name }) => name)
const CERTIFICATE = 'certificateArn=arn:aws:acm:eu-central-1:123456789012:certificate/x'

describe('packaging', () => {
  test('stops where a stage lacks settings, naming each with what it is, who needs it and where to write it', async () => {
    const refused = await packageWith('nowhere', ['ALLOWED_DOMAINS=a.example', ...addedSettings()]).catch(
      error => error,
    )
    expect(needing('ARCHIVE_FOLDER_ID')).toContain('archive-uploads')
    expect(refused.message).toBe(
      [
        'Stage nowhere lacks settings that automations need:',
        `  REVIEW_FOLDER_ID: The folder that is watched. Needed by ${needing('REVIEW_FOLDER_ID').join(', ')}.`,
        `  ARCHIVE_FOLDER_ID: The folder that the copies go to; it may lie in the watched one. Needed by ${needing('ARCHIVE_FOLDER_ID').join(', ')}.`,
        'Write them into serverless.yml under params.nowhere, or pass --param="NAME=value".',
      ].join('\n'),
    )
  })

  test('stops at a configuration that AWS would refuse, and at a domain without its certificate', async () => {
    const refusal = (...params: string[]) => packageWith('nowhere', [...settings(), ...params])
    await expect(refusal('automateConcurrency=1')).rejects.toThrow(/maximumConcurrency': must be >= 2$/)
    await expect(refusal('domainName=hooks.example')).rejects.toThrow(
      /^params.domainName needs params.certificateArn as well.*$/,
    )
    await expect(refusal('silenceHours=500')).rejects.toThrow(/^params.silenceHours must be a whole number/)
  })

  test('adds what is optional only when asked, and takes every parameter by --param as well', async () => {
    const { Resources } = await everything()
    for (const id of ['AlarmSubscription', 'BoxSilentAlarm', 'Domain', 'DomainMapping', 'TracePolicy']) {
      expect(template.Resources).not.toHaveProperty(id)
      expect(Resources).toHaveProperty(id)
    }
    expect(Resources).toMatchObject({
      AlarmSubscription: { Properties: { Protocol: 'email', Endpoint: 'ops@a.example' } },
      AutomateEventSourceMappingSQSQueue: { Properties: { ScalingConfig: { MaximumConcurrency: 2 } } },
      BoxSilentAlarm: {
        Properties: { EvaluationPeriods: 48, Period: 3600, TreatMissingData: 'breaching' },
      },
      IngestLogGroup: { Properties: { RetentionInDays: 7 } },
      AutomateLambdaFunction: {
        Properties: {
          MemorySize: 1024,
          Environment: { Variables: { REVIEW_FOLDER_ID: '1', ALLOWED_DOMAINS: 'a.example,b.example' } },
        },
      },
    })
  })

  test('with a domain the webhooks go there', async () => {
    expect((await everything()).Resources).toMatchObject({
      ReconcileLambdaFunction: {
        Properties: { Environment: { Variables: { WEBHOOK_ADDRESS: 'https://hooks.example/box/webhook' } } },
      },
    })
  })

  test('reconciles the webhooks every hour, and when automate tells of a deletion', () => {
    expect(properties('ReconcileEventsRuleSchedule1')).toMatchObject({
      ScheduleExpression: 'rate(1 hour)',
      State: 'ENABLED',
    })
    expect(properties('ReconcileEventSourceMappingSQSReconcileQueue')).toMatchObject({
      EventSourceArn: { 'Fn::GetAtt': ['ReconcileQueue', 'Arn'] },
    })
  })

  test('takes V1 callbacks at routes with a throttle and a secret of their own, only when asked', async () => {
    const { Resources, Outputs } = await everything()
    for (const id of ['V1Secret', 'V1Rights', 'V1Route', 'V1TokenRoute']) {
      expect(template.Resources).not.toHaveProperty(id)
      expect(Resources).toHaveProperty(id)
    }
    const throttle = { ThrottlingRateLimit: 3, ThrottlingBurstLimit: 40 }
    expect(Resources).toMatchObject({
      HttpApiStage: {
        DependsOn: expect.arrayContaining(['V1Route', 'V1TokenRoute']),
        Properties: {
          DefaultRouteSettings: { ThrottlingRateLimit: 200 },
          RouteSettings: { 'ANY /box/v1': throttle, 'ANY /box/v1/{token}': throttle },
        },
      },
      IngestLambdaFunction: {
        Properties: {
          Environment: {
            Variables: { V1_SECRET_ID: { Ref: 'V1Secret' }, V1_PARAMETERS: 'item_id=file, token=secret' },
          },
        },
      },
      V1Rights: {
        Properties: {
          Roles: [{ Ref: 'IngestRole' }],
          PolicyDocument: {
            Statement: [{ Action: 'secretsmanager:GetSecretValue', Resource: { Ref: 'V1Secret' } }],
          },
        },
      },
    })
    expect(Outputs).toHaveProperty('V1WebhookUrl')
    expect(Outputs).toHaveProperty('V1SecretArn')
  })

  test('takes deliveries at a function URL where asked, with both rights that it takes, and no API is left', async () => {
    const { Resources, Outputs } = await atFunctionUrl()
    const FunctionName = { 'Fn::GetAtt': ['IngestLambdaFunction', 'Arn'] }
    expect(
      Object.values(Resources)
        .map(({ Type }) => Type)
        .filter(type => type.startsWith('AWS::ApiGateway')),
    ).toEqual([])
    const address = { 'Fn::Sub': '${IngestUrl.FunctionUrl}box/webhook' }
    expect(Resources).toMatchObject({
      IngestUrl: { Properties: { AuthType: 'NONE', TargetFunctionArn: FunctionName } },
      IngestUrlPermission: {
        Properties: {
          Action: 'lambda:InvokeFunctionUrl',
          FunctionName,
          Principal: '*',
          FunctionUrlAuthType: 'NONE',
        },
      },
      IngestInvokePermission: {
        Properties: {
          Action: 'lambda:InvokeFunction',
          FunctionName,
          Principal: '*',
          InvokedViaFunctionUrl: true,
        },
      },
      IngestLambdaFunction: { Properties: { ReservedConcurrentExecutions: 20 } },
      ReconcileLambdaFunction: { Properties: { Environment: { Variables: { WEBHOOK_ADDRESS: address } } } },
      IngestServerErrorsAlarm: {
        Properties: {
          Namespace: 'AWS/Lambda',
          MetricName: 'Url5xxCount',
          Dimensions: [{ Name: 'FunctionName', Value: { Ref: 'IngestLambdaFunction' } }],
        },
      },
    })
    expect(Outputs.WebhookUrl).toMatchObject({ Value: address })
    expect(JSON.stringify(Resources.Dashboard)).toContain('UrlRequestCount')
    expect(JSON.stringify(Resources)).not.toContain('HttpApi')
  }, 60_000)

  test('refuses what a function URL has not: a domain of one’s own, and a throttle for V1 callbacks', async () => {
    const url = (...params: string[]) =>
      packageWith('nowhere', [...settings(), 'endpoint=function-url', ...params])
    await expect(url('domainName=hooks.example', CERTIFICATE)).rejects.toThrow(
      /^params.domainName needs params.endpoint to be http-api/,
    )
    await expect(url('v1Webhooks=true')).rejects.toThrow(
      /^params.v1Webhooks needs params.endpoint to be http-api/,
    )
    await expect(packageWith('nowhere', [...settings(), 'endpoint=rest'])).rejects.toThrow(
      /^params.endpoint is "rest"/,
    )
  }, 60_000)

  test('logs a sample only where asked, and waits for others only where asked', async () => {
    const { Resources } = await atFunctionUrl()
    for (const id of ['IngestLambdaFunction', 'AutomateLambdaFunction'])
      expect(Resources[id]).toMatchObject({
        Properties: { Environment: { Variables: { LOG_SAMPLE_RATE: '0.1' } } },
      })
    expect(Resources.AutomateEventSourceMappingSQSQueue).toMatchObject({
      Properties: { MaximumBatchingWindowInSeconds: 5 },
    })
    await expect(packageWith('nowhere', [...settings(), 'logSampleRate=2'])).rejects.toThrow(
      /^params.logSampleRate must be a number from 0/,
    )
  }, 60_000)

  test('lets the functions trace only once their roles may, which Lambda insists on', async () => {
    const traced = await everything()
    for (const id of LAMBDAS) {
      expect(properties(id)).not.toHaveProperty('TracingConfig')
      expect(traced.Resources[id]).toMatchObject({
        Properties: { TracingConfig: { Mode: 'Active' } },
        DependsOn: expect.arrayContaining(['TracePolicy']),
      })
    }
  })
})

let withEverything: Promise<Packaged> | undefined
/** The template of a stage with all that is optional. */
async function everything(): Promise<CompiledTemplate> {
  const optional = ['alarmEmail=ops@a.example', 'domainName=hooks.example', CERTIFICATE, 'tracing=true']
  const sizes = ['automateConcurrency=2', 'automateMemoryMb=1024', 'logRetentionDays=7', 'silenceHours=48']
  const v1 = ['v1Webhooks=true', 'v1RequestsPerSecond=3', 'v1Parameters=item_id=file, token=secret']
  withEverything ??= packageWith('everything', [...settings(), ...optional, ...sizes, ...v1])
  return (await withEverything).template
}

let withFunctionUrl: Promise<Packaged> | undefined
/** The template of a stage whose front door is a function URL. */
async function atFunctionUrl(): Promise<CompiledTemplate> {
  const params = [
    'endpoint=function-url',
    'ingestConcurrency=20',
    'logSampleRate=0.1',
    'automateWindowSeconds=5',
  ]
  withFunctionUrl ??= packageWith('function-url', [...settings(), ...params])
  return (await withFunctionUrl).template
}

const lint = spawnSync('cfn-lint', ['--version'])
if (lint.error) console.warn('cfn-lint is not here: the template is not linted.')

test.skipIf(lint.error)('cfn-lint finds nothing but what osls writes itself (W3005)', async () => {
  await everything()
  await atFunctionUrl()
  const files = [packaged, await withEverything, await withFunctionUrl].map(stage =>
    join(stage?.folder ?? '', 'cloudformation-template-update-stack.json'),
  )
  const { stdout, stderr } = spawnSync('cfn-lint', ['--format', 'parseable', ...files], { encoding: 'utf8' })
  expect(stderr).toBe('')
  expect(stdout).toContain(':W3005:')
  expect(stdout.split('\n').filter(line => line && !line.includes(':W3005:'))).toEqual([])
})
