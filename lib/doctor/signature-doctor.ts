import { lowerCase } from '../ingest/delivery.ts'
import { type SignatureKeys, type Verdict, verify } from '../ingest/signature.ts'
import type { Cause } from './causes.ts'
import { type Check, checks } from './checks.ts'
import { bodyMissing, headerFindings, v1Evidence } from './header-findings.ts'
import { unexplained } from './likely-findings.ts'
import { mendHeaders } from './mended-headers.ts'
import {
  type CapturedRequest,
  contextOf,
  type DoctorOptions,
  type Finding,
  finding,
  isOtherMethod,
  type Patient,
  trimmed,
} from './patient.ts'
import { explained, nearest, timeFindings } from './proven-findings.ts'
import { type SearchResult, searchSignature } from './signature-search.ts'

export type Diagnosis = {
  /** What lib/ingest/signature.ts says, which is what ingest goes by. */
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
    headers: lowerCase(request.headers),
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
