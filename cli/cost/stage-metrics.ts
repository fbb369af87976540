import { CloudWatchClient, GetMetricDataCommand, type MetricDataQuery } from '@aws-sdk/client-cloudwatch'
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { AwsUnreachable, awsReason } from '../../infra/aws-reason.ts'
import { readStage } from '../../infra/stage.ts'

/** What CloudWatch has counted of a stage. */
export type StageMetrics = {
  readonly stage: string
  readonly days: number
  /** Messages that ingest has put on the queue, renewed ones included. */
  readonly accepted: number
  readonly httpRequests: number
  readonly sent: number
  readonly emptyReceives: number
  readonly writeUnits: number
  readonly readUnits: number
  readonly ingest: FunctionMetrics
  readonly automate: FunctionMetrics
  readonly reconcile: FunctionMetrics
  readonly logBytes: { readonly events: number; readonly reconcile: number }
}

export type FunctionMetrics = {
  readonly invocations: number
  /** Without the start of instances, which this metric leaves out. */
  readonly gbSeconds: number
  readonly memoryMb: number
}

type StageOptions = {
  readonly stage: string
  readonly region: string
  readonly days: number
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** A sum over all the days. */
type Wanted = {
  readonly namespace: string
  readonly metric: string
  readonly dimensions: Readonly<Record<string, string>>
}

const FUNCTIONS = ['ingest', 'automate', 'reconcile'] as const
const INDEXES = ['bySource', 'byDay'] as const

/** CloudWatch keeps sums of a day for fifteen months. */
const DAY_SECONDS = 86_400

/**
 * Reads what CloudWatch has counted of a stage, and how much memory its functions have.
 * @param options.days how far to look back
 * @throws AwsUnreachable with what to do
 */
export async function readStageMetrics(options: StageOptions): Promise<StageMetrics> {
  const { stage, region, days } = options
  const outputs = await readStage({ stage, region })
  const memory = await readMemory(options)
  const sums = await readSums(options, wantedOf(stage, outputs))
  const sum = (name: string) => sums.get(name) ?? 0
  const metricsOf = (name: (typeof FUNCTIONS)[number]): FunctionMetrics => ({
    invocations: sum(`${name}Invocations`),
    gbSeconds: (sum(`${name}Duration`) / 1000) * (memory[name] / 1024),
    memoryMb: memory[name],
  })
  return {
    stage,
    days,
    accepted: sum('sent'),
    httpRequests: sum('requests'),
    sent: sum('sent'),
    emptyReceives: sum('empty'),
    writeUnits: sum('written') + INDEXES.reduce((total, index) => total + sum(`${index}Written`), 0),
    readUnits: sum('read'),
    ingest: metricsOf('ingest'),
    automate: metricsOf('automate'),
    reconcile: metricsOf('reconcile'),
    logBytes: {
      events: sum('ingestLog') + sum('automateLog') + sum('accessLog'),
      reconcile: sum('reconcileLog'),
    },
  }
}

function wantedOf(stage: string, outputs: Readonly<Record<string, string>>): ReadonlyMap<string, Wanted> {
  const output = (name: string): string => {
    const value = outputs[name]
    if (value) return value
    throw new AwsUnreachable(
      `The stack boxhooks-${stage} has no output ${name}. Deploy the stage again: npm run deploy -- --stage ${stage}`,
    )
  }
  const table = { TableName: output('LedgerTable') }
  const queue = { QueueName: output('QueueUrl').split('/').at(-1) ?? '' }
  const [apiId = ''] = new URL(output('WebhookUrl')).hostname.split('.')
  const of = (namespace: string, metric: string, dimensions: Readonly<Record<string, string>>): Wanted => ({
    namespace,
    metric,
    dimensions,
  })
  const perFunction = FUNCTIONS.flatMap(name => {
    const FunctionName = `boxhooks-${stage}-${name}`
    return [
      [`${name}Invocations`, of('AWS/Lambda', 'Invocations', { FunctionName })],
      [`${name}Duration`, of('AWS/Lambda', 'Duration', { FunctionName })],
      [`${name}Log`, of('AWS/Logs', 'IncomingBytes', { LogGroupName: `/aws/lambda/${FunctionName}` })],
    ] as const
  })
  const perIndex = INDEXES.map(
    index =>
      [
        `${index}Written`,
        of('AWS/DynamoDB', 'ConsumedWriteCapacityUnits', { ...table, GlobalSecondaryIndexName: index }),
      ] as const,
  )
  return new Map([
    ...perFunction,
    ...perIndex,
    ['requests', of('AWS/ApiGateway', 'Count', { ApiId: apiId })],
    ['accessLog', of('AWS/Logs', 'IncomingBytes', { LogGroupName: `/aws/http-api/boxhooks-${stage}` })],
    ['sent', of('AWS/SQS', 'NumberOfMessagesSent', queue)],
    ['empty', of('AWS/SQS', 'NumberOfEmptyReceives', queue)],
    ['written', of('AWS/DynamoDB', 'ConsumedWriteCapacityUnits', table)],
    ['read', of('AWS/DynamoDB', 'ConsumedReadCapacityUnits', table)],
  ])
}

async function readSums(
  { region, days, now }: StageOptions,
  wanted: ReadonlyMap<string, Wanted>,
): Promise<ReadonlyMap<string, number>> {
  const client = new CloudWatchClient({ region, maxAttempts: 2 })
  const EndTime = new Date(now)
  const StartTime = new Date(EndTime.getTime() - days * DAY_SECONDS * 1000)
  const MetricDataQueries = [...wanted].map(([Id, one]): MetricDataQuery => ({ Id, MetricStat: statOf(one) }))
  const sums = new Map<string, number>()
  let NextToken: string | undefined
  try {
    do {
      const input = { MetricDataQueries, StartTime, EndTime, ...(NextToken ? { NextToken } : {}) }
      const answer = await client.send(new GetMetricDataCommand(input))
      for (const { Id = '', Values = [] } of answer.MetricDataResults ?? [])
        sums.set(
          Id,
          Values.reduce((total, value) => total + value, sums.get(Id) ?? 0),
        )
      NextToken = answer.NextToken
    } while (NextToken)
    return sums
  } catch (error) {
    throw new AwsUnreachable(awsReason(error, 'cloudwatch:GetMetricData', region), { cause: error })
  } finally {
    client.destroy()
  }
}

const statOf = ({ namespace, metric, dimensions }: Wanted) => ({
  Metric: {
    Namespace: namespace,
    MetricName: metric,
    Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
  },
  Period: DAY_SECONDS,
  Stat: 'Sum',
})

async function readMemory({
  stage,
  region,
}: StageOptions): Promise<Readonly<Record<(typeof FUNCTIONS)[number], number>>> {
  const client = new LambdaClient({ region, maxAttempts: 2 })
  const memoryOf = async (name: string): Promise<number> => {
    const FunctionName = `boxhooks-${stage}-${name}`
    const { MemorySize } = await client.send(new GetFunctionConfigurationCommand({ FunctionName }))
    return MemorySize ?? 0
  }
  try {
    const [ingest, automate, reconcile] = await Promise.all([
      memoryOf('ingest'),
      memoryOf('automate'),
      memoryOf('reconcile'),
    ])
    return { ingest, automate, reconcile }
  } catch (error) {
    throw new AwsUnreachable(awsReason(error, 'lambda:GetFunctionConfiguration', region), { cause: error })
  } finally {
    client.destroy()
  }
}
