import { isObject } from '../../lib/json.ts'

/** What was asked of AWS, as AWS bills it. */
export type Asked = {
  /** Such as `sqs:SendMessage` → how often. */
  readonly requests: Readonly<Record<string, number>>
  readonly sqsUnits: number
  readonly writeUnits: number
  readonly readUnits: number
}

export type Logged = { readonly logLines: number; readonly logBytes: number }

/** What a function asked and logged. */
export type Part = Asked & Logged

/** What one event, in a batch of its own, takes. */
export type EventTrace = {
  readonly automations: number
  readonly bodyBytes: number
  readonly ingest: Part
  readonly automate: Part
  readonly poller: Asked
  /** What is logged of an event that is not in the sample. */
  readonly quiet: { readonly ingest: Logged; readonly automate: Logged }
  /** The bytes of its item, of the item's entries in all indexes, and of its message. */
  readonly bytes: { readonly item: number; readonly index: number; readonly message: number }
}

/** What the template says of the stack. */
export type StackFacts = {
  readonly secrets: number
  readonly alarms: number
  readonly dashboards: number
  /** Metrics of our own: those of filters, and those that log lines carry. */
  readonly metrics: readonly string[]
  readonly polledQueues: number
  readonly indexes: number
  readonly reconciliationsPerMonth: number
  readonly memoryMb: { readonly ingest: number; readonly automate: number; readonly reconcile: number }
  readonly logRetentionDays: number
  /** How many events of a batch automate works on at a time. */
  readonly automateEvents: number
  /** The bytes of a line of the front door's access log. */
  readonly accessLogBytes: number
  /** How long the ledger keeps a record, in days. */
  readonly keepDays: number
}

export type Trace = {
  /** The day of the measurement, YYYY-MM-DD. */
  readonly measured: string
  readonly stack: StackFacts
  /** What each function's process took at most on the machine that measured, in MB. */
  readonly peakMemoryMb: { readonly ingest: number; readonly automate: number }
  readonly events: readonly EventTrace[]
  readonly extras: {
    readonly coldStart: { readonly ingest: Asked; readonly automate: Asked }
    readonly duplicate: { readonly ingest: Part; readonly automate: Part; readonly poller: Asked }
    readonly retry: { readonly automate: Part; readonly poller: Asked }
    readonly throttle: { readonly automate: Part; readonly poller: Asked }
    readonly batchOfTen: { readonly automate: Part; readonly poller: Asked }
    readonly reconcile: Part
  }
}

/** The trace in the repository is not one; whoever has changed it measures anew. */
class TraceUnusable extends Error {
  override readonly name = 'TraceUnusable'
}

/**
 * Reads a trace.
 * @throws TraceUnusable
 */
export function parseTrace(json: string): Trace {
  const at = reader(JSON.parse(json), 'trace')
  const extras = at.object('extras')
  const peak = at.object('peakMemoryMb')
  const coldStart = extras.object('coldStart')
  const duplicate = extras.object('duplicate')
  const attempt = (name: string) => {
    const one = extras.object(name)
    return { automate: part(one.object('automate')), poller: asked(one.object('poller')) }
  }
  return {
    measured: at.text('measured'),
    stack: stackFacts(at.object('stack')),
    peakMemoryMb: { ingest: peak.number('ingest'), automate: peak.number('automate') },
    events: at.list('events').map(eventTrace),
    extras: {
      coldStart: { ingest: asked(coldStart.object('ingest')), automate: asked(coldStart.object('automate')) },
      duplicate: {
        ingest: part(duplicate.object('ingest')),
        automate: part(duplicate.object('automate')),
        poller: asked(duplicate.object('poller')),
      },
      retry: attempt('retry'),
      throttle: attempt('throttle'),
      batchOfTen: attempt('batchOfTen'),
      reconcile: part(extras.object('reconcile')),
    },
  }
}

/** Reads fields of an object; what is not as it should be throws. */
type Reader = {
  number(name: string): number
  text(name: string): string
  texts(name: string): string[]
  numbers(name: string): Record<string, number>
  object(name: string): Reader
  list(name: string): Reader[]
}

function eventTrace(at: Reader): EventTrace {
  const bytes = at.object('bytes')
  const quiet = at.object('quiet')
  return {
    automations: at.number('automations'),
    bodyBytes: at.number('bodyBytes'),
    ingest: part(at.object('ingest')),
    automate: part(at.object('automate')),
    poller: asked(at.object('poller')),
    quiet: { ingest: logged(quiet.object('ingest')), automate: logged(quiet.object('automate')) },
    bytes: { item: bytes.number('item'), index: bytes.number('index'), message: bytes.number('message') },
  }
}

function stackFacts(at: Reader): StackFacts {
  const memory = at.object('memoryMb')
  return {
    secrets: at.number('secrets'),
    alarms: at.number('alarms'),
    dashboards: at.number('dashboards'),
    metrics: at.texts('metrics'),
    polledQueues: at.number('polledQueues'),
    indexes: at.number('indexes'),
    reconciliationsPerMonth: at.number('reconciliationsPerMonth'),
    memoryMb: {
      ingest: memory.number('ingest'),
      automate: memory.number('automate'),
      reconcile: memory.number('reconcile'),
    },
    logRetentionDays: at.number('logRetentionDays'),
    automateEvents: at.number('automateEvents'),
    accessLogBytes: at.number('accessLogBytes'),
    keepDays: at.number('keepDays'),
  }
}

const asked = (at: Reader): Asked => ({
  requests: at.numbers('requests'),
  sqsUnits: at.number('sqsUnits'),
  writeUnits: at.number('writeUnits'),
  readUnits: at.number('readUnits'),
})

const logged = (at: Reader): Logged => ({ logLines: at.number('logLines'), logBytes: at.number('logBytes') })

const part = (at: Reader): Part => ({ ...asked(at), ...logged(at) })

function reader(value: unknown, path: string): Reader {
  const fail = (name: string, what: string): never => {
    throw new TraceUnusable(
      `cli/cost/trace.json has no ${what} at ${path}.${name}. Measure it anew: npm run trace`,
    )
  }
  const raw = isObject(value) ? value : {}
  return {
    number(name) {
      const found = raw[name]
      return typeof found === 'number' && Number.isFinite(found) ? found : fail(name, 'number')
    },
    text(name) {
      const found = raw[name]
      return typeof found === 'string' ? found : fail(name, 'text')
    },
    texts(name) {
      const found = raw[name]
      return Array.isArray(found) ? found.map(String) : fail(name, 'list')
    },
    numbers(name) {
      const found = raw[name]
      if (!isObject(found)) return fail(name, 'object')
      return Object.fromEntries(Object.entries(found).map(([key, count]) => [key, Number(count)]))
    },
    object(name) {
      return isObject(raw[name]) ? reader(raw[name], `${path}.${name}`) : fail(name, 'object')
    },
    list(name) {
      const found = raw[name]
      return Array.isArray(found)
        ? found.map((one, index) => reader(one, `${path}.${name}[${index}]`))
        : fail(name, 'list')
    },
  }
}
