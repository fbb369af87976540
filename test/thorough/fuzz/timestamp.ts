import assert from 'node:assert/strict'
import fc from 'fast-check'
import { parseTimestamp } from '../../../lib/base/timestamp.ts'
import { anyCharacter } from '../../support/any-character.ts'
import { boundary } from './boundary.ts'

/**
 * An RFC 3339 date-time read character by character, with the days counted as
 * https://howardhinnant.github.io/date_algorithms.html#days_from_civil does: neither a regular expression nor Date.
 */
export function oracleTimestamp(text: string): number | undefined {
  let at = 0
  let valid = true
  const digits = (count: number): number => {
    const part = text.slice(at, at + count)
    at += count
    if (part.length !== count || [...part].some(char => char < '0' || char > '9')) valid = false
    return valid ? Number(part) : 0
  }
  const one = (chars: string): string => {
    const char = text.charAt(at)
    at += 1
    if (char === '' || !chars.includes(char)) valid = false
    return char
  }
  const [year, , month, , day] = [digits(4), one('-'), digits(2), one('-'), digits(2)]
  one('Tt')
  const [hour, , minute, , second] = [digits(2), one(':'), digits(2), one(':'), digits(2)]
  let fraction = ''
  if (text.charAt(at) === '.') {
    at += 1
    while (text.charAt(at) >= '0' && text.charAt(at) <= '9') {
      fraction += text.charAt(at)
      at += 1
    }
    if (fraction === '') valid = false
  }
  const zone = one('Zz+-')
  const [offsetHour, , offsetMinute] =
    zone === '+' || zone === '-' ? [digits(2), one(':'), digits(2)] : [0, '', 0]
  if (!valid || at !== text.length) return undefined
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return undefined
  if (hour > 23 || minute > 59 || second > 60 || offsetHour > 23 || offsetMinute > 59) return undefined
  const offset = (zone === '-' ? -1 : 1) * (offsetHour * 60 + offsetMinute)
  const seconds = daysFromCivil(year, month, day) * 86_400 + (hour * 60 + minute - offset) * 60 + second
  return seconds * 1000 + Number(fraction.padEnd(3, '0').slice(0, 3))
}

const isLeap = (year: number): boolean => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0

const daysIn = (year: number, month: number): number =>
  month === 2 ? (isLeap(year) ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31

function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  return (
    era * 146_097 +
    yearOfEra * 365 +
    Math.floor(yearOfEra / 4) -
    Math.floor(yearOfEra / 100) +
    dayOfYear -
    719_468
  )
}

const number = (max: number, width: number) => fc.nat(max).map(value => String(value).padStart(width, '0'))

/** Date-times with every part up to a little beyond its bounds. */
const dateTime = fc
  .tuple(
    fc.oneof(number(9999, 4), fc.constantFrom('0000', '2000', '1900', '2024', '999', '20260')),
    number(13, 2),
    number(32, 2),
    fc.constantFrom('T', 't', ' ', ''),
    number(24, 2),
    number(60, 2),
    number(61, 2),
    fc.oneof(
      fc.constant(''),
      fc.nat().map(value => `.${value}`),
      fc.constantFrom('.', '.999999999999999999999', '.0009', ',5'),
    ),
    fc.oneof(
      fc.constantFrom('Z', 'z', '', 'UTC', '+0100', '+1:00', '−01:00'),
      fc
        .tuple(fc.constantFrom('+', '-'), number(24, 2), number(60, 2))
        .map(([sign, h, m]) => `${sign}${h}:${m}`),
    ),
  )
  .map(([y, mo, d, t, h, mi, s, fraction, zone]) => `${y}-${mo}-${d}${t}${h}:${mi}:${s}${fraction}${zone}`)

/** One character of a date-time replaced, removed or put in. */
const bent = fc
  .tuple(
    dateTime,
    fc.nat(40),
    fc.nat(1),
    fc.oneof(fc.constant(''), fc.string({ minLength: 1, maxLength: 1, unit: anyCharacter })),
  )
  .map(([text, at, cut, put]) => text.slice(0, at) + put + text.slice(at + cut))

const printed = fc
  .date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true })
  .map(date => date.toISOString())

export const timestamps = boundary(
  'timestamps',
  { weight: 16, quickCases: 5000 },
  fc.oneof(
    { weight: 5, arbitrary: dateTime },
    { weight: 3, arbitrary: bent },
    { weight: 2, arbitrary: printed },
    fc.string(),
  ),
  text => {
    const read = parseTimestamp(text)
    assert.equal(read, oracleTimestamp(text))
    if (/^\d{4}(-\d\d){2}T(\d\d:){2}\d\d\.\d{3}Z$/.test(text) && read !== undefined && !text.includes(':60'))
      assert.equal(new Date(read).toISOString(), text)
  },
)
