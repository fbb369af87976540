import { Hono } from 'hono'
import { type SSEStreamingApi, streamSSE } from 'hono/streaming'
import { parseObject } from '../../lib/base/json.ts'
import { unpackPayload } from '../../lib/ledger/payload.ts'
import type { EventRecord } from '../../lib/ledger/record.ts'
import { MESSAGE_BYTES_MAX } from '../../lib/queue/message.ts'
import type { DeliveryEntry, EventEntry, Journal } from '../journal.ts'
import { pageFiles } from './page-files.ts'
import type {
  About,
  DeadLetterView,
  DeliverySummary,
  EventDetails,
  EventSummary,
  QueueState,
  RecordView,
} from './protocol.ts'

/** Where the page has what it shows from: the stack on this machine, or a deployed stage. */
export type InspectorSource = {
  readonly about: () => About
  readonly journal: Journal
  /** What the ledger knows of an event. */
  readonly record: (eventId: string) => Promise<EventRecord | undefined>
  readonly queues: () => Promise<QueueState>
  /** The oldest dead letters. */
  readonly deadLetters: () => Promise<readonly DeadLetterView[]>
}

const SECURITY = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
}

/** How long changes are gathered before the page is told of them, in milliseconds. */
const GATHER_MS = 100

/** How often the queues are looked at while a page is open, in milliseconds. */
const QUEUES_MS = 1000

/** Makes the page and its data, to be served where nobody else can ask for them. */
export async function createInspector(source: InspectorSource): Promise<Hono> {
  const app = new Hono()
  app.use(async (c, next) => {
    await next()
    for (const [name, value] of Object.entries(SECURITY)) c.res.headers.set(name, value)
  })
  for (const [path, { type, text }] of await pageFiles())
    app.get(path, c => c.body(text, 200, { 'content-type': type }))
  dataRoutes(app, source)
  app.get('/_local/stream', c => streamSSE(c, stream => tell(stream, source)))
  return app
}

function dataRoutes(app: Hono, { journal, record, queues, deadLetters, about }: InspectorSource): void {
  app.get('/_local/about', c => c.json(about()))
  app.get('/_local/events', c => c.json(journal.events.map(summaryOf)))
  app.get('/_local/events/:id', async c => {
    const entry = journal.event(c.req.param('id'))
    if (!entry) return c.json({ message: 'This event is not known (any more).' }, 404)
    return c.json(detailsOf(entry, await record(entry.eventId)))
  })
  app.get('/_local/queues', async c => c.json(await queues()))
  app.get('/_local/dead-letters', async c => c.json(await deadLetters()))
}

/** Tells a page of every event that changes, many at a time, and of the queues, until it is closed. */
async function tell(stream: SSEStreamingApi, { journal, queues, about }: InspectorSource): Promise<void> {
  const changed = new Set<EventEntry>()
  let timer: NodeJS.Timeout | undefined
  const flush = (): void => {
    timer = undefined
    const data = JSON.stringify([...changed].map(summaryOf))
    changed.clear()
    void stream.writeSSE({ event: 'events', data })
  }
  const unsubscribe = journal.subscribe(entry => {
    changed.add(entry)
    timer ??= setTimeout(flush, GATHER_MS)
  })
  const told = { hello: '', about: '', queues: '' }
  const say = async (event: keyof typeof told, value: unknown): Promise<void> => {
    const data = JSON.stringify(value)
    if (data !== told[event]) await stream.writeSSE({ event, data })
    told[event] = data
  }
  await say('hello', about())
  told.about = told.hello
  const look = async (): Promise<void> => {
    await say('queues', await queues().catch(() => null))
    await say('about', about())
  }
  await look()
  const looking = setInterval(() => void look(), QUEUES_MS)
  await new Promise<void>(resolve => stream.onAbort(resolve))
  clearInterval(looking)
  clearTimeout(timer)
  unsubscribe()
}

/** What the list shows of an event. */
function summaryOf(entry: EventEntry): EventSummary {
  const { eventId, trigger, item, firstAt, finishedAt, status, deliveries } = entry
  return {
    eventId,
    trigger,
    item,
    status,
    firstAt,
    ...(finishedAt === undefined ? {} : { finishedAt }),
    deliveries: deliveries.map(deliverySummary),
  }
}

const deliverySummary = ({ seq, at, ms, attempt, status, answer }: DeliveryEntry): DeliverySummary => ({
  seq,
  at,
  ms,
  attempt,
  status,
  code: codeOf(answer),
})

/** The code of an answer of ingest; empty where it has none. */
export function codeOf(answer: string): string {
  const { code } = parseObject(answer) ?? {}
  return typeof code === 'string' ? code : ''
}

function detailsOf(entry: EventEntry, record: EventRecord | undefined): EventDetails {
  const { eventId, trigger, item, firstAt, status, deliveries, lines } = entry
  return {
    ...{ eventId, trigger, item, firstAt, status, deliveries, lines },
    record: record ? recordView(record) : null,
    payload: record?.payload ? textOf(record.payload) : null,
  }
}

function recordView({
  payload,
  leaseToken,
  eventId,
  deliveryId,
  trigger,
  ...shown
}: EventRecord): RecordView {
  return shown
}

function textOf(packed: Uint8Array): string | null {
  try {
    return Buffer.from(unpackPayload(packed, MESSAGE_BYTES_MAX)).toString()
  } catch {
    return null
  }
}
