import type { BoundAutomation, Json, RunContext, Skip } from './automation.ts'
import { automationLog } from './automation-log.ts'
import type { Box, BoxRun } from './box.ts'
import type { Clock } from './clock.ts'
import { AutomationError, classify, PermanentError, RetryLater, type RunFailure } from './errors.ts'
import type { BoxEvent } from './event.ts'
import { freezeDeep } from './json.ts'
import { errorKind, type Log } from './log.ts'
import type { RunRecord } from './record.ts'

/** What became of one attempt at a run. */
export type RunOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'skipped'; readonly reason: string }
  | { readonly kind: 'failed'; readonly failure: RunFailure }

export type RunResult = {
  readonly outcome: RunOutcome
  /** Every step kept so far, by this attempt and those before. */
  readonly steps: Readonly<Record<string, string>>
  /** True where the code did not stop when told to, and may still be at work. */
  readonly unfinished: boolean
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
  /** Keeps a step's result in the ledger. */
  readonly keepStep: (name: string, json: string) => Promise<void>
}

/** The largest result of a step, in bytes of JSON: all steps share the ledger's record with the event. */
const STEP_BYTES_MAX = 16_384

/** What all steps of a run may keep together, in bytes: the ledger's record holds at most 400 KB. */
const STEPS_BYTES_MAX = 65_536

/** How long code may take to stop after its signal has aborted, in milliseconds. */
const STOP_MS = 500

/**
 * Runs an automation's code once. Never throws: whatever the code throws becomes the outcome, and code that does not
 * stop in time is left behind with its signal aborted.
 */
export async function attemptRun(input: RunInput): Promise<RunResult> {
  const { bound, clock, run } = input
  const steps: Record<string, string> = { ...run.steps }
  const stop = new AbortController()
  const timeoutMs = (bound.automation.timeoutSeconds ?? Number.POSITIVE_INFINITY) * 1000
  const begunAt = clock.now()
  const limitMs = Math.max(0, Math.min(input.deadline - begunAt, timeoutMs))
  if (limitMs === 0) return { outcome: failed(NO_TIME), steps, unfinished: false }
  let late: AutomationError | undefined
  const timedOut = (): AutomationError => {
    late ??= new AutomationError({
      class: 'transient',
      code: 'run_timed_out',
      message: `The run was not over after ${Math.round(limitMs / 1000)} s, which is all the time it has. Give the function or the automation more time, or pass the signal on to slow calls.`,
    })
    return late
  }

  const cancels: (() => void)[] = []
  const leftBehind = new Promise<RunOutcome>(resolve => {
    const stopNow = () => {
      stop.abort(timedOut())
      cancels.push(clock.after(STOP_MS, () => resolve(failed(timedOut()))))
    }
    cancels.push(clock.after(limitMs, stopNow))
  })
  const time: RunTime = {
    signal: stop.signal,
    check() {
      if (!stop.signal.aborted && clock.now() >= begunAt + limitMs) stop.abort(timedOut())
      stop.signal.throwIfAborted()
    },
  }
  let settled = false
  const execution = execute(input, time, steps).then(
    outcome => {
      settled = true
      return outcome
    },
    (thrown: unknown) => {
      settled = true
      input.log.debug('run_threw', { error: errorKind(thrown), stack: framesOf(thrown) })
      return failed(stop.signal.aborted ? timedOut() : thrown)
    },
  )
  const outcome = await Promise.race([execution, leftBehind])
  for (const cancel of cancels) cancel()
  return { outcome, steps, unfinished: !settled }
}

/** A worker that was held up between its claim and the run has not tried anything, so nothing counts. */
const NO_TIME = new RetryLater(
  1,
  'The worker had no time left when the run was to begin. The run is put off.',
)

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

type RunTime = {
  readonly signal: AbortSignal
  /**
   * Throws once the run's time is over. A process that was frozen wakes up with answers first and timers later, so the
   * clock is asked before anything that has an effect.
   */
  check(): void
}

async function execute(input: RunInput, time: RunTime, steps: Record<string, string>): Promise<RunOutcome> {
  const skip = skipOf(input.bound, input.event)
  if (skip) return { kind: 'skipped', reason: skip.skip }
  await input.bound.automation.run(contextOf(input, time, steps))
  return { kind: 'done' }
}

/** Asks an automation's own filter; undefined where the event is to be run. Throws what the filter throws. */
export function skipOf({ automation, settings }: BoundAutomation, event: BoxEvent): Skip | undefined {
  if (!automation.when) return undefined
  const answer = automation.when(freezeDeep(event), settings)
  if (answer === true) return undefined
  return answer || { skip: 'The automation’s when() said false.' }
}

function contextOf(input: RunInput, time: RunTime, steps: Record<string, string>): RunContext {
  const { bound, event, run } = input
  const { name } = bound.automation
  const named = new Set<string>()
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
      box ??= input.box({ signal: time.signal, checkTime: time.check, log: input.log })
      return box
    },
    async step<R extends Json>(step: string, fn: () => R | Promise<R>): Promise<R> {
      time.check()
      if (step in Object.prototype)
        throw new PermanentError(
          `A step can't be named ${JSON.stringify(step)}: every object of JavaScript has that.`,
        )
      if (named.has(step))
        throw new PermanentError(
          `The step ${JSON.stringify(step)} is used twice in ${name}. Name each step differently, with a counter in a loop.`,
        )
      named.add(step)
      const kept = Object.hasOwn(steps, step) ? steps[step] : undefined
      if (kept !== undefined) return parseStep(kept)
      checkRoom(step, steps)
      const json = stepText(step, await fn())
      // First here: where the ledger does not take it now, or its answer is lost, the attempt's outcome brings it along.
      steps[step] = json
      await input.keepStep(step, json)
      return parseStep(json)
    },
  }
}

/** `undefined` has no JSON text; the empty text stands for it. */
const parseStep = (json: string) => (json === '' ? undefined : JSON.parse(json))

/** Asked before a step is done, for what is done and can't be kept would be done again. */
function checkRoom(step: string, steps: Readonly<Record<string, string>>): void {
  const kept = Object.entries(steps).reduce((sum, [name, json]) => sum + Buffer.byteLength(name + json), 0)
  if (kept + STEP_BYTES_MAX > STEPS_BYTES_MAX)
    throw new PermanentError(
      `There is no room for the result of step ${JSON.stringify(step)}: the steps before it keep ${kept} bytes, and a run may keep ${STEPS_BYTES_MAX} in all. Keep ids instead of the things themselves.`,
    )
}

function stepText(step: string, value: Json): string {
  const json = JSON.stringify(value) ?? ''
  const bytes = Buffer.byteLength(json)
  if (bytes > STEP_BYTES_MAX)
    throw new PermanentError(
      `The result of step ${JSON.stringify(step)} has ${bytes} bytes of JSON; at most ${STEP_BYTES_MAX} are kept. Return an id instead of the thing itself.`,
    )
  return json
}

/** Dispatch runs an automation only at the triggers it is declared for, none of which is unknown. */
function subscribedEvent(event: BoxEvent): RunContext['event'] {
  if (event.trigger === 'UNKNOWN')
    throw new Error('An event with an unknown trigger has no automation to run.')
  return event
}
