import type { DeadLetter } from '../../lib/operations/dead-letters.ts'

/** Which dead letters are meant; one must fit all that is given. */
export type LetterFilter = {
  /** Ids of events; any where there is none. */
  readonly events: readonly string[]
  /** Error codes, of the letter or of one of its runs; any where it is absent. */
  readonly codes?: readonly string[] | undefined
  /** Automations, one of which was given up; any where it is absent. */
  readonly automations?: readonly string[] | undefined
  readonly olderThanSeconds?: number | undefined
  readonly newerThanSeconds?: number | undefined
}

/** Whether a filter leaves anything out. */
export const isNarrow = ({ events, ...rest }: LetterFilter): boolean =>
  events.length > 0 || Object.values(rest).some(one => one !== undefined)

/** Makes what tells of a letter whether it is meant. */
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
