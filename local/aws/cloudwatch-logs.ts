import { isObject, parseObject } from '../../lib/base/json.ts'

/** An emulated CloudWatch Logs, as far as reading a group's lines goes. */
export type CloudWatchLogs = {
  /** Makes a group, without a line. */
  create(group: string): void
  /** Keeps a line of a group; beyond some number the oldest are forgotten. */
  append(group: string, text: string): void
  /** Answers a call of the AWS SDK (AWS JSON 1.1). */
  fetch(request: Request): Promise<Response>
}

type Line = { readonly seq: number; readonly at: number; readonly text: string }

/** How many lines are kept of a group. */
const LINES_MAX = 20_000

/** How many lines an answer has at most. */
const PAGE = 10_000

/**
 * @param now milliseconds since the epoch
 * @see https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
 */
export function createCloudWatchLogs(now: () => number): CloudWatchLogs {
  const groups = new Map<string, Line[]>()
  let seq = 0
  const create = (group: string): Line[] => {
    const lines = groups.get(group) ?? []
    groups.set(group, lines)
    return lines
  }
  return {
    create,
    append(group, text) {
      const lines = create(group)
      seq += 1
      lines.push({ seq, at: now(), text })
      // Not with each line: to take the first of many away moves all others.
      if (lines.length > LINES_MAX * 1.1) lines.splice(0, lines.length - LINES_MAX)
    },
    async fetch(request) {
      if (request.headers.get('x-amz-target') !== 'Logs_20140328.FilterLogEvents')
        return refusal('UnknownOperationException', 'Only FilterLogEvents is emulated.')
      const input = parseObject(await request.text())
      if (!input) return refusal('SerializationException', 'The body is no JSON object.')
      const lines = groups.get(String(input.logGroupName))
      if (!lines) return refusal('ResourceNotFoundException', 'The specified log group does not exist.')
      return answer(page(lines, input))
    },
  }
}

function page(lines: readonly Line[], input: Readonly<Record<string, unknown>>): object {
  const { startTime, endTime, limit, nextToken, filterPattern } = input
  const from = typeof startTime === 'number' ? startTime : 0
  const to = typeof endTime === 'number' ? endTime : Number.POSITIVE_INFINITY
  const after = typeof nextToken === 'string' ? Number(nextToken) : 0
  const wanted = eventsIn(filterPattern)
  const found = lines.filter(({ seq, at, text }) => {
    if (seq <= after || at < from || at > to) return false
    return wanted === undefined || wanted.includes(eventOf(text))
  })
  const size = typeof limit === 'number' ? Math.min(limit, PAGE) : PAGE
  const events = found
    .slice(0, size)
    .map(({ seq, at, text }) => ({ eventId: String(seq), timestamp: at, ingestionTime: at, message: text }))
  return {
    events,
    searchedLogStreams: [],
    ...(found.length > size ? { nextToken: events.at(-1)?.eventId } : {}),
  }
}

/** The names that a pattern such as `{ ($.event = "a") || ($.event = "b") }` asks for, the only form that is understood. */
function eventsIn(pattern: unknown): readonly string[] | undefined {
  if (typeof pattern !== 'string' || pattern.trim() === '') return undefined
  return [...pattern.matchAll(/\$\.event\s*=\s*"([^"]*)"/g)].map(([, name = '']) => name)
}

function eventOf(text: string): string {
  const line = parseObject(text)
  return isObject(line) && typeof line.event === 'string' ? line.event : ''
}

const answer = (body: object, status = 200): Response =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/x-amz-json-1.1' } })

const refusal = (type: string, message: string): Response => answer({ __type: type, message }, 400)
