import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { isObject } from '../lib/base/json.ts'
import { samplePayload, wireBody } from '../local/box/events/payload.ts'
import { type Child, numberIn, startChild } from './child.ts'
import { headersOf, type Keys } from './delivery.ts'
import { percentile } from './figures.ts'

export type StackFigures = {
  readonly steps: readonly StackStep[]
  /** From the last delivery until every event had had its effect, in seconds. */
  readonly drainSeconds: number
  readonly memory: readonly MemoryPoint[]
}

/** So many deliveries a second were sent for a while. */
type StackStep = {
  /** What was asked for, and what came of it: deliveries a second. */
  readonly rate: number
  readonly acceptedPerSecond: number
  readonly sent: number
  readonly notAccepted: number
  /** From when a delivery was due until its answer, in milliseconds. */
  readonly ingestMs: Percentiles
  /** From the front door until the automation had had its effect, in milliseconds. */
  readonly endToEndMs: Percentiles
}

type Percentiles = { readonly p50: number; readonly p99: number }
type MemoryPoint = { readonly seconds: number; readonly rssMb: number }

/** Deliveries a second; each lasts as long as the others. */
const RATES = [25, 50, 100, 150]
const MEMORY_EVERY_MS = 1000

/** How long the queue may take to be worked off, in milliseconds. */
const DRAIN_MS_MAX = 1_200_000

/**
 * Sends signed deliveries to the whole local stack, which runs in a process of its own, at rising rates: each is sent when it is due,
 * whether or not the ones before are answered. Every event has one effect on the emulated Box.
 * @param deliveries how many in all
 * @throws Error where an event that was accepted has had no effect in the end
 */
export async function benchStack(deliveries: number, onPart: (text: string) => void): Promise<StackFigures> {
  onPart('the local stack: starting')
  const child = await startChild('stack-process.ts')
  const target = targetIn(child.greeting)
  const began = performance.now()
  const memory: MemoryPoint[] = []
  const asked = serially(child)
  const watch = setInterval(async () => {
    const rssMb = numberIn(await asked({ memory: true }), 'rssMb')
    memory.push({ seconds: Math.round((performance.now() - began) / 1000), rssMb: Math.round(rssMb) })
  }, MEMORY_EVERY_MS)
  try {
    const seconds = deliveries / RATES.reduce((sum, rate) => sum + rate, 0)
    const sent: SentStep[] = []
    for (const rate of RATES) {
      onPart(`the local stack: ${rate} deliveries a second for ${seconds.toFixed(0)} s`)
      sent.push(await send(rate, Math.round(rate * seconds), target))
    }
    const stopped = performance.now()
    onPart('the local stack: working off what is queued')
    const finished = await drained(
      asked,
      sent.flatMap(({ accepted }) => accepted),
    )
    const drainSeconds = (performance.now() - stopped) / 1000
    return { steps: sent.map(step => figuresOf(step, finished)), drainSeconds, memory }
  } finally {
    clearInterval(watch)
    await asked({ end: true }).catch(() => {})
  }
}

type Target = { readonly address: string; readonly keys: Keys; readonly fileId: string }

type SentStep = {
  readonly rate: number
  readonly seconds: number
  readonly sent: number
  readonly ingestMs: readonly number[]
  /** The ids of events. */
  readonly accepted: readonly string[]
}

async function send(rate: number, count: number, { address, keys, fileId }: Target): Promise<SentStep> {
  const ingestMs: number[] = []
  const accepted: string[] = []
  const underWay: Promise<void>[] = []
  const began = performance.now()
  const one = async (due: number) => {
    const id = randomUUID()
    const body = wireBody(payloadOf(id, fileId))
    const headers = headersOf(body.toString(), new Date().toISOString(), keys)
    const answer = await fetch(address, { method: 'POST', headers, body: Uint8Array.from(body) }).catch(
      () => undefined,
    )
    await answer?.arrayBuffer()
    ingestMs.push(performance.now() - due)
    if (answer?.status === 202) accepted.push(id)
  }
  for (let number = 0; number < count; number += 1) {
    const due = began + (number * 1000) / rate
    const early = due - performance.now()
    if (early > 1) await delay(early)
    underWay.push(one(due))
  }
  await Promise.all(underWay)
  return { rate, seconds: (performance.now() - began) / 1000, sent: count, ingestMs, accepted }
}

const payloadOf = (id: string, fileId: string) =>
  samplePayload('FILE.DOWNLOADED', {
    id,
    source: { id: fileId, path_collection: { total_count: FOLDERS.length, entries: FOLDERS } },
  })

/** Waits until every event that was accepted is done. @returns event → milliseconds from the front door to its end */
async function drained(
  asked: Child['ask'],
  accepted: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const deadline = performance.now() + DRAIN_MS_MAX
  for (;;) {
    const finished = new Map<string, number>()
    const state = await asked({})
    const events = isObject(state) && Array.isArray(state.events) ? state.events.filter(isObject) : []
    for (const { eventId, status, firstAt, finishedAt } of events)
      if (status === 'done' && typeof finishedAt === 'number')
        finished.set(String(eventId), finishedAt - Number(firstAt))
    const missing = accepted.filter(id => !finished.has(id)).length
    if (missing === 0) return finished
    if (performance.now() > deadline)
      throw new Error(`${missing} events that were accepted have had no effect.`)
    await delay(500)
  }
}

function figuresOf(
  { rate, seconds, sent, ingestMs, accepted }: SentStep,
  finished: ReadonlyMap<string, number>,
): StackStep {
  return {
    rate,
    acceptedPerSecond: accepted.length / seconds,
    sent,
    notAccepted: sent - accepted.length,
    ingestMs: percentiles(ingestMs),
    endToEndMs: percentiles(accepted.map(id => finished.get(id) ?? Number.NaN)),
  }
}

const percentiles = (numbers: readonly number[]): Percentiles => ({
  p50: percentile(numbers, 50),
  p99: percentile(numbers, 99),
})

/** The folders that the file lies in, the watched one last. */
const FOLDERS = [
  { type: 'folder', id: '0', sequence_id: null, etag: null, name: 'All Files' },
  { type: 'folder', id: '100001', sequence_id: '0', etag: '0', name: 'Review' },
]

/** A process of the bench answers one question at a time. */
function serially(child: Child): Child['ask'] {
  let last: Promise<unknown> = Promise.resolve()
  return message => {
    last = last.catch(() => {}).then(() => child.ask(message))
    return last
  }
}

function targetIn(greeting: unknown): Target {
  const { url, keys, fileId } = isObject(greeting) ? greeting : {}
  const { primary, secondary } = isObject(keys) ? keys : {}
  if (typeof primary !== 'string' || typeof secondary !== 'string')
    throw new TypeError('The local stack has told no keys.')
  return { address: `${url}/box/webhook`, keys: { primary, secondary }, fileId: String(fileId) }
}
