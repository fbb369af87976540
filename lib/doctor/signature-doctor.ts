import { V1_FIELDS } from '../event-v1.ts'
import {
  AGE_MAX_SECONDS,
  type KeyName,
  missingHeader,
  parseTimestamp,
  SIGNATURE_ALGORITHM,
  SIGNATURE_VERSION,
  type SignatureKeys,
  SKEW_MAX_SECONDS,
  type Verdict,
  verify,
} from '../signature.ts'
import { type BodyContext, styleEvidence } from './body-forms.ts'
import { CAUSES, type Cause } from './causes.ts'
import { type Mended, mendHeaders } from './mended-headers.ts'
import { type Explanation, type Pairing, type SearchResult, searchSignature } from './signature-search.ts'
import { otherDigest, signatureForms } from './signing-forms.ts'
import { isWireJson, jsonEnd, utf8, wireJson } from './wire-json.ts'

/** A request as somebody captured it. */
export type CapturedRequest = {
  /** Undefined where the capture does not tell. */
  readonly method?: string | undefined
  /** The path without the query; undefined where the capture does not tell. */
  readonly path?: string | undefined
  /** What follows the question mark, encoded; empty where nothing does. */
  readonly query: string
  /** Names in any case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  /** The body's text before it was decoded from base64, where the capture said that it was base64. */
  readonly undecoded?: Uint8Array | undefined
  /** Whether the capture has the body parsed, so that its bytes are not in it. */
  readonly parsed?: boolean
}

export type DoctorOptions = {
  readonly keys: SignatureKeys
  /** The moment at which to judge, in milliseconds since the epoch. */
  readonly at: number
  /** How old a delivery may be, in seconds; 600 by default. */
  readonly ageMaxSeconds?: number
  /** How far ahead of the receiver's clock it may be, in seconds; 60 by default. */
  readonly skewMaxSeconds?: number
}

/** One thing that a receiver looks at, in its order. */
export type Check = {
  readonly name: 'headers' | 'version' | 'algorithm' | 'primary' | 'secondary' | 'time'
  readonly result: 'ok' | 'fail' | 'skip'
  readonly says: string
}

export type Finding = {
  readonly cause: Cause
  /** Proven: the signature fits once this is undone, or it can be seen. Likely: it is what remains. */
  readonly certainty: 'proven' | 'likely'
  readonly says: string
  readonly evidence: readonly string[]
  readonly fix: string
}

export type Diagnosis = {
  /** What lib/signature.ts says, which is what ingest goes by. */
  readonly verdict: Verdict
  readonly checks: readonly Check[]
  /** Why it is refused; empty where it is accepted. */
  readonly causes: readonly Finding[]
  /** What is wrong though it is accepted, or would be wrong elsewhere. */
  readonly warnings: readonly Finding[]
  /** Which signature fits which key once every cause is undone; undefined where none does. */
  readonly proof?: string
  /** How many ways of having been signed were tried. */
  readonly tried: number
  readonly cutShort: boolean
}

/**
 * Names the causes for which a captured delivery is refused, and proves them by computing signatures where that can be
 * done. Nothing of a key stands in what is returned, nor of the body. Never throws.
 * @see https://developer.box.com/guides/webhooks/v2/signatures-v2/
 */
export function diagnose(request: CapturedRequest, options: DoctorOptions): Diagnosis {
  const { at, ageMaxSeconds, skewMaxSeconds } = options
  const verdict = verify({
    body: request.body,
    headers: request.headers,
    keys: trimmed(options.keys),
    now: at,
    ...(ageMaxSeconds === undefined ? {} : { ageMaxSeconds }),
    ...(skewMaxSeconds === undefined ? {} : { skewMaxSeconds }),
  })
  const mended = mendHeaders(request.headers)
  const header = (name: string): string => mended.headers[name] ?? ''
  const signatures = {
    primary: mended.headers['box-signature-primary'],
    secondary: mended.headers['box-signature-secondary'],
  }
  const search = searchSignature({
    body: request.body,
    timestamp: header('box-delivery-timestamp'),
    signatures,
    keys: options.keys,
    context: contextOf(request),
  })
  const patient: Patient = { request, options, mended, signatures, search }
  const found = findings(patient)
  const refused = !verdict.ok || request.body.length === 0 || isOtherMethod(request)
  const isWarning = (finding: Finding): boolean => !refused || WARNINGS.has(finding.cause)
  return {
    verdict,
    checks: checks(patient),
    causes: found.filter(finding => !isWarning(finding)),
    warnings: [...found.filter(isWarning), ...paddedKeys(options.keys)],
    ...proofOf(search, verdict),
    tried: search.tried,
    cutShort: search.cutShort,
  }
}

function proofOf({ explanation }: SearchResult, verdict: Verdict): { proof?: string } {
  const [best] = explanation ? nearest(explanation) : []
  if (!best || verdict.ok || verdict.rule.startsWith('timestamp_')) return {}
  return { proof: `With this undone, the ${best.header} signature fits the ${best.key} key.` }
}

/** boxhooks drops white space around a key, and others may not. */
function paddedKeys(keys: SignatureKeys): Finding[] {
  const padded = (['primary', 'secondary'] as const).filter(
    name => keys[name]?.trim() && keys[name] !== keys[name].trim(),
  )
  return padded.map(name =>
    finding(
      'key_whitespace',
      'proven',
      `The ${name} key has white space around it. boxhooks drops it; other receivers sign with it.`,
    ),
  )
}

/** What never makes ingest refuse a delivery. */
const WARNINGS: ReadonlySet<Cause> = new Set(['keys_swapped', 'key_outdated'])

type Patient = {
  readonly request: CapturedRequest
  readonly options: DoctorOptions
  readonly mended: Mended
  readonly signatures: Readonly<Record<KeyName, string | undefined>>
  readonly search: SearchResult
}

/** As ingest reads its secret. */
const trimmed = ({ primary, secondary }: SignatureKeys): SignatureKeys => ({
  ...(primary?.trim() ? { primary: primary.trim() } : {}),
  ...(secondary?.trim() ? { secondary: secondary.trim() } : {}),
})

function contextOf({ headers, undecoded }: CapturedRequest): BodyContext {
  const length = headerOf(headers, 'content-length')
  return {
    contentEncoding: headerOf(headers, 'content-encoding'),
    contentLength: length !== undefined && /^\d{1,9}$/.test(length) ? Number(length) : undefined,
    undecoded,
  }
}

const headerOf = (headers: Readonly<Record<string, string>>, name: string): string | undefined =>
  Object.entries(headers).find(([one]) => one.toLowerCase() === name)?.[1]

const isOtherMethod = ({ method }: CapturedRequest): boolean => method !== undefined && method !== 'POST'

/** Makes a finding with the texts that its cause has. */
export const finding = (
  cause: Cause,
  certainty: Finding['certainty'],
  ...evidence: readonly string[]
): Finding => ({
  cause,
  certainty,
  says: CAUSES[cause].says,
  evidence,
  fix: CAUSES[cause].fix,
})

function findings(patient: Patient): Finding[] {
  const { request, mended, search } = patient
  const v1 = v1Evidence(request, mended)
  if (v1 !== undefined) return [finding('v1_payload', 'proven', v1)]
  const keys = trimmed(patient.options.keys)
  return [
    ...headerFindings(patient),
    ...bodyMissing(request),
    ...(keys.primary || keys.secondary ? [] : [finding('no_key', 'proven')]),
    ...(search.explanation ? explained(search.explanation, patient) : unexplained(patient)),
    ...(search.explanation ? timeFindings(search.explanation, patient) : []),
  ]
}

/** What shows that a request is a V1 callback; undefined where nothing does. */
function v1Evidence({ query, body }: CapturedRequest, { headers }: Mended): string | undefined {
  if (Object.keys(headers).some(name => name.startsWith('box-signature-'))) return undefined
  const text = body.length <= 65_536 ? Buffer.from(body).toString() : ''
  const names = new Set([query, text].flatMap(part => [...new URLSearchParams(part).keys()]))
  const fields = V1_FIELDS.filter(field => names.has(field))
  if (fields.length === 0 || /^\s*[{["]/.test(text)) return undefined
  return `It has no signature, and ${fields.join(', ')} as ${fields.length === 1 ? 'parameter' : 'parameters'} of a form or a query, as V1 callbacks have.`
}

function headerFindings({ request, mended }: Patient): Finding[] {
  const { headers, renamed, repeated } = mended
  const missing = missingHeaders(headers)
  const version = headers['box-signature-version']
  const algorithm = headers['box-signature-algorithm']
  return [
    ...(missing.length > 0
      ? [finding('header_missing', 'proven', ...missingEvidence(missing, request))]
      : []),
    ...(renamed.length > 0 ? [finding('header_renamed', 'proven', `${renamed.join('; ')}.`)] : []),
    ...(repeated.length > 0 ? [finding('header_repeated', 'proven', `${repeated.join(', ')}.`)] : []),
    ...(version && version !== SIGNATURE_VERSION ? [finding('version_unsupported', 'proven')] : []),
    ...(algorithm && algorithm !== SIGNATURE_ALGORITHM ? [finding('algorithm_unsupported', 'proven')] : []),
    ...(isOtherMethod(request) ? [finding('method_changed', 'proven')] : []),
  ]
}

const REQUIRED = [
  'box-delivery-id',
  'box-delivery-timestamp',
  'box-signature-version',
  'box-signature-algorithm',
] as const

/** Every header that is missing, where {@link missingHeader} names the first. */
function missingHeaders(headers: Readonly<Record<string, string>>): string[] {
  if (missingHeader(headers) === undefined) return []
  const signed = headers['box-signature-primary'] || headers['box-signature-secondary']
  return [...REQUIRED.filter(name => !headers[name]), ...(signed ? [] : ['box-signature-primary'])]
}

function missingEvidence(missing: readonly string[], { headers }: CapturedRequest): string[] {
  const named = `Missing: ${missing.join(', ')}.`
  const names = Object.keys(headers)
  const agent = headerOf(headers, 'user-agent') ?? ''
  const fromBox = agent.startsWith('Box-WH-Client')
  if (names.length === 0) return [named, 'The capture has no headers at all, so it may just leave them out.']
  if (missing.length >= 5)
    return [
      named,
      fromBox
        ? 'The user-agent is Box’s, so Box has sent it: with signature keys these headers come along.'
        : 'No header of Box’s is left, so it is not from Box, or a proxy takes them all away.',
    ]
  if (!missing.includes('box-signature-primary'))
    return [named, 'Other headers of Box’s are here, so something on the way takes this one away.']
  return [
    named,
    'The signature is missing and the delivery id is here: the application has no signature keys, or something takes the signature away.',
  ]
}

const bodyMissing = ({ body }: CapturedRequest): Finding[] =>
  body.length === 0 ? [finding('body_missing', 'proven')] : []

/** What had to be undone for the signature to fit. */
function explained(explanation: Explanation, patient: Patient): Finding[] {
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
const nearest = ({ pairings }: Explanation): Pairing[] =>
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
      `The signature fits ${timestamp}, which the header tells otherwise.`,
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

function timeFindings({ timestamp }: Explanation, { options, mended }: Patient): Finding[] {
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
function secondsText(seconds: number): string {
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

/** What is likely where nothing that was tried makes a signature fit. */
function unexplained(patient: Patient): Finding[] {
  const { signatures, options, request } = patient
  const keys = trimmed(options.keys)
  if ((!keys.primary && !keys.secondary) || (!signatures.primary && !signatures.secondary)) return []
  if (!patient.mended.headers['box-delivery-timestamp'] || request.body.length === 0) return []
  const unreadable = unreadableSignatures(signatures)
  if (unreadable.length > 0) return [finding('signature_encoding', 'likely', ...unreadable)]
  const changed = [...cutOff(request), ...bytesLost(request), ...rewrittenBody(request)]
  return [...changed, finding('wrong_key', 'likely', wrongKeyEvidence(request, changed))]
}

function unreadableSignatures(signatures: Patient['signatures']): string[] {
  const given = (['primary', 'secondary'] as const).flatMap(name => signatures[name] ?? [])
  if (given.some(header => signatureForms(header).length > 0)) return []
  const kinds = given.flatMap(header => otherDigest(header) ?? [])
  return [
    kinds.length > 0
      ? `The signature has the length of ${kinds[0]}; HMAC-SHA256 has 32 bytes.`
      : 'No signature is a digest of 32 bytes, as HMAC-SHA256 has.',
  ]
}

function cutOff(request: CapturedRequest): Finding[] {
  const { contentLength } = contextOf(request)
  const { length } = request.body
  const { end, closers } = jsonEnd(Buffer.from(request.body).toString('latin1'))
  const evidence = [
    ...(contentLength !== undefined && contentLength > length
      ? [`content-length is ${contentLength}, and the body has ${length} bytes.`]
      : []),
    ...(end === undefined && closers !== undefined
      ? [`The JSON is still open at its end, after ${length} bytes.`]
      : []),
  ]
  return evidence.length > 0 ? [finding('body_truncated', 'likely', ...evidence)] : []
}

function bytesLost({ body }: CapturedRequest): Finding[] {
  const lost = (utf8(body)?.split('\ufffd').length ?? 1) - 1
  return lost > 0 ? [finding('body_bytes_lost', 'likely', `U+FFFD stands in it ${lost} times.`)] : []
}

function rewrittenBody({ body, parsed }: CapturedRequest): Finding[] {
  if (isWireJson(body)) return []
  const json = wireJson(body)
  if (!json) return []
  return [
    finding(
      'body_reserialised',
      'likely',
      styleEvidence(json.style),
      ...(parsed ? ['The capture itself has the body parsed, so its bytes are not in it.'] : []),
      json.style.sorted
        ? 'Its fields are in alphabetical order, as some serialisers put them. The order in which Box signed them can’t be restored.'
        : 'Restoring Box’s form is not enough: the order of fields, or a number, may have changed too, and that can’t be undone.',
    ),
  ]
}

function wrongKeyEvidence(request: CapturedRequest, changed: readonly Finding[]): string {
  if (changed.length > 0)
    return 'No signature fits, in no form that was tried. Whether the keys are right will show once the body is whole.'
  const { contentLength } = contextOf(request)
  const whole = contentLength === request.body.length ? ' and is as long as content-length says' : ''
  return isWireJson(request.body)
    ? `The body is written just as Box writes it${whole}, and yet no signature fits a key.`
    : 'No signature fits a key, in no form of the body that was tried.'
}

function checks(patient: Patient): Check[] {
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
