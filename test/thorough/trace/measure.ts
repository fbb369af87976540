import type { Asked, EventTrace, Part, Trace } from '../../../cli/cost/trace.ts'
import type { CompiledTemplate } from '../../../infra/template.ts'
import { wireBody } from '../../../local/box/payload.ts'
import { putSource } from '../../kit.ts'
import { startTraced, type TracedStack } from './traced-stack.ts'
import { automationFiles, BODY_BYTES, eventOf, RUNS } from './workload.ts'

export type Measurement = Pick<Trace, 'events' | 'extras'> & {
  /** The metrics that log lines carried, each with its dimensions' values. */
  readonly metrics: readonly string[]
  readonly peakMemoryMb: Trace['peakMemoryMb']
}

/** What is measured where nobody asks for other cells: all. */
export type MeasureOptions = {
  readonly template: CompiledTemplate
  readonly runs?: readonly number[]
  readonly bodyBytes?: readonly number[]
}

/** Runs the workload through the bundles that Lambda gets, and counts every request that they make to AWS. */
export async function measure(options: MeasureOptions): Promise<Measurement> {
  const { template, runs = RUNS, bodyBytes = BODY_BYTES } = options
  const cells = runs.flatMap(count => bodyBytes.map(bytes => ({ count, bytes })))
  const quiet = await withStack(template, { LOG_SAMPLE_RATE: '0' }, async (stack, next) => {
    // The first of an instance gets the token, and logs that.
    await measureEvent(stack, 1, 1, next())
    const events: EventLogs[] = []
    for (const { count } of cells.filter(({ bytes }) => bytes === bodyBytes[0]))
      events.push(await measureQuiet(stack, count, next()))
    return events
  })
  return withStack(template, {}, async (stack, next) => {
    const first = await measureEvent(stack, 1, 1, next())
    const usual = await measureEvent(stack, 1, 1, next())
    const events: EventTrace[] = []
    for (const { count, bytes } of cells) {
      const logs = quiet.find(({ automations }) => automations === count)?.quiet
      if (!logs) throw new Error(`There is no quiet run with ${count} automations.`)
      events.push({ ...(await measureEvent(stack, count, bytes, next())), quiet: logs })
    }
    const extras = {
      coldStart: { ingest: less(first.ingest, usual.ingest), automate: less(first.automate, usual.automate) },
      duplicate: await measureDuplicate(stack, next()),
      retry: await measureRetry(stack, next(), 503, usual),
      throttle: await measureRetry(stack, next(), 429, usual),
      batchOfTen: await measureBatch(stack, 10, next),
      reconcile: await stack.reconcile(),
    }
    const many = Array.from({ length: 200 }, () => eventOf(1, 1, next()))
    const peakMemoryMb = await stack.peakMemory(many)
    return { events, extras, metrics: [...stack.metrics].sort(), peakMemoryMb }
  })
}

type EventLogs = Pick<EventTrace, 'automations' | 'quiet'>
type MeasuredEvent = Omit<EventTrace, 'quiet'>

async function withStack<T>(
  template: CompiledTemplate,
  env: Readonly<Record<string, string>>,
  work: (stack: TracedStack, next: () => number) => Promise<T>,
): Promise<T> {
  const stack = await startTraced({ template, automations: automationFiles(), env })
  try {
    putSource(stack.box, eventOf(1, 1, 0))
    // As after a deployment: the stage's record says what the events' webhook is set on.
    await stack.reconcile()
    let number = 0
    return await work(stack, () => {
      number += 1
      return number
    })
  } finally {
    await stack.stop()
  }
}

async function measureEvent(
  stack: TracedStack,
  automations: number,
  bytesMin: number,
  number: number,
): Promise<MeasuredEvent> {
  const event = eventOf(automations, bytesMin, number)
  const ingest = await stack.deliver(event)
  const { automate, poller } = await stack.work(1)
  const bytes = await stack.sizes(String(event.id))
  return { automations, bodyBytes: wireBody(event).length, ingest, automate, poller, bytes }
}

async function measureQuiet(stack: TracedStack, count: number, number: number): Promise<EventLogs> {
  const { automations, ingest, automate } = await measureEvent(stack, count, 1, number)
  const logged = ({ logLines, logBytes }: Part) => ({ logLines, logBytes })
  return { automations, quiet: { ingest: logged(ingest), automate: logged(automate) } }
}

async function measureDuplicate(stack: TracedStack, number: number): Promise<Trace['extras']['duplicate']> {
  const event = eventOf(1, 1, number)
  await stack.deliver(event)
  await stack.work(1)
  return { ingest: await stack.deliver(event), ...(await stack.work(1)) }
}

/** What an event takes more than usual whose first attempt fails. */
async function measureRetry(
  stack: TracedStack,
  number: number,
  status: number,
  usual: MeasuredEvent,
): Promise<Trace['extras']['retry']> {
  stack.box.faults.push({ method: 'PUT', times: 1, status, retryAfterSeconds: 1 })
  await stack.deliver(eventOf(1, 1, number))
  const first = await stack.work(1)
  const second = await stack.work(1)
  const poller = less(plus(plainPart(first.poller), plainPart(second.poller)), plainPart(usual.poller))
  return {
    automate: less(plus(first.automate, second.automate), usual.automate),
    poller: askedOf(poller),
  }
}

async function measureBatch(
  stack: TracedStack,
  size: number,
  next: () => number,
): Promise<Trace['extras']['batchOfTen']> {
  for (let sent = 0; sent < size; sent += 1) await stack.deliver(eventOf(1, 1, next()))
  return stack.work(size)
}

const plainPart = (asked: Asked): Part => ({ ...asked, logLines: 0, logBytes: 0 })

const askedOf = ({ requests, sqsUnits, writeUnits, readUnits }: Part): Asked => ({
  requests,
  sqsUnits,
  writeUnits,
  readUnits,
})

const plus = (one: Part, other: Part): Part => combined(one, other, 1)
const less = (whole: Part, part: Part): Part => combined(whole, part, -1)

function combined(one: Part, other: Part, sign: 1 | -1): Part {
  const names = [...new Set([...Object.keys(one.requests), ...Object.keys(other.requests)])].sort()
  const requests = names.flatMap(name => {
    const count = (one.requests[name] ?? 0) + sign * (other.requests[name] ?? 0)
    return count === 0 ? [] : [[name, count] as const]
  })
  return {
    requests: Object.fromEntries(requests),
    sqsUnits: one.sqsUnits + sign * other.sqsUnits,
    writeUnits: one.writeUnits + sign * other.writeUnits,
    readUnits: one.readUnits + sign * other.readUnits,
    logLines: one.logLines + sign * other.logLines,
    logBytes: one.logBytes + sign * other.logBytes,
  }
}
