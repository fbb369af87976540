import { targetText } from '../../lib/event/target.ts'
import type { EventRecord, RunRecord } from '../../lib/ledger/record.ts'
import { type EventState, eventState, type RunState, runState } from '../stage/event-state.ts'
import { ageBetween } from '../terminal/moment.ts'

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

/** An event as a row of the list. */
export function eventRow(event: ShownEvent, now: number): readonly string[] {
  return [
    secondsText(event.receivedAt),
    event.eventId,
    event.trigger,
    event.item,
    event.dropped ? `${event.state}, dropped` : event.state,
    runsText(event, now),
  ]
}

/** A time as the ledger has it, to the second. */
const secondsText = (iso: string): string =>
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/.test(iso) ? `${iso.slice(0, 19)}Z` : iso

function runsText({ runs, error }: ShownEvent, now: number): string {
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
