import { setImmediate } from 'node:timers/promises'
import type { BoundAutomation, RunContext, StepResult } from '../automation/automation.ts'
import { automationLog } from '../automation/automation-log.ts'
import type { Clock } from '../base/clock.ts'
import { AutomationError, classify, RetryLater, type RunFailure } from '../base/errors.ts'
import { freezeDeep } from '../base/json.ts'
import { containRejections } from '../base/stray-rejections.ts'
import { createUnderWay, followCalls, type UnderWay } from '../base/under-way.ts'
import type { Box, BoxRun } from '../box/box.ts'
import type { BoxEvent } from '../event/event.ts'
import { LeaseLost } from '../ledger/ledger.ts'
import type { RunRecord } from '../ledger/record.ts'
import { errorKind, type Log } from '../log/log.ts'
import { StepRefused, stepsOf } from './steps.ts'

/** What became of one attempt at a run. */
export type RunOutcome = { readonly kind: 'done' } | { readonly kind: 'failed'; readonly failure: RunFailure }

export type RunResult = {
  readonly outcome: RunOutcome
  /** Every step kept so far, by this attempt and those before. */
  readonly steps: Readonly<Record<string, string>>
  /** Present where the code did not stop when told to, and may still be at work; resolves when it has ended. */
  readonly unfinished?: Promise<unknown>
}

export type RunInput = {
  readonly bound: BoundAutomation
  readonly event: BoxEvent
  readonly run: RunRecord
  /** When the attempt must be over, in milliseconds since the epoch. */
  readonly deadline: number
  readonly clock: Clock
  readonly log: Log
  /** Makes the Box client of this run. */
  readonly box: (run: BoxRun) => Box
  /** Keeps a step's result in the ledger. @throws LeaseLost, RecordFull */
  readonly keepStep: (name: string, json: string) => Promise<void>
  /** What its steps may keep together, in bytes. */
  readonly stepsBytes: number
}

/** How long code may take to stop after its signal has aborted, in milliseconds. */
const STOP_MS = 500

/**
 * Runs an automation's code once. The attempt has ended when everything has that the code began: its own promise,
 * the steps and the calls to Box. Never throws: whatever the code throws becomes the outcome, and code that does not
 * stop in time is left behind with its signal aborted.
 */
export async function attemptRun(input: RunInput): Promise<RunResult> {
  const { bound, log } = input
  const steps: Record<string, string> = { ...input.run.steps }
  const time = runTime(input)
  if (!time) return refusedRun(input.run, NO_TIME)
  const underWay = createUnderWay()
  /** Why the engine refused something that the code asked for; the code may have caught it. */
  let refusal: unknown
  const refuse = (reason: unknown): void => {
    refusal ??= reason
  }
  let forgotten: readonly string[] = []
  /** What the code threw while it had time; what it began can go on after that. */
  let failure: RunOutcome | undefined
  const { result, strays } = containRejections(
    async () => {
      try {
        await bound.automation.run(contextOf(input, { time, underWay, steps, refuse }))
        forgotten = underWay.names
        // By then every rejection that nothing handles has been reported.
        await setImmediate()
      } catch (thrown) {
        log.debug('run_threw', { error: errorKind(thrown), stack: framesOf(thrown) })
        if (!time.signal.aborted) failure = failed(thrown)
      }
      await underWay.close()
    },
    reason => log.warn('rejection_unhandled', { error: errorKind(reason), stack: framesOf(reason) }),
  )
  let ended = false
  const execution = result.then((): RunOutcome => {
    ended = true
    if (failure) return failure
    if (time.signal.aborted) return failed(time.signal.reason)
    if (refusal !== undefined) return failed(refusal)
    return forgotten.length > 0 || strays.open.size > 0
      ? failed(notAwaited(forgotten, [...strays.open.values()]))
      : { kind: 'done' }
  })
  const leftBehind = time.over.then(() => failure ?? failed(time.signal.reason))
  const outcome = await Promise.race([execution, leftBehind])
  time.cancel()
  return { outcome, steps, ...(ended ? {} : { unfinished: execution }) }
}

/** A worker that was held up between its claim and the run has not tried anything, so nothing counts. */
const NO_TIME = new RetryLater(
  1,
  'The worker had no time left when the run was to begin. The run is put off.',
)

/** The result of a run that fails before its code begins. */
export const refusedRun = ({ steps }: RunRecord, thrown: unknown): RunResult => ({
  outcome: failed(thrown),
  steps,
})

const failed = (thrown: unknown): RunOutcome => ({ kind: 'failed', failure: classify(thrown) })

/** How many characters of a stack are logged. */
const STACK_LENGTH_MAX = 2000

/** Where an error was thrown, without its text, which may hold what must not be logged. */
function framesOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return ''
  const { stack = '', message } = thrown
  const textAt = stack.indexOf(message)
  if (textAt < 0) return ''
  const frames = stack
    .slice(textAt + message.length)
    .split('\n')
    .filter(line => /^\s+at /.test(line))
  return frames
    .map(frame => frame.trim())
    .join('\n')
    .slice(0, STACK_LENGTH_MAX)
}

/** An author who does not await a call neither learns what became of it nor has it counted as part of the run. */
function notAwaited(calls: readonly string[], rejections: readonly unknown[]): AutomationError {
  const [first] = rejections
  const what =
    calls.length > 0
      ? `${[...new Set(calls)].slice(0, 5).join(', ')} ${calls.length > 1 ? 'were' : 'was'} still under way`
      : `a promise had rejected that nothing handles (${classify(first).message})`
  return new AutomationError({
    class: 'permanent',
    code: 'not_awaited',
    message: `When run() returned, ${what}. Await every call, then redrive.`,
  })
}

type RunTime = {
  readonly signal: AbortSignal
  /**
   * Throws once the run's time is over. A process that was frozen wakes up with answers first and timers later, so the
   * clock is asked before anything that has an effect.
   */
  check(): void
  /** Resolves a little after the signal has aborted. */
  readonly over: Promise<void>
  cancel(): void
}

/** Starts the time of an attempt; undefined where there is none. */
function runTime({ bound, clock, deadline }: RunInput): RunTime | undefined {
  const stop = new AbortController()
  const begunAt = clock.now()
  const timeoutMs = (bound.automation.timeoutSeconds ?? Number.POSITIVE_INFINITY) * 1000
  const limitMs = Math.min(deadline - begunAt, timeoutMs)
  if (limitMs <= 0) return undefined
  const abort = () =>
    stop.signal.aborted ||
    stop.abort(
      new AutomationError({
        class: 'transient',
        code: 'run_timed_out',
        message: `The run was not over after ${Math.round(limitMs / 1000)} s, which is all the time it has. Give the function or the automation more time, or pass the signal on to slow calls.`,
      }),
    )
  const cancels: (() => void)[] = []
  const over = new Promise<void>(resolve => {
    cancels.push(
      clock.after(limitMs, () => {
        abort()
        cancels.push(clock.after(STOP_MS, resolve))
      }),
    )
  })
  return {
    signal: stop.signal,
    over,
    check() {
      if (clock.now() >= begunAt + limitMs) abort()
      stop.signal.throwIfAborted()
    },
    cancel() {
      for (const cancel of cancels) cancel()
    },
  }
}

type Attempt = {
  readonly time: RunTime
  readonly underWay: UnderWay
  readonly steps: Record<string, string>
  readonly refuse: (reason: unknown) => void
}

function contextOf(input: RunInput, { time, underWay, steps, refuse }: Attempt): RunContext {
  const { bound, event, run } = input
  const { name } = bound.automation
  const checkTime = () => {
    if (underWay.closed) throw new Error('The run has ended. What it begins now belongs to no attempt.')
    time.check()
  }
  const doStep = stepsOf({ automation: name, kept: steps, bytesMax: input.stepsBytes, keep: input.keepStep })
  let box: Box | undefined
  return {
    // Every automation of an event, and every event of an automation, gets the same objects.
    event: freezeDeep(subscribedEvent(event)),
    settings: freezeDeep(bound.settings),
    signal: time.signal,
    attempt: run.attempts,
    idempotencyKey: `${event.id}:${name}`,
    log: automationLog(input.log),
    get box() {
      box ??= followCalls(input.box({ signal: time.signal, checkTime, log: input.log }), 'box', underWay)
      return box
    },
    step<R extends StepResult>(step: string, fn: () => R | Promise<R>): Promise<R> {
      const done = async (): Promise<R> => {
        checkTime()
        try {
          return await doStep(step, fn)
        } catch (error) {
          if (error instanceof StepRefused || error instanceof LeaseLost) refuse(error)
          throw error
        }
      }
      return underWay.follow(`step(${JSON.stringify(step)})`, done())
    },
  }
}

/** Dispatch runs an automation only at the triggers it is declared for, none of which is unknown. */
function subscribedEvent(event: BoxEvent): RunContext['event'] {
  if (event.trigger === 'UNKNOWN')
    throw new Error('An event with an unknown trigger has no automation to run.')
  return event
}
