import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type BackfillParts, backfillStep } from '../../../lib/backfill/backfill.ts'
import { type BackfillSpan, beginningOf, type Progress, totalOf } from '../../../lib/backfill/progress.ts'
import { matchEvents, TOLERANCE_MS } from '../../../lib/backfill/seen-events.ts'
import type { StreamEvent, StreamName } from '../../../lib/backfill/stream-event.ts'
import type { EventRecord } from '../../../lib/ledger/record.ts'
import { recordOf } from '../../support/records.ts'
import { runs } from '../../support/seed.ts'

const START = Date.parse('2026-11-23T10:00:00Z')
const WATCHED = { type: 'folder', id: '100' } as const
const SPAN: BackfillSpan = {
  since: new Date(START).toISOString(),
  until: new Date(START + 86_400_000).toISOString(),
  stream: 'enterprise',
}

/** Something that happened, and what became of its delivery. */
type Happened = {
  readonly file: number
  readonly atSeconds: number
  readonly type: 'DOWNLOAD' | 'PREVIEW'
  readonly delivered: boolean
  /** How much later than the stream's the webhook's time is. */
  readonly jitterSeconds: number
}

const TOLERANCE_SECONDS = TOLERANCE_MS / 1000
const happened = fc.record({
  file: fc.integer({ min: 1, max: 3 }),
  // Narrow, so that many are alike and near each other.
  atSeconds: fc.integer({ min: 0, max: 900 }),
  type: fc.constantFrom('DOWNLOAD' as const, 'PREVIEW' as const),
  delivered: fc.boolean(),
  jitterSeconds: fc.integer({ min: -TOLERANCE_SECONDS, max: TOLERANCE_SECONDS }),
})
const history = fc.array(happened, { maxLength: 40 })

const iso = (at: number) => new Date(at).toISOString()
const triggerOf = (type: Happened['type']) => (type === 'DOWNLOAD' ? 'FILE.DOWNLOADED' : 'FILE.PREVIEWED')

function streamOf(all: readonly Happened[]): StreamEvent[] {
  const events = all.map(({ file, atSeconds, type }, index) => ({
    id: `stream-${index}`,
    type,
    createdAt: iso(START + atSeconds * 1000),
    at: START + atSeconds * 1000,
    source: {
      item_type: 'file',
      item_id: String(file),
      item_name: 'a.txt',
      parent: { type: 'folder', id: '100' },
    },
    details: {},
  }))
  return events.sort((one, other) => one.at - other.at)
}

const deliveredRecord = (happening: Happened, index: number): EventRecord => {
  const createdAt = iso(START + (happening.atSeconds + happening.jitterSeconds) * 1000)
  return recordOf({
    eventId: `webhook-${index}`,
    source: `file:${happening.file}`,
    trigger: triggerOf(happening.type),
    receivedAt: createdAt,
    targets: [WATCHED],
    payload: gzipSync(JSON.stringify({ created_at: createdAt })),
  })
}

class Killed extends Error {}

/** A Box, a queue and a ledger in memory; what is queued may be in the ledger at once or only later. */
function world(all: readonly Happened[], sizes: readonly number[], claimsAtOnce = true) {
  const stream = streamOf(all)
  const records = all.flatMap((one, index) => (one.delivered ? [deliveredRecord(one, index)] : []))
  const known = new Map(records.map(one => [one.eventId, one]))
  const queued: string[] = []
  let unclaimed: EventRecord[] = []
  let pages = 0
  let sendsLeft = Number.POSITIVE_INFINITY
  const claim = () => {
    for (const one of unclaimed) known.set(one.eventId, one)
    unclaimed = []
  }
  const parts: BackfillParts = {
    api: {
      async page({ position }) {
        const from = Number(position ?? 0)
        const size = sizes[pages++ % sizes.length] ?? 100
        const events = stream.slice(from, from + size)
        return { events, size: events.length, next: String(from + events.length) }
      },
    },
    items: {
      find: async () => undefined,
      pathOf: async ({ parent }) => (parent ? [parent] : undefined),
    },
    history: {
      targetsOf: async ids =>
        new Map(ids.filter(id => known.has(id)).map(id => [id, known.get(id)?.targets])),
      async *ofItem(source, { from, to }) {
        for (const one of known.values()) {
          const at = Date.parse(one.receivedAt)
          if (one.source === source && at >= from && at <= to) yield one
        }
      },
    },
    queue: {
      async send(message) {
        if (sendsLeft <= 0) throw new Killed()
        sendsLeft -= 1
        queued.push(message.eventId)
        const { source, created_at: createdAt } = JSON.parse(Buffer.from(message.body).toString())
        unclaimed.push(
          recordOf({
            eventId: message.eventId,
            source: `file:${source.id}`,
            trigger: message.trigger,
            receivedAt: createdAt,
            targets: [WATCHED],
            payload: gzipSync(message.body),
            origin: 'backfill',
          }),
        )
        if (claimsAtOnce) claim()
      },
    },
    watched: [{ target: WATCHED, triggers: ['FILE.DOWNLOADED', 'FILE.PREVIEWED'] }],
    webhookIds: new Map(),
    clock: { now: () => START },
  }
  const kill = (sends: number) => {
    sendsLeft = sends
  }
  return { parts, queued, claim, kill }
}

/** Back-fills to the end, a page a step as the command line would, from where it has come. */
async function run(
  parts: BackfillParts,
  stream: StreamName = 'enterprise',
  from?: Progress,
): Promise<Progress> {
  const span = { ...SPAN, stream }
  let progress = from ?? beginningOf(span)
  while (!progress.done) {
    const step = { span, progress, send: true, deadline: START + 1, queueMax: 1, save: async () => true }
    ;({ progress } = await backfillStep(parts, step))
  }
  return progress
}

const download = { type: 'DOWNLOAD', jitterSeconds: 0 } as const
/** Two events of one item and time, of which one was delivered: on one page in one run, and on two in the other. */
const ALIKE_ON_TWO_PAGES: Happened[] = [
  { ...download, file: 1, atSeconds: 0, delivered: false },
  { ...download, file: 2, atSeconds: 612, delivered: true },
  { ...download, file: 2, atSeconds: 612, delivered: false },
]

const lostIn = (all: readonly Happened[]) => all.filter(({ delivered }) => !delivered).length
const sizes = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 6 })
const distinct = (ids: readonly string[]) => new Set(ids).size

describe('whatever happened, and whatever of it webhooks brought', () => {
  test('each event of the stream is either seen, by a webhook’s event of its own, or queued once', async () => {
    await fc.assert(
      fc.asyncProperty(history, sizes, fc.boolean(), async (all, pageSizes, claimsAtOnce) => {
        const { parts, queued } = world(all, pageSizes, claimsAtOnce)
        const { counts } = await run(parts)
        const { read, seen, queued: counted, before, notCovered, unclear } = totalOf(counts)
        expect({ read, seen, counted, before, notCovered, unclear }).toEqual({
          read: all.length,
          seen: all.length - lostIn(all),
          counted: lostIn(all),
          before: 0,
          notCovered: 0,
          unclear: 0,
        })
        expect(queued.length).toBe(lostIn(all))
        expect(distinct(queued)).toBe(queued.length)
      }),
      runs(300),
    )
  })

  test('running it twice queues nothing new, however the stream is cut into pages the second time', async () => {
    await fc.assert(
      fc.asyncProperty(history, sizes, async (all, pageSizes) => {
        const { parts, queued, claim } = world(all, pageSizes)
        await run(parts)
        claim()
        const { length } = queued
        const { counts } = await run(parts)
        expect(queued.length).toBe(length)
        expect(totalOf(counts)).toMatchObject({
          queued: 0,
          before: lostIn(all),
          seen: all.length - lostIn(all),
        })
      }),
      runs(200),
    )
  })

  test('killed anywhere and gone on with, it queues the same events', async () => {
    await fc.assert(
      fc.asyncProperty(
        history,
        sizes,
        fc.nat(20),
        fc.boolean(),
        async (all, pageSizes, sends, claimsAtOnce) => {
          const whole = world(all, pageSizes)
          await run(whole.parts)
          const { parts, queued, claim, kill } = world(all, pageSizes, claimsAtOnce)
          kill(sends)
          let kept: Progress = beginningOf(SPAN)
          const save = async (progress: Progress) => {
            kept = progress
            return true
          }
          const step = { span: SPAN, send: true, deadline: START + 1, queueMax: 1_000_000, save }
          await backfillStep(parts, { ...step, progress: kept }).catch((error: unknown) => {
            if (!(error instanceof Killed)) throw error
          })
          kill(Number.POSITIVE_INFINITY)
          claim()
          // What is kept goes through JSON.
          await run(parts, 'enterprise', JSON.parse(JSON.stringify(kept)))
          expect(distinct(queued)).toBe(lostIn(all))
        },
      ),
      runs(200),
    )
  })

  test('two at once queue nothing that one of them would not', async () => {
    await fc.assert(
      fc.asyncProperty(history, sizes, async (all, pageSizes) => {
        const { parts, queued } = world(all, pageSizes, false)
        await Promise.all([run(parts), run(parts)])
        expect(distinct(queued)).toBe(lostIn(all))
      }),
      { ...runs(100), examples: [[ALIKE_ON_TWO_PAGES, [1, 3]]] },
    )
  })
})

describe('matching', () => {
  const dated = fc.record({ seconds: fc.nat(1500) })

  test('leaves the fewest unmatched that can be, and gives each record to one event only', () => {
    fc.assert(
      fc.property(fc.array(dated, { maxLength: 7 }), fc.array(dated, { maxLength: 7 }), (left, right) => {
        const events = left.map(({ seconds }, index) => ({ id: `e${index}`, at: seconds * 1000 }))
        const records = right.map(({ seconds }, index) => ({ id: `r${index}`, at: seconds * 1000 }))
        const matches = matchEvents(events, records, [])
        expect(distinct(matches.map(({ record: one }) => one))).toBe(matches.length)
        for (const match of matches) {
          const [event] = events.filter(({ id }) => id === match.event)
          expect(Math.abs((event?.at ?? 0) - match.at)).toBeLessThanOrEqual(TOLERANCE_MS)
        }
        expect(matches.length).toBe(mostMatches(events, records))
      }),
      runs(500),
    )
  })

  test('an event that was matched on an earlier page keeps its record, and nobody else gets that', () => {
    const taken = [{ event: 'e1', record: 'r1', at: 0 }]
    const events = [
      { id: 'e1', at: 0 },
      { id: 'e2', at: 1000 },
    ]
    const records = [{ id: 'r1', at: 0 }]
    expect(matchEvents(events, records, taken)).toEqual(taken)
  })
})

type Dated = { readonly id: string; readonly at: number }

/** By trying all ways. */
function mostMatches([first, ...others]: readonly Dated[], records: readonly Dated[]): number {
  if (!first) return 0
  const without = mostMatches(others, records)
  const near = records.filter(({ at }) => Math.abs(at - first.at) <= TOLERANCE_MS)
  return Math.max(
    without,
    ...near.map(
      record =>
        1 +
        mostMatches(
          others,
          records.filter(one => one !== record),
        ),
    ),
  )
}
