import type { EventRecord } from '../../lib/ledger/record.ts'
import { mergedNewestFirst } from '../stage/merge-newest.ts'
import type { StageAws } from '../stage/stage-aws.ts'
import type { PlaceLogs } from '../stage/stage-logs.ts'
import { type Place, placeFlags } from '../stage/stage-ref.ts'
import { CommandError } from '../terminal/command-error.ts'
import { near } from '../terminal/near.ts'
import type { Shell } from '../terminal/shell.ts'
import { learn } from './learn.ts'
import { automationsIn, decisiveEvent } from './why-answer.ts'
import { askBox, NOT_ASKED } from './why-box.ts'
import { declaredFacts } from './why-declared.ts'
import type { WhyFacts } from './why-facts.ts'
import { type AskedItem, sourcesOf } from './why-item.ts'

export type Asked = {
  readonly place: Place
  readonly item: AskedItem
  /** Just this one; all by default. */
  readonly automation?: string
}

/** Through what an answer's facts are got. */
export type WhySources = Pick<StageAws, 'ledger' | 'history'> & {
  readonly logs: PlaceLogs
  readonly signal: AbortSignal
}

export type Gathered = {
  readonly facts: WhyFacts
  /** What could not be read, and what that means. */
  readonly problems: readonly string[]
}

/** How long the ledger keeps an event, in milliseconds. */
const KEPT_MS = 35 * 86_400_000

/** How many of an item's events are looked at. */
const EVENTS_MAX = 200

/**
 * Gathers what an answer rests on: the item's events, what this clone declares, and, where no event tells enough, where the item
 * lies, which webhooks there are, and what was turned away.
 * @throws CommandError, StageParamsError, AwsUnreachable
 */
export async function gatherFacts(shell: Shell, asked: Asked, sources: WhySources): Promise<Gathered> {
  const now = shell.now()
  const { events, since } = await eventsOf(asked.item, sources, now)
  const { declared, problems } = await declaredFacts(shell, asked.place)
  const known = { item: typed(asked.item, events), events, declared }
  const names = askedNames(asked, known)
  const silent = names.some(name => decisiveEvent(known, name) === undefined)
  const [box, refused, heard] = await Promise.all([
    silent ? askBox(asked.place, known.item, events, sources) : NOT_ASKED,
    silent ? learn(() => sources.logs.refusedSince(now - DAY_MS)) : undefined,
    deliveriesOf(names, known, sources.logs),
  ])
  return {
    facts: {
      now,
      since,
      ...known,
      ...box,
      declared: declared.filter(({ name }) => names.includes(name)),
      ...(refused ? { refused } : {}),
      deliveries: heard.deliveries,
      flags: placeFlags(asked.place),
    },
    problems: [...problems, ...heard.problems],
  }
}

const DAY_MS = 86_400_000

async function eventsOf(
  item: AskedItem,
  { history, signal }: WhySources,
  now: number,
): Promise<Pick<WhyFacts, 'events' | 'since'>> {
  const span = { from: now - KEPT_MS, to: now + DAY_MS }
  const events: EventRecord[] = []
  for await (const record of mergedNewestFirst(sourcesOf(item).map(one => history.ofItem(one, span)))) {
    events.push(record)
    if (events.length === EVENTS_MAX || signal.aborted) break
  }
  const oldest = Date.parse(events.at(-1)?.receivedAt ?? '')
  return { events, since: events.length === EVENTS_MAX && !Number.isNaN(oldest) ? oldest : span.from }
}

/** Whether it is a file or a folder, as far as its events tell. */
function typed({ type, id }: AskedItem, events: readonly EventRecord[]): AskedItem {
  const sources = new Set(events.map(({ source }) => source))
  const [isFile, isFolder] = [sources.has(`file:${id}`), sources.has(`folder:${id}`)]
  if (type === undefined && isFile && isFolder)
    throw new CommandError(
      `There are events about a file and about a folder with the id ${id}. Say file:${id} or folder:${id}.`,
    )
  return { type: type ?? (isFile ? 'file' : isFolder ? 'folder' : undefined), id }
}

function askedNames({ automation }: Asked, known: Pick<WhyFacts, 'declared' | 'events'>): readonly string[] {
  const names = automationsIn(known)
  if (automation === undefined) return names
  if (names.includes(automation)) return [automation]
  const meant = near(automation, names)
  throw new CommandError(
    `This clone declares no automation ${automation}, and none of that name has run for the item.${meant.length > 0 ? ` Did you mean ${meant.join(' or ')}?` : ' npx boxhooks automations lists what there is.'}`,
  )
}

/** How many events' deliveries are looked up. */
const HEARD_MAX = 5

/** How long before an event was first accepted its deliveries may have been logged, in milliseconds. */
const BEFORE_MS = 900_000

async function deliveriesOf(
  names: readonly string[],
  known: Pick<WhyFacts, 'declared' | 'events'>,
  logs: PlaceLogs,
): Promise<{ readonly deliveries: ReadonlyMap<string, number>; readonly problems: readonly string[] }> {
  const decisive = new Set(names.flatMap(name => decisiveEvent(known, name) ?? []))
  const deliveries = new Map<string, number>()
  for (const { eventId, receivedAt } of [...decisive].slice(0, HEARD_MAX)) {
    const from = (Date.parse(receivedAt) || 0) - BEFORE_MS
    const heard = await learn(() => logs.heardOf(eventId, from))
    if (!heard.known)
      return { deliveries, problems: [`How often Box delivered is not known: ${heard.reason}`] }
    deliveries.set(eventId, heard.value.deliveries.filter(({ status }) => status === 202).length)
  }
  return { deliveries, problems: [] }
}
