import { RETRY_CURVES } from '../local/box/events/delivery.ts'
import type { EventEntry } from '../local/journal.ts'
import { watchSources } from '../local/reload.ts'
import { type Stack, startStack } from '../local/stack.ts'
import { reportText } from './stage/webhook-report.ts'

/** How long the stack may take to stop, in milliseconds. */
const STOP_MS_MAX = 1800

export type StartOptions = {
  readonly port: number
  /** How many events the page remembers. */
  readonly events: number
  readonly retries: keyof typeof RETRY_CURVES
}

/** Runs the local stack until the process is interrupted. */
export async function start(options: StartOptions): Promise<void> {
  const { port, events: eventsMax, retries } = options

  const begun = Date.now()
  const { BOXHOOKS_PRIMARY_KEY: primary, BOXHOOKS_SECONDARY_KEY: secondary, AWS_ENDPOINT_URL } = process.env
  const keys = primary || secondary ? { keys: { primary, secondary } } : {}
  console.log('Packaging the stage local …')
  const stack = await startStack({
    port,
    eventsMax,
    retrySeconds: RETRY_CURVES[retries],
    awsEndpoint: AWS_ENDPOINT_URL || undefined,
    onLine: console.log,
    onReport: report => console.log(reportText(report)),
    ...keys,
  })
  for (const line of greeting(stack, Date.now() - begun)) console.log(line)
  stack.journal.subscribe(activity(console.log))
  const reload = watchSources(stack, console.log)
  await stopSignal()
  console.log('Stopping …')
  // Whatever hangs on must not keep the terminal: before two seconds are over the process just ends.
  setTimeout(() => process.exit(0), STOP_MS_MAX).unref()
  await Promise.all([reload.close(), stack.stop()])
  process.exit(0)
}

/** Makes a subscriber that prints a line when an event's status changes. */
function activity(write: (line: string) => void): (event: EventEntry) => void {
  const said = new Map<string, string>()
  return ({ eventId, trigger, status, deliveries }) => {
    const now = `${status} ${deliveries.at(-1)?.status ?? ''}`.trim()
    if (status === 'running' || said.get(eventId) === now) return
    said.set(eventId, now)
    if (said.size > 1000) said.clear()
    write(`${new Date().toLocaleTimeString()}  ${trigger}  ${now}`)
  }
}

function greeting(stack: Stack, ms: number): string[] {
  const { url, webhookUrl, v1Url, keys, manifest } = stack
  return [
    `Ready after ${(ms / 1000).toFixed(1)} s.`,
    '',
    `  page           ${url}`,
    `  endpoint       ${webhookUrl}`,
    ...(v1Url ? [`  V1 webhooks    ${v1Url}`] : []),
    `  emulated Box   ${url}/2.0 (token: POST ${url}/oauth2/token)`,
    `  primary key    ${keys.primary ?? 'none'}`,
    `  secondary key  ${keys.secondary ?? 'none'}`,
    `  automations    ${manifest.map(({ name }) => name).join(', ')}`,
    '',
    'Open the page and download contract.pdf: its shared link is removed. Changes to files in automations/ are loaded.',
    'Ctrl-C stops everything.',
  ]
}

/** Keeps listening: Ctrl-C in a terminal comes twice, from the terminal and from the launcher, and is still one. */
const stopSignal = (): Promise<unknown> =>
  new Promise(resolve => {
    process.on('SIGINT', resolve)
    process.on('SIGTERM', resolve)
  })
