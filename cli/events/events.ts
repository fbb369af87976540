import { ExpectedError } from '../../lib/base/expected-error.ts'
import type { History, Span } from '../../lib/ledger/history.ts'
import type { EventRecord } from '../../lib/ledger/record.ts'
import { storedMessage } from '../../lib/operations/replay.ts'
import { mergeNewestFirst } from '../stage/merge-newest.ts'
import { atStage } from '../stage/stage-aws.ts'
import { type EventLog, openLogs, type StageLogs } from '../stage/stage-logs.ts'
import { formatStage, formatStageFlags, type StageRef } from '../stage/stage-ref.ts'
import { CommandError } from '../terminal/command-error.ts'
import { momentText } from '../terminal/moment.ts'
import { near } from '../terminal/near.ts'
import { count, createProgress } from '../terminal/progress.ts'
import { interruptible, type Shell } from '../terminal/shell.ts'
import { growingTable } from '../terminal/table.ts'
import { createEventMatcher, type EventFilter, hasFilter } from './event-filter.ts'
import { buildTimeline } from './event-timeline.ts'
import {
  EVENTS_HEADER,
  type EventDetails,
  eventRow,
  formatEvent,
  type ShownEvent,
  shownEvent,
} from './events-text.ts'

export type ListOptions = {
  readonly ref: StageRef
  readonly span: Span
  readonly filter: EventFilter
  /** What the events are about, such as `file:123`; any of these. Whatever they are about where it is absent. */
  readonly items?: readonly string[]
  /** Lists at most so many. */
  readonly limit: number
  /** Prints a JSON array, for programs. */
  readonly json?: boolean
}

/**
 * Lists the events that the ledger has of a time, the newest first. However many there are, only a page of them is held.
 * @throws AwsUnreachable
 */
export function listEvents(shell: Shell, options: ListOptions): Promise<void> {
  return atStage(shell, options.ref, async ({ history }) => {
    const found = await interruptible(shell, 'Stopping.', signal => list(shell, history, options, signal))
    if (found.listed === 0 && !options.json && !found.stopped)
      await shell.print(formatNone(found, options, shell.now()))
    if (found.more)
      shell.printError(
        `There are more than the ${count(options.limit)} that are listed. Use --limit to list more, or --since and --until to list another time.`,
      )
    if (found.stopped) shell.printError(`${count(found.looked)} were read; there may be more.`)
  })
}

type Found = {
  readonly listed: number
  readonly looked: number
  readonly more: boolean
  readonly stopped: boolean
  /** Names of automations that have runs in what was read. */
  readonly names: ReadonlySet<string>
}

async function list(
  shell: Shell,
  history: History,
  options: ListOptions,
  signal: AbortSignal,
): Promise<Found> {
  const now = shell.now()
  const isMeant = createEventMatcher(options.filter, now)
  const writer = options.json ? jsonWriter(shell) : tableWriter(shell, now)
  const progress = createProgress(shell, { verb: 'read' })
  const names = new Set<string>()
  const found = (listed: number, more: boolean) => ({
    listed,
    looked: progress.done,
    more,
    stopped: signal.aborted,
    names,
  })
  let listed = 0
  let more = false
  try {
    for await (const record of eventsIn(history, options)) {
      if (signal.aborted) break
      progress.step()
      if (names.size < NAMES_MAX) for (const name of Object.keys(record.runs)) names.add(name)
      if (!isMeant(record)) continue
      more = listed === options.limit
      if (more) break
      listed += 1
      progress.end()
      if (!(await writer.add(shownEvent(record, now)))) return found(listed, false)
    }
  } finally {
    progress.end()
    await writer.end()
  }
  return found(listed, more)
}

/** How many names are remembered to suggest one. */
const NAMES_MAX = 200

const eventsIn = (history: History, { items, span }: ListOptions): AsyncIterable<EventRecord> =>
  items ? mergeNewestFirst(items.map(item => history.ofItem(item, span))) : history.received(span)

type Writer = {
  /** @returns false where the reader has closed the pipe */
  add(event: ShownEvent): Promise<boolean>
  end(): Promise<unknown>
}

/** How many rows are made columns of at a time. */
const ROWS = 100

function tableWriter({ print }: Shell, now: number): Writer {
  const lines = growingTable()
  let rows: (readonly string[])[] = [EVENTS_HEADER]
  let begun = false
  const write = async (): Promise<boolean> => {
    if (rows.length === (begun ? 0 : 1)) return true
    const text = lines(rows)
    begun = true
    rows = []
    return print(text)
  }
  return {
    async add(event) {
      rows.push(eventRow(event, now))
      return rows.length < ROWS || write()
    },
    end: write,
  }
}

function jsonWriter({ print }: Shell): Writer {
  let begun = false
  return {
    add(event) {
      const text = JSON.stringify(event, null, 2).replaceAll('\n', '\n  ')
      const lead = begun ? ',' : '['
      begun = true
      return print(`${lead}\n  ${text}`, '')
    },
    end: () => print(begun ? '\n]' : '[]'),
  }
}

function formatNone(
  { looked, names }: Found,
  { ref, span, filter, items }: ListOptions,
  now: number,
): string {
  const time = `since ${momentText(span.from, now)}${span.to < now - 60_000 ? `, until ${momentText(span.to, now)}` : ''}`
  const about = items ? ` about ${items.join(' or ')}` : ''
  if (looked === 0)
    return [
      `The ledger of ${formatStage(ref)} has no event${about} ${time}.`,
      'Use --since to look further back, such as --since 35d. Events still on the queue are not in the ledger yet, and rejected deliveries never are.',
      ...(items ? [`${WHY} ${items[0]} ${formatStageFlags(ref)}`] : []),
    ].join('\n')
  const unknown = (filter.automations ?? []).filter(name => !names.has(name))
  return [
    `No event of ${formatStage(ref)}${about} ${time} matches; ${count(looked)} ${looked === 1 ? 'was' : 'were'} read.`,
    ...(hasFilter(filter) ? unknown.map(name => unknownText(name, [...names])) : []),
  ].join('\n')
}

const WHY = 'To see why nothing arrived: npx boxhooks why'

function unknownText(name: string, names: readonly string[]): string {
  const similar = near(name, names)
  return `None of them has a run of ${name}.${similar.length > 0 ? ` Did you mean ${similar.join(' or ')}?` : ''}`
}

export type ShowOptions = {
  readonly ref: StageRef
  /** From when on the logs are looked through for what the ledger does not know, in milliseconds since the epoch. */
  readonly since: number
  /** Prints the body as well, which names files and people. */
  readonly payload?: boolean
  /** Prints JSON, for programs. */
  readonly json?: boolean
}

/**
 * Shows everything about an event, from the ledger and the logs.
 * @param id the event's, or that of one of its deliveries
 * @throws CommandError where nothing is known of it, ReplayImpossible where the body was not kept, AwsUnreachable
 */
export function showEvent(shell: Shell, id: string, options: ShowOptions): Promise<void> {
  const { ref } = options
  return atStage(shell, ref, ({ ledger }) =>
    interruptible(shell, 'Stopping.', async signal => {
      const logs = openLogs(shell, ref, signal)
      try {
        const story = await readEventDetails(id, options, {
          read: eventId => ledger.read(eventId),
          logs,
          now: shell.now(),
        })
        if (signal.aborted) return
        await shell.print(
          options.json ? JSON.stringify(story, null, 2) : formatEvent(story, ref, shell.now()),
        )
      } catch (error) {
        if (!signal.aborted) throw error
      } finally {
        logs.close()
      }
    }),
  )
}

type Sources = {
  readonly read: (eventId: string) => Promise<EventRecord | undefined>
  readonly logs: StageLogs
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** How long before the first accepted delivery something may have been logged, in milliseconds. */
const BEFORE_MS = 900_000

async function readEventDetails(
  id: string,
  options: ShowOptions,
  { read, logs, now }: Sources,
): Promise<EventDetails> {
  const direct = await read(id)
  const received = direct ? Date.parse(direct.receivedAt) : Number.NaN
  const { log, problem } = await readLogs(
    logs,
    id,
    Number.isNaN(received) ? options.since : received - BEFORE_MS,
  )
  const eventId = direct ? id : log?.eventId
  if (eventId === undefined) throw notFound(id, options, problem, now)
  const record = eventId === id ? direct : await read(eventId)
  const silent = log?.lines.length === 0 ? [SILENT] : []
  return {
    eventId,
    ...(eventId === id ? {} : { deliveryId: id }),
    record: record ? shownEvent(record, now) : null,
    timeline: buildTimeline(record, log ?? { deliveries: [], lines: [] }),
    problems: problem ? [`${LEDGER_ALONE}: ${problem}`] : silent,
    ...(options.payload && record ? { payload: payloadOf(record) } : {}),
  }
}

const LEDGER_ALONE = 'The logs can’t be read, so this is from the ledger alone'
const SILENT =
  'The logs have no line about it (`logRetentionDays` sets how long they are kept), so this is from the ledger alone.'

/** Reads the logs; what can't be read is a problem to show, not a failure. */
async function readLogs(
  logs: StageLogs,
  id: string,
  from: number,
): Promise<{ readonly log?: EventLog; readonly problem?: string }> {
  try {
    return { log: await logs.findEventLog(id, from) }
  } catch (error) {
    if (error instanceof ExpectedError) return { problem: error.message }
    throw error
  }
}

function notFound(
  id: string,
  { ref, since }: ShowOptions,
  problem: string | undefined,
  now: number,
): CommandError {
  const logs = problem
    ? `the logs can’t be read: ${problem}`
    : `the logs since ${momentText(since, now)} have no line about it (--since looks further back)`
  return new CommandError(
    `The ledger of ${formatStage(ref)} has no record of event ${id}, and ${logs}. The event never arrived, or it is older, or the id is wrong. To list recent events: npx boxhooks events list ${formatStageFlags(ref)}`,
  )
}

/** Parses a stored body as JSON; text that is not JSON stays text. */
function payloadOf(record: EventRecord): unknown {
  const text = new TextDecoder().decode(storedMessage(record).body)
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
