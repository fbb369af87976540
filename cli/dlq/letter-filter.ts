import type { DeadLetter } from '../../lib/dead-letters.ts'

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
export function matcherOf(filter: LetterFilter): (letter: DeadLetter) => boolean {
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

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

/** Reads an age such as `90s`, `30m`, `2h` or `3d` as seconds; undefined where it is none. */
export function parseAge(text: string): number | undefined {
  const [, count, unit = ''] = /^(\d{1,7})([smhd])$/.exec(text) ?? []
  const seconds = UNITS[unit]
  return count === undefined || seconds === undefined ? undefined : Number(count) * seconds
}

/** An age as people read it: its largest whole unit. */
export function ageText(seconds: number): string {
  for (const [unit, size] of Object.entries(UNITS).reverse())
    if (seconds >= size) return `${Math.floor(seconds / size)}${unit}`
  return '0s'
}
