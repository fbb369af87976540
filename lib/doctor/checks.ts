import { parseTimestamp } from '../base/timestamp.ts'
import {
  AGE_MAX_SECONDS,
  type KeyName,
  SIGNATURE_ALGORITHM,
  SIGNATURE_VERSION,
  SKEW_MAX_SECONDS,
} from '../ingest/signature.ts'
import { missingHeaders } from './header-findings.ts'
import { type Patient, trimmed } from './patient.ts'
import { secondsText } from './proven-findings.ts'

/** One thing that a receiver looks at, in its order. */
export type Check = {
  readonly name: 'headers' | 'version' | 'algorithm' | 'primary' | 'secondary' | 'time'
  readonly result: 'ok' | 'fail' | 'skip'
  readonly says: string
}

/** Everything that a receiver looks at, as this request has it; the signatures are over the request as it is. */
export function checks(patient: Patient): Check[] {
  const { headers } = patient.mended
  const missing = missingHeaders(headers)
  const version = headers['box-signature-version']
  const algorithm = headers['box-signature-algorithm']
  return [
    missing.length > 0
      ? { name: 'headers', result: 'fail', says: `missing: ${missing.join(', ')}` }
      : { name: 'headers', result: 'ok', says: 'all that a signed delivery has' },
    declared('version', version, SIGNATURE_VERSION),
    declared('algorithm', algorithm, SIGNATURE_ALGORITHM),
    signatureCheck('primary', patient),
    signatureCheck('secondary', patient),
    timeCheck(patient),
  ]
}

function declared(name: 'version' | 'algorithm', value: string | undefined, expected: string): Check {
  if (!value) return { name, result: 'skip', says: 'the header is missing' }
  return value === expected
    ? { name, result: 'ok', says: expected }
    : { name, result: 'fail', says: `not ${expected}` }
}

/** The signature over the request as it is, with the keys as ingest reads them. */
function signatureCheck(name: KeyName, { request, options, signatures, search, mended }: Patient): Check {
  if (!signatures[name]) return { name, result: 'skip', says: 'there is no such signature' }
  const keys = trimmed(options.keys)
  if (!keys.primary && !keys.secondary) return { name, result: 'skip', says: 'there is no key' }
  const { explanation } = search
  const isPlain =
    explanation !== undefined &&
    explanation.body.undone.length === 0 &&
    explanation.layout === undefined &&
    explanation.timestamp === mended.headers['box-delivery-timestamp'] &&
    request.body.length > 0
  const fitting = isPlain
    ? explanation.pairings.filter(
        ({ header, keyForm, signatureForm }) => header === name && !keyForm.cause && !signatureForm.written,
      )
    : []
  const pairing = fitting.find(({ key }) => key === name) ?? fitting[0]
  return pairing
    ? { name, result: 'ok', says: `fits the ${pairing.key} key` }
    : {
        name,
        result: 'fail',
        says: keys.primary && keys.secondary ? 'fits neither key' : 'does not fit the key',
      }
}

function timeCheck({ mended, options }: Patient): Check {
  const text = mended.headers['box-delivery-timestamp']
  if (!text) return { name: 'time', result: 'skip', says: 'the header is missing' }
  const sentAt = parseTimestamp(text)
  if (sentAt === undefined) return { name: 'time', result: 'fail', says: 'no date-time of RFC 3339' }
  const age = (options.at - sentAt) / 1000
  const { ageMaxSeconds = AGE_MAX_SECONDS, skewMaxSeconds = SKEW_MAX_SECONDS } = options
  const says = age < 0 ? `${secondsText(-age)} ahead` : `${secondsText(age)} old`
  return { name: 'time', result: age > ageMaxSeconds || -age > skewMaxSeconds ? 'fail' : 'ok', says }
}
