import type { StackFacts } from '../../../cli/cost/trace.ts'
import { type CompiledTemplate, numberOf, resource } from '../../../infra/template.ts'
import { isObject } from '../../../lib/json.ts'

/** Reads what the template makes that costs something whether or not anything happens, and how large it is. */
export function stackFacts(template: CompiledTemplate, metrics: readonly string[]): StackFacts {
  const count = (type: string) => ofType(template, type).length
  const filters = ofType(template, 'AWS::Logs::MetricFilter').flatMap(({ MetricTransformations: made }) =>
    Array.isArray(made) ? made.map(({ MetricName }) => String(MetricName)) : [],
  )
  const { GlobalSecondaryIndexes: indexes } = resource(template, 'LedgerTable').Properties
  return {
    secrets: count('AWS::SecretsManager::Secret'),
    alarms: count('AWS::CloudWatch::Alarm'),
    dashboards: count('AWS::CloudWatch::Dashboard'),
    metrics: [...new Set([...filters, ...metrics])].filter(isOfOne).sort(),
    polledQueues: count('AWS::Lambda::EventSourceMapping'),
    indexes: Array.isArray(indexes) ? indexes.length : 0,
    reconciliationsPerMonth: reconciliations(template),
    memoryMb: {
      ingest: numberOf(template, 'IngestLambdaFunction', 'MemorySize'),
      automate: numberOf(template, 'AutomateLambdaFunction', 'MemorySize'),
      reconcile: numberOf(template, 'ReconcileLambdaFunction', 'MemorySize'),
    },
    logRetentionDays: numberOf(template, 'IngestLogGroup', 'RetentionInDays'),
    automateEvents: automateEvents(template),
    accessLogBytes: accessLogBytes(template),
    keepDays: KEEP_DAYS,
  }
}

/** What lib/ledger.ts keeps a record for. */
const KEEP_DAYS = 35

const ofType = ({ Resources }: CompiledTemplate, type: string) =>
  Object.values(Resources).flatMap(({ Type, Properties }) => (Type === type ? [Properties] : []))

function reconciliations(template: CompiledTemplate): number {
  const { ScheduleExpression: schedule } = resource(template, 'ReconcileEventsRuleSchedule1').Properties
  const [, every = '', unit = ''] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(String(schedule)) ?? []
  const hours = { minute: 1 / 60, hour: 1, day: 24 }[unit]
  if (hours === undefined) throw new TypeError(`The schedule ${schedule} is not counted here.`)
  return 730 / (Number(every) * hours)
}

function automateEvents(template: CompiledTemplate): number {
  const { Environment } = resource(template, 'AutomateLambdaFunction').Properties
  const variables = isObject(Environment) && isObject(Environment.Variables) ? Environment.Variables : {}
  return Number(variables.AUTOMATE_CONCURRENCY)
}

/** What the front door writes for each request, with values of the usual length. */
const CONTEXT: Readonly<Record<string, string>> = {
  '$context.requestId': 'JKJaXmPLvHcESHA=',
  '$context.requestTime': '10/Nov/2026:19:03:58 +0000',
  '$context.httpMethod': 'POST',
  '$context.routeKey': '$default',
  '$context.status': '202',
  '$context.responseLatency': '24',
  '$context.integrationErrorMessage': '-',
}

function accessLogBytes(template: CompiledTemplate): number {
  const { AccessLogSettings: settings } = resource(template, 'HttpApiStage').Properties
  const format = isObject(settings) ? String(settings.Format) : ''
  return Object.entries(CONTEXT).reduce((line, [name, value]) => line.replaceAll(name, value), format).length
}

/** A stage is taken to have one automation: the trace's others have metrics of their own, which are left out. */
const isOfOne = (metric: string): boolean => !/measured-automation-(?!01)\d\d/.test(metric)
