import { ageText, parseAge } from './age.ts'

const ISO = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?)?$/

/**
 * Parses an age such as `2h`, or a time such as `2026-11-25T10:00`, which is in UTC unless it says otherwise.
 * @param now in milliseconds since the epoch
 * @returns milliseconds since the epoch; undefined where it is neither
 */
export function parseMoment(text: string, now: number): number | undefined {
  const seconds = parseAge(text)
  if (seconds !== undefined) return Math.max(0, now - seconds * 1000)
  if (!ISO.test(text)) return undefined
  const zoned = /Z$|T.*[+-]\d\d:\d\d$/.test(text) || !text.includes('T')
  const time = Date.parse(zoned ? text : `${text}Z`)
  return Number.isNaN(time) || time < 0 ? undefined : time
}

/** Formats a time in milliseconds since the epoch, with how long ago it was or how far ahead it is. */
export function momentText(at: number, now: number): string {
  if (!Number.isFinite(at) || Math.abs(at) > TIME_MAX) return 'an unknown time'
  const iso = new Date(at).toISOString().replace(/\.\d+Z$/, 'Z')
  return at > now ? `${iso} (in ${ageBetween(now, at)})` : `${iso} (${ageBetween(at, now)} ago)`
}

/** The last that JavaScript counts. */
const TIME_MAX = 8.64e15

export const ageBetween = (from: number, to: number): string =>
  ageText(Math.max(0, Math.round((to - from) / 1000)))
