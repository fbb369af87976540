import { isObject, parseObject } from '../../lib/base/json.ts'
import { type Finding, finding } from '../../lib/doctor/patient.ts'
import { type Diagnosis, diagnose } from '../../lib/doctor/signature-doctor.ts'
import { type Answer, ingest, WEBHOOK_PATH } from '../../lib/ingest/ingest.ts'
import type { SignatureKeys } from '../../lib/ingest/signature.ts'
import { createLog } from '../../lib/log/log.ts'
import { createQueue } from '../../lib/queue/queue.ts'
import { passedOver } from '../stage/secret-rules.ts'
import { CommandError } from '../terminal/command-error.ts'
import { openPrompt, PromptEnded, type Terminal } from '../terminal/prompt.ts'
import { readInput } from '../terminal/read-input.ts'
import type { Shell } from '../terminal/shell.ts'
import type { Capture, Format } from './capture.ts'
import { readNamedFile } from './named-file.ts'
import { readCaptures } from './read-captures.ts'
import { jsonReport, textReport } from './verify-report.ts'

/** A delivery can't be judged at all; 1 would say that it is not valid. */
const unusable = (message: string): CommandError => new CommandError(message, { exitCode: 2 })

export type VerifyOptions = {
  /** A curl command instead of a file. */
  readonly curl?: string
  readonly format?: Format
  /** Which request of a HAR or a list, from 0 on. */
  readonly entry?: number
  /** A file {"primary": "…", "secondary": "…"}. */
  readonly keys?: string
  /** Milliseconds since the epoch. */
  readonly at?: number | undefined
  /** Seconds. */
  readonly ageMax: number
  /** Seconds. */
  readonly skewMax: number
  readonly json?: boolean
}

/** When a delivery is judged, in milliseconds since the epoch, and who says so. */
export type Moment = { readonly at: number; readonly from: 'option' | 'capture' | 'now' }

/** What there is to say of one delivery. */
export type Judged = {
  readonly capture: Capture
  readonly moment: Moment
  /** What ingest answers to it. */
  readonly answer: Answer
  readonly diagnosis: Diagnosis
}

/**
 * Says of captured deliveries whether ingest would take them, and if not, why. Nothing is sent anywhere, and no key is
 * printed. The exit code is 0 where all are valid, and 1 where one is not.
 * @param file the capture; `-` for standard input
 * @throws CommandError, with what to do
 */
export async function verifyCapture(
  shell: Shell,
  file: string | undefined,
  options: VerifyOptions,
): Promise<void> {
  const captures = chosen(
    readCaptures(givenBytes(shell, file, options), { format: options.format, readFile: readNamedFile }),
    options,
  )
  const keys = await givenKeys(shell, options)
  const judged: Judged[] = []
  for (const capture of captures) judged.push(await judge(capture, keys, { ...options, now: shell.now() }))
  const name = options.curl === undefined && file !== undefined && file !== '-' ? file : undefined
  const report = options.json ? jsonReport(judged, keys) : textReport(judged, keys, name)
  await shell.print(report)
  if (judged.some(({ answer }) => answer.status !== 202)) shell.exitCode = 1
}

/**
 * Judges one captured delivery.
 * @param keys as they were given, white space around them included
 * @param options.now the time, in milliseconds since the epoch; needed where neither `at` nor the capture has one
 */
export async function judge(
  capture: Capture,
  keys: SignatureKeys,
  options: Pick<VerifyOptions, 'at' | 'ageMax' | 'skewMax'> & { readonly now: number },
): Promise<Judged> {
  const moment = momentOf(capture, options)
  const bounds = { ageMaxSeconds: options.ageMax, skewMaxSeconds: options.skewMax }
  const answer = await answerOf(capture, keys, { now: () => moment.at, ...bounds })
  const diagnosis = diagnose(capture, { keys, at: moment.at, ...bounds })
  return {
    capture,
    moment,
    answer,
    diagnosis: asOf(moment, answer.code === 'body_too_large' ? tooLarge(diagnosis) : diagnosis),
  }
}

/** Only the queue knows how much fits it. */
const tooLarge = (diagnosis: Diagnosis): Diagnosis => ({
  ...diagnosis,
  causes: [finding('body_too_large', 'proven')],
})

/** The age of today says nothing of the day when a delivery came; beside another cause it is none. */
function asOf({ from }: Moment, diagnosis: Diagnosis): Diagnosis {
  if (from !== 'now') return diagnosis
  const isAge = ({ cause }: Finding): boolean => cause === 'timestamp_too_old'
  const ages = diagnosis.causes.filter(isAge).map(age => ({ ...age, fix: AGE_OF_NOW }))
  const others = diagnosis.causes.filter(cause => !isAge(cause))
  return others.length === 0
    ? { ...diagnosis, causes: ages }
    : { ...diagnosis, causes: others, warnings: [...diagnosis.warnings, ...ages] }
}

const AGE_OF_NOW =
  'The capture does not tell when the delivery was received, so this is its age as of now. To judge it as of then, say --at TIME.'

function momentOf(
  { receivedAt }: Capture,
  { at, now }: { readonly at?: number | undefined; readonly now: number },
): Moment {
  if (at !== undefined) return { at, from: 'option' }
  return receivedAt === undefined ? { at: now, from: 'now' } : { at: receivedAt, from: 'capture' }
}

/** Lets ingest itself answer, with a queue that takes everything. */
function answerOf(
  { method, query, headers, body }: Capture,
  keys: SignatureKeys,
  judging: { now: () => number; ageMaxSeconds: number; skewMaxSeconds: number },
): Promise<Answer> {
  const known = {
    ...(keys.primary?.trim() ? { primary: keys.primary.trim() } : {}),
    ...(keys.secondary?.trim() ? { secondary: keys.secondary.trim() } : {}),
  }
  return ingest(
    { method: method ?? 'POST', path: WEBHOOK_PATH, query, headers, body },
    {
      ...judging,
      keyring: { current: async () => known, refreshed: async () => undefined },
      queue: createQueue({ send: async () => ({}) }, ''),
      log: createLog({ now: judging.now, write: () => {} }),
    },
  )
}

/** The deliveries among a capture's requests, or the one that is asked for. */
function chosen(captures: readonly Capture[], { entry }: VerifyOptions): readonly Capture[] {
  if (entry !== undefined) {
    const one = captures[entry]
    if (one) return [one]
    throw unusable(
      `There is no entry ${entry}; ${captures.length === 1 ? 'there is just entry 0' : `they go from 0 to ${captures.length - 1}`}.`,
    )
  }
  if (captures.length === 1) return captures
  const deliveries = captures.filter(isDelivery)
  if (deliveries.length > 0) return deliveries
  throw unusable(
    `None of the ${captures.length} requests looks like a delivery from Box. Choose one with --entry N, from 0 on.`,
  )
}

/** Whether a request has anything of a delivery from Box: its headers, its client's name, or its kind of body. */
function isDelivery({ headers, body }: Capture): boolean {
  const names = Object.keys(headers)
  return (
    names.some(name => /box[-_](?:delivery|signature)/i.test(name)) ||
    (headers['user-agent'] ?? '').startsWith('Box-WH-Client') ||
    Buffer.from(body).includes('"webhook_event"')
  )
}

function givenBytes(shell: Shell, file: string | undefined, { curl }: VerifyOptions): Uint8Array {
  if (curl !== undefined && file !== undefined) throw unusable('Give a file or --curl, not both.')
  if (curl !== undefined) return Buffer.from(/^\s*(?:[$>%] ?)?curl/i.test(curl) ? curl : `curl ${curl}`)
  if (file === undefined && shell.terminal)
    throw unusable(
      'Give the captured request: a file, - for standard input, or --curl with a curl command. npx boxhooks verify --help tells more.',
    )
  const bytes = read(shell, file ?? '-')
  if (bytes.length > 0) return bytes
  throw unusable('The capture is empty.')
}

function read(shell: Shell, path: string): Uint8Array {
  try {
    return readInput(shell, path)
  } catch (error) {
    throw error instanceof CommandError ? unusable(error.message) : error
  }
}

/** From a file, the environment or a person; what stands on the command line is seen by every process. */
async function givenKeys(shell: Shell, { keys: file }: VerifyOptions): Promise<SignatureKeys> {
  if (file !== undefined)
    return keysIn(
      Buffer.from(read(shell, file))
        .toString()
        .replace(/^\ufeff/, ''),
      file,
    )
  const {
    BOX_SIGNATURE_PRIMARY_KEY,
    BOX_SIGNATURE_SECONDARY_KEY,
    BOXHOOKS_PRIMARY_KEY,
    BOXHOOKS_SECONDARY_KEY,
  } = shell.env
  const primary = BOX_SIGNATURE_PRIMARY_KEY || BOXHOOKS_PRIMARY_KEY
  const secondary = BOX_SIGNATURE_SECONDARY_KEY || BOXHOOKS_SECONDARY_KEY
  if (primary?.trim() || secondary?.trim()) return pairOf(primary, secondary)
  if (shell.terminal) return askedKeys(shell.terminal)
  throw unusable(NO_KEYS)
}

const NO_KEYS =
  'The signature keys are missing. Put {"primary": "…", "secondary": "…"} into a file and name it with --keys FILE, or set BOX_SIGNATURE_PRIMARY_KEY and BOX_SIGNATURE_SECONDARY_KEY. On the command line itself no key is taken, for every process sees that.'

const pairOf = (primary: string | undefined, secondary: string | undefined): SignatureKeys => ({
  ...(primary?.trim() ? { primary } : {}),
  ...(secondary?.trim() ? { secondary } : {}),
})

/** Whatever is wrong with a file of keys, nothing of it is told. */
function keysIn(text: string, file: string): SignatureKeys {
  const json = parseObject(text)
  if (!isObject(json))
    throw unusable(`${file} is no JSON object of the form {"primary": "…", "secondary": "…"}.`)
  const problems = passedOver(text)
  if (problems.length > 0) throw unusable([`The keys in ${file} can't be used:`, ...problems].join('\n  '))
  const { primary, secondary } = json
  return pairOf(
    typeof primary === 'string' ? primary : undefined,
    typeof secondary === 'string' ? secondary : undefined,
  )
}

async function askedKeys(terminal: Terminal): Promise<SignatureKeys> {
  const prompt = openPrompt(terminal)
  try {
    const primary = await prompt.ask('Primary key: ', { hidden: true })
    const secondary = await prompt.ask('Secondary key (empty where there is none): ', { hidden: true })
    if (primary || secondary) return pairOf(primary, secondary)
  } catch (error) {
    if (!(error instanceof PromptEnded)) throw error
  } finally {
    prompt.close()
  }
  throw unusable(NO_KEYS)
}
