import { AutomationError, type FailureClass, type FailureCode, type RunFailure } from '../base/errors.ts'

export type BoxCall = {
  readonly method: string
  /** The path of the call's URL; its query is left out, for it can hold names. */
  readonly path: string
}

/** A call to Box that failed, in the terms of the retry policy. */
export class BoxError extends AutomationError {
  override readonly name = 'BoxError'
  readonly call: BoxCall
  /** HTTP status; 0 where no answer came. */
  readonly status: number
  /** Box's own code, such as `item_name_in_use`. */
  readonly boxCode: string | undefined
  /** What Box says is wrong, field by field where it names them: shortened, and without anything like a key or a token. */
  readonly boxMessage: string | undefined
  /** What Box's support asks for. */
  readonly requestId: string | undefined
  /** The answer's `context_info`, such as the conflicting items of a 409. */
  readonly contextInfo: Readonly<Record<string, unknown>>

  constructor(call: BoxCall, answer: BoxAnswer, options?: ErrorOptions) {
    const code = wordOf(answer.code)
    const requestId = wordOf(answer.requestId)
    super(failureOf(call, { ...answer, code, requestId }), options)
    this.call = call
    this.status = answer.status
    this.boxCode = code
    this.boxMessage = plainText(answer.boxMessage)
    this.requestId = requestId
    this.contextInfo = answer.contextInfo ?? {}
  }
}

export type BoxAnswer = {
  readonly status: number
  readonly code?: string | undefined
  readonly requestId?: string | undefined
  readonly message?: string | undefined
  /** The text of the answer itself. */
  readonly boxMessage?: string | undefined
  /** The header `retry-after` as it came. */
  readonly retryAfter?: string | undefined
  readonly contextInfo?: Readonly<Record<string, unknown>> | undefined
}

/**
 * Says whether something thrown is a failed Box call, with this HTTP status and this code of Box's where they are given, such as
 * `isBoxError(error, 409, 'item_name_in_use')`.
 */
export const isBoxError = (thrown: unknown, status?: number, boxCode?: string): thrown is BoxError =>
  thrown instanceof BoxError &&
  (status === undefined || thrown.status === status) &&
  (boxCode === undefined || thrown.boxCode === boxCode)

/** What has the form of a code or an id. Anything else an answer says in their place may repeat the request, with its token. */
export const wordOf = (text: string | undefined): string | undefined =>
  text !== undefined && /^[\w.:-]{1,64}$/.test(text) ? text : undefined

/** An answer's text may repeat the request. What is as long as a key or a token is left out. */
const plainText = (text: string | undefined): string | undefined =>
  text
    ?.replace(/[^\s:/.?#,;'"]{25,}/g, '…')
    .replace(/[^\P{Cc}]+/gu, ' ')
    .slice(0, 300)

/**
 * What Box says of refused credentials, such as "Please check the 'sub' claim." Only a text that is nothing but words: this one
 * goes into logs, and an answer may repeat the request with all that is secret in it.
 */
const sentence = (text = ''): string | undefined =>
  /^[A-Za-z][A-Za-z/_'(),.:; ]{0,199}$/.test(text) && !/[^ .,:;]{21}/.test(text) ? text : undefined

function failureOf(call: BoxCall, answer: BoxAnswer): RunFailure {
  const { class: kind, code, next } = treatment(answer)
  const retryAfterSeconds = retryAfterOf(answer.retryAfter)
  const what =
    answer.status === 0
      ? `gave no answer (${answer.message ?? 'unknown reason'})`
      : `answered ${[answer.status, answer.code].filter(Boolean).join(' ')}`
  const request = answer.requestId ? ` Box's request id is ${answer.requestId}.` : ''
  const words = kind === 'auth' ? sentence(answer.boxMessage) : undefined
  const said = words === undefined ? '' : ` Box says: "${words}"`
  return {
    class: kind,
    code,
    message: `Box ${what} to ${call.method} ${call.path}.${request}${said} ${next}`,
    ...(kind === 'throttled' && retryAfterSeconds !== undefined ? { retryAfterSeconds } : {}),
  }
}

type Treatment = { readonly class: FailureClass; readonly code: FailureCode; readonly next: string }

const THROTTLED: Treatment = {
  class: 'throttled',
  code: 'box_throttled',
  next: 'The run waits as long as Box asked.',
}

const BUSY: Treatment = {
  class: 'throttled',
  code: 'box_busy',
  next: 'Another request is at the same item or name. The run waits and is tried again.',
}

const REFUSED: Treatment = {
  class: 'auth',
  code: 'box_auth',
  next: "Box refused the app's credentials: check the app's secret, and that an admin has authorised the app.",
}

/**
 * What Box's code says of a failure, whatever its status. Of a name that is reserved and a folder that is blocked Box's guide
 * says to wait and to try again later, so these wait without counting, as 429 does.
 * @see https://developer.box.com/guides/api-calls/permissions-and-errors/common-errors/
 */
const BY_CODE: ReadonlyMap<string, Treatment> = new Map([
  ['name_temporarily_reserved', BUSY],
  ['operation_blocked_temporary', BUSY],
  ['invalid_grant', REFUSED],
  ['unauthorized_client', REFUSED],
  ['invalid_client', REFUSED],
  [
    'insufficient_scope',
    {
      class: 'permanent',
      code: 'box_forbidden',
      next: 'The app lacks a scope for this call: grant it in the Developer Console, have an admin authorise the app again, then redrive.',
    },
  ],
])

const BY_STATUS: ReadonlyMap<number, Treatment> = new Map([
  [0, { class: 'transient', code: 'box_unreachable', next: 'The run is tried again later.' }],
  [
    202,
    {
      class: 'throttled',
      code: 'box_not_ready',
      next: 'What was asked for is not ready yet. The run waits as long as Box asked.',
    },
  ],
  [401, REFUSED],
  [
    403,
    {
      class: 'permanent',
      code: 'box_forbidden',
      next: "The app's service account lacks the scope or the access to the item: invite it to the folder, or grant the scope in the Developer Console.",
    },
  ],
  [
    404,
    {
      class: 'permanent',
      code: 'box_not_found',
      next: 'The item is gone, or the app’s service account cannot see it.',
    },
  ],
  [408, { class: 'transient', code: 'box_unavailable', next: 'The run is tried again later.' }],
  [
    409,
    { class: 'permanent', code: 'box_conflict', next: 'Something with that name or role exists already.' },
  ],
  [429, THROTTLED],
])

function treatment({ status, code = '', retryAfter }: BoxAnswer): Treatment {
  // Without an answer there is no code, and 429 says to wait whatever its code is.
  const byStatus = BY_STATUS.get(status)
  const known = status === 0 || status === 429 ? byStatus : (BY_CODE.get(code) ?? byStatus)
  if (known) return known
  if (status === 503 && retryAfterOf(retryAfter) !== undefined) return THROTTLED
  if (status >= 500)
    return { class: 'transient', code: 'box_unavailable', next: 'The run is tried again later.' }
  return { class: 'permanent', code: 'box_rejected', next: 'The call itself is not acceptable to Box.' }
}

/** Box gives seconds; HTTP allows a date as well, which says too little without a trusted clock. */
function retryAfterOf(header: string | undefined): number | undefined {
  const seconds = Number(header?.trim() || Number.NaN)
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined
}
