/**
 * Reads an RFC 3339 date-time strictly.
 * @returns milliseconds since the epoch, or undefined where the text is not one (a day that does not exist,
 *   an offset left out, another format)
 * @see https://www.rfc-editor.org/rfc/rfc3339#section-5.6
 */
export function parseTimestamp(text: string): number | undefined {
  const year = two(text, 0) * 100 + two(text, 2)
  const month = two(text, 5)
  const day = two(text, 8)
  const hour = two(text, 11)
  const minute = two(text, 14)
  const second = two(text, 17)
  const isDate = year >= 0 && text[4] === '-' && text[7] === '-' && month >= 1 && month <= 12 && day >= 1
  const isTime = isOneOf(text[10], 'T', 't') && text[13] === ':' && text[16] === ':'
  if (!isDate || !isTime || !(day <= daysIn(year, month))) return undefined
  if (!(hour <= 23 && minute <= 59 && second <= 60)) return undefined
  let at = 19
  let milliseconds = 0
  if (text[at] === '.') {
    const from = at + 1
    do at += 1
    while (isDigit(text.charCodeAt(at)))
    if (at === from) return undefined
    // By its digits: as a number, a long fraction would be rounded up into the next second.
    milliseconds = Number(text.slice(from, Math.min(at, from + 3)).padEnd(3, '0'))
  }
  const offsetMinutes = offsetIn(text, at)
  if (offsetMinutes === undefined) return undefined
  // Date.UTC takes a year below 100 for one of the 20th century; the calendar repeats itself after 400.
  const midnight = Date.UTC(year + 400, month - 1, day) - MS_IN_400_YEARS
  return midnight + (hour * 60 + minute - offsetMinutes) * 60_000 + second * 1000 + milliseconds
}

/** The offset from UTC in minutes, with which the text must end. */
function offsetIn(text: string, at: number): number | undefined {
  if (isOneOf(text[at], 'Z', 'z')) return text.length === at + 1 ? 0 : undefined
  if (!isOneOf(text[at], '+', '-') || text[at + 3] !== ':' || text.length !== at + 6) return undefined
  const hours = two(text, at + 1)
  const minutes = two(text, at + 4)
  if (!(hours <= 23 && minutes <= 59)) return undefined
  return (text[at] === '-' ? -1 : 1) * (hours * 60 + minutes)
}

/** The number that two digits make; NaN where they are none. */
function two(text: string, at: number): number {
  const tens = text.charCodeAt(at)
  const ones = text.charCodeAt(at + 1)
  return isDigit(tens) && isDigit(ones) ? (tens - ZERO) * 10 + ones - ZERO : Number.NaN
}

const ZERO = 48
const isDigit = (code: number): boolean => code >= ZERO && code <= ZERO + 9
const isOneOf = (char: string | undefined, one: string, other: string): boolean =>
  char === one || char === other

const MS_IN_400_YEARS = 146_097 * 86_400_000

function daysIn(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
}
