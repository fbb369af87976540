import { targetText } from '../../lib/event/target.ts'
import type { EventRecord, RunRecord } from '../../lib/ledger/record.ts'
import { durationText } from '../../lib/operations/event-timeline.ts'
import { type EventState, eventState, type RunState, runState } from '../stage/event-state.ts'
import { formatStageFlags, type StageRef } from '../stage/stage-ref.ts'
import { ageBetween, momentText } from '../terminal/moment.ts'
import { plain, table } from '../terminal/table.ts'
import { droppedText, type TimelineEntry } from './event-timeline.ts'

/** What is shown of an event: everything but the payload and the results of steps. */
export type ShownEvent = Omit<EventRecord, 'payload' | 'runs' | 'leaseToken' | 'source' | 'targets'> & {
  /** The item that it is about, such as `file:123`. */
  readonly item: string
  readonly state: EventState
  readonly targets?: readonly string[]
  readonly runs: Readonly<Record<string, ShownRun>>
}

type ShownRun = Omit<RunRecord, 'steps'> & {
  readonly state: RunState
  /** The kept steps, each with the length of its result as JSON. */
  readonly steps: readonly { readonly name: string; readonly characters: number }[]
}

/** @param now in milliseconds since the epoch */
export function shownEvent(record: EventRecord, now: number): ShownEvent {
  const { payload, leaseToken, runs, source, targets, ...rest } = record
  const shown = Object.entries(runs).map(([name, run]) => [name, shownRun(run, record, now)])
  return {
    ...rest,
    item: source,
    state: eventState(record, now),
    ...(targets ? { targets: targets.map(targetText) } : {}),
    runs: Object.fromEntries(shown),
  }
}

function shownRun(run: RunRecord, record: EventRecord, now: number): ShownRun {
  const steps = Object.entries(run.steps).map(([name, json]) => ({ name, characters: json.length }))
  return { ...run, state: runState(run, record, now), steps }
}

export const EVENTS_HEADER = ['RECEIVED', 'EVENT', 'TRIGGER', 'ITEM', 'STATUS', 'RUNS']

/** Formats an event as a row of the list. */
export function eventRow(event: ShownEvent, now: number): readonly string[] {
  return [
    secondsText(event.receivedAt),
    event.eventId,
    event.trigger,
    event.item,
    event.dropped ? `${event.state}, dropped` : event.state,
    runsCell(event, now),
  ]
}

/** Formats a time of the ledger to the second. */
const secondsText = (iso: string): string =>
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/.test(iso) ? `${iso.slice(0, 19)}Z` : iso

function runsCell({ runs, error }: ShownEvent, now: number): string {
  const all = Object.entries(runs).map(([name, run]) => `${name} ${runText(run, now)}`)
  if (all.length > 0) return all.join(', ')
  return error ? `none (${error.code})` : 'none'
}

function runText({ state, error, nextAt }: ShownRun, now: number): string {
  const code = error ? ` (${error.code})` : ''
  if (state === 'waiting' && nextAt !== undefined && nextAt > now)
    return `waiting ${ageBetween(now, nextAt)}${code}`
  return state === 'waiting' || state === 'failed' ? `${state}${code}` : state
}

/** All that is shown of one event. */
export type EventDetails = {
  readonly eventId: string
  /** Present where a delivery's id was given. */
  readonly deliveryId?: string
  /** Null where the ledger has none. */
  readonly record: ShownEvent | null
  /** The oldest first. */
  readonly timeline: readonly TimelineEntry[]
  /** What could not be read, and what that means. */
  readonly problems: readonly string[]
  /** The body as it was delivered; present with --payload. */
  readonly payload?: unknown
}

/**
 * Formats everything about an event.
 * @param now in milliseconds since the epoch
 */
export function formatEvent(story: EventDetails, ref: StageRef, now: number): string {
  const { eventId, deliveryId, record, timeline, problems, payload } = story
  const parts = [
    ...(deliveryId === undefined ? [] : [`${deliveryId} is a delivery of event ${eventId}.`]),
    record ? headText(record, now) : noRecordText(eventId),
    ...(record && Object.keys(record.runs).length > 0 ? [runsText(record, now)] : []),
    ...(timeline.length > 0 ? [timelineText(timeline)] : []),
    ...(problems.length > 0 ? [problems.map(plain).join('\n')] : []),
    ...(payload === undefined ? [] : [JSON.stringify(payload, null, 2).split('\n').map(plain).join('\n')]),
    ...(record ? nextText(record, ref) : []),
  ]
  return parts.join('\n\n')
}

const noRecordText = (eventId: string): string =>
  `The ledger has no record of event ${plain(eventId)}: no worker has claimed it yet, or nothing was written about it for 35 days. The rest is from the logs.`

function headText(record: ShownEvent, now: number): string {
  const { redrives, error, dropped, targets } = record
  return table([
    ['event', record.eventId],
    ['trigger', record.trigger],
    ['item', record.item],
    ['received', `${momentText(Date.parse(record.receivedAt), now)}, ${originText(record)}`],
    ...(targets ? [['about', targets.join(', ') || 'no watched item']] : []),
    ['status', statusText(record, now)],
    ...(error ? [['error', `${error.code}: ${error.message}`]] : []),
    ...(redrives > 0 ? [['replayed', `${redrives} times as a whole`]] : []),
    ...(dropped ? [['dropped', `${dropped.at}, ${droppedText(dropped)}`]] : []),
  ])
}

const originText = ({ origin, deliveryId }: ShownEvent): string =>
  `by ${origin || 'an unknown way'}, first delivery ${deliveryId || 'unknown'}`

function statusText({ state, leaseUntil, runs }: ShownEvent, now: number): string {
  if (state === 'running') return `running: lease until ${momentText(leaseUntil, now)}`
  if (state === 'waiting') {
    const times = Object.values(runs).flatMap(run => (run.state === 'waiting' ? [run.nextAt ?? 0] : []))
    const next = Math.min(...times)
    return next > now && Number.isFinite(next)
      ? `waiting until ${momentText(next, now)}`
      : 'waiting for a worker'
  }
  return Object.keys(runs).length === 0 && state === 'done' ? 'done: no automation matched' : state
}

function runsText({ runs }: ShownEvent, now: number): string {
  const all = Object.entries(runs)
  const rows = all.map(([name, run]) => [
    name,
    run.state,
    String(run.attempts),
    String(run.throttles),
    String(run.redrives),
    run.startedAt === undefined ? '' : `${ageBetween(run.startedAt, now)} ago`,
    endedText(run, now),
    run.steps.map(({ name: step, characters }) => `${step} (${characters})`).join(', '),
  ])
  const header = ['RUN', 'STATUS', 'ATTEMPTS', 'WAITS', 'REPLAYED', 'STARTED', 'ENDED', 'SAVED STEPS']
  const why = all.flatMap(([name, { error, reason, state }]) => [
    ...(error ? [`${name}: ${error.code}: ${error.message}`] : []),
    ...(reason && state === 'skipped' ? [`${name}: skipped: ${reason}`] : []),
  ])
  return [table([header, ...rows]), ...(why.length > 0 ? ['', ...why.map(plain)] : [])].join('\n')
}

function endedText({ state, finishedAt, nextAt }: ShownEvent['runs'][string], now: number): string {
  if (finishedAt !== undefined) return `${ageBetween(finishedAt, now)} ago`
  return state === 'waiting' && nextAt !== undefined && nextAt > now
    ? `next in ${ageBetween(now, nextAt)}`
    : ''
}

/** Formats the first entry's time, and each entry with the time since then. */
function timelineText(timeline: readonly TimelineEntry[]): string {
  const begun = timeline[0]?.at ?? 0
  const rows = timeline.map(({ at, where, what }) => [`+${durationText(at - begun)}`, where, what])
  return [`What happened since ${new Date(begun).toISOString()}:`, table([...rows])].join('\n')
}

function nextText({ eventId, state, dropped, runs }: ShownEvent, ref: StageRef): string[] {
  const flags = formatStageFlags(ref)
  const given = Object.values(runs).some(run => run.state === 'failed')
  if ((state === 'dead' || given) && !dropped)
    return [`Fix the cause, then: npx boxhooks dlq redrive ${plain(eventId)} ${flags}`]
  return []
}
