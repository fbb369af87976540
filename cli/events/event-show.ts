import { AwsUnreachable } from '../../infra/stage/aws-reason.ts'
import type { EventRecord } from '../../lib/ledger/record.ts'
import { storedMessage } from '../../lib/operations/replay.ts'
import { atStage } from '../stage/stage-aws.ts'
import { type Heard, LogsUnreadable, openLogs, type PlaceLogs } from '../stage/stage-logs.ts'
import { type Place, placeFlags, placeText } from '../stage/stage-ref.ts'
import { CommandError } from '../terminal/command-error.ts'
import { momentText } from '../terminal/moment.ts'
import { interruptible, type Shell } from '../terminal/shell.ts'
import { type EventStory, storyText } from './event-text.ts'
import { timelineOf } from './event-timeline.ts'
import { shownEvent } from './events-text.ts'

export type ShowOptions = {
  readonly place: Place
  /** From when on the logs are looked through for what the ledger does not know, in milliseconds since the epoch. */
  readonly since: number
  /** Prints the body as well, which names files and people. */
  readonly payload?: boolean
  /** Prints JSON, for programs. */
  readonly json?: boolean
}

/**
 * Shows an event's whole story, from the ledger and the logs.
 * @param id the event's, or that of one of its deliveries
 * @throws CommandError where nothing is known of it, ReplayImpossible where the body was not kept, AwsUnreachable
 */
export function showEvent(shell: Shell, id: string, options: ShowOptions): Promise<void> {
  const { place } = options
  return atStage(shell, place, ({ ledger }) =>
    interruptible(shell, 'Stopping.', async signal => {
      const logs = openLogs(shell, place, signal)
      try {
        const story = await storyOf(id, options, {
          read: eventId => ledger.read(eventId),
          logs,
          now: shell.now(),
        })
        if (signal.aborted) return
        await shell.print(
          options.json ? JSON.stringify(story, null, 2) : storyText(story, place, shell.now()),
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
  readonly logs: PlaceLogs
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** How long before the first accepted delivery something may have been logged, in milliseconds. */
const BEFORE_MS = 900_000

async function storyOf(id: string, options: ShowOptions, { read, logs, now }: Sources): Promise<EventStory> {
  const direct = await read(id)
  const received = direct ? Date.parse(direct.receivedAt) : Number.NaN
  const { heard, problem } = await listen(
    logs,
    id,
    Number.isNaN(received) ? options.since : received - BEFORE_MS,
  )
  const eventId = direct ? id : heard?.eventId
  if (eventId === undefined) throw notFound(id, options, problem, now)
  const record = eventId === id ? direct : await read(eventId)
  const silent = heard?.lines.length === 0 ? [SILENT] : []
  return {
    eventId,
    ...(eventId === id ? {} : { deliveryId: id }),
    record: record ? shownEvent(record, now) : null,
    timeline: timelineOf(record, heard ?? { deliveries: [], lines: [] }),
    problems: problem ? [`${LEDGER_ALONE}: ${problem}`] : silent,
    ...(options.payload && record ? { payload: payloadOf(record) } : {}),
  }
}

const LEDGER_ALONE = 'The logs can’t be read, so this is what the ledger alone tells'
const SILENT =
  'The logs have nothing of it (any more; `logRetentionDays` says how long they are kept), so this is what the ledger alone tells.'

/** The logs are worth having, and not worth failing for. */
async function listen(
  logs: PlaceLogs,
  id: string,
  from: number,
): Promise<{ readonly heard?: Heard; readonly problem?: string }> {
  try {
    return { heard: await logs.heardOf(id, from) }
  } catch (error) {
    if (error instanceof LogsUnreadable || error instanceof AwsUnreachable) return { problem: error.message }
    throw error
  }
}

function notFound(
  id: string,
  { place, since }: ShowOptions,
  problem: string | undefined,
  now: number,
): CommandError {
  const logs = problem
    ? `the logs can’t be read: ${problem}`
    : `the logs since ${momentText(since, now)} have nothing of it (--since looks further back)`
  return new CommandError(
    `The ledger of ${placeText(place)} has no record of event ${id}, and ${logs}. Either it never came here, or it is longer ago, or the id is none. What came lately: npx boxhooks events list ${placeFlags(place)}`,
  )
}

/** The body as JSON, and as text where it is none. */
function payloadOf(record: EventRecord): unknown {
  const text = new TextDecoder().decode(storedMessage(record).body)
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
