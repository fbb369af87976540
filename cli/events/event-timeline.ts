import type { EventRecord, RunRecord } from '../../lib/ledger/record.ts'
import type { LogLine } from '../../lib/log/log.ts'
import { describeLine, INGEST, QUEUE } from '../../lib/operations/event-timeline.ts'
import type { DeliveryLog, EventLog } from '../stage/stage-logs.ts'

/** Something that happened to an event. */
export type TimelineEntry = {
  /** Milliseconds since the epoch. */
  readonly at: number
  /** The ingest endpoint, the queue, or an automation. */
  readonly where: string
  readonly what: string
  /** Where it is from. */
  readonly by: 'log' | 'ledger'
}

/**
 * Orders all that is known of an event's life. What both the ledger and the logs have is listed once, as the logs
 * have it. Pure.
 */
export function buildTimeline(
  record: EventRecord | undefined,
  { deliveries, lines }: Pick<EventLog, 'deliveries' | 'lines'>,
): readonly TimelineEntry[] {
  const log = [...deliveries.map(deliveryMoment), ...lines.flatMap(lineMoment)]
  const known = record ? ledgerMoments(record, deliveries, lines) : []
  return [...log, ...known].filter(({ at }) => Number.isFinite(at)).sort((one, other) => one.at - other.at)
}

function deliveryMoment({ deliveryId, at, status, code, attempt, key }: DeliveryLog): TimelineEntry {
  const taken = status >= 200 && status < 300
  const answer = taken ? 'accepted' : status === 0 ? 'not answered' : `answered ${status} ${code}`.trim()
  const more = [key && `signed with the ${key} key`, attempt && attempt > 1 && `Box’s attempt ${attempt}`]
  const what = [`delivery ${deliveryId} ${answer}`, ...more.filter(Boolean)].join(', ')
  return { at, where: INGEST, what, by: 'log' }
}

function lineMoment(line: LogLine): TimelineEntry[] {
  // Deliveries have entries of their own.
  if (line.event === 'delivery_accepted') return []
  const { automation, function: fn } = line
  const where = typeof automation === 'string' ? automation : fn === 'ingest' ? INGEST : QUEUE
  return [{ at: Date.parse(line.time), where, what: describeLine(line), by: 'log' }]
}

/** How far the ledger's time of an entry may differ from the log's, in milliseconds. */
const SAME_MS = 2000

const ENDS: readonly string[] = ['run_done', 'run_skipped', 'run_failed']

function ledgerMoments(
  record: EventRecord,
  deliveries: readonly DeliveryLog[],
  lines: readonly LogLine[],
): TimelineEntry[] {
  const { deliveryId, receivedAt, runs, dropped } = record
  const isHeard = deliveries.some(one => one.deliveryId === deliveryId)
  const moment = (at: number, where: string, what: string): TimelineEntry => ({
    at,
    where,
    what,
    by: 'ledger',
  })
  const isLogged = (automation: string, events: readonly string[], at: number) =>
    lines.some(
      line =>
        line.automation === automation &&
        events.includes(line.event) &&
        Math.abs(Date.parse(line.time) - at) <= SAME_MS,
    )
  return [
    ...(isHeard ? [] : [moment(Date.parse(receivedAt), INGEST, `delivery ${deliveryId} received`)]),
    ...Object.entries(runs).flatMap(([name, run]) => [
      ...(run.startedAt === undefined || isLogged(name, ['run_started'], run.startedAt)
        ? []
        : [moment(run.startedAt, name, `run started, attempt ${run.attempts}`)]),
      ...(run.finishedAt === undefined || isLogged(name, ENDS, run.finishedAt)
        ? []
        : [moment(run.finishedAt, name, endText(run))]),
    ]),
    ...(dropped ? [moment(Date.parse(dropped.at), QUEUE, droppedText(dropped))] : []),
  ]
}

function endText({ status, reason, error }: RunRecord): string {
  if (status === 'skipped') return `run skipped: ${reason ?? 'no reason is known'}`
  if (status === 'failed') return `failed permanently${error ? ` (${error.code}: ${error.message})` : ''}`
  return `run ${status}`
}

/** Formats who dropped a dead letter, and why. */
export const droppedText = ({ reason, by }: NonNullable<EventRecord['dropped']>): string =>
  `dead letter dropped${by === undefined ? '' : ` by ${by}`}: ${reason}`
