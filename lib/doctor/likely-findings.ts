import { styleEvidence } from './body-repairs.ts'
import { type CapturedRequest, contextOf, type Finding, finding, type Patient, trimmed } from './patient.ts'
import { otherDigest, signatureForms } from './signing-forms.ts'
import { isWireJson, jsonEnd, utf8, wireJson } from './wire-json.ts'

/** What is likely where nothing that was tried makes a signature fit. */
export function unexplained(patient: Patient): Finding[] {
  const { signatures, options, request } = patient
  const keys = trimmed(options.keys)
  if ((!keys.primary && !keys.secondary) || (!signatures.primary && !signatures.secondary)) return []
  if (!patient.mended.headers['box-delivery-timestamp'] || request.body.length === 0) return []
  const unreadable = unreadableSignatures(signatures)
  if (unreadable.length > 0) return [finding('signature_encoding', 'likely', ...unreadable)]
  const cut = cutOff(request)
  if (cut.length > 0) return cut
  const changed = [...bytesLost(request), ...rewrittenBody(request)]
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
  const keys = 'Whether the keys are right will show once the body is whole.'
  return evidence.length > 0 ? [finding('body_truncated', 'likely', ...evidence, keys)] : []
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
    return 'No signature fits, in no form that was tried. Whether the keys are right will show once the bytes are those that came.'
  const { contentLength } = contextOf(request)
  const whole = contentLength === request.body.length ? ' and is as long as content-length says' : ''
  return isWireJson(request.body)
    ? `The body is written just as Box writes it${whole}, and yet no signature fits a key.`
    : 'No signature fits a key, in no form of the body that was tried.'
}
