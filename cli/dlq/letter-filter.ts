import type { DeadLetter } from '../../lib/operations/dead-letters.ts'

/** Which dead letters to take: those that match everything given. */
export type LetterFilter = {
  /** Ids of events; empty for any. */
  readonly events: readonly string[]
  /** Error codes, of the dead letter or of one of its runs; absent for any. */
  readonly codes?: readonly string[] | undefined
  /** Automations, one of which failed permanently; absent for any. */
  readonly automations?: readonly string[] | undefined
  readonly olderThanSeconds?: number | undefined
  readonly newerThanSeconds?: number | undefined
}

/** Checks whether a filter leaves anything out. */
export const isNarrow = ({ events, ...rest }: LetterFilter): boolean =>
  events.length > 0 || Object.values(rest).some(one => one !== undefined)

/** Creates the predicate of a filter. */
export function createMatcher(filter: LetterFilter): (letter: DeadLetter) => boolean {
  const events = new Set(filter.events)
  const isAsked = (asked: readonly string[] | undefined, has: readonly string[]) =>
    asked === undefined || has.some(one => asked.includes(one))
  return ({ eventId, code, automations, ageSeconds }) =>
    (events.size === 0 || events.has(eventId)) &&
    isAsked(filter.codes, [code, ...automations.map(run => run.code)]) &&
    isAsked(
      filter.automations,
      automations.map(run => run.name),
    ) &&
    ageSeconds >= (filter.olderThanSeconds ?? 0) &&
    ageSeconds <= (filter.newerThanSeconds ?? Number.POSITIVE_INFINITY)
}
