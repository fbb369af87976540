import { isObject } from '../base/json.ts'

/** What AWS answered instead of doing what was asked; `name` is the error's code, such as AccessDeniedException. */
export class AwsError extends Error {
  override readonly name: string
  readonly status: number
  /** What else the answer says; undefined where it is not JSON. */
  readonly answer: Readonly<Record<string, unknown>> | undefined

  constructor(code: string, status: number, answer?: AwsError['answer']) {
    super(`AWS answered with status ${status}: ${code}.`)
    this.name = code
    this.status = status
    this.answer = answer
  }
}

/** No answer that can be used: the connection failed, took too long, or brought what AWS does not send. */
export class AwsUnreachable extends Error {
  override readonly name: 'ConnectionError' | 'TimeoutError' | 'AnswerInvalid'

  constructor(name: AwsUnreachable['name'], message: string) {
    super(message)
    this.name = name
  }
}

/** The environment does not say how AWS is to be reached. */
export class AwsSettingsMissing extends Error {
  override readonly name = 'AwsSettingsMissing'
}

/**
 * Reads the error's code in an answer of the AWS JSON protocols, without namespace and without what may follow a colon.
 * @see https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html#operation-error-serialization
 */
export function awsErrorCode(header: string | undefined, body: unknown): string {
  const type = header ?? (isObject(body) ? (body.__type ?? body.code) : undefined)
  const [code = ''] = typeof type === 'string' ? (type.split('#').at(-1) ?? '').split(':') : []
  return /^[A-Za-z][\w.]{0,79}$/.test(code) ? code : 'UnknownError'
}

/**
 * How long the first wait for another attempt is at most, in milliseconds; undefined where no attempt may help.
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
 */
export function retryBaseMs(error: unknown): number | undefined {
  if (error instanceof AwsUnreachable) return error.name === 'AnswerInvalid' ? undefined : 100
  if (!(error instanceof AwsError)) return undefined
  const { status, name } = error
  if (status === 429 || /Throttl|TooManyRequests|SlowDown|Exceeded|PriorRequest/.test(name)) return 500
  return [500, 502, 503, 504].includes(status) || name.startsWith('RequestTimeout') ? 100 : undefined
}
