import type { EnvironmentReader } from '../base/environment.ts'
import { embedMetrics, type Measures, type MetricsOptions } from './metrics.ts'

/** What a log line says besides its time, level and event. Never a body, header, key or token. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** Writes a line. What it measures goes to CloudWatch with it, at whatever level. */
type Write = (event: string, fields?: LogFields, measures?: Measures) => void

export type Log = Readonly<Record<LogLevel, Write>> & {
  /** A log whose every line also carries these fields. */
  with(fields: LogFields): Log
  /** A log that also hides these texts, such as an event's names, where it hides anything. They are asked for when needed. */
  hiding(texts: () => readonly string[]): Log
  /** A log that writes nothing until there is something to warn of, and then all. */
  held(): Log
}

/** Hides what is private in a line's fields: what looks like it, and these texts. See redaction.ts. */
export type Redaction = (event: string, fields: LogFields, texts: () => readonly string[]) => LogFields

export type LogOptions = {
  readonly now: () => number
  /** Takes one finished line, without its line end. */
  readonly write: WriteLine
  /** The least level that is written; `info` by default. */
  readonly level?: LogLevel
  /** Nothing is hidden where there is none. */
  readonly redaction?: Redaction | undefined
  /** Nothing is measured where there are none. */
  readonly metrics?: MetricsOptions | undefined
}

const LEVELS: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 }
const NOTHING = () => []

/** A log of JSON lines: `{"time","level","event",…fields}`, each an object that CloudWatch can search. */
export const createLog = (options: LogOptions): Log => new JsonLog(options, {}, NOTHING)

/** A class, for several are made with each event. */
class JsonLog implements Log {
  readonly #options: LogOptions
  readonly #context: LogFields
  readonly #texts: () => readonly string[]

  constructor(options: LogOptions, context: LogFields, texts: () => readonly string[]) {
    this.#options = options
    this.#context = context
    this.#texts = texts
  }

  debug(event: string, fields?: LogFields, measures?: Measures): void {
    this.#tell('debug', event, fields, measures)
  }

  info(event: string, fields?: LogFields, measures?: Measures): void {
    this.#tell('info', event, fields, measures)
  }

  warn(event: string, fields?: LogFields, measures?: Measures): void {
    this.#tell('warn', event, fields, measures)
  }

  error(event: string, fields?: LogFields, measures?: Measures): void {
    this.#tell('error', event, fields, measures)
  }

  with(fields: LogFields): Log {
    return new JsonLog(this.#options, { ...this.#context, ...fields }, this.#texts)
  }

  hiding(texts: () => readonly string[]): Log {
    return new JsonLog(this.#options, this.#context, texts)
  }

  held(): Log {
    const write = holdBack(this.#options.write)
    return new JsonLog({ ...this.#options, write }, this.#context, this.#texts)
  }

  #tell(level: LogLevel, event: string, fields?: LogFields, measures?: Measures): void {
    const { now, write, redaction, metrics, level: least = 'info' } = this.#options
    const at = now()
    const told = { ...this.#context, ...fields }
    const measured = measures && metrics && embedMetrics(measures, told, at, metrics)
    if (LEVELS[level] < LEVELS[least] && !measured) return
    const time = new Date(at).toISOString()
    const shown = redaction?.(event, told, this.#texts) ?? told
    write(JSON.stringify({ time, level, event, ...shown, ...measured }), level, measured !== undefined)
  }
}

/**
 * An error's kind as a log tells it. Only a name that is one: AWS's errors are named by what it answered, and an error's text
 * may hold what must not leak.
 */
export function errorKind(error: unknown): string {
  if (!(error instanceof Error)) return typeof error
  return /^[A-Za-z][\w.]{0,79}$/.test(error.name) ? error.name : 'Error'
}

/** Says of an event whether its lines of level info are written though nothing is wrong. The same event is always told the same. */
export type LogSample = (eventId: string) => boolean

/**
 * Makes a sample of events by their ids, so that every function chooses the same ones.
 * @param rate the part of the events that is in the sample, from 0 to 1
 */
export const logSample =
  (rate: number): LogSample =>
  eventId =>
    rate >= 1 || hashOf(eventId) < rate

/** FNV-1a with its last bits mixed: from 0 up to, not including, 1. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash ^= hash >>> 13
  return (hash >>> 0) / 0x1_0000_0000
}

/**
 * Takes one finished line.
 * @param measures whether the line carries metrics, so that it must not get lost
 */
export type WriteLine = (line: string, level: LogLevel, measures?: boolean) => void

/**
 * Holds lines of level info and below back until there is one that warns: then all are written, in their order, and every
 * one after them. So the log of an event with which something is wrong is whole.
 */
export function holdBack(write: WriteLine): WriteLine {
  let held: [line: string, level: LogLevel][] | undefined = []
  return (line, level, measures) => {
    const isTrouble = level === 'warn' || level === 'error'
    if (held && measures && !isTrouble) return write(line, level, measures)
    if (held && !isTrouble) {
      held.push([line, level])
      return
    }
    for (const before of held ?? []) write(...before)
    held = undefined
    write(line, level, measures)
  }
}

/** One line of a function's log, as an object. */
export type LogLine = {
  readonly function: string
  readonly time: string
  readonly level: string
  readonly event: string
  readonly [field: string]: unknown
}

const LOG_LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

/** What a function logs and measures. */
export type LogConfig = {
  readonly logLevel: LogLevel
  /** undefined where nothing is to be measured. */
  readonly metrics: MetricsOptions | undefined
}

/** Reads what a function logs and measures from its environment. */
export function readLogConfig(variable: EnvironmentReader): LogConfig {
  const namespace = variable.optionalText('METRICS_NAMESPACE')
  const which = variable.oneOf('METRICS', ['all', 'alarms'], 'all')
  return {
    logLevel: variable.oneOf('LOG_LEVEL', LOG_LEVELS, 'info'),
    metrics: namespace ? { namespace, which } : undefined,
  }
}
