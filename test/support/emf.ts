import { isObject } from '../../lib/base/json.ts'

/** A metric that a line brings to CloudWatch. */
export type EmittedMetric = {
  readonly namespace: string
  readonly name: string
  readonly unit: string
  readonly dimensions: Readonly<Record<string, string>>
  readonly value: number
}

const UNIT =
  /^(Seconds|Microseconds|Milliseconds|(Kilo|Mega|Giga|Tera)?(B|b)ytes(\/Second)?|(Kilo|Mega|Giga|Tera)?(B|b)its(\/Second)?|Percent|Count(\/Second)?|None)$/

/** A log event's largest size; beyond 256 KB Lambda would part a line into several. */
const LINE_BYTES_MAX = 262_144

/** How far from now CloudWatch takes a metric's time, in milliseconds. */
const PAST_MS_MAX = 14 * 86_400_000
const FUTURE_MS_MAX = 2 * 3_600_000

/**
 * Reads a log line as CloudWatch does, strictly by the specification of the embedded metric format.
 * @returns the metrics that it brings; none for a line of JSON that has no metadata
 * @throws where the line is no object of JSON, or what is in it is not as the specification has it
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export function metricsIn(line: string, now: number): EmittedMetric[] {
  must(Buffer.byteLength(line) <= LINE_BYTES_MAX, 'The line is too long.')
  must(!/[\n\r]/.test(line), 'The line is more than one.')
  const root: unknown = JSON.parse(line)
  must(isObject(root), 'The line is no object.')
  if (!Object.hasOwn(root, '_aws')) return []
  const metadata = root._aws
  must(isObject(metadata), '_aws is no object.')
  onlyMembers(metadata, ['Timestamp', 'CloudWatchMetrics'])
  const { Timestamp: at, CloudWatchMetrics: directives } = metadata
  must(typeof at === 'number' && Number.isSafeInteger(at), 'Timestamp is no whole number.')
  must(at >= now - PAST_MS_MAX && at <= now + FUTURE_MS_MAX, 'CloudWatch takes no metric of that time.')
  must(Array.isArray(directives) && directives.length > 0, 'CloudWatchMetrics is no list of directives.')
  return directives.flatMap(directive => metricsOf(directive, root))
}

function metricsOf(directive: unknown, root: Record<string, unknown>): EmittedMetric[] {
  must(isObject(directive), 'A MetricDirective is no object.')
  onlyMembers(directive, ['Namespace', 'Dimensions', 'Metrics'])
  const { Namespace: namespace, Dimensions: sets, Metrics: metrics } = directive
  must(
    typeof namespace === 'string' && namespace.length >= 1 && namespace.length <= 255,
    'Namespace is no text.',
  )
  must(/^[\w./#:-]+$/.test(namespace) && !namespace.startsWith('AWS/'), 'CloudWatch takes no such namespace.')
  must(Array.isArray(sets) && sets.length > 0, 'Dimensions is no list of sets.')
  must(
    Array.isArray(metrics) && metrics.length > 0 && metrics.length <= 100,
    'Metrics is no list of 1 to 100.',
  )
  return sets.flatMap(set => {
    const dimensions = dimensionsOf(set, root)
    return metrics.flatMap(metric => valuesOf(metric, root).map(one => ({ namespace, dimensions, ...one })))
  })
}

function dimensionsOf(set: unknown, root: Record<string, unknown>): Record<string, string> {
  must(Array.isArray(set) && set.length <= 30, 'A DimensionSet is no list of at most 30.')
  must(new Set(set).size === set.length, 'A DimensionSet names one twice.')
  return Object.fromEntries(
    set.map(key => {
      must(typeof key === 'string' && key.length >= 1 && key.length <= 250, 'A dimension has no name.')
      const value = Object.hasOwn(root, key) ? root[key] : undefined
      must(typeof value === 'string' && value.trim() !== '' && value.length <= 1024, `${key} is no text.`)
      must(/^[ -~]+$/.test(value) && !value.startsWith(':'), `${key} has characters that CloudWatch refuses.`)
      return [key, value]
    }),
  )
}

function valuesOf(metric: unknown, root: Record<string, unknown>) {
  must(isObject(metric), 'A MetricDefinition is no object.')
  onlyMembers(metric, ['Name', 'Unit', 'StorageResolution'])
  const { Name: name, Unit: unit = 'None', StorageResolution: resolution = 60 } = metric
  must(typeof name === 'string' && name.length >= 1 && name.length <= 255, 'A metric has no name.')
  must(typeof unit === 'string' && UNIT.test(unit), `${name} has no unit of CloudWatch's.`)
  must(resolution === 1 || resolution === 60, `${name} has no resolution of CloudWatch's.`)
  const target = Object.hasOwn(root, name) ? root[name] : undefined
  const values: unknown[] = Array.isArray(target) ? target : [target]
  must(values.length >= 1 && values.length <= 100, `${name} has no values, or too many.`)
  return values.map(value => {
    must(typeof value === 'number' && Number.isFinite(value), `${name} is no number.`)
    must(Math.abs(value) < 2 ** 360, `${name} is beyond what CloudWatch takes.`)
    return { name, unit, value }
  })
}

function onlyMembers(object: Record<string, unknown>, known: readonly string[]): void {
  for (const member of Object.keys(object))
    must(known.includes(member), `The format has no member ${member}.`)
}

function must(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Error(otherwise)
}
