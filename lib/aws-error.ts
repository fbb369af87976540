import { isObject } from './base/json.ts'

/** What AWS answered instead of doing what was asked; `name` is the error's code, such as AccessDeniedException. */
export class AwsError extends Error {
  override readonly name: string
  readonly status: number
  readonly requestId: string | undefined
  /** What else the answer says; undefined where it is no JSON. */
  readonly answer: Readonly<Record<string, unknown>> | undefined

  constructor(
    code: string,
    status: number,
    requestId: string | undefined,
    answer?: Readonly<Record<string, unknown>>,
  ) {
    super(`AWS answered with status ${status}: ${code}.`)
    this.name = code
    this.status = status
    this.requestId = requestId
    this.answer = answer
  }
}

/** No answer, or none that can be used: the connection failed, took too long, or brought what AWS does not send. */
export class AwsUnreachable extends Error {
  override readonly name: string
  /** Node's code of a failed connection, such as ECONNRESET; absent where something else went wrong. */
  readonly code: string | undefined

  constructor(name: 'ConnectionError' | 'TimeoutError' | 'AnswerInvalid', message: string, code?: string) {
    super(message)
    this.name = name
    this.code = code
  }
}

/**
 * The error's code in an answer of the AWS JSON protocols: without namespace and without what may follow a colon.
 * @see https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html#operation-error-serialization
 */
export function awsErrorCode(header: string | undefined, body: unknown): string {
  const type = header ?? (isObject(body) ? (body.__type ?? body.code) : undefined)
  const [code = ''] = typeof type === 'string' ? (type.split('#').at(-1) ?? '').split(':') : []
  return /^[A-Za-z][\w.]{0,79}$/.test(code) ? code : 'UnknownError'
}

/**
 * Whether another attempt may succeed, and whether AWS asked for patience.
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
 */
export function awsRetryOf(error: unknown): 'no' | 'soon' | 'patiently' {
  if (error instanceof AwsError) {
    if (error.status === 429 || THROTTLED.has(error.name)) return 'patiently'
    return PASSING_STATUS.has(error.status) || PASSING.has(error.name) ? 'soon' : 'no'
  }
  return error instanceof AwsUnreachable && error.name !== 'AnswerInvalid' ? 'soon' : 'no'
}

const PASSING_STATUS: ReadonlySet<number> = new Set([500, 502, 503, 504])
const PASSING: ReadonlySet<string> = new Set(['TimeoutError', 'RequestTimeout', 'RequestTimeoutException'])
const THROTTLED: ReadonlySet<string> = new Set([
  'BandwidthLimitExceeded',
  'EC2ThrottledException',
  'LimitExceededException',
  'PriorRequestNotComplete',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'RequestThrottled',
  'RequestThrottledException',
  'SlowDown',
  'ThrottledException',
  'Throttling',
  'ThrottlingException',
  'TooManyRequestsException',
  'TransactionInProgressException',
])
