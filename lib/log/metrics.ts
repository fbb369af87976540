/** A metric that log lines carry, as CloudWatch shows it. */
type MetricInfo = {
  /** One of CloudWatch's units. */
  readonly unit: 'Count' | 'Seconds' | 'Milliseconds'
  /** The fields of its log line that are its dimensions. Each combination of values is a metric of its own, and paid for. */
  readonly dimensions: readonly string[]
  /** Whether an alarm rests on it. Such a metric is written whatever the stage's param `metrics` says. */
  readonly alarm: boolean
}

const count = (...dimensions: readonly string[]): MetricInfo => ({ unit: 'Count', dimensions, alarm: false })
const alarming: MetricInfo = { unit: 'Count', dimensions: [], alarm: true }

/** Every metric of boxhooks' own. The template's alarms and dashboard use these names, and docs/operate.md explains them. */
export const METRICS = {
  DeliveriesAccepted: alarming,
  DeliveriesUnverified: alarming,
  DeliveriesTooOld: alarming,
  DeliveriesRefused: count('code'),
  DeliveriesFailed: count('code'),
  EventsDeduplicated: count(),
  RunsAwaitingAuth: alarming,
  RunsWaitingLong: alarming,
  Runs: count('automation', 'outcome'),
  RetryDelay: { unit: 'Seconds', dimensions: ['automation'], alarm: false },
  BoxThrottles: count(),
  EndToEndLatency: { unit: 'Milliseconds', dimensions: [], alarm: false },
  WebhooksMissing: alarming,
  WebhooksInConflict: alarming,
} as const satisfies Readonly<Record<string, MetricInfo>>

export type MetricName = keyof typeof METRICS

/** What a log line measures. */
export type Measures = Readonly<Partial<Record<MetricName, number>>>

/** Where metrics go, and which. */
export type MetricsOptions = {
  /** CloudWatch's namespace, such as `boxhooks/prod`. */
  readonly namespace: string
  /** `alarms` leaves out what no alarm rests on. */
  readonly which: 'all' | 'alarms'
}

/** A group of metrics with the same dimensions, as the format names it. */
type Directive = {
  readonly Namespace: string
  readonly Dimensions: readonly (readonly string[])[]
  readonly Metrics: { readonly Name: string; readonly Unit: string }[]
}

/** What a line carries beside its fields. */
export type EmbeddedMetrics = Readonly<Record<string, unknown>>

/** Far below what CloudWatch takes, and beyond what a number that is right can be. */
const VALUE_MAX = 2 ** 53

/** CloudWatch takes a dimension of 1 to 1024 characters of ASCII, which must not begin with a colon. */
const DIMENSION = /^(?!:)[ -~]{0,1023}[!-~]$/

/**
 * Makes a log line's metrics of what it measures, in CloudWatch's embedded metric format. A number that is none is left
 * out, and so is a metric whose dimensions are not all among the line's fields.
 * @param fields the line's own fields, where the dimensions' values stand
 * @param at milliseconds since the epoch
 * @returns undefined where nothing is to be measured
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export function embedMetrics(
  measures: Measures,
  fields: Readonly<Record<string, unknown>>,
  at: number,
  { namespace, which }: MetricsOptions,
): EmbeddedMetrics | undefined {
  const directives = new Map<string, Directive>()
  const values: Record<string, number> = {}
  for (const [name, value] of Object.entries(measures)) {
    if (!isMetric(name) || !(Math.abs(value) < VALUE_MAX)) continue
    const { unit, dimensions, alarm } = METRICS[name]
    if (which === 'alarms' && !alarm) continue
    if (!dimensions.every(key => isDimension(fields[key]))) continue
    const directive = directives.get(dimensions.join()) ?? {
      Namespace: namespace,
      Dimensions: [dimensions],
      Metrics: [],
    }
    directive.Metrics.push({ Name: name, Unit: unit })
    directives.set(dimensions.join(), directive)
    values[name] = value
  }
  if (directives.size === 0) return undefined
  return { ...values, _aws: { Timestamp: Math.trunc(at), CloudWatchMetrics: [...directives.values()] } }
}

/** Whether a log line's field is the value of a metric, or tells CloudWatch of one. */
export const isMetric = (name: string): name is MetricName => Object.hasOwn(METRICS, name)

const isDimension = (value: unknown): boolean => typeof value === 'string' && DIMENSION.test(value)
