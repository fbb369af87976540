import { createHmac, timingSafeEqual } from 'node:crypto'
import { type HmacKey, hmacKey, hmacOf } from './hmac.ts'
import { parseTimestamp } from './timestamp.ts'

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
  /** What is made of them is kept as long as they are, so they must not be changed. */
  readonly keys: SignatureKeys
  /** Milliseconds since the epoch. */
  readonly now: number
  /** How old a delivery may be. Box's guide says 10 minutes, the default. */
  readonly ageMaxSeconds?: number | undefined
  /** How far the delivery's clock may run ahead of ours; 60 s by default. */
  readonly skewMaxSeconds?: number | undefined
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
  // The bytes of ASCII are the same in both; Node takes those of latin1 faster.
  const encoding = ASCII.test(timestamp) ? 'latin1' : 'utf8'
  return createHmac('sha256', key).update(body).update(timestamp, encoding).digest('base64')
}

const ASCII = /^[ -~]*$/

/**
 * Decides whether a delivery comes from Box. Every configured key is tried against both signature headers, so
 * a delivery passes at any moment of a rotation, even with the keys swapped. The signature is judged before
 * the age: a rule about time means that the delivery is genuine.
 * @returns the key and header that matched and what each header was signed with, or the first rule that failed; never throws
 * @see https://developer.box.com/guides/webhooks/v2/signatures-v2/
 */
export function verify(input: VerifyInput): Verdict {
  return verifyRead({ ...input, headers: boxHeaders(input.headers) })
}

/** {@link verify} where the headers have been read before. */
export function verifyRead(input: Omit<VerifyInput, 'headers'> & { readonly headers: BoxHeaders }): Verdict {
  const { body, headers, keys, now } = input
  if (!keys.primary && !keys.secondary) return { ok: false, rule: 'no_key' }

  const missing = missingIn(headers)
  if (missing) return { ok: false, rule: 'header_missing', header: missing }
  if (headers.version !== SIGNATURE_VERSION) return { ok: false, rule: 'version_unsupported' }
  if (headers.algorithm !== SIGNATURE_ALGORITHM) return { ok: false, rule: 'algorithm_unsupported' }

  const { timestamp = '' } = headers
  const match = matchingKey(body, timestamp, keys, headers)
  if (!match) return { ok: false, rule: 'signature_mismatch' }

  const sentAt = parseTimestamp(timestamp)
  if (sentAt === undefined) return { ok: false, rule: 'timestamp_invalid' }
  const ageSeconds = (now - sentAt) / 1000
  if (ageSeconds > (input.ageMaxSeconds ?? AGE_MAX_SECONDS))
    return { ok: false, rule: 'timestamp_too_old', ageSeconds }
  if (-ageSeconds > (input.skewMaxSeconds ?? SKEW_MAX_SECONDS))
    return { ok: false, rule: 'timestamp_in_future', ageSeconds }
  const { key, header, signedWith } = match
  return { ok: true, key, header, signedWith, ageSeconds }
}

/**
 * Names the first header that a V2 delivery must carry and this one does not. One of the two signatures is
 * enough: an application with a single key sends a single one.
 */
export function missingHeader(headers: Readonly<Record<string, string | undefined>>): string | undefined {
  return missingIn(boxHeaders(headers))
}

/** {@link missingHeader} of headers that have been read. */
export function missingIn(present: BoxHeaders): string | undefined {
  if (!present.id) return 'box-delivery-id'
  if (!present.timestamp) return 'box-delivery-timestamp'
  if (!present.version) return 'box-signature-version'
  if (!present.algorithm) return 'box-signature-algorithm'
  return present.primary || present.secondary ? undefined : 'box-signature-primary'
}

/** What Box says of a delivery in its headers; undefined what is not there. */
export type BoxHeaders = Readonly<
  Record<'id' | 'timestamp' | 'version' | 'algorithm' | KeyName, string | undefined>
>

/** Picks Box's headers out. Two spellings of one name are joined as HTTP joins repeated headers. */
export function boxHeaders(headers: Readonly<Record<string, string | undefined>>): BoxHeaders {
  let id: string | undefined
  let timestamp: string | undefined
  let version: string | undefined
  let algorithm: string | undefined
  let primary: string | undefined
  let secondary: string | undefined
  // By their lengths most other headers are passed over without being read.
  for (const name of Object.keys(headers))
    switch (name.length === 15 || (name.length > 20 && name.length < 24) ? name.toLowerCase() : '') {
      case 'box-delivery-id':
        id = joined(id, headers[name])
        break
      case 'box-delivery-timestamp':
        timestamp = joined(timestamp, headers[name])
        break
      case 'box-signature-version':
        version = joined(version, headers[name])
        break
      case 'box-signature-algorithm':
        algorithm = joined(algorithm, headers[name])
        break
      case 'box-signature-primary':
        primary = joined(primary, headers[name])
        break
      case 'box-signature-secondary':
        secondary = joined(secondary, headers[name])
        break
    }
  return { id, timestamp, version, algorithm, primary, secondary }
}

const joined = (before: string | undefined, value: string | undefined): string | undefined =>
  before === undefined || value === undefined ? (value ?? before) : `${before},${value}`

type Match = { readonly key: KeyName; readonly header: KeyName; readonly signedWith: SignedWith }

function matchingKey(
  body: Uint8Array,
  timestamp: string,
  keys: SignatureKeys,
  given: Readonly<Record<KeyName, string | undefined>>,
): Match | undefined {
  const signed = signer(body, timestamp, keys)
  const hasPrimary = laidOut(EXPECTED_PRIMARY, signed('primary'))
  const hasSecondary = laidOut(EXPECTED_SECONDARY, signed('secondary'))
  const isGiven = laidOut(GIVEN_PRIMARY, given.primary)
  const isGivenToo = laidOut(GIVEN_SECONDARY, given.secondary)
  // Always all four, whichever fits.
  const straight = isGiven && hasPrimary && timingSafeEqual(EXPECTED_PRIMARY, GIVEN_PRIMARY)
  const crossed = isGiven && hasSecondary && timingSafeEqual(EXPECTED_SECONDARY, GIVEN_PRIMARY)
  const straightToo = isGivenToo && hasSecondary && timingSafeEqual(EXPECTED_SECONDARY, GIVEN_SECONDARY)
  const crossedToo = isGivenToo && hasPrimary && timingSafeEqual(EXPECTED_PRIMARY, GIVEN_SECONDARY)
  const signedWith = {
    primary: signedBy(given.primary, straight, 'primary', crossed, 'secondary'),
    secondary: signedBy(given.secondary, straightToo, 'secondary', crossedToo, 'primary'),
  }
  if (straight) return { key: 'primary', header: 'primary', signedWith }
  if (crossedToo) return { key: 'primary', header: 'secondary', signedWith }
  if (straightToo) return { key: 'secondary', header: 'secondary', signedWith }
  return crossed ? { key: 'secondary', header: 'primary', signedWith } : undefined
}

function signedBy(
  signature: string | undefined,
  isOwn: boolean,
  own: KeyName,
  isOther: boolean,
  other: KeyName,
): SignedWith[KeyName] {
  if (!signature) return 'absent'
  if (isOwn) return own
  return isOther ? other : 'unknown'
}

/** Signs with either key as {@link sign} does, in half the time where the delivery is short. */
function signer(
  body: Uint8Array,
  timestamp: string,
  keys: SignatureKeys,
): (name: KeyName) => string | undefined {
  const signShort = hmacOf(body, timestamp)
  if (signShort) {
    const ready = readyKeys(keys)
    return name => ready[name] && signShort(ready[name])
  }
  return name => (keys[name] ? sign(body, timestamp, keys[name]) : undefined)
}

type ReadyKeys = Readonly<Record<KeyName, HmacKey | undefined>>

/** Makes keys ready once for all deliveries that are verified with them. */
function readyKeys(keys: SignatureKeys): ReadyKeys {
  const known = madeReady.get(keys)
  if (known) return known
  const { primary, secondary } = keys
  const made = {
    primary: primary ? hmacKey(primary) : undefined,
    secondary: secondary ? hmacKey(secondary) : undefined,
  }
  madeReady.set(keys, made)
  return made
}

const madeReady = new WeakMap<SignatureKeys, ReadyKeys>()

/** The length of a signature: 32 bytes as base64. */
const SIGNATURE_LENGTH = 44
const EXPECTED_PRIMARY = Buffer.alloc(SIGNATURE_LENGTH)
const EXPECTED_SECONDARY = Buffer.alloc(SIGNATURE_LENGTH)
const GIVEN_PRIMARY = Buffer.alloc(SIGNATURE_LENGTH)
const GIVEN_SECONDARY = Buffer.alloc(SIGNATURE_LENGTH)

/** Lays a signature out to be compared; false where it is not written as 44 bytes, and so is none. */
const laidOut = (bytes: Buffer, signature: string | undefined): boolean =>
  signature?.length === SIGNATURE_LENGTH && bytes.write(signature) === SIGNATURE_LENGTH
