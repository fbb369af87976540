/** Every way in which a run or an event can fail. Stable; docs/errors.md says of each what to do. */
export const FAILURE_CODES = [
  'box_throttled',
  'box_not_ready',
  'box_busy',
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
  /** Credentials were refused; someone has to repair them, after which trying again works. */
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
 * Says how whatever an automation threw is to be treated. A programming error is permanent, for it does not go away by
 * itself; an error that says nothing about itself is transient.
 */
export function classify(thrown: unknown): RunFailure {
  if (thrown instanceof AutomationError)
    return { ...thrown.failure, message: shortened(thrown.failure.message) }
  if (!(thrown instanceof Error))
    return { class: 'transient', code: 'automation_threw', message: shortened(textOf(thrown)) }
  const message = shortened(`${thrown.name}: ${thrown.message}`)
  if (isNetworkFault(thrown)) return { class: 'transient', code: 'network', message }
  if (BUGS.has(thrown.name)) return { class: 'permanent', code: 'automation_bug', message }
  return { class: 'transient', code: 'automation_threw', message }
}

/**
 * Errors that are the code's own. A SyntaxError is not: code that runs has been parsed, so it is of data, such as the page of
 * a gateway in the place of JSON.
 */
const BUGS: ReadonlySet<string> = new Set(['TypeError', 'ReferenceError', 'RangeError'])

/** How deep the causes of an error are looked into. */
const CAUSES_MAX = 8

/**
 * Whether an error says that a call got no answer, or not all of it: by its name, by a code of the system, of Node or of
 * undici, or by what caused it. fetch() reports such as a TypeError whose cause has the code.
 * @see https://nodejs.org/api/errors.html
 * @see https://undici.nodejs.org/#/docs/api/Errors
 */
function isNetworkFault(error: unknown, depth = 0): boolean {
  if (!(error instanceof Error) || depth > CAUSES_MAX) return false
  if (GIVEN_UP.has(error.name) || error.message === 'fetch failed') return true
  const code: unknown = Reflect.get(error, 'code')
  if (typeof code === 'string' && isNetworkCode(code)) return true
  if (error instanceof AggregateError && error.errors.length > 0)
    return error.errors.every(one => isNetworkFault(one, depth + 1))
  return isNetworkFault(error.cause, depth + 1)
}

/** What AbortSignal.timeout(), and an AbortController that stands in for it, end a call with. */
const GIVEN_UP: ReadonlySet<string> = new Set(['TimeoutError', 'AbortError'])

const NETWORK_CODES: ReadonlySet<string> = new Set([
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EAI_AGAIN',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETRESET',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
  'ERR_HTTP2_SESSION_ERROR',
  'ERR_HTTP2_STREAM_ERROR',
  'ERR_SOCKET_CLOSED',
  'ERR_SOCKET_CONNECTION_TIMEOUT',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ERR_TLS_HANDSHAKE_TIMEOUT',
  'UND_ERR_ABORTED',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CLOSED',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_DESTROYED',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_RESPONSE',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'UND_ERR_RES_EXCEEDED_MAX_SIZE',
  'UND_ERR_SOCKET',
])

/** llhttp's codes, of an answer that is not HTTP. */
const isNetworkCode = (code: string): boolean => NETWORK_CODES.has(code) || code.startsWith('HPE_')

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
