import pMap from 'p-map'
import type { Clock } from '../base/clock.ts'
import { isBoxError } from '../box/box-error.ts'
import type { Target } from '../event/event.ts'
import { targetText } from '../event/target.ts'
import type { History } from '../ledger/history.ts'
import type { Queue } from '../queue/queue.ts'
import type { DesiredWebhook } from '../webhooks/plan.ts'
import { backfilledMessage, backfillId, showsItem } from './backfilled-event.ts'
import { type Claim, type Covered, coveredOf } from './claims.ts'
import { addCounts, type BackfillSpan, type Progress, UNCLEAR_NAMED } from './progress.ts'
import { type Match, matchesToKeep, seenEvents, TOLERANCE_MS } from './seen-events.ts'
import type { Items, StreamApi } from './stream-api.ts'
import { familyOf, type StreamEvent, type StreamPage } from './stream-event.ts'
import { partTriggers } from './stream-triggers.ts'

/** Everything that a back-fill reaches the world through. */
export type BackfillParts = {
  readonly api: Pick<StreamApi, 'page'>
  readonly items: Items
  readonly history: Pick<History, 'ofItem' | 'targetsOf'>
  readonly queue: Pick<Queue, 'send'>
  /** The targets with the triggers that automations are on there. */
  readonly watched: readonly DesiredWebhook[]
  /** The stage's webhooks by target, such as `folder:123`. */
  readonly webhookIds: ReadonlyMap<string, string>
  readonly clock: Pick<Clock, 'now'>
}

export type BackfillStep = {
  readonly span: BackfillSpan
  readonly progress: Progress
  /** False only counts. */
  readonly send: boolean
  /** No page is begun after this, in milliseconds since the epoch. */
  readonly deadline: number
  /** No page is begun after so many events were queued. */
  readonly queueMax: number
  /**
   * Keeps how far it has come, after each page.
   * @returns false where somebody else has gone on; this step then ends
   */
  readonly save: (progress: Progress) => Promise<boolean>
}

export type StepEnd = {
  readonly progress: Progress
  readonly queued: number
  /** How long Box asks to be left alone. */
  readonly waitSeconds?: number
}

/** Failures of Box that pass on their own. */
const PASSES: ReadonlySet<string> = new Set(['throttled', 'transient'])

/** How long Box is left alone where it does not say. */
const WAIT_SECONDS = 30

/**
 * Goes on with a back-fill, page by page of the stream, as far as the step's time goes. Safe to be killed anywhere and to be
 * repeated: a page counts once its events are on the queue, and an event has the same id whenever it is put there.
 * @throws BoxError, StreamUnreadable, and what the clients of AWS throw
 */
export async function backfillStep(parts: BackfillParts, step: BackfillStep): Promise<StepEnd> {
  let { progress } = step
  let queued = 0
  while (!progress.done && parts.clock.now() < step.deadline && queued < step.queueMax) {
    try {
      const worked = await workPage(parts, step, progress)
      queued += worked.queued
      if (!(await step.save(worked.progress))) break
      progress = worked.progress
    } catch (error) {
      if (!isBoxError(error) || !PASSES.has(error.failure.class)) throw error
      return { progress, queued, waitSeconds: error.failure.retryAfterSeconds ?? WAIT_SECONDS }
    }
  }
  return { progress, queued }
}

async function workPage(
  parts: BackfillParts,
  { span, send }: BackfillStep,
  progress: Progress,
): Promise<{ readonly progress: Progress; readonly queued: number }> {
  const { stream } = span
  const [since, until] = [Date.parse(span.since), Date.parse(span.until)]
  const { position } = progress
  const { types } = partTriggers(
    parts.watched.flatMap(one => one.triggers),
    stream,
  )
  // Without types Box would send every event there is.
  if (types.length === 0) return { progress: { ...progress, done: true, through: span.until }, queued: 0 }
  const [from, to] = [since - EDGE_MS, until + EDGE_MS]
  const page = await parts.api.page({ stream, position, since: from, until: to, types })
  const events = between(page.events, from, to)
  const covered = await coveredOf(events, stream, parts.watched, parts.items)
  const isAsked = ({ event: { at } }: Pick<Covered, 'event'>): boolean => at >= since && at < until
  const claims = covered.flatMap(({ claim }) => claim ?? [])
  const before = await parts.history.targetsOf(claims.map(({ id }) => id))
  const fresh = claims.filter(({ id }) => !before.has(id))
  const found = await seenEvents(parts.history, fresh, progress.matches, familyOf(stream))
  const seen = new Map(found.map(one => [one.match.event, one]))
  const lost = claims.filter(isAsked).flatMap((claim): readonly Claim[] => {
    const brought = seen.get(claim.id)
    const record = brought ?? (before.has(claim.id) ? { targets: before.get(claim.id) } : undefined)
    const targets = record ? missingIn(claim.targets, record.targets) : claim.targets
    return targets.length > 0 ? [{ ...claim, id: brought?.match.record ?? claim.id, targets }] : []
  })
  if (send) await pMap(lost, claim => queueClaim(parts, span, claim), QUEUE_AT_ONCE)
  const queued = new Set(lost.map(({ event, trigger }) => backfillId(event, trigger)))
  const fateOf = (id: string): Fate => (queued.has(id) ? 'queued' : before.has(id) ? 'before' : 'seen')
  const matches = found.map(({ match }) => match)
  return {
    progress: counted(after(progress, page, events, matches, span), covered.filter(isAsked), fateOf),
    queued: send ? lost.length : 0,
  }
}

/** The targets that a record lacks. One whose targets are unknown stands for any: automate finds them out. */
const missingIn = (wanted: readonly Target[], known: readonly Target[] | undefined): readonly Target[] =>
  known === undefined || known.length === 0
    ? []
    : wanted.filter(target => !known.some(one => targetText(one) === targetText(target)))

/**
 * How far beyond the ends of a span events are read, in milliseconds: which record stands for an event depends on the alike
 * events around it, so that two spans side by side must see the same ones.
 */
const EDGE_MS = 10 * TOLERANCE_MS

/** How many events are made and put on the queue at a time. */
const QUEUE_AT_ONCE = { concurrency: 4 }

/** Events in the order of time, each once: some streams repeat events, and only one takes bounds of time. */
function between(events: readonly StreamEvent[], since: number, until: number): readonly StreamEvent[] {
  const once = new Map(events.map(event => [event.id, event]))
  return [...once.values()]
    .filter(({ at }) => at >= since && at < until)
    .sort((one, other) => one.at - other.at)
}

async function queueClaim(parts: BackfillParts, { stream }: BackfillSpan, claim: Claim): Promise<void> {
  const { about, targets } = claim
  const found = showsItem(claim.trigger) ? await parts.items.find(about.item) : undefined
  const webhookId = targets
    .map(target => parts.webhookIds.get(targetText(target)))
    .find(id => id !== undefined)
  const receivedAt = new Date(parts.clock.now()).toISOString()
  await parts.queue.send(backfilledMessage({ ...claim, stream, found, webhookId }, receivedAt))
}

type Fate = 'before' | 'seen' | 'queued'

/** How far the work has come once a page is done. */
function after(
  progress: Progress,
  page: StreamPage,
  events: readonly StreamEvent[],
  matches: readonly Match[],
  { stream, until }: BackfillSpan,
): Progress {
  const { position, ...rest } = progress
  const done = page.size === 0 || page.next === undefined || page.next === position
  const latest = Math.min(events.at(-1)?.at ?? 0, Date.parse(until))
  const come = Math.max(Date.parse(progress.through), latest)
  const earliest = stream === 'enterprise' ? come : come - DISORDER_MS
  const all = new Map([...progress.matches, ...matches].map(match => [match.event, match]))
  return {
    ...rest,
    ...(page.next === undefined ? {} : { position: page.next }),
    pages: progress.pages + 1,
    done,
    through: done ? until : new Date(come).toISOString(),
    matches: matchesToKeep([...all.values()], earliest),
  }
}

/** How much later than others an event may come in a stream that keeps no order, in milliseconds. */
const DISORDER_MS = 3_600_000

function counted(progress: Progress, covered: readonly Covered[], fateOf: (id: string) => Fate): Progress {
  let { counts } = progress
  const unclear = [...progress.unclear]
  for (const { event, trigger, claim, unclear: isUnclear, item } of covered) {
    counts = addCounts(counts, trigger, {
      read: 1,
      notCovered: !claim && !isUnclear ? 1 : 0,
      unclear: isUnclear ? 1 : 0,
    })
    if (claim) counts = addCounts(counts, trigger, { [fateOf(claim.id)]: 1 })
    if (isUnclear && unclear.length < UNCLEAR_NAMED)
      unclear.push({ eventId: event.id, eventType: event.type, createdAt: event.createdAt, item })
  }
  return { ...progress, counts, unclear }
}
