import { triggerOf } from '../../lib/event/event.ts'
import type { EventRecord } from '../../lib/ledger/record.ts'
import { eventState, runState } from '../stage/event-state.ts'

/** Status → what it means. */
export const STATUSES = {
  open: 'something of it is unfinished',
  running: 'a worker runs it now',
  waiting: 'it waits for its next attempt, or for a worker',
  done: 'every run is done or skipped',
  dead: 'it failed permanently, as a whole or in part, and the rest is finished',
  failed: 'a run failed permanently, whatever the others do',
  skipped: 'a run was skipped, with a reason',
  ignored: 'no automation matched',
  dropped: 'a dead letter of it was dropped',
} as const

export type StatusFilter = keyof typeof STATUSES

export const isStatusFilter = (text: string): text is StatusFilter => Object.hasOwn(STATUSES, text)

/** Which events to list: those that match everything given, and any value of what is repeated. */
export type EventFilter = {
  readonly triggers?: readonly string[] | undefined
  /** Automations that have a run at it. */
  readonly automations?: readonly string[] | undefined
  /** Of the event; where automations are named, of their runs. */
  readonly statuses?: readonly StatusFilter[] | undefined
}

/** Checks whether a filter leaves anything out. */
export const hasFilter = (filter: EventFilter): boolean =>
  Object.values(filter).some(one => one !== undefined)

/**
 * Creates the predicate of a filter.
 * @param now in milliseconds since the epoch
 */
export function createEventMatcher(
  { triggers, automations, statuses }: EventFilter,
  now: number,
): (record: EventRecord) => boolean {
  const asked = triggers && new Set(triggers.map(spelledAsWeDo))
  const statusFits = automations
    ? (record: EventRecord) => (status: StatusFilter) => runHas(record, automations, status, now)
    : (record: EventRecord) => (status: StatusFilter) => eventHas(record, status, now)
  return record =>
    (asked?.has(spelledAsWeDo(record.trigger)) ?? true) &&
    (automations?.some(name => Object.hasOwn(record.runs, name)) ?? true) &&
    (statuses?.some(statusFits(record)) ?? true)
}

/** Normalises a trigger: Box spells some in two ways. */
const spelledAsWeDo = (trigger: string): string => triggerOf(trigger) ?? trigger

function eventHas(record: EventRecord, status: StatusFilter, now: number): boolean {
  const runs = Object.values(record.runs)
  switch (status) {
    case 'open':
      return record.status === 'open'
    case 'failed':
    case 'skipped':
      return runs.some(run => run.status === status)
    case 'ignored':
      return record.status === 'done' && runs.length === 0
    case 'dropped':
      return record.dropped !== undefined
    default:
      return eventState(record, now) === status
  }
}

function runHas(record: EventRecord, names: readonly string[], status: StatusFilter, now: number): boolean {
  const states = names.flatMap(name => {
    const run = Object.hasOwn(record.runs, name) ? record.runs[name] : undefined
    return run ? [runState(run, record, now)] : []
  })
  switch (status) {
    case 'open':
      return states.some(state => state === 'running' || state === 'waiting')
    case 'dead':
      return states.includes('failed')
    case 'ignored':
      return false
    case 'dropped':
      return record.dropped !== undefined && states.includes('failed')
    default:
      return states.includes(status)
  }
}
