import { V1_FIELDS } from '../event/event-v1.ts'
import {
  missingHeader,
  REQUIRED_HEADERS,
  SIGNATURE_ALGORITHM,
  SIGNATURE_VERSION,
} from '../ingest/signature.ts'
import type { Mended } from './mended-headers.ts'
import {
  type CapturedRequest,
  type Finding,
  finding,
  headerOf,
  isOtherMethod,
  type Patient,
} from './patient.ts'

/** What shows that a request is a V1 callback; undefined where nothing does. */
export function v1Evidence({ query, body }: CapturedRequest, { headers }: Mended): string | undefined {
  if (Object.keys(headers).some(name => name.startsWith('box-signature-'))) return undefined
  const text = body.length <= 65_536 ? Buffer.from(body).toString() : ''
  const names = new Set([query, text].flatMap(part => [...new URLSearchParams(part).keys()]))
  const fields = V1_FIELDS.filter(field => names.has(field))
  if (fields.length === 0 || /^\s*[{["]/.test(text)) return undefined
  return `It has no signature, and ${fields.join(', ')} as ${fields.length === 1 ? 'parameter' : 'parameters'} of a form or a query, as V1 callbacks have.`
}

/** What is wrong with method and headers. */
export function headerFindings({ request, mended }: Patient): Finding[] {
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

/** Every header that is missing, where {@link missingHeader} names the first. */
export function missingHeaders(headers: Readonly<Record<string, string>>): string[] {
  if (missingHeader(headers) === undefined) return []
  const signed = headers['box-signature-primary'] || headers['box-signature-secondary']
  return [...REQUIRED_HEADERS.filter(name => !headers[name]), ...(signed ? [] : ['box-signature-primary'])]
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

/** Whether there is anything that could have been signed. */
export const bodyMissing = ({ body }: CapturedRequest): Finding[] =>
  body.length === 0 ? [finding('body_missing', 'proven')] : []
