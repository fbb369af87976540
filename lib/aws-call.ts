import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'
import { type AwsService, AwsSettingsMissing, awsEndpoint, awsRegion } from './aws-endpoint.ts'
import { AwsError, AwsUnreachable, awsErrorCode, awsRetryOf } from './aws-error.ts'
import { createHttpPost, type HttpAnswer } from './aws-http.ts'
import type { Environment } from './config.ts'
import { parseObject } from './json.ts'

/** Asks a service of AWS to do one thing, and gives its answer. */
export type AwsCall = (api: AwsApi, action: string, input: object) => Promise<Record<string, unknown>>

/** A service as its AWS JSON protocol names it. */
export type AwsApi = {
  readonly service: AwsService
  /** What stands before the action in the header x-amz-target. */
  readonly target: string
  readonly contentType: `application/x-amz-json-1.${0 | 1}`
  readonly headers?: Readonly<Record<string, string>>
}

export type AwsCallOptions = {
  /** Read anew for each attempt: Lambda renews the credentials. */
  readonly env: Environment
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** From 0 up to 1, for the waits between attempts. */
  readonly random?: () => number
  readonly limits?: Partial<AwsLimits>
}

export type AwsLimits = {
  readonly attempts: number
  /** How long one attempt waits for a connection and for the whole answer, in milliseconds. */
  readonly connectMs: number
  readonly answerMs: number
  /** How long a call takes at most, with all its attempts and the waits between them, in milliseconds. */
  readonly totalMs: number
}

export const AWS_LIMITS: AwsLimits = { attempts: 3, connectMs: 1000, answerMs: 1500, totalMs: 3000 }

/** From here on a clock counts as wrong, in milliseconds; AWS refuses signatures that are off by more. */
const SKEW_MS = 300_000

/**
 * A small client of AWS for a function that must start fast: signed by AWS's own signer, tried again as AWS's SDKs do in
 * their standard mode, with connections kept. Does without the SDKs' other ways of finding credentials and settings: it reads
 * the environment that Lambda sets.
 * @returns a call that throws AwsError where AWS refuses, AwsUnreachable where it can't be reached, AwsSettingsMissing
 */
export function createAwsCall({ env, now, random = Math.random, limits }: AwsCallOptions): AwsCall {
  const { attempts, connectMs, answerMs, totalMs } = { ...AWS_LIMITS, ...limits }
  const post = createHttpPost()
  let skewMs = 0

  const attempt = async (api: AwsApi, action: string, body: Uint8Array, leftMs: number) => {
    const url = new URL(awsEndpoint(api.service, env))
    if (!url.pathname.endsWith('/')) url.pathname += '/'
    const headers = await signed({ api, action, body, url, env, at: new Date(now() + skewMs) })
    const answer = await post(url, headers, body, { connectMs, answerMs: Math.min(answerMs, leftMs) })
    const date = Date.parse(answer.headers.date ?? '')
    const wrong = Math.abs(date - (now() + skewMs)) >= SKEW_MS
    if (wrong) skewMs = date - now()
    return { answer, wrong }
  }

  return async (api, action, input) => {
    const body = Buffer.from(JSON.stringify(input))
    const until = performance.now() + totalMs
    for (let number = 1; ; number += 1) {
      let skewed = false
      try {
        const { answer, wrong } = await attempt(api, action, body, until - performance.now())
        skewed = wrong
        return outcome(answer)
      } catch (error) {
        const retry = skewed ? 'soon' : awsRetryOf(error)
        const waitMs = random() * (retry === 'patiently' ? 500 : 100) * 2 ** (number - 1)
        if (retry === 'no' || number >= attempts || performance.now() + waitMs >= until) throw error
        await new Promise(resolve => setTimeout(resolve, waitMs))
      }
    }
  }
}

type Unsigned = {
  readonly api: AwsApi
  readonly action: string
  readonly body: Uint8Array
  readonly url: URL
  readonly env: Environment
  readonly at: Date
}

async function signed({ api, action, body, url, env, at }: Unsigned): Promise<Record<string, string>> {
  const { service, target, contentType } = api
  const signer = new SignatureV4({
    service,
    region: awsRegion(env),
    credentials: credentials(env),
    sha256: Sha256,
  })
  const { headers } = await signer.sign(
    {
      method: 'POST',
      protocol: url.protocol,
      hostname: url.hostname,
      path: url.pathname,
      query: {},
      headers: {
        host: url.host,
        'content-type': contentType,
        'content-length': String(body.byteLength),
        'x-amz-target': `${target}.${action}`,
        ...api.headers,
        ...traced(env),
      },
      body,
    },
    { signingDate: at },
  )
  return headers
}

type Bytes = string | ArrayBuffer | ArrayBufferView

/** SHA-256, or HMAC-SHA256 where there is a secret, in the form that the signer asks for. */
class Sha256 {
  readonly #hash: Hash | Hmac

  constructor(secret?: Bytes) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret))
  }

  update(data: Bytes): void {
    this.#hash.update(bytesOf(data))
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }
}

function bytesOf(data: Bytes): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data)
  return ArrayBuffer.isView(data)
    ? Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data)
}

function credentials(env: Environment) {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN } = env
  if (!accessKeyId || !secretAccessKey)
    throw new AwsSettingsMissing(
      'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not both set. Lambda sets them; elsewhere, set them yourself.',
    )
  return { accessKeyId, secretAccessKey, ...(AWS_SESSION_TOKEN ? { sessionToken: AWS_SESSION_TOKEN } : {}) }
}

/** The invocation's trace goes on in what it calls; AWS also knows loops by it. */
const traced = ({
  AWS_LAMBDA_FUNCTION_NAME: name,
  _X_AMZN_TRACE_ID: id,
}: Environment): Record<string, string> => (name && id ? { 'x-amzn-trace-id': id } : {})

function outcome({ status, headers, body }: HttpAnswer): Record<string, unknown> {
  const json = parseObject(body)
  if (status >= 200 && status < 300) {
    if (json) return json
    throw new AwsUnreachable('AnswerInvalid', `The answer with status ${status} is no JSON object.`)
  }
  const [type, id] = [headers['x-amzn-errortype'], headers['x-amzn-requestid']].map(one => one?.toString())
  throw new AwsError(awsErrorCode(type, json), status, id)
}
