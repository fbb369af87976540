import { WEBHOOK_PATH } from '../../lib/ingest/ingest.ts'
import { isV1Path } from '../../lib/ingest/ingest-v1.ts'
import type { SignatureKeys } from '../../lib/ingest/signature.ts'
import { table } from '../terminal/table.ts'
import type { Finding } from './causes.ts'
import type { Check } from './diagnose.ts'
import type { Judgement, Moment } from './judge.ts'
import type { Capture, Format } from './read-captures.ts'

/**
 * Writes a report for people: one delivery in full, or a line for each of several.
 * @param name the file's, where the capture is from one
 */
export function textReport(
  judgements: readonly Judgement[],
  keys: SignatureKeys,
  name: string | undefined,
): string {
  const [first] = judgements
  const lines = judgements.length === 1 && first ? describeOne(first, name) : describeAll(judgements)
  return hideKeys(lines.map(hideControls).join('\n'), keys)
}

/** Writes a report for programs; docs/verify.md has its form. */
export function jsonReport(judgements: readonly Judgement[], keys: SignatureKeys): string {
  const report = { valid: judgements.every(isValid), deliveries: judgements.map(toJson) }
  return JSON.stringify(
    report,
    (_, value: unknown) => (typeof value === 'string' ? hideKeys(value, keys) : value),
    2,
  )
}

const isValid = ({ answer }: Judgement): boolean => answer.status === 202

function toJson(judgement: Judgement): object {
  const { capture, moment, answer, diagnosis } = judgement
  return {
    valid: isValid(judgement),
    format: capture.format,
    entry: capture.entry,
    method: capture.method,
    path: capture.path && hideToken(capture.path),
    bodyBytes: capture.body.length,
    judgedAt: formatMoment(moment.at),
    judgedAtFrom: moment.from,
    answer: { status: answer.status, code: answer.code, message: answer.message },
    ...diagnosis,
    notes: listNotes(capture),
  }
}

function describeOne(judgement: Judgement, name: string | undefined): string[] {
  const { capture, moment, answer, diagnosis } = judgement
  const { checks, causes, warnings, proof } = diagnosis
  const entry = capture.entry === undefined ? '' : `, entry ${capture.entry}`
  return [
    `${name ?? 'The request'} (${FORMATS[capture.format]}${entry}): ${describeRequest(capture)}`,
    `Judged as of ${formatMoment(moment.at)}, ${SOURCES[moment.from]}.`,
    ...listNotes(capture).map(note => `Note: ${note}`),
    '',
    ...checks.map(describeCheck),
    '',
    `ingest would answer ${answer.status} ${answer.code}.`,
    ...(isValid(judgement) ? ['The delivery is valid.'] : causes.length === 0 ? [answer.message] : []),
    ...causes.flatMap(cause => [
      '',
      ...describeFinding(cause.certainty === 'proven' ? 'Cause' : 'Likely cause', cause),
    ]),
    ...(proof ? ['', proof] : []),
    ...warnings.flatMap(warning => ['', ...describeFinding('But', warning)]),
  ]
}

const FORMATS: Readonly<Record<Format, string>> = {
  http: 'the text of an HTTP request',
  har: 'a HAR',
  lambda: 'an event of API Gateway',
}

const SOURCES: Readonly<Record<Moment['from'], string>> = {
  option: 'as given with --at',
  capture: 'when it was received, from the capture',
  now: 'which is now: the capture does not have the time when it was received. Give it with --at TIME',
}

const describeRequest = ({ method, path, body }: Capture): string =>
  `${[method, path && hideToken(path)].filter(Boolean).join(' ') || 'a request'}, ${body.length} bytes of body`

/** Hides the token that the path of a V1 callback may have. */
const hideToken = (path: string): string => (isV1Path(path) ? path.replace(/^(\/box\/v1\/).*$/, '$1…') : path)

function listNotes({ path, notes }: Capture): string[] {
  if (path === undefined || path === WEBHOOK_PATH) return [...notes]
  const note = isV1Path(path)
    ? 'Box does not sign callbacks of V1 webhooks. Make a V2 webhook, which Box signs.'
    : `ingest takes deliveries at ${WEBHOOK_PATH}. This one is judged as if it had come there.`
  return [...notes, note]
}

const describeCheck = ({ name, result, summary }: Check): string =>
  `  ${{ ok: 'ok  ', fail: 'fail', skip: '-   ' }[result]}  ${name.padEnd(9)}  ${summary}`

const describeFinding = (label: string, { cause, certainty, summary, evidence, fix }: Finding): string[] => [
  `${label}: ${summary} (${cause}, ${certainty})`,
  ...evidence.map(line => `  ${line}`),
  `  Fix: ${fix}`,
]

function describeAll(judgements: readonly Judgement[]): string[] {
  const rows = judgements.map(({ capture, moment, answer, diagnosis }) => [
    String(capture.entry ?? ''),
    formatMoment(moment.at),
    describeRequest(capture),
    `${answer.status} ${answer.code}`,
    diagnosis.causes
      .map(({ cause, certainty }) => (certainty === 'proven' ? cause : `${cause}?`))
      .join(', ') || '-',
  ])
  const valid = judgements.filter(isValid).length
  return [
    ...table([['ENTRY', 'JUDGED AS OF', 'REQUEST', 'INGEST ANSWERS', 'CAUSES'], ...rows]).split('\n'),
    '',
    `${valid} of ${judgements.length} are valid. Show one in full with --entry N.`,
  ]
}

/** Formats a moment; one that is not a date remains a number. */
const formatMoment = (at: number): string =>
  Math.abs(at) <= 8.64e15 ? new Date(at).toISOString() : String(at)

/** Hides what would do something to the terminal. */
const hideControls = (line: string): string => line.replace(/[\p{Cc}\p{Cf}]/gu, '\ufffd')

/** Shorter ones are not keys of Box, and parts of any text. */
const KEY_LENGTH_MIN = 8

/** Hides keys: a capture may hold one, in its path for example. */
function hideKeys(text: string, keys: SignatureKeys): string {
  const given = [keys.primary?.trim() ?? '', keys.secondary?.trim() ?? '']
  return given
    .filter(key => key.length >= KEY_LENGTH_MIN)
    .sort((a, b) => b.length - a.length)
    .reduce((shown, key) => shown.replaceAll(key, '[key]'), text)
}
