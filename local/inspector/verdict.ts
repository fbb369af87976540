import { timingSafeEqual } from 'node:crypto'
import { parseTimestamp } from '../../lib/base/timestamp.ts'
import {
  AGE_MAX_SECONDS,
  type KeyName,
  missingHeader,
  SIGNATURE_ALGORITHM,
  SIGNATURE_VERSION,
  type SignatureKeys,
  SKEW_MAX_SECONDS,
  sign,
  verify,
} from '../../lib/ingest/signature.ts'

/** One rule of the signature's check: what it says of this delivery, and whether it let it pass. */
export type VerdictStep = {
  readonly rule: 'headers' | 'version' | 'algorithm' | 'primary' | 'secondary' | 'age' | 'verdict'
  /** Undefined where nothing depended on it. */
  readonly ok: boolean | undefined
  readonly text: string
}

export type Judged = {
  readonly body: Uint8Array
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly keys: SignatureKeys
  /** Milliseconds since the epoch. */
  readonly receivedAt: number
  /** How old a delivery may be that ingest accepts. */
  readonly ageMaxSeconds?: number
}

/**
 * Tells a delivery's check step by step, with the rules that ingest goes by. Never throws, and shows no key.
 * @see verify
 */
export function explain(judged: Judged): readonly VerdictStep[] {
  const { headers, keys, receivedAt: now, ageMaxSeconds = AGE_MAX_SECONDS } = judged
  const verdict = verify({ ...judged, now })
  const last: VerdictStep = verdict.ok
    ? { rule: 'verdict', ok: true, text: `passed with the ${verdict.key} key` }
    : { rule: 'verdict', ok: false, text: `refused: ${verdict.rule}` }
  if (!keys.primary && !keys.secondary)
    return [{ rule: 'headers', ok: undefined, text: 'no signature key is stored here' }, last]
  const missing = missingHeader(headers)
  if (missing) return [{ rule: 'headers', ok: false, text: `${missing} is missing` }, last]
  const timestamp = headers['box-delivery-timestamp'] ?? ''
  const matches = {
    primary: signatureStep(judged, timestamp, 'primary'),
    secondary: signatureStep(judged, timestamp, 'secondary'),
  }
  return [
    { rule: 'headers', ok: true, text: 'all there' },
    exactly('version', headers['box-signature-version'], SIGNATURE_VERSION),
    exactly('algorithm', headers['box-signature-algorithm'], SIGNATURE_ALGORITHM),
    matches.primary,
    matches.secondary,
    ageStep(timestamp, now, ageMaxSeconds),
    last,
  ]
}

const exactly = (rule: 'version' | 'algorithm', given: string | undefined, only: string): VerdictStep =>
  given === only
    ? { rule, ok: true, text: only }
    : { rule, ok: false, text: `${JSON.stringify(given?.slice(0, 64) ?? '')} instead of ${only}` }

function signatureStep({ body, headers, keys }: Judged, timestamp: string, header: KeyName): VerdictStep {
  const given = Buffer.from(headers[`box-signature-${header}`] ?? '')
  if (given.length === 0) return { rule: header, ok: undefined, text: 'not sent' }
  for (const key of header === 'primary' ? STRAIGHT : CROSSED) {
    const secret = keys[key]
    if (!secret) continue
    const expected = Buffer.from(sign(body, timestamp, secret))
    if (given.length === expected.length && timingSafeEqual(given, expected))
      return { rule: header, ok: true, text: `matches our ${key} key` }
  }
  return { rule: header, ok: false, text: 'matches none of our keys' }
}

const STRAIGHT = ['primary', 'secondary'] as const
const CROSSED = ['secondary', 'primary'] as const

function ageStep(timestamp: string, now: number, ageMaxSeconds: number): VerdictStep {
  const sentAt = parseTimestamp(timestamp)
  if (sentAt === undefined)
    return { rule: 'age', ok: false, text: `${JSON.stringify(timestamp.slice(0, 64))} is no time` }
  const seconds = (now - sentAt) / 1000
  const text =
    seconds < 0
      ? `${(-seconds).toFixed(1)} s in the future, of at most ${SKEW_MAX_SECONDS}`
      : `${seconds.toFixed(1)} s old, of at most ${ageMaxSeconds}`
  return { rule: 'age', ok: seconds <= ageMaxSeconds && -seconds <= SKEW_MAX_SECONDS, text }
}
