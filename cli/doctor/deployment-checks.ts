import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DescribeAlarmsCommand, type MetricAlarm } from '@aws-sdk/client-cloudwatch'
import { GetTopicAttributesCommand } from '@aws-sdk/client-sns'
import { parse } from 'yaml'
import { FUNCTIONS, ROOT } from '../../infra/build/bundle.ts'
import { parseVersion, type Version, versionOf } from '../../infra/build/version.ts'
import { readStageValues } from '../../infra/stage/stage-params.ts'
import { isObject } from '../../lib/base/json.ts'
import type { DeployedAutomation } from '../../lib/webhooks/box-check.ts'
import {
  type Check,
  CheckInconclusive,
  callAws,
  type DoctorContext,
  deployedFunction,
  deployFix,
  type FunctionState,
} from './context.ts'
import { type Finding, fail, ok, pluralize, unknown, warn } from './finding.ts'

const RIGHTS = ['lambda:GetFunctionConfiguration']
const LOCAL = 'The local stack runs what this clone holds, and loads changes on its own.'

/** What is deployed, compared with this clone. */
export const VERSION_CHECKS: readonly Check[] = [
  { group: 'Versions', name: 'functions', rights: RIGHTS, notLocal: LOCAL, run: checkFunctions },
  { group: 'Versions', name: 'version', rights: RIGHTS, notLocal: LOCAL, run: checkVersion },
  { group: 'Versions', name: 'settings', rights: RIGHTS, notLocal: LOCAL, run: checkSettings },
  {
    group: 'Versions',
    name: 'automations',
    rights: ['lambda:InvokeFunction'],
    run: checkAutomations,
  },
]

const allFunctions = (
  context: DoctorContext,
  signal: AbortSignal,
): Promise<(readonly [string, FunctionState])[]> =>
  Promise.all(FUNCTIONS.map(async name => [name, await deployedFunction(context, name, signal)] as const))

async function checkFunctions(context: DoctorContext, signal: AbortSignal): Promise<Finding> {
  const [functions, service] = await Promise.all([allFunctions(context, signal), deployedRuntime()])
  const { runtime, architecture } = service
  const broken = functions.filter(([, one]) => /^Failed$/.test(one.state) || one.lastUpdate === 'Failed')
  const line = ([name, one]: readonly [string, FunctionState]) =>
    `${name}: ${one.state}, last update ${one.lastUpdate}, ${one.runtime}, ${one.architecture}`
  if (broken.length > 0)
    return fail('A function did not take its last update.', deployFix(context), { details: broken.map(line) })
  const others = functions.filter(([, one]) => one.runtime !== runtime || one.architecture !== architecture)
  if (others.length > 0)
    return warn(`A function does not run on ${runtime}, ${architecture}.`, deployFix(context), {
      details: others.map(line),
    })
  const busy = functions.filter(([, one]) => /Pending|InProgress/.test(`${one.state} ${one.lastUpdate}`))
  if (busy.length > 0)
    return warn('A deployment is under way.', 'Check again in a minute.', { details: busy.map(line) })
  return ok(
    `${pluralize(functions.length, 'function')} on ${runtime}, ${architecture}, the last update successful.`,
  )
}

/** Reads which runtime and architecture boxhooks deploys. */
async function deployedRuntime(): Promise<{ runtime: string; architecture: string }> {
  const text = await readFile(join(ROOT, 'infra', 'serverless', 'service.yml'), 'utf8')
  const service: unknown = parse(text, { logLevel: 'error' })
  const provider = isObject(service) && isObject(service.provider) ? service.provider : {}
  return { runtime: String(provider.runtime), architecture: String(provider.architecture) }
}

async function checkVersion(context: DoctorContext, signal: AbortSignal): Promise<Finding> {
  const [functions, clone] = await Promise.all([
    allFunctions(context, signal),
    versionOf(context.root, context.project),
  ])
  const deployed = functions.map(([, { env }]) => env.BOXHOOKS_VERSION)
  return versionFinding(deployed, clone, context)
}

/** @param deployed the version that each function reports */
function versionFinding(
  deployed: readonly (string | undefined)[],
  clone: Version,
  context: Pick<DoctorContext, 'ref'>,
): Finding {
  if (new Set(deployed).size > 1)
    return fail('The functions have different versions: a deployment was interrupted.', deployFix(context))
  const version = parseVersion(deployed[0])
  if (!version) return warn('The functions report no version: an older one is deployed.', deployFix(context))
  const differs = [
    ...(version.release === clone.release
      ? []
      : [`release ${version.release} is deployed, and ${clone.release} here`]),
    ...(version.code === clone.code ? [] : ['the functions’ code differs']),
    ...(version.stack === clone.stack ? [] : ['the template differs']),
  ]
  return differs.length === 0
    ? ok(`${clone.release} is deployed, as in this clone.`)
    : warn(
        `The deployed version differs from this clone: ${differs.join('; ')}.`,
        `Update this clone, or deploy it: ${deployFix(context)}`,
      )
}

async function checkSettings(context: DoctorContext, signal: AbortSignal): Promise<Finding> {
  const { ref } = context
  if (!('stage' in ref)) throw new CheckInconclusive(LOCAL)
  const [manifest, settingOf, { env }] = await Promise.all([
    context.manifest(),
    readStageValues(ref.stage, join(context.project, 'serverless.yml')),
    deployedFunction(context, 'automate', signal),
  ])
  const names = [...new Set(manifest.flatMap(({ settings }) => Object.keys(settings)))].sort()
  const differing = names.filter(name => {
    const here = settingOf(name)?.trim()
    return here !== undefined && here !== env[name]
  })
  if (differing.length > 0)
    return warn(
      `${pluralize(differing.length, 'setting')} with another value than in serverless.yml: ${differing.join(', ')}.`,
      deployFix(context),
    )
  return ok(`${pluralize(names.length, 'setting')} as in serverless.yml.`)
}

async function checkAutomations(context: DoctorContext): Promise<Finding> {
  const [deployed, clone] = await Promise.all([
    context.boxCheck().then(check => check.automations),
    context.manifest().catch((error: Error) => error),
  ])
  if (clone instanceof Error)
    return unknown(`The automations of this clone can't be read: ${clone.message}`, 'npm run build')
  return automationsFinding(deployed, clone, context)
}

/** Compares the automations that are deployed with those in the clone. */
function automationsFinding(
  deployed: readonly Pick<DeployedAutomation, 'name' | 'on'>[],
  clone: readonly Pick<DeployedAutomation, 'name' | 'on'>[],
  context: Pick<DoctorContext, 'ref'>,
): Finding {
  const there = new Map(deployed.map(({ name, on }) => [name, triggersText(on)]))
  const here = new Map(clone.map(({ name, on }) => [name, triggersText(on)]))
  const details = [
    ...[...here.keys()].filter(name => !there.has(name)).map(name => `${name} is not deployed.`),
    ...[...there.keys()]
      .filter(name => !here.has(name))
      .map(name => `${name} is deployed but not declared here.`),
    ...[...here]
      .filter(([name, on]) => there.has(name) && there.get(name) !== on)
      .map(([name, on]) => `${name} is on ${on} here, and on ${there.get(name)} there.`),
  ]
  return details.length === 0
    ? ok(`${pluralize(there.size, 'automation')}, the same as in this clone.`)
    : warn('The deployed automations are not those of this clone.', deployFix(context), { details })
}

const triggersText = (on: readonly string[]): string => on.toSorted().join(', ')

const NO_ALARMS = 'The local stack has no alarms.'

/** The alarms, and who hears them. */
export const ALARM_CHECKS: readonly Check[] = [
  {
    group: 'Alarms',
    name: 'alarms',
    rights: ['cloudwatch:DescribeAlarms'],
    notLocal: NO_ALARMS,
    outputs: ['AlarmTopicArn'],
    run: checkAlarms,
  },
  {
    group: 'Alarms',
    name: 'alarm-topic',
    rights: ['sns:GetTopicAttributes'],
    notLocal: NO_ALARMS,
    outputs: ['AlarmTopicArn'],
    run: checkAlarmTopic,
  },
]

/** Alarms that need a look, though nothing is broken or lost. */
const MILD = /(DeadLetters|Refusals|DeliveriesTooOld|RunsWaitingLong|BoxSilent|Throttles)Alarm/

async function checkAlarms(context: DoctorContext, signal: AbortSignal): Promise<Finding> {
  const topic = context.outputs.AlarmTopicArn ?? ''
  const alarms = (await allAlarms(context, signal))
    // Another stage's name may begin with this one's, but its alarms go to a topic of its own.
    .filter(({ AlarmActions = [] }) => AlarmActions.includes(topic))
  if (alarms.length === 0) return fail('The stage has no alarm.', deployFix(context))
  const silent = alarms.filter(({ ActionsEnabled }) => ActionsEnabled === false)
  const raised = alarms.filter(({ StateValue }) => StateValue === 'ALARM')
  if (raised.length > 0) {
    const say = raised.every(({ AlarmName = '' }) => MILD.test(AlarmName)) ? warn : fail
    return say(
      `${pluralize(raised.length, 'alarm')} of ${alarms.length} raised.`,
      'See docs/operate.md#alarms for what to do about each.',
      { details: raised.map(alarm => lineOf(alarm, context)) },
    )
  }
  if (silent.length > 0)
    return warn(
      `${pluralize(silent.length, 'alarm')} of ${alarms.length} notify no one.`,
      `aws cloudwatch enable-alarm-actions --region ${context.region} --alarm-names ${silent.map(({ AlarmName }) => AlarmName).join(' ')}`,
    )
  return ok(`${pluralize(alarms.length, 'alarm')}, none raised.`)
}

async function allAlarms(context: DoctorContext, signal: AbortSignal): Promise<MetricAlarm[]> {
  const { ref } = context
  const AlarmNamePrefix = `boxhooks-${'stage' in ref ? ref.stage : ''}-`
  const alarms: MetricAlarm[] = []
  let token: string | undefined
  do {
    const NextToken = token === undefined ? {} : { NextToken: token }
    const command = new DescribeAlarmsCommand({ AlarmNamePrefix, MaxRecords: 100, ...NextToken })
    const page = await callAws(context, 'cloudwatch:DescribeAlarms', signal, options =>
      context.clients.cloudwatch.send(command, options),
    )
    alarms.push(...(page.MetricAlarms ?? []))
    token = page.NextToken
  } while (token)
  return alarms
}

/** Formats an alarm: its name as in docs/operate.md, since when, and what it means. */
function lineOf(
  { AlarmName = '', StateUpdatedTimestamp, AlarmDescription }: MetricAlarm,
  { ref }: DoctorContext,
) {
  const prefix = `boxhooks-${'stage' in ref ? ref.stage : ''}-`
  const name = AlarmName.slice(prefix.length).replace(/Alarm(-\w+)?$/, '')
  const since = StateUpdatedTimestamp ? `, since ${StateUpdatedTimestamp.toISOString().slice(0, 16)}Z` : ''
  return `${name}${since}: ${AlarmDescription ?? ''}`
}

async function checkAlarmTopic(context: DoctorContext, signal: AbortSignal): Promise<Finding> {
  const TopicArn = context.outputs.AlarmTopicArn ?? ''
  const answer = await callAws(context, `sns:GetTopicAttributes on ${TopicArn}`, signal, options =>
    context.clients.sns.send(new GetTopicAttributesCommand({ TopicArn }), options).catch((error: unknown) => {
      if (error instanceof Error && /^NotFound/.test(error.name)) return undefined
      throw error
    }),
  )
  if (!answer) throw new CheckInconclusive(`There is no topic ${TopicArn}. ${deployFix(context)}`)
  const confirmed = Number(answer.Attributes?.SubscriptionsConfirmed ?? 0)
  const pending = Number(answer.Attributes?.SubscriptionsPending ?? 0)
  if (confirmed > 0) return ok(`${pluralize(confirmed, 'subscription')} to the alarms confirmed.`)
  return pending > 0
    ? warn(
        'The alarms notify no one: the subscription is not confirmed yet.',
        'Confirm the subscription in the mail "AWS Notification - Subscription Confirmation" to params.alarmEmail.',
      )
    : warn(
        'The alarms notify no one.',
        'Set params.alarmEmail in serverless.yml and deploy, or subscribe to the topic in the SNS console.',
      )
}
