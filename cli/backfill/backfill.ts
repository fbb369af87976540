import { setTimeout as delay } from 'node:timers/promises'
import {
  type BackfillAnswer,
  type BackfillReport,
  type BackfillRequest,
  isBackfillAnswer,
} from '../../lib/backfill/backfill-request.ts'
import { totalOf } from '../../lib/backfill/progress.ts'
import type { StreamName } from '../../lib/backfill/stream-event.ts'
import { answeredOtherwise, invokeFunction } from '../place/invoke.ts'
import { type Place, placeText } from '../place/place.ts'
import { confirm } from '../terminal/confirm.ts'
import { interruptible } from '../terminal/interrupt.ts'
import { count as countText } from '../terminal/progress.ts'
import { type BackfillProgress, createBackfillProgress } from './backfill-progress.ts'
import { backfillText } from './backfill-text.ts'

/** What was asked is not possible; the message says why, and what to do. */
export class BackfillFailed extends Error {
  override readonly name = 'BackfillFailed'
}

export type BackfillOptions = {
  readonly place: Place
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
 * Makes up for events that webhooks did not bring. Without --yes it counts first and asks; an unfinished one is gone on with.
 * @throws BackfillFailed, FunctionUnreachable, NotConfirmed, PromptEnded
 */
export async function backfill(options: BackfillOptions): Promise<void> {
  if (options.dryRun) return dryRun(options)
  if (!options.yes && !(await isWanted(options))) return
  await carryOut(options)
}

async function dryRun(options: BackfillOptions): Promise<void> {
  const { report, stopped } = await count(options)
  if (report && options.json) console.log(json({ dryRun: true, stopped, ...report }))
  else if (report) console.log(backfillText(report, 'TO BE QUEUED'))
}

/** Shows what would be done, and asks for it; false where nothing is to be done. */
async function isWanted(options: BackfillOptions): Promise<boolean> {
  const unfinished = await unfinishedOf(options)
  if (unfinished) {
    console.error(
      `${backfillText(unfinished, 'QUEUED')}\n\nThis back-fill is unfinished: it has come to ${unfinished.through}.`,
    )
    await confirm('Go on with it?', NOBODY)
    return true
  }
  const { report, stopped } = await count(options)
  if (!report || stopped) return false
  if (totalOf(report.counts).queued === 0) {
    console.log(
      options.json
        ? json({ ...report, stopped })
        : `${backfillText(report, 'TO BE QUEUED')}\n\nThere is nothing to queue.`,
    )
    return false
  }
  console.error(backfillText(report, 'TO BE QUEUED'))
  await confirm(`Queue ${eventsText(totalOf(report.counts).queued)} on ${placeText(options.place)}?`, NOBODY)
  return true
}

const NOBODY = 'Nobody is there to ask, so nothing was queued. To queue what is told above, add --yes.'

async function unfinishedOf(options: BackfillOptions): Promise<BackfillReport | undefined> {
  const { place, since, until, stream, restart } = options
  const report = await ask(place, { action: 'status' })
  if (!report || report.done || restart) return undefined
  const same = report.since === since && report.stream === stream && (until ?? report.until) === report.until
  return same ? report : undefined
}

type Counted = { readonly report: BackfillReport | undefined; readonly stopped: boolean }

function count({ place, since, until, stream, evenIfBoxMayDeliver }: BackfillOptions): Promise<Counted> {
  const progress = createBackfillProgress('to be queued')
  return interruptible('Stopping; nothing was queued.', signal =>
    stepByStep(progress, signal, last =>
      ask(place, {
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

async function carryOut(options: BackfillOptions): Promise<void> {
  const { place, since, until, stream, rate, restart } = options
  const { evenIfQueueIsBusy, evenIfBoxMayDeliver } = options
  const progress = createBackfillProgress('queued')
  let sum = 0
  const { report, stopped } = await interruptible('Stopping after the step in hand …', signal =>
    stepByStep(progress, signal, async last => {
      const begun = performance.now()
      const next = await ask(place, {
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
      const due = (1000 * (next?.queued ?? 0)) / rate - (performance.now() - begun)
      if (due > 0 && !next?.done) await pause(due, signal)
      return next
    }),
  )
  if (!report)
    throw new BackfillFailed(
      'What is kept of the back-fill is gone. Repeat the command; nothing is queued twice.',
    )
  if (options.json) console.log(json({ stopped, ...report, queued: sum }))
  else console.log(`${backfillText(report, 'QUEUED')}\n\n${eventsText(sum)} queued by this command.`)
  if (stopped) console.error('The same command goes on from there.')
  else if (!options.json) console.error(LATE)
}

/** About so many seconds' worth of events are queued at a time. */
const STEP_SECONDS = 5

const LATE =
  'Box writes its log late. Repeat the command in a day: it queues only what has come to light since then.'

/** How often in a row Box is waited for. */
const WAITS_MAX = 20

/** Asks for one step after the other until all is done or somebody stops it. */
async function stepByStep(
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
        throw new BackfillFailed(
          `Somebody else has begun another back-fill at ${next.begunAt}. This one has come to ${report.through}.`,
        )
      waits = next.waitSeconds === undefined || next.through !== report?.through ? 0 : waits + 1
      report = next
      progress.show(report)
      if (waits > WAITS_MAX)
        throw new BackfillFailed('Box does not answer. The same command goes on from there.')
      if (next.waitSeconds !== undefined) await pause(next.waitSeconds * 1000, signal)
    } while (!report.done && !signal.aborted)
    return { report, stopped: signal.aborted && !report.done }
  } finally {
    progress.end()
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  delay(ms, undefined, { signal }).catch(() => {})

async function ask(place: Place, request: BackfillRequest): Promise<BackfillReport | undefined> {
  const answer = await invokeFunction(place, 'backfill', request)
  if (!isBackfillAnswer(answer)) throw answeredOtherwise(place, 'backfill')
  if (!answer.ok) throw refused(answer)
  return answer.report ?? undefined
}

function refused({ error }: Extract<BackfillAnswer, { ok: false }>): BackfillFailed {
  const { message, requestId } = error
  return new BackfillFailed(
    requestId === undefined ? message : `${message}\nBox’s request id is ${requestId}.`,
  )
}

const eventsText = (number: number): string => (number === 1 ? '1 event' : `${countText(number)} events`)

function json({
  progress,
  waitSeconds,
  ...report
}: Partial<BackfillReport> & Readonly<Record<string, unknown>>): string {
  return JSON.stringify(report, null, 2)
}
