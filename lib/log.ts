import { holdBack, type WriteLine } from './log-sample.ts'
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
export function createLog(
  options: LogOptions,
  context: LogFields = {},
  texts: () => readonly string[] = NOTHING,
): Log {
  const { now, write, redaction, metrics } = options
  const least = LEVELS[options.level ?? 'info']
  const line =
    (level: LogLevel): Write =>
    (event, fields, measures) => {
      const at = now()
      const told = { ...context, ...fields }
      const measured = measures && metrics && embedMetrics(measures, told, at, metrics)
      if (LEVELS[level] < least && !measured) return
      const time = new Date(at).toISOString()
      const text = JSON.stringify({
        time,
        level,
        event,
        ...(redaction?.(event, told, texts) ?? told),
        ...measured,
      })
      write(text, level, measured !== undefined)
    }
  return {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    with: fields => createLog(options, { ...context, ...fields }, texts),
    hiding: more => createLog(options, context, more),
    held: () => createLog({ ...options, write: holdBack(write) }, context, texts),
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
