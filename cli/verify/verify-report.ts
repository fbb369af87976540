import type { Check } from '../../lib/doctor/checks.ts'
import type { Finding } from '../../lib/doctor/patient.ts'
import { WEBHOOK_PATH } from '../../lib/ingest/ingest.ts'
import { isV1Path } from '../../lib/ingest/ingest-v1.ts'
import type { SignatureKeys } from '../../lib/ingest/signature.ts'
import { table } from '../terminal/table.ts'
import type { Capture, Format } from './capture.ts'
import type { Judged, Moment } from './verify.ts'

/** What people read: one delivery in full, or a line for each of several. */
export function textReport(judged: readonly Judged[], keys: SignatureKeys, name: string | undefined): string {
  const [first] = judged
  const lines = judged.length === 1 && first ? whole(first, name) : overview(judged)
  return withoutKeys(lines.map(printable).join('\n'), keys)
}

/** What programs read. */
export function jsonReport(judged: readonly Judged[], keys: SignatureKeys): string {
  const report = { valid: judged.every(isValid), deliveries: judged.map(asJson) }
  return JSON.stringify(
    report,
    (_, value: unknown) => (typeof value === 'string' ? withoutKeys(value, keys) : value),
    2,
  )
}

const isValid = ({ answer }: Judged): boolean => answer.status === 202

function asJson(one: Judged): object {
  const { capture, moment, answer, diagnosis } = one
  const { verdict, checks, causes, proof, warnings, tried, cutShort } = diagnosis
  return {
    valid: isValid(one),
    format: capture.format,
    ...(capture.entry === undefined ? {} : { entry: capture.entry }),
    ...(capture.method === undefined ? {} : { method: capture.method }),
    ...(capture.path === undefined ? {} : { path: pathOf(capture.path) }),
    bodyBytes: capture.body.length,
    judgedAt: isoOf(moment.at),
    judgedAtFrom: moment.from,
    answer: { status: answer.status, code: answer.code, message: answer.message },
    ...('ageSeconds' in verdict ? { ageSeconds: verdict.ageSeconds } : {}),
    checks,
    causes,
    ...(proof === undefined ? {} : { proof }),
    warnings,
    notes: notesOf(one),
    tried,
    cutShort,
  }
}

function whole(one: Judged, name: string | undefined): string[] {
  const { capture, moment, answer, diagnosis } = one
  const { checks, causes, warnings } = diagnosis
  const notes = notesOf(one)
  return [
    `${name ?? 'The request'} (${FORMATS[capture.format]}${capture.entry === undefined ? '' : `, entry ${capture.entry}`}): ${requestOf(capture)}`,
    `Judged as of ${isoOf(moment.at)}, ${FROM[moment.from]}.`,
    ...notes.map(note => `Note: ${note}`),
    '',
    ...checks.map(checkLine),
    '',
    `ingest would answer ${answer.status} ${answer.code}.`,
    ...(causes.length === 0 ? ['The delivery is valid.'] : []),
    ...causes.flatMap(cause => [
      '',
      ...findingLines(cause.certainty === 'proven' ? 'Cause' : 'Likely cause', cause),
    ]),
    ...(diagnosis.proof && causes.length > 0 ? ['', diagnosis.proof] : []),
    ...warnings.flatMap(warning => ['', ...findingLines('But', warning)]),
    ...(diagnosis.cutShort
      ? ['', 'The body is so large that not everything was tried. A smaller delivery may show more.']
      : []),
  ]
}

const FORMATS: Readonly<Record<Format, string>> = {
  http: 'the text of an HTTP request',
  har: 'a HAR',
  curl: 'a curl command',
  lambda: 'an event of API Gateway',
  json: 'a request as JSON',
}

const FROM: Readonly<Record<Moment['from'], string>> = {
  option: 'as --at says',
  capture: 'when it was received, as the capture tells',
  now: 'which is now: the capture does not tell when it was received, and --at TIME can',
}

const requestOf = ({ method, path, body }: Capture): string =>
  `${[method, path === undefined ? undefined : pathOf(path)].filter(Boolean).join(' ') || 'a request'}, ${body.length} bytes of body`

/** A path without the token that one of V1 may have. */
const pathOf = (path: string): string => (isV1Path(path) ? path.replace(/^(\/box\/v1\/).*$/, '$1…') : path)

function notesOf({ capture }: Judged): string[] {
  const { path, parsed, notes } = capture
  return [
    ...notes,
    ...(path === undefined || path === WEBHOOK_PATH
      ? []
      : [`ingest takes deliveries at ${WEBHOOK_PATH}; this is judged as if it had come there.`]),
    ...(parsed
      ? ['The capture has the body parsed. Its bytes are not in it, so they are written anew here.']
      : []),
  ]
}

const checkLine = ({ name, result, says }: Check): string =>
  `  ${{ ok: 'ok  ', fail: 'fail', skip: '-   ' }[result]}  ${name.padEnd(9)}  ${says}`

const findingLines = (label: string, { cause, certainty, says, evidence, fix }: Finding): string[] => [
  `${label}: ${says} (${cause}, ${certainty})`,
  ...evidence.map(line => `  ${line}`),
  `  Fix: ${fix}`,
]

/** A line for each of several deliveries. */
function overview(judged: readonly Judged[]): string[] {
  const rows = judged.map(({ capture, moment, answer, diagnosis }) => [
    String(capture.entry ?? ''),
    isoOf(moment.at),
    requestOf(capture),
    `${answer.status} ${answer.code}`,
    diagnosis.causes
      .map(({ cause, certainty }) => (certainty === 'proven' ? cause : `${cause}?`))
      .join(', ') || '-',
  ])
  const valid = judged.filter(isValid).length
  return [
    ...table([['ENTRY', 'JUDGED AS OF', 'REQUEST', 'INGEST ANSWERS', 'CAUSES'], ...rows]).split('\n'),
    '',
    `${valid} of ${judged.length} are valid. --entry N tells all about one.`,
  ]
}

/** A moment beyond what a date can be is told as its number. */
function isoOf(at: number): string {
  return Math.abs(at) <= 8.64e15 ? new Date(at).toISOString() : String(at)
}

/** Without what would do something to the terminal. */
const printable = (line: string): string => line.replace(/[\p{Cc}\p{Cf}]/gu, '\ufffd')

/** Shorter ones are no keys of Box, and parts of any text. */
const KEY_LENGTH_MIN = 8

/** Nothing that is printed comes from a key; but a capture may have one, in its path for example. */
function withoutKeys(text: string, keys: SignatureKeys): string {
  const given = [keys.primary?.trim() ?? '', keys.secondary?.trim() ?? '']
  return given
    .filter(key => key.length >= KEY_LENGTH_MIN)
    .sort((a, b) => b.length - a.length)
    .reduce((told, key) => told.replaceAll(key, '[key]'), text)
}
