import {
  type BackfillAnswer,
  type BackfillReport,
  type BackfillRequest,
  isBackfillAnswer,
} from '../../lib/backfill/backfill-request.ts'
import { totalOf } from '../../lib/backfill/progress.ts'
import type { StreamName } from '../../lib/backfill/stream-event.ts'
import { createVersionError, invokeFunction } from '../stage/invoke.ts'
import { formatStage, type StageRef } from '../stage/stage-ref.ts'
import { CommandError } from '../terminal/command-error.ts'
import { confirm } from '../terminal/confirm.ts'
import { count as countText } from '../terminal/progress.ts'
import { interruptible, type Shell } from '../terminal/shell.ts'
import { type BackfillProgress, createBackfillProgress } from './backfill-progress.ts'
import { backfillText } from './backfill-text.ts'

export type BackfillOptions = {
  readonly ref: StageRef
  /** ISO 8601. */
  readonly since: string
  readonly until?: string
  readonly stream: StreamName
  /** Events a second. */
  readonly rate: number
  readonly dryRun?: boolean
  readonly restart?: boolean
  readonly evenIfQueueIsBusy?: boolean
  readonly evenIfBoxMayDeliver?: boolean
  readonly json?: boolean
  readonly yes?: boolean
}

/**
 * Queues events that webhooks missed. Without --yes it counts first and asks; it resumes an unfinished backfill.
 * @throws CommandError
 */
export async function backfill(shell: Shell, options: BackfillOptions): Promise<void> {
  if (options.dryRun) return dryRun(shell, options)
  if (!options.yes && !(await isWanted(shell, options))) return
  await carryOut(shell, options)
}

async function dryRun(shell: Shell, options: BackfillOptions): Promise<void> {
  const { report, stopped } = await count(shell, options)
  if (report && options.json) await shell.print(json({ dryRun: true, stopped, ...report }))
  else if (report) await shell.print(backfillText(report, 'TO BE QUEUED'))
}

/** Shows what would be queued and asks for confirmation. @returns false if there is nothing to queue */
async function isWanted(shell: Shell, options: BackfillOptions): Promise<boolean> {
  const unfinished = await unfinishedOf(options)
  if (unfinished) {
    shell.printError(
      `${backfillText(unfinished, 'QUEUED')}\n\nThis backfill is unfinished: it has reached ${unfinished.through}.`,
    )
    await confirm(shell, 'Resume it?', NOT_INTERACTIVE)
    return true
  }
  const { report, stopped } = await count(shell, options)
  if (!report || stopped) return false
  if (totalOf(report.counts).queued === 0) {
    await shell.print(
      options.json
        ? json({ ...report, stopped })
        : `${backfillText(report, 'TO BE QUEUED')}\n\nThere is nothing to queue.`,
    )
    return false
  }
  shell.printError(backfillText(report, 'TO BE QUEUED'))
  await confirm(
    shell,
    `Queue ${eventsText(totalOf(report.counts).queued)} on ${formatStage(options.ref)}?`,
    NOT_INTERACTIVE,
  )
  return true
}

const NOT_INTERACTIVE = 'Not a terminal, so nothing was queued. To queue what is listed above, add --yes.'

async function unfinishedOf(options: BackfillOptions): Promise<BackfillReport | undefined> {
  const { ref, since, until, stream, restart } = options
  const report = await ask(ref, { action: 'status' })
  if (!report || report.done || restart) return undefined
  const same = report.since === since && report.stream === stream && (until ?? report.until) === report.until
  return same ? report : undefined
}

type Counted = { readonly report: BackfillReport | undefined; readonly stopped: boolean }

function count(
  shell: Shell,
  { ref, since, until, stream, evenIfBoxMayDeliver }: BackfillOptions,
): Promise<Counted> {
  const progress = createBackfillProgress(shell, 'to be queued')
  return interruptible(shell, 'Stopping; nothing was queued.', signal =>
    stepByStep(shell, progress, signal, last =>
      ask(ref, {
        action: 'count',
        since,
        stream,
        // What is the latest by default is settled with the first step.
        ...(last ? { until: last.until } : until === undefined ? {} : { until }),
        ...(last?.progress ? { progress: last.progress } : {}),
        ...(evenIfBoxMayDeliver ? { evenIfBoxMayDeliver } : {}),
      }),
    ),
  )
}

async function carryOut(shell: Shell, options: BackfillOptions): Promise<void> {
  const { ref, since, until, stream, rate, restart } = options
  const { evenIfQueueIsBusy, evenIfBoxMayDeliver } = options
  const progress = createBackfillProgress(shell, 'queued')
  let sum = 0
  const { report, stopped } = await interruptible(shell, 'Stopping after this step …', signal =>
    stepByStep(shell, progress, signal, async last => {
      const begun = shell.now()
      const next = await ask(ref, {
        action: 'run',
        since,
        stream,
        ...(until === undefined ? {} : { until }),
        ...(last ? { begunAt: last.begunAt } : {}),
        ...(restart && !last ? { restart } : {}),
        ...(evenIfQueueIsBusy ? { evenIfQueueIsBusy } : {}),
        ...(evenIfBoxMayDeliver ? { evenIfBoxMayDeliver } : {}),
        queueMax: Math.max(1, Math.ceil(rate * STEP_SECONDS)),
      })
      sum += next?.queued ?? 0
      const paceMs = (1000 * (next?.queued ?? 0)) / rate
      // A clock that is set back must not make the wait longer than the pace asks.
      const due = Math.min(paceMs - (shell.now() - begun), paceMs)
      if (due > 0 && !next?.done) await shell.sleep(due, signal)
      return next
    }),
  )
  if (!report)
    throw new CommandError(
      'The state of the backfill is gone. Run the same command again; nothing is queued twice.',
    )
  if (options.json) await shell.print(json({ stopped, ...report, queued: sum }))
  else await shell.print(`${backfillText(report, 'QUEUED')}\n\n${eventsText(sum)} queued by this command.`)
  if (stopped) shell.printError('Run the same command to resume.')
  else if (!options.json) shell.printError(LATE)
}

/** About so many seconds' worth of events are queued at a time. */
const STEP_SECONDS = 5

const LATE = 'Box writes its log late. Run the same command in a day: it queues only what has appeared since.'

/** How often in a row Box is waited for. */
const WAITS_MAX = 20

/** Runs one step after the other until all is done or the user stops the command. */
async function stepByStep(
  shell: Shell,
  progress: BackfillProgress,
  signal: AbortSignal,
  step: (last: BackfillReport | undefined) => Promise<BackfillReport | undefined>,
): Promise<Counted> {
  let report: BackfillReport | undefined
  let waits = 0
  try {
    do {
      const next = await step(report)
      if (!next) return { report: undefined, stopped: signal.aborted }
      if (report && next.begunAt !== report.begunAt && next.progress === undefined)
        throw new CommandError(
          `Another backfill was started at ${next.begunAt}. This one has reached ${report.through}.`,
        )
      waits = next.waitSeconds === undefined || next.through !== report?.through ? 0 : waits + 1
      report = next
      progress.show(report)
      if (waits > WAITS_MAX) throw new CommandError('Box does not answer. Run the same command to resume.')
      if (next.waitSeconds !== undefined) await shell.sleep(next.waitSeconds * 1000, signal)
    } while (!report.done && !signal.aborted)
    return { report, stopped: signal.aborted && !report.done }
  } finally {
    progress.end()
  }
}

async function ask(ref: StageRef, request: BackfillRequest): Promise<BackfillReport | undefined> {
  const answer = await invokeFunction(ref, 'backfill', request)
  if (!isBackfillAnswer(answer)) throw createVersionError(ref, 'backfill')
  if (!answer.ok) throw createError(answer)
  return answer.report ?? undefined
}

function createError({ error }: Extract<BackfillAnswer, { ok: false }>): CommandError {
  const { message, requestId } = error
  return new CommandError(requestId === undefined ? message : `${message}\nBox’s request id is ${requestId}.`)
}

const eventsText = (number: number): string => (number === 1 ? '1 event' : `${countText(number)} events`)

function json({
  progress,
  waitSeconds,
  ...report
}: Partial<BackfillReport> & Readonly<Record<string, unknown>>): string {
  return JSON.stringify(report, null, 2)
}
