import { createHmac, timingSafeEqual } from 'node:crypto'
import { parseTimestamp } from '../base/timestamp.ts'

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

type HeadersByName = Readonly<Record<string, string | undefined>>

export type VerifyInput = {
  /** The request body exactly as it came over the wire. */
  readonly body: Uint8Array
  /** The request's headers, names in lower case, repeated ones joined by a comma. */
  readonly headers: HeadersByName
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
export const sign = (body: Uint8Array, timestamp: string, key: string): string =>
  hmac(body, timestamp, key).toString('base64')

const hmac = (body: Uint8Array, timestamp: string, key: string): Buffer =>
  createHmac('sha256', key).update(body).update(timestamp).digest()

/**
 * Decides whether a delivery comes from Box. Every configured key is tried against both signature headers, so
 * a delivery passes at any moment of a rotation, even with the keys swapped. The signature is judged before
 * the age: a rule about time means that the delivery is genuine.
 * @returns the key and header that matched and what each header was signed with, or the first rule that failed; never throws
 * @see https://developer.box.com/guides/webhooks/v2/signatures-v2/
 */
export function verify(input: VerifyInput): Verdict {
  const { body, headers, keys, now } = input
  if (!keys.primary && !keys.secondary) return { ok: false, rule: 'no_key' }

  const missing = missingHeader(headers)
  if (missing) return { ok: false, rule: 'header_missing', header: missing }
  if (headers['box-signature-version'] !== SIGNATURE_VERSION)
    return { ok: false, rule: 'version_unsupported' }
  if (headers['box-signature-algorithm'] !== SIGNATURE_ALGORITHM)
    return { ok: false, rule: 'algorithm_unsupported' }

  const timestamp = headers['box-delivery-timestamp'] ?? ''
  const signedWith = findSigners(body, timestamp, headers, keys)
  const match = MATCHES.find(({ key, header }) => signedWith[header] === key)
  if (!match) return { ok: false, rule: 'signature_mismatch' }

  const sentAt = parseTimestamp(timestamp)
  if (sentAt === undefined) return { ok: false, rule: 'timestamp_invalid' }
  const ageSeconds = (now - sentAt) / 1000
  if (ageSeconds > (input.ageMaxSeconds ?? AGE_MAX_SECONDS))
    return { ok: false, rule: 'timestamp_too_old', ageSeconds }
  if (-ageSeconds > (input.skewMaxSeconds ?? SKEW_MAX_SECONDS))
    return { ok: false, rule: 'timestamp_in_future', ageSeconds }
  return { ok: true, ...match, signedWith, ageSeconds }
}

/**
 * Names the first header that a V2 delivery must carry and this one does not. One of the two signatures is
 * enough: an application with a single key sends a single one.
 * @param headers names in lower case
 */
export const missingHeader = (headers: HeadersByName): string | undefined =>
  REQUIRED_HEADERS.find(name => !headers[name]) ??
  (headers['box-signature-primary'] || headers['box-signature-secondary']
    ? undefined
    : 'box-signature-primary')

/** The headers that every V2 delivery carries, beside at least one signature. */
const REQUIRED_HEADERS = [
  'box-delivery-id',
  'box-delivery-timestamp',
  'box-signature-version',
  'box-signature-algorithm',
] as const

/** Which key under which header lets a delivery pass; the first that fits counts. */
const MATCHES: readonly { readonly key: KeyName; readonly header: KeyName }[] = [
  { key: 'primary', header: 'primary' },
  { key: 'primary', header: 'secondary' },
  { key: 'secondary', header: 'secondary' },
  { key: 'secondary', header: 'primary' },
]

/** Compares both signatures with both keys, always all of them: the time says nothing of which fits. */
function findSigners(
  body: Uint8Array,
  timestamp: string,
  headers: HeadersByName,
  keys: SignatureKeys,
): SignedWith {
  const primary = keys.primary ? hmac(body, timestamp, keys.primary) : undefined
  const secondary = keys.secondary ? hmac(body, timestamp, keys.secondary) : undefined
  const signer = (header: KeyName): SignedWith[KeyName] => {
    const signature = headers[`box-signature-${header}`]
    if (!signature) return 'absent'
    const given = decodeSignature(signature)
    const fits = { primary: isEqual(given, primary), secondary: isEqual(given, secondary) }
    // Where both keys are the same, the header's own one is named.
    if (fits[header]) return header
    if (fits.primary) return 'primary'
    return fits.secondary ? 'secondary' : 'unknown'
  }
  return { primary: signer('primary'), secondary: signer('secondary') }
}

const isEqual = (given: Buffer | undefined, expected: Buffer | undefined): boolean =>
  given !== undefined && expected !== undefined && timingSafeEqual(given, expected)

/**
 * Decodes a signature. Node's decoder overlooks other alphabets, white space, stray bits and missing padding;
 * Box writes none of them, so only the text that encodes the same bytes again is taken.
 * @returns the 32 bytes of an HMAC-SHA256, or undefined where the text is not exactly their base64
 * @see https://www.rfc-editor.org/rfc/rfc4648#section-3.5
 */
function decodeSignature(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.length === 32 && bytes.toString('base64') === text ? bytes : undefined
}
