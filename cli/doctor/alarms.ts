import { DescribeAlarmsCommand, type MetricAlarm } from '@aws-sdk/client-cloudwatch'
import { GetTopicAttributesCommand } from '@aws-sdk/client-sns'
import { asked, type Check, deployFix, Unjudged } from './check.ts'
import type { Scene } from './context.ts'
import { type Finding, fail, ok, so, warn } from './finding.ts'

const LOCAL = 'The local stack has no alarms.'

/** The alarms, and who hears them. */
export const ALARM_CHECKS: readonly Check[] = [
  {
    group: 'Alarms',
    name: 'alarms',
    rights: ['cloudwatch:DescribeAlarms'],
    notLocal: LOCAL,
    outputs: ['AlarmTopicArn'],
    run: lookAtAlarms,
  },
  {
    group: 'Alarms',
    name: 'alarm-topic',
    rights: ['sns:GetTopicAttributes'],
    notLocal: LOCAL,
    outputs: ['AlarmTopicArn'],
    run: lookAtTopic,
  },
]

/** What is not lost, or told already, or may be right: it is to be looked at, but nothing is broken for it. */
const MILD = /(DeadLetters|Refusals|DeliveriesTooOld|RunsWaitingLong|BoxSilent|Throttles)Alarm/

async function lookAtAlarms(scene: Scene, signal: AbortSignal): Promise<Finding> {
  const topic = scene.outputs.AlarmTopicArn ?? ''
  const alarms = (await allAlarms(scene, signal))
    // Another stage's name may begin with this one's, but its alarms go to a topic of its own.
    .filter(({ AlarmActions = [] }) => AlarmActions.includes(topic))
  if (alarms.length === 0) return fail('The stage has no alarm.', deployFix(scene))
  const silent = alarms.filter(({ ActionsEnabled }) => ActionsEnabled === false)
  const raised = alarms.filter(({ StateValue }) => StateValue === 'ALARM')
  if (raised.length > 0) {
    const say = raised.every(({ AlarmName = '' }) => MILD.test(AlarmName)) ? warn : fail
    return say(
      `${so(raised.length, 'alarm')} of ${alarms.length} raised.`,
      'docs/operate.md#alarms says of each what to do, the likeliest first.',
      { details: raised.map(alarm => lineOf(alarm, scene)) },
    )
  }
  if (silent.length > 0)
    return warn(
      `${so(silent.length, 'alarm')} of ${alarms.length} would tell nobody.`,
      `aws cloudwatch enable-alarm-actions --region ${scene.region} --alarm-names ${silent.map(({ AlarmName }) => AlarmName).join(' ')}`,
    )
  return ok(`${so(alarms.length, 'alarm')}, none raised.`)
}

async function allAlarms(scene: Scene, signal: AbortSignal): Promise<MetricAlarm[]> {
  const { place } = scene
  const AlarmNamePrefix = `boxhooks-${'stage' in place ? place.stage : ''}-`
  const alarms: MetricAlarm[] = []
  let token: string | undefined
  do {
    const NextToken = token === undefined ? {} : { NextToken: token }
    const command = new DescribeAlarmsCommand({ AlarmNamePrefix, MaxRecords: 100, ...NextToken })
    const page = await asked(scene, 'cloudwatch:DescribeAlarms', signal, options =>
      scene.clients.cloudwatch.send(command, options),
    )
    alarms.push(...(page.MetricAlarms ?? []))
    token = page.NextToken
  } while (token)
  return alarms
}

/** An alarm by the name that docs/operate.md has, since when, and what it means. */
function lineOf({ AlarmName = '', StateUpdatedTimestamp, AlarmDescription }: MetricAlarm, { place }: Scene) {
  const prefix = `boxhooks-${'stage' in place ? place.stage : ''}-`
  const name = AlarmName.slice(prefix.length).replace(/Alarm(-\w+)?$/, '')
  const since = StateUpdatedTimestamp ? `, since ${StateUpdatedTimestamp.toISOString().slice(0, 16)}Z` : ''
  return `${name}${since}: ${AlarmDescription ?? ''}`
}

async function lookAtTopic(scene: Scene, signal: AbortSignal): Promise<Finding> {
  const TopicArn = scene.outputs.AlarmTopicArn ?? ''
  const answer = await asked(scene, `sns:GetTopicAttributes on ${TopicArn}`, signal, options =>
    scene.clients.sns.send(new GetTopicAttributesCommand({ TopicArn }), options).catch((error: unknown) => {
      if (error instanceof Error && /^NotFound/.test(error.name)) return undefined
      throw error
    }),
  )
  if (!answer) throw new Unjudged(`There is no topic ${TopicArn}. ${deployFix(scene)}`)
  const confirmed = Number(answer.Attributes?.SubscriptionsConfirmed ?? 0)
  const pending = Number(answer.Attributes?.SubscriptionsPending ?? 0)
  if (confirmed > 0) return ok(`${so(confirmed, 'subscription')} to the alarms confirmed.`)
  return pending > 0
    ? warn(
        'Nobody hears the alarms: the subscription is not confirmed yet.',
        'Open the mail "AWS Notification - Subscription Confirmation" at the address in params.alarmEmail, and confirm it.',
      )
    : warn(
        'Nobody hears the alarms.',
        'Set params.alarmEmail in serverless.yml and deploy, or subscribe to the topic in the SNS console.',
      )
}
