import { readFile } from 'node:fs/promises'
import { count } from '../terminal/progress.ts'
import type { Shell } from '../terminal/shell.ts'
import { type Assumptions, DEFAULTS } from './assumptions.ts'
import { costText } from './cost-text.ts'
import { estimate } from './estimate.ts'
import { beyondFreeTier } from './free-tier.ts'
import { PricesUnusable, type PriceTable, parsePrices, pricesOf } from './prices.ts'
import type { Usage } from './quantities.ts'
import { readStageMetrics, type StageMetrics } from './stage-metrics.ts'
import { usageOfStage } from './stage-usage.ts'
import { parseTrace, type Trace } from './trace.ts'
import { usageOf, type Workload } from './usage.ts'

export type CostOptions = {
  readonly eventsPerMonth: number
  readonly region: string
  /** A deployed stage whose own figures are scaled. */
  readonly fromStage?: string
  /** How many days of them. */
  readonly days: number
  readonly automations: number
  readonly bodyKb: number
  readonly batch: number
  /** Percent. */
  readonly retries: number
  readonly duplicates: number
  readonly cold: number
  readonly ingestMs: number
  readonly automateMs: number
  readonly ingestMemory?: number
  readonly automateMemory?: number
  readonly pollers: number
  /** From 0 to 1. */
  readonly logSample: number
  /** A table of prices of one's own. */
  readonly prices?: string
  readonly freeTier?: boolean
  readonly details?: boolean
  readonly json?: boolean
}

/**
 * Computes what boxhooks costs in a month on AWS, by component.
 * @throws PricesUnusable, AwsUnreachable, StageUnmeasured
 */
export async function cost(shell: Shell, options: CostOptions): Promise<void> {
  const { eventsPerMonth: events, region } = options
  const table = await readPrices(options.prices)
  const prices = pricesOf(table, region)
  const trace = parseTrace(await readFile(new URL('trace.json', import.meta.url), 'utf8'))
  const workload = workloadOf(options, trace)
  const assumed = assumptionsOf(options)
  const measured = options.fromStage
    ? await readStageMetrics({ stage: options.fromStage, region, days: options.days, now: shell.now() })
    : undefined
  const usual = usageOf(workload, trace, assumed)
  const gross = measured ? usageOfStage(measured, events, usual, assumed) : usual
  const usage = options.freeTier ? beyondFreeTier(gross) : gross
  const result = estimate(usage, prices, events)
  const basis = [
    ...(measured ? stageBasis(measured) : traceBasis(workload, trace, assumed)),
    options.freeTier
      ? 'Less what AWS gives every account for nothing each month, had the account nothing else.'
      : 'Without the free tier, which an account has but once; --free-tier takes it into account.',
  ]
  if (options.json) {
    const { components, ...totals } = result
    await shell.print(
      JSON.stringify(
        {
          events,
          region,
          ...totals,
          components,
          basis,
          ...inputs(measured, workload, assumed, trace),
          usage,
          prices,
        },
        null,
        2,
      ),
    )
  } else
    await shell.print(
      costText({ events, region, basis, estimate: result, prices, details: options.details === true }),
    )
}

async function readPrices(file: string | undefined): Promise<PriceTable> {
  if (file === undefined)
    return parsePrices(
      await readFile(new URL('prices.json', import.meta.url), 'utf8'),
      'cli/cost/prices.json',
    )
  const json = await readFile(file, 'utf8').catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new PricesUnusable(`The table of prices can't be read: ${reason}`, { cause })
  })
  return parsePrices(json, file)
}

function workloadOf(options: CostOptions, { stack }: Trace): Workload {
  return {
    events: options.eventsPerMonth,
    automations: options.automations,
    bodyBytes: Math.ceil(options.bodyKb * 1024),
    logSampleRate: options.logSample,
    memoryMb: {
      ...stack.memoryMb,
      ...(options.ingestMemory === undefined ? {} : { ingest: options.ingestMemory }),
      ...(options.automateMemory === undefined ? {} : { automate: options.automateMemory }),
    },
  }
}

function assumptionsOf(options: CostOptions): Assumptions {
  return {
    ...DEFAULTS,
    batch: options.batch,
    retryShare: options.retries / 100,
    duplicateShare: options.duplicates / 100,
    coldShare: options.cold / 100,
    ingestMs: options.ingestMs,
    automateMs: options.automateMs,
    pollers: options.pollers,
  }
}

function traceBasis(
  { automations, bodyBytes, memoryMb }: Workload,
  trace: Trace,
  assumed: Assumptions,
): string[] {
  const { ingestMs, automateMs, batch, retryShare, duplicateShare } = assumed
  return [
    `Requests, units and log lines are those of the trace of ${trace.measured}: ${automations} ${automations === 1 ? 'automation' : 'automations'} an event, bodies of ${(bodyBytes / 1024).toFixed(1)} KB.`,
    `Assumed, for no trace tells: ${ingestMs} ms of ingest (${memoryMb.ingest} MB), ${automateMs} ms of automate (${memoryMb.automate} MB), ${batch === 1 ? 'batches of one event' : `batches of ${batch} events`}, ${percent(retryShare)} tried twice, ${percent(duplicateShare)} delivered twice. Each has an option; --from-stage has the real ones.`,
  ]
}

const percent = (share: number): string => `${Number((share * 100).toFixed(2))} %`

const stageBasis = ({ stage, days, accepted, automate }: StageMetrics): string[] => [
  `Scaled from ${count(accepted)} events of stage ${stage} in the last ${days} days, with ${count(automate.invocations)} invocations of automate (${automate.memoryMb} MB). CloudWatch’s metric of durations leaves out how long instances take to start.`,
  'What AWS has no metric of is from the trace: what the ledger stores, secrets, alarms, metrics and the dashboard.',
]

function inputs(
  measured: StageMetrics | undefined,
  workload: Workload,
  assumed: Assumptions,
  { measured: traced }: Trace,
): Readonly<Record<string, StageMetrics | Workload | Assumptions | Usage | string>> {
  return measured ? { stage: measured, traced } : { workload, assumed, traced }
}
