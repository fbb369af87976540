import { parseObject } from '../../lib/base/json.ts'
import { type Served, serve } from '../../local/serve.ts'

/** A stand-in for CloudWatch Logs that has what a test puts there. */
export type LogGroups = {
  readonly served: Served
  /** Puts a line of a function of the stage prod there, as its log writes it. */
  put(fn: string, event: string, fields: object, at?: number): void
}

/** How many lines a page has, so that readers must go on to the next. */
const PAGE = 2

/**
 * Starts CloudWatch Logs, as far as FilterLogEvents asks it with a phrase in quotes.
 * @see https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
 */
export async function startLogGroups(): Promise<LogGroups> {
  const groups = new Map<string, { timestamp: number; message: string }[]>()
  const answer = async (request: Request): Promise<Response> => {
    const asked = parseObject(await request.text()) ?? {}
    const headers = { 'content-type': 'application/x-amz-json-1.1' }
    const lines = groups.get(String(asked.logGroupName))
    if (!lines) {
      const body = JSON.stringify({ __type: 'ResourceNotFoundException', message: 'There is no such group.' })
      return new Response(body, { status: 400, headers })
    }
    const phrase: unknown = JSON.parse(String(asked.filterPattern))
    const from = Number(asked.nextToken ?? 0)
    const events = lines
      .slice(from, from + PAGE)
      .filter(
        ({ timestamp, message }) => timestamp >= Number(asked.startTime) && message.includes(String(phrase)),
      )
    const more = from + PAGE < lines.length ? { nextToken: String(from + PAGE) } : {}
    return Response.json({ events, searchedLogStreams: [], ...more }, { headers })
  }
  return {
    served: await serve({ fetch: answer, port: 0 }),
    put(fn, event, fields, at = Date.now()) {
      const name = `/aws/lambda/boxhooks-prod-${fn}`
      const line = { time: new Date(at).toISOString(), level: 'info', event, ...fields }
      groups.set(name, [...(groups.get(name) ?? []), { timestamp: at, message: `${JSON.stringify(line)}\n` }])
    },
  }
}
