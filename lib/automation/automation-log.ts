import type { Log, LogFields, LogLevel } from '../log/log.ts'

/** The log that automations get. */
export type AutomationLog = Readonly<Record<LogLevel, (message: string, fields?: LogFields) => void>>

/** What the engine says of every line; an automation's field of that name gets an underscore behind it. */
const RESERVED: ReadonlySet<string> = new Set([
  '_aws',
  'automation',
  'event',
  'eventId',
  'function',
  'level',
  'message',
  'messageId',
  'time',
])

/** The most that one line of an automation tells, in characters: what is longer than 256 KB, Lambda parts into several lines. */
const CHARACTERS_MAX = 65_536

/**
 * The log of a run, told apart from what the engine logs. Whatever is given to it, a line is written and the run goes on:
 * values that JSON does not have are told as texts, and what is too long is cut.
 * @param log carries the event's id and the automation's name
 */
export function automationLog(log: Log): AutomationLog {
  const line =
    (level: LogLevel): AutomationLog[LogLevel] =>
    (message, fields) =>
      log[level]('automation_log', tellable(message, fields))
  return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') }
}

function tellable(message: unknown, fields: unknown): LogFields {
  const told: Record<string, LogFields[string]> = {}
  let room = CHARACTERS_MAX
  const tell = (key: string, value: unknown): void => {
    const scalar = scalarOf(value)
    told[key] = typeof scalar === 'string' && scalar.length > room ? `${scalar.slice(0, room)}…` : scalar
    room -= key.length + String(scalar).length
  }
  tell('message', typeof message === 'string' ? message : textOf(message))
  for (const [name, value] of entriesOf(fields)) {
    if (room <= 0 || name.length > room) break
    tell(RESERVED.has(name) ? `${name}_` : name, value)
  }
  return told
}

function entriesOf(fields: unknown): readonly [string, unknown][] {
  try {
    return typeof fields === 'object' && fields !== null ? Object.entries(fields) : []
  } catch {
    return []
  }
}

function scalarOf(value: unknown): LogFields[string] {
  if (value === null || value === undefined || typeof value === 'boolean' || typeof value === 'string')
    return value
  return typeof value === 'number' ? value : textOf(value)
}

/** Anything can be logged, also what has no text. */
function textOf(value: unknown): string {
  try {
    if (value instanceof Error) return `${value.name}: ${value.message}`
    return (typeof value === 'object' ? JSON.stringify(value) : undefined) ?? String(value)
  } catch {
    return `a value of type ${typeof value}`
  }
}
