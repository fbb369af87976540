import { beforeAll, describe, expect, test } from 'vitest'
import type { CompiledTemplate, TemplateResource } from '../../../infra/build/template.ts'
import { isObject } from '../../../lib/base/json.ts'
import { packagedLocal } from '../../support/packaged.ts'

let template: CompiledTemplate
beforeAll(async () => {
  template = (await packagedLocal()).template
})

const ofType = (type: string): [string, TemplateResource][] =>
  Object.entries(template.Resources).filter(([, { Type }]) => Type === type)

/** Every statement of every policy anywhere in the template, with the resource it stands in. */
function statements(): { readonly at: string; readonly statement: Record<string, unknown> }[] {
  const found: { at: string; statement: Record<string, unknown> }[] = []
  const visit = (at: string, value: unknown): void => {
    if (Array.isArray(value)) for (const one of value) visit(at, one)
    if (!isObject(value)) return
    if (typeof value.Effect === 'string') found.push({ at, statement: value })
    for (const inner of Object.values(value)) visit(at, inner)
  }
  for (const [id, { Properties }] of Object.entries(template.Resources)) visit(id, Properties)
  return found
}

describe('who may do what', () => {
  /** Every right to allow with a wildcard in it, and why it has one. */
  const WILDCARDS: Readonly<Record<string, string>> = {
    'IngestRole WriteLog': 'Lambda chooses the names of the log streams below the function’s own group.',
    'AutomateRole WriteLog': 'The same.',
    'ReconcileRole WriteLog': 'The same.',
    'BackfillRole WriteLog': 'The same.',
  }

  test('no right has a wildcard but those that are listed with a reason', () => {
    const all = statements().filter(({ statement }) => statement.Effect === 'Allow')
    expect(all.length).toBeGreaterThan(5)
    const wild = all.filter(({ statement: { Action, Resource } }) =>
      JSON.stringify([Action, Resource ?? '']).includes('*'),
    )
    expect(wild.map(({ at, statement }) => `${at} ${statement.Sid}`).sort()).toEqual(
      Object.keys(WILDCARDS).sort(),
    )
    // And what is listed has it in the name of the stream alone.
    for (const { statement } of wild) {
      expect(statement.Action).toEqual(['logs:CreateLogStream', 'logs:PutLogEvents'])
      expect(JSON.stringify(statement.Resource).match(/\*/g)).toHaveLength(1)
      expect(JSON.stringify(statement.Resource)).toMatch(
        /log-group:\/aws\/lambda\/boxhooks-local-(ingest|automate|reconcile|backfill):\*"/,
      )
    }
  })

  test('only Lambda takes on the roles', () => {
    const trusted = statements().filter(({ statement }) => statement.Action === 'sts:AssumeRole')
    expect(trusted.map(({ at }) => at).sort()).toEqual([
      'AutomateRole',
      'BackfillRole',
      'IngestRole',
      'ReconcileRole',
    ])
    for (const { statement } of trusted)
      expect(statement.Principal).toEqual({ Service: 'lambda.amazonaws.com' })
  })

  test('only this API calls ingest, only its schedule reconcile, and nobody from outside calls automate', () => {
    const permissions = ofType('AWS::Lambda::Permission').map(([, { Properties }]) => Properties)
    const calls = permissions.map(({ FunctionName, Principal, SourceArn }) =>
      JSON.stringify([FunctionName, Principal, SourceArn]),
    )
    expect(calls.sort()).toEqual([
      expect.stringMatching(/"IngestLambdaFunction".*"apigateway.amazonaws.com".*\{"Ref":"HttpApi"\}/),
      expect.stringMatching(
        /"ReconcileLambdaFunction".*"events.amazonaws.com".*"ReconcileEventsRuleSchedule1"/,
      ),
    ])
    expect(ofType('AWS::Lambda::Url')).toEqual([])
  })

  test('ingest can read neither the app’s credentials nor the ledger, and automate no signature key', () => {
    const role = (id: string) => JSON.stringify(template.Resources[id])
    expect(role('IngestRole')).not.toMatch(/BoxAppSecret|LedgerTable|DeadLetterQueue/)
    expect(role('AutomateRole')).not.toContain('SignatureKeysSecret')
    expect(role('ReconcileRole')).not.toMatch(/SignatureKeysSecret|"Queue"|DeadLetterQueue/)
    expect(role('BackfillRole')).not.toMatch(/SignatureKeysSecret|DeadLetterQueue|DeleteItem|UpdateItem/)
  })

  test('nobody is allowed anything by a resource’s own policy', () => {
    const own = statements().filter(({ at, statement }) => /Policy$/.test(at) && statement.Effect !== 'Deny')
    expect(own).toEqual([])
  })
})

describe('what lies still', () => {
  test('is encrypted: the queues by SQS, and table and secrets as AWS always does', () => {
    const queues = ofType('AWS::SQS::Queue')
    expect(queues).toHaveLength(3)
    for (const [, { Properties }] of queues) expect(Properties.SqsManagedSseEnabled).toBe(true)
    for (const [, { Properties }] of ofType('AWS::DynamoDB::Table'))
      expect(isObject(Properties.SSESpecification) && Properties.SSESpecification.SSEEnabled === false).toBe(
        false,
      )
  })

  test('holds no secret in the template, and none in a function’s environment', () => {
    for (const [, { Properties }] of ofType('AWS::SecretsManager::Secret'))
      expect(Properties.SecretString).toMatch(/^(\{\}|\{"primary":"","secondary":""\})$/)
    for (const [id, { Properties }] of ofType('AWS::Lambda::Function')) {
      const { Environment } = Properties
      const variables = isObject(Environment) && isObject(Environment.Variables) ? Environment.Variables : {}
      for (const name of Object.keys(variables))
        expect(name, id).not.toMatch(/KEY$|TOKEN|PASSWORD|SECRET(?!_ID$|S?_SECRET_ID$)/)
    }
  })

  test('in logs is kept for a while, not for good, the access log without query and headers', () => {
    const groups = ofType('AWS::Logs::LogGroup')
    expect(groups.length).toBeGreaterThan(2)
    for (const [id, { Properties }] of groups) expect(Properties.RetentionInDays, id).toBe(30)
    const format = JSON.stringify(template.Resources.HttpApiStage?.Properties.AccessLogSettings)
    expect(format).toContain('$context.status')
    expect(format).not.toMatch(/query|header|authorizer|identity|body/i)
  })
})
