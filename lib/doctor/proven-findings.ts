import { parseTimestamp } from '../base/timestamp.ts'
import { AGE_MAX_SECONDS, SKEW_MAX_SECONDS } from '../ingest/signature.ts'
import { type Finding, finding, type Patient, trimmed } from './patient.ts'
import type { Explanation, Pairing } from './signature-search.ts'

/** What had to be undone for the signature to fit. */
export function explained(explanation: Explanation, patient: Patient): Finding[] {
  const { body } = explanation
  const shortest = nearest(explanation)
  const [best] = shortest
  return [
    ...body.undone.map(({ cause, evidence }) => finding(cause, 'proven', evidence)),
    ...timestampFinding(explanation, patient),
    ...layoutFinding(explanation),
    ...(best?.signatureForm.written
      ? [finding('signature_encoding', 'proven', `The signature is ${best.signatureForm.written}.`)]
      : []),
    ...(best?.keyForm.cause
      ? [finding(best.keyForm.cause, 'proven', `${best.keyForm.evidence ?? ''} It is the ${best.key} key.`)]
      : []),
    ...pairingFindings(shortest, patient),
  ]
}

/** The pairings of headers and keys, those with the fewest changes first. */
export const nearest = ({ pairings }: Explanation): Pairing[] =>
  pairings.toSorted((a, b) => changesOf(a) - changesOf(b))

const changesOf = ({ header, key, keyForm, signatureForm }: Pairing): number =>
  (keyForm.cause ? 4 : 0) + (signatureForm.written ? 2 : 0) + (header === key ? 0 : 1)

function timestampFinding({ timestamp }: Explanation, { mended }: Patient): Finding[] {
  const given = mended.headers['box-delivery-timestamp'] ?? ''
  if (timestamp === given) return []
  return [
    finding(
      'timestamp_reformatted',
      'proven',
      `What was signed is ${timestamp}; the header tells it otherwise.`,
    ),
  ]
}

const layoutFinding = ({ layout }: Explanation): Finding[] =>
  layout ? [finding('signed_otherwise', 'proven', `What was signed: ${layout}.`)] : []

function pairingFindings(pairings: readonly Pairing[], { signatures, options }: Patient): Finding[] {
  const straight = pairings.some(({ header, key }) => header === key)
  const [first] = pairings
  if (!straight && first)
    return [
      finding(
        'keys_swapped',
        'proven',
        `The ${first.header} signature fits the key that is given as ${first.key}.`,
      ),
    ]
  const keys = trimmed(options.keys)
  const unfit = (['primary', 'secondary'] as const).filter(
    name => signatures[name] && keys[name] && !pairings.some(({ header }) => header === name),
  )
  return unfit.map(name =>
    finding('key_outdated', 'proven', `The ${name} signature fits neither key, and the other one does.`),
  )
}

/** What is wrong with the time, once it is known which timestamp was signed. */
export function timeFindings({ timestamp }: Explanation, { options, mended }: Patient): Finding[] {
  if (!mended.headers['box-delivery-timestamp']) return []
  const sentAt = parseTimestamp(timestamp)
  if (sentAt === undefined) return [finding('timestamp_invalid', 'proven')]
  const age = (options.at - sentAt) / 1000
  const { ageMaxSeconds = AGE_MAX_SECONDS, skewMaxSeconds = SKEW_MAX_SECONDS } = options
  if (age > ageMaxSeconds)
    return [
      finding(
        'timestamp_too_old',
        'proven',
        `It is ${secondsText(age)} old; ${ageMaxSeconds} s are allowed.`,
        ...zoneHint(age),
      ),
    ]
  if (-age > skewMaxSeconds)
    return [
      finding(
        'timestamp_in_future',
        'proven',
        `It is ${secondsText(-age)} ahead; ${skewMaxSeconds} s are allowed.`,
        ...zoneHint(age),
      ),
    ]
  return []
}

/** Seconds, and where they are many, hours and days too. */
export function secondsText(seconds: number): string {
  if (seconds < 7200) return `${Math.round(seconds * 1000) / 1000} s`
  const whole = Math.round(seconds)
  const hours = whole / 3600
  return `${whole} s (${hours < 48 ? `${Math.round(hours * 10) / 10} hours` : `${Math.round(hours / 24)} days`})`
}

/** A whole number of hours, but for some seconds, is rather a time zone than a delay. */
function zoneHint(age: number): string[] {
  const hours = Math.round(age / 1800) / 2
  if (hours === 0 || Math.abs(hours) > 14 || Math.abs(age - hours * 3600) > 20) return []
  return [
    `That is ${Math.abs(hours)} hours nearly to the second: a clock or a time that is taken for UTC and is local time does that.`,
  ]
}
