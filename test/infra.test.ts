import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { osls, type Packaged } from '../infra/package.ts'
import { type CompiledTemplate, isObject, numberOf, resource } from '../infra/template.ts'
import { packagedLocal } from './packaged.ts'

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
    ).toEqual(['AutomateRole', 'IngestRole'])
    const actions = (role: string) =>
      statements(role)
        .flatMap(({ Action }) => Action)
        .sort()
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
    ])
  })

  test('names every resource in its policies, but for the log streams, whose names Lambda chooses', () => {
    const all = ['IngestRole', 'AutomateRole'].flatMap(statements)
    for (const { Resource, Sid } of all) {
      const named = isObject(Resource) && ('Ref' in Resource || 'Fn::GetAtt' in Resource)
      if (Sid !== 'WriteLog') expect(named, String(Sid)).toBe(true)
      else
        expect(JSON.stringify(Resource)).toMatch(
          /log-group:\/aws\/lambda\/boxhooks-local-(ingest|automate):\*"/,
        )
    }
  })

  test('gives the functions the environment they read, settings included', () => {
    const variables = (id: string) => {
      const { Environment } = properties(id)
      return isObject(Environment) ? Object.keys(Environment.Variables ?? {}).sort() : []
    }
    expect(variables('IngestLambdaFunction')).toEqual(['QUEUE_URL', 'SIGNATURE_KEYS_SECRET_ID'])
    expect(variables('AutomateLambdaFunction')).toEqual([
      'ALLOWED_DOMAINS',
      'ARCHIVE_FOLDER_ID',
      'AUTOMATE_CONCURRENCY',
      'BOX_APP_SECRET_ID',
      'DEAD_LETTER_QUEUE_URL',
      'LEDGER_TABLE',
      'QUEUE_URL',
      'REVIEW_FOLDER_ID',
    ])
    for (const id of ['IngestLambdaFunction', 'AutomateLambdaFunction'])
      expect(properties(id)).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'] })
  })

  test('throttles and logs at the front door, and keeps logs for a while', () => {
    expect(properties('HttpApiStage')).toMatchObject({
      DefaultRouteSettings: { ThrottlingRateLimit: 200, ThrottlingBurstLimit: 400 },
      AccessLogSettings: { Format: expect.stringContaining('$context.status') },
    })
    const groups = ofType('AWS::Logs::LogGroup')
    expect(groups).toHaveLength(3)
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
      'RefusalsAlarm',
    ])
    for (const [, { Properties }] of alarms) expect(Properties.AlarmActions).toEqual([{ Ref: 'AlarmTopic' }])
    expect(properties('RefusalsMetric').FilterPattern).toContain('$.event = "delivery_refused"')
  })

  test('has a dashboard that is JSON once its references are filled in', () => {
    const body = properties('Dashboard').DashboardBody
    const text = isObject(body) ? String(body['Fn::Sub']).replace(/\$\{[^}]*\}/g, 'x') : ''
    expect(JSON.parse(text).widgets).toHaveLength(6)
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

describe('packaging', () => {
  test('stops where a stage lacks settings, naming each with what it is and where to write it', async () => {
    const { output, code } = await osls(
      ['package', '--stage', 'nowhere', '--package', '.boxhooks/package/nowhere'],
      false,
    )
    expect(code).not.toBe(0)
    for (const told of [
      'REVIEW_FOLDER_ID',
      'ARCHIVE_FOLDER_ID',
      'ALLOWED_DOMAINS',
      'params.nowhere',
      '--param',
    ])
      expect(output).toContain(told)
  })

  test('adds what is optional only when asked, and the settings come by --param as well', async () => {
    const args = [
      'REVIEW_FOLDER_ID=1',
      'ARCHIVE_FOLDER_ID=2',
      'ALLOWED_DOMAINS=a.example',
      'alarmEmail=a@b.example',
    ]
    const domain = [
      'domainName=hooks.example',
      'certificateArn=arn:aws:acm:eu-central-1:123456789012:certificate/x',
    ]
    const params = [...args, ...domain, 'tracing=Active'].flatMap(param => ['--param', param])
    const folder = '.boxhooks/package/everything'
    const { code } = await osls(['package', '--stage', 'everything', '--package', folder, ...params], false)
    expect(code).toBe(0)
    const optional = ['AlarmSubscription', 'Domain', 'DomainMapping', 'TracePolicy']
    for (const id of optional) expect(template.Resources).not.toHaveProperty(id)
    const listed = execFileSync(process.execPath, [
      '-p',
      `Object.keys(require('./${folder}/cloudformation-template-update-stack.json').Resources).join()`,
    ]).toString()
    for (const id of optional) expect(listed).toContain(id)
  })
})

const lint = spawnSync('cfn-lint', ['--version'])
if (lint.error) console.warn('cfn-lint is not here: the template is not linted.')

test.skipIf(lint.error)('cfn-lint finds nothing but what osls writes itself (W3005)', () => {
  const file = join(packaged.folder, 'cloudformation-template-update-stack.json')
  const { stdout } = spawnSync('cfn-lint', ['--format', 'parseable', file], { encoding: 'utf8' })
  const findings = stdout.split('\n').filter(line => line && !line.includes(':W3005:'))
  expect(findings).toEqual([])
})
