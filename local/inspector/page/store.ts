import { useEffect, useState } from 'preact/hooks'
import type { About, BoxView, DeliverySummary, EventSummary, QueueState } from '../protocol.ts'
import { get } from './api.ts'

/** A line of the list: a delivery, or an event of which no delivery is known. */
export type Row = {
  readonly key: string
  readonly event: EventSummary
  readonly at: number
  readonly delivery?: DeliverySummary
}

/** How full the queue was at a moment, in milliseconds since the epoch. */
export type Sample = { readonly at: number; readonly state: QueueState }

export type Live = {
  readonly about: About | undefined
  readonly connected: boolean
  readonly events: ReadonlyMap<string, EventSummary>
  /** The newest first. */
  readonly rows: readonly Row[]
  readonly queues: QueueState | undefined
  /** The emulated Box as it was read last. */
  readonly box: BoxView | undefined
  /** The latest ones, the newest last. */
  readonly samples: readonly Sample[]
  /** How often something was done from this page. */
  readonly acted: number
}

const SAMPLES_MAX = 600

const events = new Map<string, EventSummary>()
const listeners = new Set<() => void>()
let live: Live = {
  about: undefined,
  connected: false,
  events,
  rows: [],
  queues: undefined,
  box: undefined,
  samples: [],
  acted: 0,
}
let drawing = false

/** Redraws with the next frame, once for many changes. */
function changed(change: Partial<Live>): void {
  live = { ...live, ...change }
  if (drawing) return
  drawing = true
  requestAnimationFrame(() => {
    drawing = false
    for (const listener of listeners) listener()
  })
}

function rowsOf(): readonly Row[] {
  const rows: Row[] = []
  for (const event of events.values()) {
    if (event.deliveries.length === 0) rows.push({ key: event.eventId, event, at: event.firstAt })
    for (const delivery of event.deliveries)
      rows.push({ key: String(delivery.seq), event, at: delivery.at, delivery })
  }
  return rows.sort((a, b) => b.at - a.at || (b.delivery?.seq ?? 0) - (a.delivery?.seq ?? 0))
}

function take(summaries: readonly EventSummary[]): void {
  for (const event of summaries) events.set(event.eventId, event)
  const max = live.about?.eventsMax ?? Number.POSITIVE_INFINITY
  for (const oldest of events.keys()) {
    if (events.size <= max) break
    events.delete(oldest)
  }
  changed({ rows: rowsOf() })
}

/** Tells that something was done from this page, so that what it may have changed is read anew. */
export const acted = (): void => changed({ acted: live.acted + 1 })

/** Reads the emulated Box anew; where it can't be read, what was known stays. */
export const readBox = (): Promise<void> =>
  get<BoxView>('/_local/box').then(
    box => changed({ box }),
    () => {},
  )

/** Listens to the stack for as long as the page is open; the browser connects again by itself. */
export function listen(): void {
  const stream = new EventSource('/_local/stream')
  stream.addEventListener('hello', async ({ data }) => {
    // A stack that was started anew knows nothing of what was before.
    events.clear()
    changed({ about: JSON.parse(data), connected: true, rows: [], samples: [] })
    const known = await get<EventSummary[]>('/_local/events')
    take(known.reverse())
  })
  stream.addEventListener('events', ({ data }) => take(JSON.parse(data)))
  stream.addEventListener('about', ({ data }) => changed({ about: JSON.parse(data) }))
  stream.addEventListener('queues', ({ data }) => {
    const queues: QueueState | null = JSON.parse(data)
    if (!queues) return
    const samples = [...live.samples, { at: Date.now(), state: queues }].slice(-SAMPLES_MAX)
    changed({ queues, samples })
  })
  stream.onerror = () => changed({ connected: false })
}

/** What is known now; the component is drawn again whenever it changes. */
export function useLive(): Live {
  const [, redraw] = useState({})
  useEffect(() => {
    const listener = () => redraw({})
    listeners.add(listener)
    return () => {
      listeners.delete(listener)
    }
  }, [])
  return live
}
