import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs'
import { awsReason } from '../../infra/stage/aws-reason.ts'
import { isObject } from '../../lib/base/json.ts'
import type { LogLine } from '../../lib/log/log.ts'
import { parseLine } from '../../local/journal.ts'
import { CommandError } from '../terminal/command-error.ts'
import type { Shell } from '../terminal/shell.ts'
import { askLocal } from './stage-aws.ts'
import type { StageRef } from './stage-ref.ts'

/** A request at the ingest endpoint, as the logs have it. */
export type DeliveryLog = {
  readonly deliveryId: string
  /** When it arrived, in milliseconds since the epoch. */
  readonly at: number
  /** The status of the answer; 0 where there was none. */
  readonly status: number
  /** The answer's code; see docs/errors.md. */
  readonly code: string
  /** Which try of Box's it was, where that is known. */
  readonly attempt?: number
  /** The key that its signature fitted. */
  readonly key?: string
}

/** The logs' lines and deliveries of one event. */
export type EventLog = {
  /** Undefined where the logs have no line about it. */
  readonly eventId: string | undefined
  readonly deliveries: readonly DeliveryLog[]
  readonly lines: readonly LogLine[]
}

/** The logs of a stage's functions. Each method throws CommandError. */
export type StageLogs = {
  /**
   * Finds what was logged of an event.
   * @param id the event's, or that of one of its deliveries
   * @param from in milliseconds since the epoch
   */
  findEventLog(id: string, from: number): Promise<EventLog>
  /** Counts the deliveries that were turned away since a time, by code. */
  countRefusals(from: number): Promise<Readonly<Record<string, number>>>
  close(): void
}

/** Opens the logs of a stage, without reading yet. */
export const openLogs = (shell: Shell, ref: StageRef, signal?: AbortSignal): StageLogs =>
  'stage' in ref ? stageLogs(ref, signal) : localLogs(shell, ref.port)

/** How many pages of a log group one question reads at most, each of up to 1 MB or 10,000 lines, and many of them empty. */
const PAGES_MAX = 200

function stageLogs(
  { stage, region }: { readonly stage: string; readonly region: string },
  signal: AbortSignal | undefined,
): StageLogs {
  const logs = new CloudWatchLogsClient({ region, maxAttempts: 5 })

  /** The lines of a function that hold a text. */
  const linesWith = async (fn: string, text: string, startTime: number): Promise<LogLine[]> => {
    const logGroupName = `/aws/lambda/boxhooks-${stage}-${fn}`
    // A quoted phrase finds what has other than letters and digits in it.
    const filterPattern = `"${text.replace(/["\\]/g, '\\$&')}"`
    const lines: LogLine[] = []
    let nextToken: string | undefined
    try {
      for (let page = 0; page < PAGES_MAX; page += 1) {
        const asked = { logGroupName, filterPattern, startTime: Math.max(0, startTime), nextToken }
        const answer = await logs.send(
          new FilterLogEventsCommand(asked),
          signal ? { abortSignal: signal } : {},
        )
        for (const { message = '' } of answer.events ?? []) lines.push(...(parsed(fn, message) ?? []))
        nextToken = answer.nextToken
        if (nextToken === undefined) return lines
      }
    } catch (error) {
      // A function that never ran has no log.
      if (error instanceof Error && error.name === 'ResourceNotFoundException') return lines
      throw new CommandError(awsReason(error, `logs:FilterLogEvents on ${logGroupName}`, region), {
        cause: error,
      })
    }
    throw new CommandError(
      `The log ${logGroupName} is too long to be looked through here. In CloudWatch Logs Insights: filter eventId = "…" | sort @timestamp.`,
    )
  }

  const findEventLog = async (id: string, from: number): Promise<EventLog> => {
    const all = (await Promise.all(['ingest', 'automate'].map(fn => linesWith(fn, id, from)))).flat()
    const lines = all.filter(({ eventId }) => eventId === id)
    if (lines.length > 0) return { eventId: id, deliveries: lines.flatMap(accepted), lines }
    const eventId = all.find(({ deliveryId }) => deliveryId === id)?.eventId
    if (typeof eventId === 'string' && eventId !== id) return findEventLog(eventId, from)
    return { eventId: undefined, deliveries: [], lines: [] }
  }
  return {
    findEventLog,
    async countRefusals(from) {
      const kinds = ['delivery_refused', 'delivery_failed']
      const lines = (await Promise.all(kinds.map(kind => linesWith('ingest', kind, from)))).flat()
      return countOf(lines.filter(({ event }) => kinds.includes(event)).map(({ code }) => String(code)))
    },
    close: () => logs.destroy(),
  }
}

const parsed = (fn: string, text: string): LogLine[] => {
  const line = parseLine(fn, text.trimEnd())
  return line ? [line] : []
}

/** Reads an accepted delivery from its log line. */
function accepted({ event, time, deliveryId, key }: LogLine): DeliveryLog[] {
  const at = Date.parse(time)
  if (event !== 'delivery_accepted' || typeof deliveryId !== 'string' || Number.isNaN(at)) return []
  return [{ deliveryId, at, status: 202, code: 'accepted', ...(typeof key === 'string' ? { key } : {}) }]
}

function localLogs(shell: Shell, port: number): StageLogs {
  return {
    async findEventLog(id) {
      const { eventId, deliveries, lines } = await askLocal(
        shell,
        port,
        `/_local/heard?id=${encodeURIComponent(id)}`,
      )
      const read = listOf(lines).filter(isLine)
      const keys = new Map(read.flatMap(accepted).map(({ deliveryId, key }) => [deliveryId, key]))
      const log = listOf(deliveries).flatMap(readDelivery)
      return {
        eventId: typeof eventId === 'string' ? eventId : undefined,
        deliveries: log.map(one => {
          const key = keys.get(one.deliveryId)
          return key === undefined ? one : { ...one, key }
        }),
        lines: read,
      }
    },
    async countRefusals(from) {
      const { codes } = await askLocal(shell, port, `/_local/refused?since=${from}`)
      return countOf(listOf(codes).map(String))
    },
    close() {},
  }
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

const isLine = (value: unknown): value is LogLine =>
  isObject(value) &&
  [value.function, value.time, value.level, value.event].every(one => typeof one === 'string')

function readDelivery(value: unknown): DeliveryLog[] {
  if (!isObject(value)) return []
  const { deliveryId, at, status, code, attempt } = value
  if (typeof deliveryId !== 'string' || typeof at !== 'number' || typeof status !== 'number') return []
  return [
    {
      deliveryId,
      at,
      status,
      code: typeof code === 'string' ? code : '',
      ...(typeof attempt === 'number' && attempt > 0 ? { attempt } : {}),
    },
  ]
}

function countOf(codes: readonly string[]): Readonly<Record<string, number>> {
  const counts = new Map<string, number>()
  for (const code of codes) counts.set(code, (counts.get(code) ?? 0) + 1)
  return Object.fromEntries(counts)
}
