import { walkDeadLetters } from '../../lib/operations/dead-letter-walk.ts'
import { type DeadLetter, type DeadLetters, PAGE_MAX } from '../../lib/operations/dead-letters.ts'
import { atStage } from '../stage/stage-aws.ts'
import { formatStage } from '../stage/stage-ref.ts'
import { usageError } from '../terminal/command-error.ts'
import { confirm } from '../terminal/confirm.ts'
import { createProgress, type Progress } from '../terminal/progress.ts'
import { interruptible, type Shell } from '../terminal/shell.ts'
import type { DlqOptions } from './dlq.ts'
import { formatLetters, formatNone, formatSurvey, type Survey, SurveyCount } from './dlq-text.ts'
import { createMatcher, isNarrow } from './letter-filter.ts'

export type WorkOptions = DlqOptions & {
  /** Takes every dead letter when no filter is given. */
  readonly all?: boolean
  /** Takes at most so many. */
  readonly limit?: number
  /** Letters a second. */
  readonly rate: number
  /** Only shows what would be done. */
  readonly dryRun?: boolean
  /** Does not ask. */
  readonly yes?: boolean
}

/**
 * Sends dead letters back to the queue, where the unfinished runs of their events run again.
 * @throws CommandError, AwsUnreachable
 */
export function redrive(shell: Shell, options: WorkOptions): Promise<void> {
  return processDeadLetters(shell, options, {
    verb: 'redriven',
    question: 'Redrive them?',
    notInteractive: 'Not a terminal, so nothing was redriven. To redrive what is listed above, add --yes.',
    act: (deadLetters, letter) => deadLetters.redrive(letter),
  })
}

export type DropOptions = WorkOptions & { readonly reason: string; readonly by: string }

/**
 * Deletes dead letters, with a reason that the ledger keeps.
 * @throws CommandError, AwsUnreachable
 */
export async function drop(shell: Shell, { reason, by, ...options }: DropOptions): Promise<void> {
  if (reason.trim() === '' || reason.length > REASON_MAX)
    throw usageError(`--reason must have from 1 to ${REASON_MAX} characters.`)
  return processDeadLetters(shell, options, {
    verb: 'dropped',
    question: 'Drop them for good?',
    notInteractive:
      'Not a terminal, so nothing was dropped. To drop what is listed above for good, add --yes.',
    act: (deadLetters, letter) => deadLetters.drop(letter, { reason: reason.trim(), by }),
  })
}

const REASON_MAX = 1000

type Work = {
  /** What is done to a dead letter. */
  readonly verb: 'redriven' | 'dropped'
  readonly question: string
  /** The message where there is no terminal to ask on. */
  readonly notInteractive: string
  readonly act: (deadLetters: DeadLetters, letter: DeadLetter) => Promise<void>
}

async function processDeadLetters(shell: Shell, options: WorkOptions, work: Work): Promise<void> {
  if (!isNarrow(options.filter) && !options.all)
    throw usageError(
      'Specify which: ids of events, --code, --automation, --older-than, --newer-than; or --all for every dead letter.',
    )
  await atStage(shell, options.ref, async ({ deadLetters }) => {
    const asked = options.dryRun || !options.yes ? await ask(shell, deadLetters, options, work) : {}
    if (asked) await carryOut(shell, deadLetters, options, work, asked.letters)
  })
}

/**
 * Shows what would be done, and asks for it.
 * @returns how many dead letters match; undefined where nothing is to be done
 */
async function ask(
  shell: Shell,
  deadLetters: DeadLetters,
  options: WorkOptions,
  { verb, question, notInteractive }: Work,
): Promise<{ readonly letters?: number } | undefined> {
  const { survey, seen, stopped } = await surveyDeadLetters(shell, deadLetters, options)
  if (stopped) return undefined
  const { letters } = survey
  const text =
    letters > 0
      ? formatSurvey(survey, verb, formatStage(options.ref))
      : await formatNone(deadLetters, options, seen)
  if (options.dryRun || letters === 0) {
    await shell.print(options.json ? JSON.stringify({ dryRun: true, ...survey }, null, 2) : text.trimEnd())
    if (letters === 0 && options.filter.events.length > 0) shell.exitCode = 1
    return undefined
  }
  shell.printError(text)
  await confirm(shell, question, notInteractive)
  return { letters }
}

type LookedAt = { readonly survey: Survey; readonly seen: number; readonly stopped: boolean }

function surveyDeadLetters(
  shell: Shell,
  deadLetters: DeadLetters,
  { filter, limit = Number.POSITIVE_INFINITY }: WorkOptions,
): Promise<LookedAt> {
  const isMeant = createMatcher(filter)
  const counted = new SurveyCount()
  const progress = createProgress(shell, { verb: 'read' })
  return interruptible(shell, 'Stopping; every dead letter stays in the queue.', async signal => {
    await walkDeadLetters({
      deadLetters,
      now: shell.now,
      stop: () => signal.aborted || counted.letters >= limit,
      async visit(letter) {
        progress.step()
        if (isMeant(letter) && counted.letters < limit) counted.add(letter)
        return 'left'
      },
    }).finally(() => progress.end())
    return { survey: counted.survey, seen: progress.done, stopped: signal.aborted }
  })
}

/** How long a page may take, in seconds, before the visibility timeout of its last message ends. */
const PAGE_SECONDS_MAX = 20

async function carryOut(
  shell: Shell,
  deadLetters: DeadLetters,
  options: WorkOptions,
  work: Work,
  total: number | undefined,
): Promise<void> {
  const progress = createProgress(shell, { verb: work.verb, total })
  const seen = { letters: 0, events: new Set<string>() }
  const stopping = 'Stopping after the dead letters in flight …'
  const stopped = await interruptible(shell, stopping, async signal => {
    const visit = visitorOf(shell, deadLetters, options, work, { progress, seen, signal })
    try {
      await walkDeadLetters({
        deadLetters,
        now: shell.now,
        sentUntil: shell.now(),
        pageMax: Math.max(1, Math.min(PAGE_MAX, Math.floor(options.rate * PAGE_SECONDS_MAX))),
        stop: () => signal.aborted || progress.done >= (options.limit ?? Number.POSITIVE_INFINITY),
        visit,
      })
    } catch (error) {
      progress.end()
      shell.printError(
        `${formatLetters(progress.done)} ${work.verb} before this. Run the same command to resume.`,
      )
      throw error
    }
    progress.end()
    return signal.aborted
  })
  await printEnd(shell, deadLetters, options, work, { letters: progress.done, seen, stopped })
}

type Seen = { letters: number; readonly events: Set<string> }

function visitorOf(
  shell: Shell,
  deadLetters: DeadLetters,
  { filter, rate, limit = Number.POSITIVE_INFINITY }: WorkOptions,
  { act }: Work,
  {
    progress,
    seen,
    signal,
  }: { readonly progress: Progress; readonly seen: Seen; readonly signal: AbortSignal },
): (letter: DeadLetter) => Promise<'gone' | 'left'> {
  const isMeant = createMatcher(filter)
  const turn = createPacer(shell, rate, signal)
  let taken = 0
  return async letter => {
    seen.letters += 1
    if (!isMeant(letter) || taken >= limit) return 'left'
    taken += 1
    await turn()
    if (signal.aborted) return 'left'
    await act(deadLetters, letter)
    progress.step()
    if (filter.events.length > 0) seen.events.add(letter.eventId)
    return 'gone'
  }
}

async function printEnd(
  shell: Shell,
  deadLetters: DeadLetters,
  options: WorkOptions,
  { verb }: Work,
  { letters, seen, stopped }: { readonly letters: number; readonly seen: Seen; readonly stopped: boolean },
): Promise<void> {
  const notFound = stopped ? [] : options.filter.events.filter(id => !seen.events.has(id))
  if (options.json) await shell.print(JSON.stringify({ [verb]: letters, stopped, notFound }, null, 2))
  else if (letters > 0 || stopped) await shell.print(`${formatLetters(letters)} ${verb}.`)
  else await shell.print(await formatNone(deadLetters, options, seen.letters))
  if (stopped) shell.printError('The rest stay in the queue. Run the same command to resume.')
  for (const id of letters > 0 ? notFound : []) shell.printError(`No dead letter of event ${id} matches.`)
  if (notFound.length > 0) shell.exitCode = 1
}

/** Waits for the next turn. */
export type Pacer = () => Promise<void>

/**
 * Creates a pacer that allows this many turns a second, evenly spaced, without catching up on lost time.
 * @param perSecond above 0
 * @param signal ends every wait at once
 */
export function createPacer(
  { now, sleep }: Pick<Shell, 'now' | 'sleep'>,
  perSecond: number,
  signal: AbortSignal,
): Pacer {
  const intervalMs = 1000 / perSecond
  let last = Number.NEGATIVE_INFINITY
  let next = last
  return async () => {
    const begun = now()
    // The clock was set back: what was planned by it would be a long wait.
    if (begun < last) next = begun
    last = begun
    const turn = Math.max(begun, next)
    next = turn + intervalMs
    if (turn > begun && !signal.aborted) await sleep(turn - begun, signal)
  }
}
