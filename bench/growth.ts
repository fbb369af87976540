import { join } from 'node:path'
import { bundle, EXAMPLES, ROOT } from '../infra/build/bundle.ts'
import { startAutomate, startDatabase } from './automate.ts'
import { numberIn, startChild } from './child.ts'
import { bodyOf, gatewayEvent } from './delivery.ts'
import { median } from './figures.ts'
import { startStandIn } from './stand-in.ts'

export type GrowthFigures = {
  /** As the ledger fills: what one event takes after so many. */
  readonly byEvents: readonly EventCost[]
  readonly byAutomations: readonly EventCost[]
  readonly byBody: readonly BodyCost[]
}

type EventCost = {
  /** Events in the ledger, or automations an event. */
  readonly at: number
  /** Milliseconds of the processor for one event. */
  readonly cpuMs: number
  readonly callsPerEvent: number
  readonly eventsPerSecond: number
  readonly rssMb: number
}

type BodyCost = {
  readonly kilobytes: number
  /** Milliseconds of the processor for one delivery at ingest, and for one event at automate. */
  readonly ingestCpuMs: number
  readonly automateCpuMs: number
}

const AUTOMATIONS = [1, 2, 5, 10, 20]
const KILOBYTES = [1, 4, 16, 64, 256, 900]
const BATCH = 10
/** Batches after which it is looked at again. */
const ROUND = 50

/**
 * How the cost of an event grows: with the events before it, with its automations, and with its body.
 * @param events how many there are in the end
 */
export async function benchGrowth(events: number, onPart: (text: string) => void): Promise<GrowthFigures> {
  return {
    byEvents: await growByEvents(events, onPart),
    byAutomations: await growByAutomations(onPart),
    byBody: await growByBody(onPart),
  }
}

/** 1, 2 and 5 thousand, and so on. */
const marksUpTo = (events: number): number[] =>
  [1, 2, 5, 10, 20, 50, 100, 200, 500].map(thousands => thousands * 1000).filter(mark => mark <= events)

async function growByEvents(events: number, onPart: (text: string) => void): Promise<EventCost[]> {
  const database = await startDatabase()
  const automate = await startAutomate(1, database)
  const costs: EventCost[] = []
  let done = 0
  for (const mark of marksUpTo(events)) {
    onPart(`growth: up to ${mark} events`)
    let last = await automate.work(1, 1)
    for (done += BATCH; done < mark; done += last.events)
      last = await automate.work(Math.min(ROUND, Math.ceil((mark - done) / BATCH)), 1)
    costs.push(costOf(mark, [await automate.work(ROUND, 1)]))
    done += ROUND * BATCH
  }
  automate.end()
  database.end()
  return costs
}

async function growByAutomations(onPart: (text: string) => void): Promise<EventCost[]> {
  const costs: EventCost[] = []
  for (const automations of AUTOMATIONS) {
    onPart(`growth: ${automations} automations an event`)
    const database = await startDatabase()
    const automate = await startAutomate(automations, database)
    await automate.work(30, 1)
    const work = [await automate.work(20, 1), await automate.work(20, 1), await automate.work(20, 1)]
    costs.push(costOf(automations, work))
    automate.end()
    database.end()
  }
  return costs
}

function costOf(at: number, work: readonly Awaited<ReturnType<AutomateWork>>[]): EventCost {
  const each = (value: (one: Awaited<ReturnType<AutomateWork>>) => number) => median(work.map(value))
  return {
    at,
    cpuMs: each(({ cpuMs, events }) => cpuMs / events),
    callsPerEvent: each(({ calls, events }) => calls / events),
    eventsPerSecond: each(({ wallMs, events }) => (events / wallMs) * 1000),
    rssMb: each(({ rssMb }) => rssMb),
  }
}

type AutomateWork = Awaited<ReturnType<typeof startAutomate>>['work']

async function growByBody(onPart: (text: string) => void): Promise<BodyCost[]> {
  const outDir = join(ROOT, '.boxhooks', 'bench', 'growth')
  await bundle({ project: EXAMPLES, outDir })
  const standIn = await startStandIn()
  const ingest = await startChild('worker.mjs', {
    BENCH_BUNDLE: join(outDir, 'ingest', 'index.mjs'),
    AWS_ENDPOINT_URL: `http://${standIn.host}`,
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'x',
    AWS_SECRET_ACCESS_KEY: 'x',
    QUEUE_URL: `http://${standIn.host}/000000000000/events`,
    SIGNATURE_KEYS_SECRET_ID: 'keys',
  })
  const database = await startDatabase()
  const automate = await startAutomate(1, database)
  const costs: BodyCost[] = []
  for (const kilobytes of KILOBYTES) {
    onPart(`growth: bodies of ${kilobytes} KB`)
    const invocations = () => Array.from({ length: 100 }, () => gatewayEvent(bodyOf(kilobytes * 1024)))
    await ingest.ask({ invocations: invocations() })
    const delivered = await ingest.ask({ invocations: invocations() })
    await automate.work(2, kilobytes)
    const worked = await automate.work(5, kilobytes)
    costs.push({
      kilobytes,
      ingestCpuMs: numberIn(delivered, 'cpuMs') / 100,
      automateCpuMs: worked.cpuMs / worked.events,
    })
  }
  ingest.end()
  automate.end()
  database.end()
  await standIn.close()
  return costs
}
