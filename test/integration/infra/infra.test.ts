import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { EXAMPLES, FUNCTIONS, type FunctionName, ROOT } from '../../../infra/build/bundle.ts'
import type { Packaged } from '../../../infra/build/package.ts'
import { type CompiledTemplate, numberOf, resource } from '../../../infra/build/template.ts'
import { BACKFILL_STATE_KEY } from '../../../lib/backfill/progress.ts'
import { isObject } from '../../../lib/base/json.ts'
import { WEBHOOK_RECORD_KEY } from '../../../lib/webhooks/webhook-record.ts'
import { packagedLocal } from '../../support/packaged.ts'

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
  const made = [...code.matchAll(/new (\w+)Command\(/g), ...code.matchAll(/\bask\w+\('(\w+)'/g)]
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
    expect(rights('AutomateRole')).toEqual([...new Set([...callsOf('automate'), ...poller])].sort())
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
      'SIGNATURE_AGE_MAX_SECONDS',
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
      DefaultRouteSettings: { ThrottlingRateLimit: 400, ThrottlingBurstLimit: 400 },
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
      'DeliveriesTooOldAlarm',
      'IngestErrorsAlarm',
      'IngestServerErrorsAlarm',
      'IngestThrottlesAlarm',
      'QueueAgeAlarm',
      'ReconcileErrorsAlarm',
      'RefusalsAlarm',
      'RunsAwaitingAuthAlarm',
      'RunsWaitingLongAlarm',
      'WebhooksInConflictAlarm',
      'WebhooksMissingAlarm',
    ])
    for (const [, { Properties }] of alarms) expect(Properties.AlarmActions).toEqual([{ Ref: 'AlarmTopic' }])
  })

  test('has a dashboard that is JSON once its references are filled in', () => {
    const body = properties('Dashboard').DashboardBody
    const text = isObject(body) ? String(body['Fn::Sub']).replace(/\$\{[^}]*\}/g, 'x') : ''
    expect(JSON.parse(text).widgets).toHaveLength(12)
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

  test('reconciles the webhooks every hour, and when automate tells of a deletion', () => {
    expect(properties('ReconcileEventsRuleSchedule1')).toMatchObject({
      ScheduleExpression: 'rate(1 hour)',
      State: 'ENABLED',
    })
    expect(properties('ReconcileEventSourceMappingSQSReconcileQueue')).toMatchObject({
      EventSourceArn: { 'Fn::GetAtt': ['ReconcileQueue', 'Arn'] },
    })
  })
})
