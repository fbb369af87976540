import { ExpectedError } from '../../lib/base/expected-error.ts'
import { formatStage, readStageRef, type StageRef } from '../stage/stage-ref.ts'
import { CommandError } from '../terminal/command-error.ts'
import type { StageOptions } from '../terminal/options.ts'
import { interruptible, type Shell } from '../terminal/shell.ts'
import { BOX_CHECKS, SECRET_CHECKS, WEBHOOK_CHECKS } from './box-checks.ts'
import {
  type Check,
  CheckInconclusive,
  type DoctorContext,
  deployFix,
  GROUPS,
  openContext,
} from './context.ts'
import { ALARM_CHECKS, VERSION_CHECKS } from './deployment-checks.ts'
import { countsOf, type Examined, examinedText, summaryText } from './doctor-text.ts'
import { CLOCK_CHECKS, ENDPOINT_CHECKS } from './endpoint-checks.ts'
import { type Finding, type Status, skipped, unknown } from './finding.ts'
import { LEDGER_CHECKS } from './ledger-checks.ts'
import { QUEUE_CHECKS } from './queue-checks.ts'

export type DoctorOptions = StageOptions & {
  /** Prints JSON, for programs. */
  readonly json?: boolean
}

/** Exit codes; 0 where nothing fails and every check has a verdict. */
const FAILED = 1
const INCONCLUSIVE = 2

/** How long finding the stage may take, in milliseconds. */
const FIND_MS_MAX = 20_000

/**
 * Checks a stage from end to end without changing anything, and prints a verdict for each part, with a fix where it
 * fails. The exit code is 1 where anything fails, 2 where nothing does and a check was inconclusive.
 * @throws CommandError where there is no such stage, or it can't be reached
 */
export async function doctor(shell: Shell, options: DoctorOptions): Promise<void> {
  await interruptible(shell, 'Stopping; the results so far follow.', async stopped => {
    const context = await findContext(shell, options, stopped)
    // Stopped before any check.
    if (!context) return
    try {
      if (!options.json) await shell.print(headingOf(context))
      let group = ''
      const examined = await examineAll(context, stopped, async one => {
        if (options.json) return
        if (one.group !== group) await shell.print(`\n${one.group}`)
        group = one.group
        await shell.print(examinedText(one))
      })
      await conclude(shell, examined, context, { stopped: stopped.aborted, json: options.json === true })
    } finally {
      context.close()
    }
  })
}

async function findContext(
  shell: Shell,
  options: DoctorOptions,
  stopped: AbortSignal,
): Promise<DoctorContext | undefined> {
  const found = AbortSignal.any([stopped, AbortSignal.timeout(FIND_MS_MAX)])
  try {
    return await openContext(shell, readStageRef(options), found, stopped)
  } catch (error) {
    if (stopped.aborted) return undefined
    if (found.aborted)
      throw new CommandError(
        `AWS did not describe the stage within ${FIND_MS_MAX / 1000} s. Check that this machine reaches the internet.`,
        { exitCode: INCONCLUSIVE },
      )
    if (error instanceof ExpectedError)
      throw new CommandError(error.message, { exitCode: INCONCLUSIVE, cause: error })
    throw error
  }
}

/** Runs all checks at once, and shows each as soon as those before it are shown. */
async function examineAll(
  context: DoctorContext,
  stopped: AbortSignal,
  show: (examined: Examined) => Promise<void>,
): Promise<Examined[]> {
  const running = CHECKS.map(check => examine(check, context, stopped))
  const examined: Examined[] = []
  for (const one of running) {
    const done = await one
    if (!done) continue
    examined.push(done)
    await show(done)
  }
  return examined
}

/** @returns undefined where it was stopped before it had an answer */
async function examine(
  check: Check,
  context: DoctorContext,
  stopped: AbortSignal,
): Promise<Examined | undefined> {
  const begun = context.now()
  const finding = await runCheck(check, context, stopped)
  if (!finding) return undefined
  return { group: check.group, check: check.name, ...finding, ms: Math.round(context.now() - begun) }
}

/** How long a check may take, in milliseconds. A function that has not run for a while starts for some seconds. */
const CHECK_MS_MAX = 20_000

/**
 * Runs a check.
 * @param stopped ends it before its time
 * @returns what was found, also where it could not be judged, with the reason; undefined where it was stopped
 */
async function runCheck(
  check: Check,
  context: DoctorContext,
  stopped: AbortSignal,
): Promise<Finding | undefined> {
  const { notLocal, outputs = [] } = check
  if (notLocal !== undefined && !('stage' in context.ref)) return skipped(notLocal)
  const missing = outputs.filter(name => !context.outputs[name])
  if (missing.length > 0)
    return unknown(
      `The stack has no output ${missing.join(', ')}: it was deployed by an older version.`,
      deployFix(context),
    )
  const signal = AbortSignal.any([stopped, AbortSignal.timeout(CHECK_MS_MAX)])
  try {
    return await inTime(check.run(context, signal), signal)
  } catch (error) {
    if (stopped.aborted) return undefined
    if (signal.aborted) return unknown(`There was no answer within ${CHECK_MS_MAX / 1000} s.`)
    return inconclusiveFinding(error)
  }
}

function inconclusiveFinding(error: unknown): Finding {
  if (error instanceof CheckInconclusive) return unknown(error.message, error.fix)
  if (error instanceof ExpectedError) return unknown(error.message)
  if (error instanceof Error) return unknown(`The check itself failed: ${error.name}: ${error.message}`)
  throw error
}

/** Ends the waiting for what does not listen to the signal itself. */
function inTime<R>(work: Promise<R>, signal: AbortSignal): Promise<R> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}

const headingOf = ({ ref, address }: DoctorContext): string =>
  `${capital(whereText(ref))}${address === undefined ? '' : `, ${address}`}`

const whereText = (ref: StageRef): string =>
  'stage' in ref ? `${formatStage(ref)} in ${ref.region}` : formatStage(ref)

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

async function conclude(
  shell: Shell,
  examined: readonly Examined[],
  { ref }: DoctorContext,
  { stopped, json }: { readonly stopped: boolean; readonly json: boolean },
): Promise<void> {
  const counts = countsOf(examined)
  const unanswered = CHECKS.length - examined.length
  if (json) {
    const output = {
      place: ref,
      at: new Date(shell.now()).toISOString(),
      status: worstOf(examined),
      counts,
      unanswered,
    }
    await shell.print(JSON.stringify({ ...output, checks: examined }, null, 2))
  } else {
    await shell.print(`\n${summaryText(counts)}`)
    if (stopped) await shell.print(`Stopped; ${unanswered} of ${CHECKS.length} checks had no result yet.`)
  }
  // An interrupted command has its own code.
  if (stopped) return
  if (counts.fail > 0) shell.exitCode = FAILED
  else if (counts.unknown > 0) shell.exitCode = INCONCLUSIVE
}

const WORST_FIRST: readonly Status[] = ['fail', 'unknown', 'warn', 'ok']

const worstOf = (examined: readonly Examined[]): Status =>
  WORST_FIRST.find(status => examined.some(one => one.status === status)) ?? 'unknown'

/** The checks of `boxhooks doctor`, in the order of its output. */
export const CHECKS: readonly Check[] = [
  ...SECRET_CHECKS,
  ...BOX_CHECKS,
  ...WEBHOOK_CHECKS,
  ...ENDPOINT_CHECKS,
  ...QUEUE_CHECKS,
  ...LEDGER_CHECKS,
  ...ALARM_CHECKS,
  ...VERSION_CHECKS,
  ...CLOCK_CHECKS,
].toSorted((one, other) => GROUPS.indexOf(one.group) - GROUPS.indexOf(other.group))
