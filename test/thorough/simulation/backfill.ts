import { Readable } from 'node:stream'
import { automation } from '../../../lib/automation/automation.ts'
import { backfillFunction } from '../../../lib/backfill/backfill-function.ts'
import type { BoxConnection } from '../../../lib/box/box.ts'
import { targetText } from '../../../lib/event/target.ts'
import { watchOf } from './automations.ts'
import { ENV } from './aws.ts'
import { LOGGED, type LogEntry, timeText } from './box.ts'
import { pathOf } from './event-bodies.ts'
import type { Notification } from './happening.ts'
import { createRandom } from './random.ts'
import type { World } from './world.ts'

/** The ledger remembers for 35 days; a backfill that comes later is refused. */
const LATE_MS = 30 * 86_400_000

/** More steps than any span of a simulation needs. */
const STEPS_MAX = 50

/** How many entries a page has at most: few, so that a span has several pages. */
const PAGE_MAX = 7

/**
 * Lets an operator make up for what Box gave up: two backfills with ends that are set by hand, one after the other. Checks
 * that they queue what no webhook brought, and nothing else.
 * @param stop says when the simulation must end
 */
export async function backfillAll(world: World, stop: () => boolean): Promise<void> {
  const { scheduler, box, startedAt, witness } = world
  if (box.log.length === 0 || scheduler.now - startedAt > LATE_MS) return
  const random = createRandom(world.plan.seed, 8)
  // An end in the middle of a second in which something happened: Box's times are whole seconds.
  const entry = box.log[random.int(box.log.length)]
  const cut = (entry?.at ?? startedAt) + random.between(1, 999)
  const ends = [startedAt - 1000, Math.floor(cut), Math.floor(scheduler.now)]
  const ask = operatorOf(world)
  for (const [index, until] of ends.entries()) {
    const since = ends[index - 1]
    if (since === undefined || since >= until) continue
    await backfillSpan(ask, since, until)
    if (!(await scheduler.run(stop))) return
  }
  const wanted = box.log.flatMap(entry => wantedOf(entry, world))
  for (const group of Map.groupBy(wanted, ({ key }) => key).values()) {
    const [first] = group
    if (!first) continue
    const brought = broughtFor(world, first)
    const detail = () => `${first.key}: ${group.length} in Box's log, ${brought} on the queue`
    witness.check('backfill_finds_all', brought >= group.length, detail)
    witness.check('backfill_repeats_nothing', brought <= group.length, detail)
  }
}

type Ask = (request: Readonly<Record<string, unknown>>) => Promise<unknown>

async function backfillSpan(ask: Ask, since: number, until: number): Promise<void> {
  const span = { since: new Date(since).toISOString(), until: new Date(until).toISOString() }
  const request = { action: 'run', ...span, stream: 'enterprise', queueMax: 20, evenIfBoxMayDeliver: true }
  for (let step = 0; step < STEPS_MAX; step += 1) {
    // What the step before has queued is backfilled, so it can't be taken for lost.
    const answer = await ask(step === 0 ? request : { ...request, evenIfQueueIsBusy: true })
    const { ok, report } = Object(answer)
    if (!ok || !report) throw new Error(`The backfill was refused: ${JSON.stringify(answer)}`)
    if (report.done) return
  }
  throw new Error(`The backfill from ${span.since} to ${span.until} comes to no end.`)
}

type Wanted = {
  readonly key: string
  readonly trigger: string
  readonly item: string
  /** Whether a delivery, or a backfilled event, is what is wanted. */
  readonly isBy: (notification: Notification) => boolean
}

/** What an entry of the log must come to: an event at each place, and for each automation, wherever it watches. */
function wantedOf({ trigger, about, places }: LogEntry, { automations }: World): readonly Wanted[] {
  const item = targetText(about.item)
  const of = (what: string, isBy: Wanted['isBy']) => ({
    key: `${trigger} of ${item} ${what}`,
    trigger,
    item,
    isBy,
  })
  const concerned = automations.filter(
    one => one.on.includes(trigger) && one.places.some(place => places.includes(place)),
  )
  return [
    ...places.map(place => of(`at ${place}`, one => one.place === place)),
    ...concerned.map(({ name }) =>
      of(`for ${name}`, ({ expected, filtered }) => expected.has(name) || filtered.includes(name)),
    ),
  ]
}

/** How many events that are wanted are on the queue or were. */
function broughtFor({ witness }: World, { trigger, item, isBy }: Wanted): number {
  const events = [...witness.queued].flatMap(id => witness.happenings.get(id) ?? [])
  return events.filter(
    one => one.trigger === trigger && one.item === item && witness.broughtOf(one.eventId).some(isBy),
  ).length
}

/** The function backfill as an operator asks it, with Box's log and without faults. */
function operatorOf(world: World): Ask {
  const { scheduler, aws } = world
  const clock = {
    now: () => Math.floor(scheduler.now),
    after: (ms: number, callback: () => void) => scheduler.after(ms, callback),
  }
  const handler = backfillFunction({
    automations: world.automations.map(({ name, on: [first, ...others], places }) => {
      if (!first) throw new Error(`${name} has no trigger.`)
      return automation({ name, on: [first, ...others], watch: places.map(watchOf), async run() {} })
    }),
    env: { ...ENV, BOX_API_URL: 'https://api.box.test' },
    clock,
    write: () => {},
    ...aws.operatorClients(),
    connectBox: () => connectionTo(world),
  })
  return request => handler(request, { getRemainingTimeInMillis: () => 300_000 })
}

function connectionTo({ box }: World): BoxConnection {
  const makeRequest = async ({ url, params = {} }: { url: string; params?: Record<string, string> }) => {
    const { pathname } = new URL(url)
    const answer = pathname === '/2.0/events' ? pageOf(box.log, params) : itemOf(box.log, pathname)
    return { content: Readable.from([JSON.stringify(answer)]) }
  }
  // The one call of the SDK that backfill makes.
  return { box: () => ({ makeRequest }) as never, targetOf: async () => undefined }
}

/**
 * A page of the enterprise's log. Whether Box counts an event of the very second of `created_before` is not documented: this
 * leaves it out, which loses more (a guess).
 * @see https://developer.box.com/reference/get-events/
 */
function pageOf(log: readonly LogEntry[], params: Readonly<Record<string, string>>): object {
  const [after, before] = [params.created_after, params.created_before].map(time => Date.parse(time ?? ''))
  const types = (params.event_type ?? '').split(',')
  const from = Number(params.stream_position ?? 0)
  const found = log
    .filter(({ at, trigger }) => at >= (after ?? 0) && at < (before ?? 0) && types.includes(LOGGED[trigger]))
    .sort((one, other) => one.at - other.at)
  const entries = found.slice(from, from + PAGE_MAX).map(({ id, at, trigger, about }) => ({
    event_id: id,
    event_type: LOGGED[trigger],
    created_at: timeText(at),
    source: { item_type: 'file', item_id: about.item.id, parent: pathOf(about).at(-1) },
  }))
  return { entries, next_stream_position: String(from + entries.length) }
}

/** A file or folder as the API has it. */
function itemOf(log: readonly LogEntry[], pathname: string): object {
  const [, type, id] = /^\/2\.0\/(file|folder)s\/(\d+)/.exec(pathname) ?? []
  const entry = log.find(({ about }) => about.item.id === id)
  if (type === 'file' && entry) return { type, id, path_collection: { entries: pathOf(entry.about) } }
  const path = pathOf({ item: { type: 'file', id: '0' }, places: ['outer', 'inner'] })
  const depth = path.findIndex(folder => folder.id === id)
  return { type: 'folder', id, path_collection: { entries: path.slice(0, Math.max(0, depth)) } }
}
