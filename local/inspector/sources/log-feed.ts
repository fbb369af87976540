import type {
  FilterLogEventsCommandInput,
  FilterLogEventsCommandOutput,
} from '@aws-sdk/client-cloudwatch-logs'

/** A line of a function's log, as CloudWatch keeps it. */
export type LoggedLine = {
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly text: string
}

export type LogFeedOptions = {
  /** Reads a page of lines; what it throws is thrown on. */
  readonly readPage: (
    input: FilterLogEventsCommandInput,
  ) => Promise<Pick<FilterLogEventsCommandOutput, 'events' | 'nextToken'>>
  readonly group: string
  /** Which lines are read, as CloudWatch's filter patterns say it; all by default. */
  readonly pattern?: string
  /** Where to begin, in milliseconds since the epoch. */
  readonly since: number
  readonly onLine: (line: LoggedLine) => void
}

/** A log group that is read on and on. */
export type LogFeed = {
  /**
   * Reads what is new. Lines come to CloudWatch late and in any order, so the last while is read again each time, and what was
   * heard before is left out.
   * @returns whether all was read that there is; a reading that takes many pages goes on with the next
   * @throws what reading a page throws; the next read makes up for it
   */
  read(): Promise<boolean>
}

/** How late a line may come, in milliseconds. */
const LATE_MS = 120_000

/** How many pages one read takes at most; the next goes on from there. CloudWatch allows few requests a second. */
const PAGES_MAX = 20

/**
 * Follows a log group from a time on, each line once.
 * @see https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
 */
export function createLogFeed({ readPage, group, pattern, since, onLine }: LogFeedOptions): LogFeed {
  /** The lines heard that could be read again: id → time. */
  const heard = new Map<string, number>()
  let latest = since
  let nextToken: string | undefined
  let startTime = since
  const filter = pattern === undefined ? {} : { filterPattern: pattern }

  const take = (line: LoggedLine): void => {
    if (heard.has(line.id)) return
    heard.set(line.id, line.at)
    latest = Math.max(latest, line.at)
    onLine(line)
  }
  const forget = (): void => {
    for (const [id, at] of heard) if (at < startTime) heard.delete(id)
  }
  return {
    async read() {
      for (let page = 0; page < PAGES_MAX; page += 1) {
        const answer = await readPage({ logGroupName: group, startTime, nextToken, ...filter })
        for (const { eventId = '', timestamp = startTime, message = '' } of answer.events ?? [])
          take({ id: eventId, at: timestamp, text: message.trimEnd() })
        nextToken = answer.nextToken
        if (nextToken === undefined) break
      }
      // Until a reading is at its end, the next goes on where it stopped.
      if (nextToken !== undefined) return false
      startTime = Math.max(since, latest - LATE_MS)
      forget()
      return true
    },
  }
}
