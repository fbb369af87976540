import { V1_FIELDS, type V1Names } from './event-v1.ts'
import type { LogLevel } from './log.ts'
import type { MetricsOptions } from './metrics.ts'

/** Environment variables as a process has them. */
export type Environment = Readonly<Record<string, string | undefined>>

export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly code = 'config_invalid'

  constructor(problems: readonly string[]) {
    super(
      `The function's environment is not usable: ${problems.join(' ')} These variables are set by serverless.yml; deploy again, or see docs/errors.md#config_invalid.`,
    )
  }
}

/** What is logged and measured. */
type LogConfig = {
  readonly logLevel: LogLevel
  /** undefined where nothing is to be measured. */
  readonly metrics: MetricsOptions | undefined
}

/** Of what automations have to do with. */
type DetailConfig = LogConfig & {
  /** Whether logs may tell names, addresses and links. */
  readonly logDetails: boolean
}

export type IngestConfig = {
  readonly queueUrl: string
  readonly signatureKeysSecretId: string
  readonly ageMaxSeconds: number
  readonly skewMaxSeconds: number
  /** Present where V1 callbacks are taken. */
  readonly v1?: { readonly secretId: string; readonly names: V1Names }
  /** The part of the events, from 0 to 1, that is logged though nothing is wrong. */
  readonly logSampleRate: number
} & LogConfig

export type AutomateConfig = {
  readonly queueUrl: string
  readonly deadLetterQueueUrl: string
  readonly ledgerTable: string
  readonly boxAppSecretId: string
  readonly boxApiUrl: string
  /** Where reconcile is told of a webhook that Box has deleted; undefined where there is no reconcile. */
  readonly reconcileQueueUrl: string | undefined
  /** How many events of one batch are worked on at a time. */
  readonly concurrency: number
  /** The part of the events, from 0 to 1, that is logged though nothing is wrong. */
  readonly logSampleRate: number
} & DetailConfig

/**
 * Reads ingest's settings.
 * @throws ConfigError naming every variable that is missing or wrong
 */
export function ingestConfig(env: Environment): IngestConfig {
  return read(env, variable => ({
    queueUrl: variable.url('QUEUE_URL'),
    signatureKeysSecretId: variable.text('SIGNATURE_KEYS_SECRET_ID'),
    ageMaxSeconds: variable.between('SIGNATURE_AGE_MAX_SECONDS', 600, AGE_BOUNDS_SECONDS),
    skewMaxSeconds: variable.whole('SIGNATURE_SKEW_MAX_SECONDS', 60),
    ...(env.V1_SECRET_ID?.trim()
      ? { v1: { secretId: env.V1_SECRET_ID.trim(), names: variable.v1Names('V1_PARAMETERS') } }
      : {}),
    logLevel: variable.level('LOG_LEVEL'),
    metrics: variable.metrics(),
    logSampleRate: variable.share('LOG_SAMPLE_RATE', 1),
  }))
}

export type ReconcileConfig = {
  readonly ledgerTable: string
  readonly boxAppSecretId: string
  readonly boxApiUrl: string
  /** The address that the webhooks get. */
  readonly address: string
  /** What the stage was deployed from, as infra/version.ts tells it. */
  readonly version: string | undefined
} & DetailConfig

/**
 * Reads reconcile's settings.
 * @throws ConfigError naming every variable that is missing or wrong
 */
export function reconcileConfig(env: Environment): ReconcileConfig {
  return read(env, variable => ({
    ledgerTable: variable.text('LEDGER_TABLE'),
    boxAppSecretId: variable.text('BOX_APP_SECRET_ID'),
    boxApiUrl: variable.url('BOX_API_URL', 'https://api.box.com'),
    address: variable.url('WEBHOOK_ADDRESS'),
    version: env.BOXHOOKS_VERSION?.trim() || undefined,
    logLevel: variable.level('LOG_LEVEL'),
    logDetails: variable.flag('LOG_DETAILS'),
    metrics: variable.metrics(),
  }))
}

export type BackfillConfig = Omit<ReconcileConfig, 'address' | 'version'> & { readonly queueUrl: string }

/**
 * Reads backfill's settings.
 * @throws ConfigError naming every variable that is missing or wrong
 */
export function backfillConfig(env: Environment): BackfillConfig {
  return read(env, variable => ({
    queueUrl: variable.url('QUEUE_URL'),
    ledgerTable: variable.text('LEDGER_TABLE'),
    boxAppSecretId: variable.text('BOX_APP_SECRET_ID'),
    boxApiUrl: variable.url('BOX_API_URL', 'https://api.box.com'),
    version: env.BOXHOOKS_VERSION?.trim() || undefined,
    logLevel: variable.level('LOG_LEVEL'),
    logDetails: variable.flag('LOG_DETAILS'),
    metrics: variable.metrics(),
  }))
}

/**
 * Reads automate's settings.
 * @throws ConfigError naming every variable that is missing or wrong
 */
export function automateConfig(env: Environment): AutomateConfig {
  return read(env, variable => ({
    queueUrl: variable.url('QUEUE_URL'),
    deadLetterQueueUrl: variable.url('DEAD_LETTER_QUEUE_URL'),
    ledgerTable: variable.text('LEDGER_TABLE'),
    boxAppSecretId: variable.text('BOX_APP_SECRET_ID'),
    boxApiUrl: variable.url('BOX_API_URL', 'https://api.box.com'),
    reconcileQueueUrl: variable.optionalUrl('RECONCILE_QUEUE_URL'),
    concurrency: Math.max(1, variable.whole('AUTOMATE_CONCURRENCY', 5)),
    logLevel: variable.level('LOG_LEVEL'),
    logDetails: variable.flag('LOG_DETAILS'),
    metrics: variable.metrics(),
    logSampleRate: variable.share('LOG_SAMPLE_RATE', 1),
  }))
}

function read<T>(env: Environment, build: (variable: ReturnType<typeof variables>) => T): T {
  const problems: string[] = []
  const config = build(variables(env, problems))
  if (problems.length > 0) throw new ConfigError(problems)
  return config
}

function variables(env: Environment, problems: string[]) {
  const text = (name: string, fallback?: string): string => {
    const value = env[name]?.trim() || fallback
    if (value === undefined) problems.push(`${name} is missing.`)
    return value ?? ''
  }
  const url = (name: string, fallback?: string): string => {
    const value = text(name, fallback)
    if (value && !/^https?:$/.test(URL.parse(value)?.protocol ?? ''))
      problems.push(`${name} is no http(s) URL.`)
    return value.replace(/\/$/, '')
  }
  return {
    text,
    url,
    optionalUrl: (name: string): string | undefined => (env[name]?.trim() ? url(name) : undefined),
    whole(name: string, fallback: number): number {
      const value = Number(text(name, String(fallback)))
      if (!Number.isSafeInteger(value) || value < 0) problems.push(`${name} is no whole number from 0 up.`)
      return value
    },
    between(name: string, fallback: number, [least, most]: readonly [number, number]): number {
      const value = Number(text(name, String(fallback)))
      if (!Number.isSafeInteger(value) || value < least || value > most)
        problems.push(`${name} is not a whole number from ${least} to ${most}.`)
      return value
    },
    share(name: string, fallback: number): number {
      const value = Number(text(name, String(fallback)))
      if (!(value >= 0 && value <= 1)) problems.push(`${name} is no number from 0 to 1.`)
      return value
    },
    /** `item_id=file, token=secret`: how callback parameters are named that have other names than Box's templates. */
    v1Names(name: string): V1Names {
      const entries = (env[name] ?? '').split(',').filter(entry => entry.trim() !== '')
      const pairs = entries.map(entry => entry.split('=').map(part => part.trim()))
      for (const [field = '', parameter, ...more] of pairs)
        if (!V1_NAMED.includes(field) || !parameter || more.length > 0)
          problems.push(
            `${name} must be of the form item_id=NAME, a comma between two, with fields of ${V1_NAMED.join(', ')}.`,
          )
      return Object.fromEntries(
        pairs.map(([field = '', parameter = '']): [string, string] => [field, parameter]),
      )
    },
    level(name: string): LogLevel {
      const value = text(name, 'info').toLowerCase()
      const level = LOG_LEVELS.find(known => known === value)
      if (!level) problems.push(`${name} is none of ${LOG_LEVELS.join(', ')}.`)
      return level ?? 'info'
    },
    flag(name: string): boolean {
      const value = text(name, 'false')
      if (value !== 'true' && value !== 'false') problems.push(`${name} is neither true nor false.`)
      return value === 'true'
    },
    metrics(): MetricsOptions | undefined {
      const namespace = env.METRICS_NAMESPACE?.trim()
      const which = text('METRICS', 'all')
      if (which !== 'all' && which !== 'alarms') problems.push('METRICS is neither all nor alarms.')
      return namespace ? { namespace, which: which === 'alarms' ? which : 'all' } : undefined
    },
  }
}

/**
 * Between which bounds a stage may set the age of a delivery that is accepted, in seconds: from a minute, for clocks differ, to
 * three hours, which is more than the two in which Box redelivers.
 */
const AGE_BOUNDS_SECONDS = [60, 10_800] as const

const V1_NAMED: readonly string[] = [...V1_FIELDS, 'token']

const LOG_LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']
