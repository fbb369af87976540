import { parseObject } from '../../lib/base/json.ts'
import type { SignatureKeys } from '../../lib/ingest/signature.ts'
import { passedOver } from '../stage/secret-rules.ts'
import { CommandError } from '../terminal/command-error.ts'
import { openPrompt, PromptEnded, type Terminal } from '../terminal/prompt.ts'
import { readInput, readText } from '../terminal/read-input.ts'
import type { Shell } from '../terminal/shell.ts'
import { type Judgement, type JudgeOptions, judgeCapture } from './judge.ts'
import { type Capture, type Format, readCaptures, unusable } from './read-captures.ts'
import { jsonReport, textReport } from './verify-report.ts'

export type VerifyOptions = Omit<JudgeOptions, 'now'> & {
  readonly format?: Format
  /** Which request of a HAR, from 0 on. */
  readonly entry?: number
  /** A file {"primary": "…", "secondary": "…"}. */
  readonly keys?: string
  readonly json?: boolean
}

/**
 * Prints of captured deliveries whether ingest would take them, and if not, why. Sends nothing anywhere, and prints no key.
 * The exit code is 0 where all are valid, and 1 where one is not.
 * @param file the capture; `-` for standard input
 * @throws CommandError, with what to do
 */
export async function verifyCapture(
  shell: Shell,
  file: string | undefined,
  options: VerifyOptions,
): Promise<void> {
  const captures = chooseCaptures(readCaptures(readCapture(shell, file), options.format), options.entry)
  const keys = await readKeys(shell, options.keys)
  const judgements: Judgement[] = []
  for (const capture of captures)
    judgements.push(await judgeCapture(capture, keys, { ...options, now: shell.now() }))
  const name = file === '-' ? undefined : file
  await shell.print(options.json ? jsonReport(judgements, keys) : textReport(judgements, keys, name))
  if (judgements.some(({ answer }) => answer.status !== 202)) shell.exitCode = 1
}

function readCapture(shell: Shell, file: string | undefined): Uint8Array {
  if (file === undefined && shell.terminal)
    throw unusable('No request was given. Name a file with the captured request, or - for standard input.')
  const bytes = orUnusable(() => readInput(shell, file ?? '-'))
  if (bytes.length > 0) return bytes
  throw unusable('The capture is empty. Save the whole request, with its headers and body.')
}

function orUnusable<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw error instanceof CommandError ? unusable(error.message) : error
  }
}

/** Chooses the deliveries among a capture's requests, or the one that is asked for. */
function chooseCaptures(captures: readonly Capture[], entry: number | undefined): readonly Capture[] {
  if (entry !== undefined) {
    const one = captures[entry]
    if (one) return [one]
    throw unusable(`There is no entry ${entry}. Choose one from 0 to ${captures.length - 1}.`)
  }
  if (captures.length === 1) return captures
  const deliveries = captures.filter(({ headers }) =>
    Object.keys(headers).some(name => /^box-(?:delivery|signature)/.test(name)),
  )
  if (deliveries.length > 0) return deliveries
  throw unusable(
    `None of the ${captures.length} requests has headers of Box. Choose one with --entry N, from 0 on.`,
  )
}

/** Reads keys from a file, the environment or a prompt: every process of the machine can see a command line. */
async function readKeys(shell: Shell, file: string | undefined): Promise<SignatureKeys> {
  if (file !== undefined)
    return parseKeys(
      orUnusable(() => readText(shell, file)),
      file,
    )
  const { env, terminal } = shell
  const primary = env.BOX_SIGNATURE_PRIMARY_KEY || env.BOXHOOKS_PRIMARY_KEY
  const secondary = env.BOX_SIGNATURE_SECONDARY_KEY || env.BOXHOOKS_SECONDARY_KEY
  if (primary?.trim() || secondary?.trim()) return { primary, secondary }
  const asked = terminal && (await askKeys(terminal))
  if (asked?.primary || asked?.secondary) return asked
  throw unusable(
    'The signature keys are missing. Put {"primary": "…", "secondary": "…"} into a file and name it with --keys FILE, or set BOX_SIGNATURE_PRIMARY_KEY and BOX_SIGNATURE_SECONDARY_KEY. The command line itself takes no key, because every process can see it.',
  )
}

/** @throws CommandError, with nothing of the file in it */
function parseKeys(json: string, file: string): SignatureKeys {
  const keys = parseObject(json)
  if (!keys)
    throw unusable(
      `${file} is not a JSON object. Write the keys into it as {"primary": "…", "secondary": "…"}.`,
    )
  const problems = passedOver(json)
  if (problems.length > 0) throw unusable([`The keys in ${file} can't be used:`, ...problems].join('\n  '))
  const { primary, secondary } = keys
  return {
    primary: typeof primary === 'string' ? primary : undefined,
    secondary: typeof secondary === 'string' ? secondary : undefined,
  }
}

async function askKeys(terminal: Terminal): Promise<SignatureKeys | undefined> {
  const prompt = openPrompt(terminal)
  try {
    const primary = await prompt.ask('Primary key: ', { hidden: true })
    const secondary = await prompt.ask('Secondary key (empty where there is none): ', { hidden: true })
    return { primary, secondary }
  } catch (error) {
    if (error instanceof PromptEnded) return undefined
    throw error
  } finally {
    prompt.close()
  }
}
