/** Every way in which a run or an event can fail. Stable; docs/errors.md says of each what to do. */
export const FAILURE_CODES = [
  'box_throttled',
  'retry_later',
  'box_unavailable',
  'box_unreachable',
  'network',
  'run_timed_out',
  'automation_threw',
  'worker_lost',
  'box_auth',
  'box_app_secret_invalid',
  'box_app_secret_unavailable',
  'box_forbidden',
  'box_not_found',
  'box_conflict',
  'box_rejected',
  'automation_bug',
  'not_awaited',
  'record_full',
  'permanent',
  'event_unreadable',
  'message_unreadable',
  'target_unknown',
] as const

export type FailureCode = (typeof FAILURE_CODES)[number]

/** How a failure is treated: by waiting, by trying again, or by giving up. */
export type FailureClass =
  /** Box asked for a pause; waiting it out is not an attempt. */
  | 'throttled'
  /** May pass on its own: a network fault, a 5xx, a time-out. */
  | 'transient'
  /** Credentials were refused; someone has to mend them, after which trying again works. */
  | 'auth'
  /** Will fail the same way however often it is tried. */
  | 'permanent'

/** A failure of one run in the terms the retry policy and the ledger use. */
export type RunFailure = {
  readonly class: FailureClass
  readonly code: FailureCode
  readonly message: string
  readonly retryAfterSeconds?: number
}

/** An error that carries its own treatment. {@link classify} takes it as it is. */
export class AutomationError extends Error {
  override readonly name: string = 'AutomationError'
  readonly failure: RunFailure

  constructor(failure: RunFailure, options?: ErrorOptions) {
    super(failure.message, options)
    this.failure = failure
  }
}

/** Thrown by an automation that knows that trying again is of no use. */
export class PermanentError extends AutomationError {
  override readonly name = 'PermanentError'

  constructor(message: string, options?: ErrorOptions) {
    super({ class: 'permanent', code: 'permanent', message }, options)
  }
}

/** Thrown by an automation that wants to run again later. The wait does not count as an attempt. */
export class RetryLater extends AutomationError {
  override readonly name = 'RetryLater'

  /** @param seconds how long to wait at least */
  constructor(seconds: number, message: string, options?: ErrorOptions) {
    super({ class: 'throttled', code: 'retry_later', message, retryAfterSeconds: seconds }, options)
  }
}

const MESSAGE_LENGTH_MAX = 1000

/**
 * Says how whatever an automation threw is to be treated. A programming error is permanent, for it does not mend
 * itself; an error that says nothing about itself is transient.
 */
export function classify(thrown: unknown): RunFailure {
  if (thrown instanceof AutomationError)
    return { ...thrown.failure, message: shortened(thrown.failure.message) }
  if (!(thrown instanceof Error))
    return { class: 'transient', code: 'automation_threw', message: shortened(textOf(thrown)) }
  const bug = BUGS.has(thrown.name) && !isNetworkFault(thrown)
  return {
    class: bug ? 'permanent' : 'transient',
    code: bug ? 'automation_bug' : isNetworkFault(thrown) ? 'network' : 'automation_threw',
    message: shortened(`${thrown.name}: ${thrown.message}`),
  }
}

const BUGS: ReadonlySet<string> = new Set(['TypeError', 'ReferenceError', 'SyntaxError', 'RangeError'])

/** fetch() reports a network fault as a TypeError whose cause has the system's code. */
function isNetworkFault(error: Error): boolean {
  const cause = error.cause
  return error.message === 'fetch failed' || (cause instanceof Error && 'code' in cause && 'syscall' in cause)
}

/** Anything can be thrown, also what has no text. */
function textOf(thrown: unknown): string {
  try {
    return String(thrown)
  } catch {
    return `a value of type ${typeof thrown} was thrown`
  }
}

const shortened = (text: string): string =>
  text.length > MESSAGE_LENGTH_MAX ? `${text.slice(0, MESSAGE_LENGTH_MAX)}…` : text
