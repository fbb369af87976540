/**
 * The date-time of RFC 3339, with the day checked by its form only. Seconds go up to 60, for a leap second.
 * @see https://www.rfc-editor.org/rfc/rfc3339#section-5.6
 */
const DATE_TIME =
  /^(\d{4}-\d\d-\d\d)T((?:[01]\d|2[0-3]):[0-5]\d):([0-5]\d|60)(?:\.(\d+))?(Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/i

/**
 * Reads an RFC 3339 date-time strictly.
 * @returns milliseconds since the epoch, or undefined where the text is not one (a day that does not exist,
 *   an offset left out, another format)
 */
export function parseTimestamp(text: string): number | undefined {
  const [, day = '', time, seconds, fraction = '', zone = ''] = DATE_TIME.exec(text) ?? []
  const minute = Date.parse(`${day}T${time}${zone.toUpperCase()}`)
  // Date.parse takes February 30 for a day of March; such a day does not come back as it was.
  if (Number.isNaN(minute) || !new Date(day).toISOString().startsWith(day)) return undefined
  // By its digits: as a number, a long fraction would be rounded up into the next second.
  return minute + Number(seconds) * 1000 + Number(fraction.slice(0, 3).padEnd(3, '0'))
}
