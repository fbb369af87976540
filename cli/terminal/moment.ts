import { ageText, parseAge } from './age.ts'

const ISO = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?)?$/

/**
 * Reads a moment: an age such as `2h`, or a time such as `2026-11-25T10:00`, which is in UTC where it does not say.
 * @param now in milliseconds since the epoch
 * @returns milliseconds since the epoch; undefined where it is none
 */
export function parseMoment(text: string, now: number): number | undefined {
  const seconds = parseAge(text)
  if (seconds !== undefined) return Math.max(0, now - seconds * 1000)
  if (!ISO.test(text)) return undefined
  const zoned = /Z$|T.*[+-]\d\d:\d\d$/.test(text) || !text.includes('T')
  const time = Date.parse(zoned ? text : `${text}Z`)
  return Number.isNaN(time) || time < 0 ? undefined : time
}

/** A moment in milliseconds since the epoch, as people read it: with how long ago it was, or is ahead. */
export function momentText(at: number, now: number): string {
  if (!Number.isFinite(at) || Math.abs(at) > TIME_MAX) return 'a time that is unknown'
  const iso = new Date(at).toISOString().replace(/\.\d+Z$/, 'Z')
  return at > now ? `${iso} (in ${ageBetween(now, at)})` : `${iso} (${ageBetween(at, now)} ago)`
}

/** The last that JavaScript counts. */
const TIME_MAX = 8.64e15

export const ageBetween = (from: number, to: number): string =>
  ageText(Math.max(0, Math.round((to - from) / 1000)))
