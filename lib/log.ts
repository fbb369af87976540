import { holdBack, type WriteLine } from './log-sample.ts'

/** What a log line says besides its time, level and event. Never a body, header, key or token. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

export type Log = {
  debug(event: string, fields?: LogFields): void
  info(event: string, fields?: LogFields): void
  warn(event: string, fields?: LogFields): void
  error(event: string, fields?: LogFields): void
  /** A log whose every line also carries these fields. */
  with(fields: LogFields): Log
  /** A log that writes nothing until there is something to warn of, and then all. */
  held(): Log
}

export type LogOptions = {
  readonly now: () => number
  /** Takes one finished line, without its line end. */
  readonly write: WriteLine
  /** The least level that is written; `info` by default. */
  readonly level?: LogLevel
}

const LEVELS: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 }

/** A log of JSON lines: `{"time","level","event",…fields}`, which CloudWatch's metric filters can read. */
export function createLog(options: LogOptions, context: LogFields = {}): Log {
  const least = LEVELS[options.level ?? 'info']
  const line = (level: LogLevel) => (event: string, fields?: LogFields) => {
    if (LEVELS[level] < least) return
    const time = new Date(options.now()).toISOString()
    options.write(JSON.stringify({ time, level, event, ...context, ...fields }), level)
  }
  return {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    with: fields => createLog(options, { ...context, ...fields }),
    held: () => createLog({ ...options, write: holdBack(options.write) }, context),
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
