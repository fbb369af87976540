import { createHmac, timingSafeEqual } from 'node:crypto'

/** The two signature keys of a Box application; either may be absent while keys are being set up or rotated. */
export type SignatureKeys = { readonly primary?: string | undefined; readonly secondary?: string | undefined }

export type KeyName = 'primary' | 'secondary'

/** Why a delivery was refused. The names are stable: they appear in answers, logs and metrics. */
export type SignatureRule =
  | 'no_key'
  | 'header_missing'
  | 'version_unsupported'
  | 'algorithm_unsupported'
  | 'signature_mismatch'
  | 'timestamp_invalid'
  | 'timestamp_too_old'
  | 'timestamp_in_future'

/**
 * What a signature header turned out to be, by the header's name: signed with one of our keys, with a key that we have not, or
 * not sent.
 */
export type SignedWith = Readonly<Record<KeyName, KeyName | 'unknown' | 'absent'>>

export type Verdict =
  | {
      readonly ok: true
      /** The key and the header that matched; where both did, the primary ones. */
      readonly key: KeyName
      readonly header: KeyName
      /** Both headers: a rotation is watched by which of the keys are in use. */
      readonly signedWith: SignedWith
      readonly ageSeconds: number
    }
  | {
      readonly ok: false
      readonly rule: SignatureRule
      /** The missing header's name, for `header_missing`. */
      readonly header?: string
      /** Seconds between the delivery's timestamp and now, for the age rules; negative in the future. */
      readonly ageSeconds?: number
    }

export type VerifyInput = {
  /** The request body exactly as it came over the wire. */
  readonly body: Uint8Array
  /** The request's headers, names in any case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly keys: SignatureKeys
  /** Milliseconds since the epoch. */
  readonly now: number
  /** How old a delivery may be. Box's guide says 10 minutes, the default. */
  readonly ageMaxSeconds?: number
  /** How far the delivery's clock may run ahead of ours; 60 s by default. */
  readonly skewMaxSeconds?: number
}

export const SIGNATURE_VERSION = '1'
export const SIGNATURE_ALGORITHM = 'HmacSHA256'
export const AGE_MAX_SECONDS = 600
export const SKEW_MAX_SECONDS = 60

/**
 * Signs a delivery as Box does: base64(HMAC-SHA256(key, body bytes ‖ timestamp header text)).
 * @param timestamp the text of the BOX-DELIVERY-TIMESTAMP header
 * @see https://developer.box.com/guides/webhooks/v2/signatures-v2/
 */
export function sign(body: Uint8Array, timestamp: string, key: string): string {
  return createHmac('sha256', key).update(body).update(timestamp, 'utf8').digest('base64')
}

/**
 * Decides whether a delivery comes from Box. Every configured key is tried against both signature headers, so
 * a delivery passes at any moment of a rotation, even with the keys swapped. The signature is judged before
 * the age: a rule about time means that the delivery is genuine.
 * @returns the key and header that matched and what each header was signed with, or the first rule that failed; never throws
 * @see https://developer.box.com/guides/webhooks/v2/signatures-v2/
 */
export function verify(input: VerifyInput): Verdict {
  const { body, keys, now } = input
  if (!keys.primary && !keys.secondary) return { ok: false, rule: 'no_key' }

  const headers = boxHeaders(input.headers)
  const missing = missingIn(headers)
  if (missing) return { ok: false, rule: 'header_missing', header: missing }
  const timestamp = headers['box-delivery-timestamp'] ?? ''
  if (headers['box-signature-version'] !== SIGNATURE_VERSION)
    return { ok: false, rule: 'version_unsupported' }
  if (headers['box-signature-algorithm'] !== SIGNATURE_ALGORITHM)
    return { ok: false, rule: 'algorithm_unsupported' }

  const match = matchingKey(body, timestamp, keys, {
    primary: headers['box-signature-primary'],
    secondary: headers['box-signature-secondary'],
  })
  if (!match) return { ok: false, rule: 'signature_mismatch' }

  const sentAt = parseTimestamp(timestamp)
  if (sentAt === undefined) return { ok: false, rule: 'timestamp_invalid' }
  const ageSeconds = (now - sentAt) / 1000
  if (ageSeconds > (input.ageMaxSeconds ?? AGE_MAX_SECONDS))
    return { ok: false, rule: 'timestamp_too_old', ageSeconds }
  if (-ageSeconds > (input.skewMaxSeconds ?? SKEW_MAX_SECONDS))
    return { ok: false, rule: 'timestamp_in_future', ageSeconds }
  return { ok: true, ...match, ageSeconds }
}

/**
 * Names the first header that a V2 delivery must carry and this one does not. One of the two signatures is
 * enough: an application with a single key sends a single one.
 */
export function missingHeader(headers: Readonly<Record<string, string | undefined>>): string | undefined {
  return missingIn(boxHeaders(headers))
}

function missingIn(present: Readonly<Record<string, string>>): string | undefined {
  for (const name of REQUIRED_HEADERS) if (!present[name]) return name
  if (!present['box-signature-primary'] && !present['box-signature-secondary']) return 'box-signature-primary'
  return undefined
}

const REQUIRED_HEADERS = [
  'box-delivery-id',
  'box-delivery-timestamp',
  'box-signature-version',
  'box-signature-algorithm',
] as const

/** Box's headers by lower-case name. Two spellings of one name are joined as HTTP joins repeated headers. */
function boxHeaders(headers: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const found: Record<string, string> = {}
  for (const name of Object.keys(headers)) {
    const lower = name.toLowerCase()
    if (!lower.startsWith('box-')) continue
    const value = headers[name]
    if (value === undefined) continue
    found[lower] = lower in found ? `${found[lower]},${value}` : value
  }
  return found
}

type Match = { readonly key: KeyName; readonly header: KeyName; readonly signedWith: SignedWith }

function matchingKey(
  body: Uint8Array,
  timestamp: string,
  keys: SignatureKeys,
  signatures: Readonly<Record<KeyName, string | undefined>>,
): Match | undefined {
  const given = {
    primary: Buffer.from(signatures.primary ?? ''),
    secondary: Buffer.from(signatures.secondary ?? ''),
  }
  const signedWith: Record<KeyName, KeyName | 'unknown' | 'absent'> = {
    primary: signatures.primary ? 'unknown' : 'absent',
    secondary: signatures.secondary ? 'unknown' : 'absent',
  }
  let match: Pick<Match, 'key' | 'header'> | undefined
  for (const key of ['secondary', 'primary'] as const) {
    const secret = keys[key]
    if (!secret) continue
    const expected = Buffer.from(sign(body, timestamp, secret))
    for (const header of key === 'primary' ? KEYS_PRIMARY_LAST : KEYS_SECONDARY_LAST) {
      const one = given[header]
      if (one.length !== expected.length || !timingSafeEqual(one, expected)) continue
      match = { key, header }
      signedWith[header] = key
    }
  }
  return match && { ...match, signedWith }
}

// The last match found is the one reported, so the straight pair is compared after the crossed one.
const KEYS_PRIMARY_LAST = ['secondary', 'primary'] as const
const KEYS_SECONDARY_LAST = ['primary', 'secondary'] as const

const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(\.\d+)?(?:[Zz]|([+-])(\d\d):(\d\d))$/

/**
 * Reads an RFC 3339 date-time strictly.
 * @returns milliseconds since the epoch, or undefined where the text is not one (a day that does not exist,
 *   an offset left out, another format)
 * @see https://www.rfc-editor.org/rfc/rfc3339#section-5.6
 */
export function parseTimestamp(text: string): number | undefined {
  const parts = RFC_3339.exec(text)
  if (!parts) return undefined
  const [year, month, day] = [Number(parts[1]), Number(parts[2]), Number(parts[3])]
  const [hour, minute, second] = [Number(parts[4]), Number(parts[5]), Number(parts[6])]
  const [offsetHour, offsetMinute] = [Number(parts[9] ?? 0), Number(parts[10] ?? 0)]
  if (hour > 23 || minute > 59 || second > 60 || offsetHour > 23 || offsetMinute > 59) return undefined
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return undefined
  const offsetMinutes = (parts[8] === '-' ? -1 : 1) * (offsetHour * 60 + offsetMinute)
  const minutes = hour * 60 + minute - offsetMinutes
  // Date.UTC takes a year below 100 for one of the 20th century; the calendar repeats itself after 400.
  const midnight = Date.UTC(year + 400, month - 1, day) - MS_IN_400_YEARS
  // By its digits: as a number, a long fraction would be rounded up into the next second.
  const milliseconds = Number((parts[7] ?? '').slice(1, 4).padEnd(3, '0'))
  return midnight + minutes * 60_000 + second * 1000 + milliseconds
}

const MS_IN_400_YEARS = 146_097 * 86_400_000

function daysIn(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
}
