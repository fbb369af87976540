import { GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch'
import { ListEventSourceMappingsCommand } from '@aws-sdk/client-lambda'
import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs'
import { parseObject } from '../../lib/base/json.ts'
import type { DoctorContext } from './context.ts'
import { type Check, callAws, deployFix, functionName } from './context.ts'
import { type Finding, fail, ok, pluralize, spanText, warn } from './finding.ts'

const LOCAL = 'The local stack polls the queue itself.'

/** The queue, its consumer, and the dead letters. */
export const QUEUE_CHECKS: readonly Check[] = [
  {
    group: 'Queue',
    name: 'queue',
    rights: ['sqs:GetQueueAttributes'],
    outputs: ['QueueUrl', 'DeadLetterQueueUrl'],
    run: checkQueue,
  },
  {
    group: 'Queue',
    name: 'queue-age',
    rights: ['cloudwatch:GetMetricStatistics'],
    notLocal: 'CloudWatch measures the age of the backlog, and the local stack has no CloudWatch.',
    outputs: ['QueueUrl'],
    run: checkAge,
  },
  {
    group: 'Queue',
    name: 'consumer',
    rights: ['sqs:GetQueueAttributes', 'lambda:ListEventSourceMappings'],
    notLocal: LOCAL,
    outputs: ['QueueUrl'],
    run: (context, signal) => checkConsumer(context, signal),
  },
  {
    group: 'Queue',
    name: 'dead-letters',
    rights: ['sqs:GetQueueAttributes'],
    outputs: ['DeadLetterQueueUrl'],
    run: checkDeadLetters,
  },
]

type Attributes = Readonly<Record<string, string | undefined>>

async function attributesOf(
  context: DoctorContext,
  output: string,
  signal: AbortSignal,
): Promise<Attributes> {
  const QueueUrl = context.outputs[output] ?? ''
  const right = `sqs:GetQueueAttributes on ${nameOf(QueueUrl)}`
  const command = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] })
  const answer = await callAws(context, right, signal, options => context.clients.sqs.send(command, options))
  return answer.Attributes ?? {}
}

const nameOf = (queueUrl: string): string => queueUrl.slice(queueUrl.lastIndexOf('/') + 1)

/** More than a burst of deliveries leaves behind for some minutes. */
const WAITING_MANY = 1000

async function checkQueue(context: DoctorContext, signal: AbortSignal): Promise<Finding> {
  const [queue, dead] = await Promise.all([
    attributesOf(context, 'QueueUrl', signal),
    attributesOf(context, 'DeadLetterQueueUrl', signal),
  ])
  const waiting = Number(queue.ApproximateNumberOfMessages ?? 0)
  const inFlight = Number(queue.ApproximateNumberOfMessagesNotVisible ?? 0)
  const delayed = Number(queue.ApproximateNumberOfMessagesDelayed ?? 0)
  const found = `${pluralize(waiting, 'event')} in the backlog, ${inFlight.toLocaleString('en')} in flight or waiting for a retry, ${delayed.toLocaleString('en')} delayed.`
  const redrive = parseObject(queue.RedrivePolicy ?? '')
  if (redrive?.deadLetterTargetArn !== dead.QueueArn)
    return fail(`${found} Failing messages do not go to the dead-letter queue.`, deployFix(context))
  return waiting > WAITING_MANY
    ? warn(
        found,
        'If the backlog does not shrink, check consumer and box_throttled in automate’s log; params.automateConcurrency sets how many events run at a time.',
      )
    : ok(found)
}

/** Longer than retries of a short outage take, and what the alarm QueueAge is raised at. */
const AGE = { warnSeconds: 3600, failSeconds: 21_600 }
const PERIOD_SECONDS = 300

async function checkAge(context: DoctorContext, signal: AbortSignal): Promise<Finding> {
  const EndTime = new Date(context.now())
  const command = new GetMetricStatisticsCommand({
    Namespace: 'AWS/SQS',
    MetricName: 'ApproximateAgeOfOldestMessage',
    Dimensions: [{ Name: 'QueueName', Value: nameOf(context.outputs.QueueUrl ?? '') }],
    StartTime: new Date(EndTime.getTime() - 3 * PERIOD_SECONDS * 1000),
    EndTime,
    Period: PERIOD_SECONDS,
    Statistics: ['Maximum'],
  })
  const { Datapoints = [] } = await callAws(context, 'cloudwatch:GetMetricStatistics', signal, options =>
    context.clients.cloudwatch.send(command, options),
  )
  const latest = Datapoints.toSorted((a, b) => Number(b.Timestamp) - Number(a.Timestamp))[0]
  return ageFinding(latest?.Maximum, context.ref)
}

/** @param seconds undefined where CloudWatch has no figure */
function ageFinding(seconds: number | undefined, ref: DoctorContext['ref']): Finding {
  if (seconds === undefined) return ok('No event has waited in the last 15 minutes.')
  const found = `The oldest event has waited for ${spanText(seconds)}.`
  const log = functionName({ ref }, 'automate')
  const fix = `Box throttles (box_throttled) or rejects the app (box_auth), or automate fails: its log /aws/lambda/${log} says which.`
  if (seconds >= AGE.failSeconds) return fail(found, fix)
  return seconds >= AGE.warnSeconds ? warn(found, fix) : ok(found)
}

async function checkConsumer(context: DoctorContext, signal: AbortSignal): Promise<Finding> {
  const { QueueArn: EventSourceArn } = await attributesOf(context, 'QueueUrl', signal)
  const command = new ListEventSourceMappingsCommand({ EventSourceArn })
  const { EventSourceMappings = [] } = await callAws(
    context,
    'lambda:ListEventSourceMappings',
    signal,
    options => context.clients.lambda.send(command, options),
  )
  const automate = functionName(context, 'automate')
  const isOurs = ({ FunctionArn = '' }) => FunctionArn.split(':').includes(automate)
  const others = EventSourceMappings.filter(one => !isOurs(one))
  if (others.length > 0)
    return fail(
      'Another function reads the queue, and automate never sees its events.',
      `Delete its mapping: aws lambda delete-event-source-mapping --uuid UUID --region ${context.region}. To recover the events that it took: npx boxhooks backfill`,
      { details: others.map(({ FunctionArn, UUID }) => `${FunctionArn}, event source mapping ${UUID}`) },
    )
  const mapping = EventSourceMappings.find(isOurs)
  if (!mapping) return fail('Nothing reads the queue: its event source mapping is gone.', deployFix(context))
  const { State = '', UUID = '', BatchSize, ScalingConfig, LastProcessingResult: result } = mapping
  const concurrency = ScalingConfig?.MaximumConcurrency
  const limits = `${BatchSize ?? '?'} events a batch, ${concurrency === undefined ? 'any number of' : concurrency} Lambdas at a time`
  if (/^(Disabl|Delet)/.test(State))
    return fail(
      `The queue is not read: its event source mapping is ${State}.`,
      `aws lambda update-event-source-mapping --uuid ${UUID} --enabled --region ${context.region}`,
    )
  if (result && /^PROBLEM/.test(result))
    return fail(`Lambda can't invoke automate: ${result}`, deployFix(context))
  return State === 'Enabled'
    ? ok(`automate reads the queue: ${limits}.`)
    : warn(`The queue's event source mapping is ${State}: ${limits}.`, 'Check again in a minute.')
}

async function checkDeadLetters(context: DoctorContext, signal: AbortSignal): Promise<Finding> {
  const dead = await attributesOf(context, 'DeadLetterQueueUrl', signal)
  const hidden = Number(dead.ApproximateNumberOfMessagesNotVisible ?? 0)
  const letters = Number(dead.ApproximateNumberOfMessages ?? 0) + hidden
  return letters === 0
    ? ok('There is no dead letter.')
    : warn(`${pluralize(letters, 'dead letter')}.`, `npx boxhooks dlq list ${context.flags}`)
}
