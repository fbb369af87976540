import { type AwsService, awsEndpoint } from './aws-endpoint.ts'
import { AwsError, AwsUnreachable, awsErrorCode, awsRetryOf } from './aws-error.ts'
import { createHttpPost, type HttpAnswer, type HttpPlace, httpPlace } from './aws-http.ts'
import { createAwsSign } from './aws-sign.ts'
import type { Environment } from './base/environment.ts'
import { parseObject } from './base/json.ts'

/** Asks a service of AWS to do one thing, and gives its answer. */
export type AwsCall = (api: AwsApi, action: string, input: object) => Promise<Record<string, unknown>>

/** A service as its AWS JSON protocol names it. */
export type AwsApi = {
  readonly service: AwsService
  /** What stands before the action in the header x-amz-target. */
  readonly target: string
  readonly contentType: `application/x-amz-json-1.${0 | 1}`
  /** Whether errors are asked for by their old codes, as AWS's SDKs ask SQS. */
  readonly queryMode?: boolean
}

export type AwsCallOptions = {
  /** Its credentials are read anew for each attempt, its addresses once. */
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
 * A small client of AWS for a function that must start fast: signed and tried again as AWS's SDKs do in their standard
 * mode, with connections kept. Does without the SDKs' other ways of finding credentials and settings: it reads
 * the environment that Lambda sets.
 * @returns a call that throws AwsError where AWS refuses, AwsUnreachable where it can't be reached, AwsSettingsMissing
 */
export function createAwsCall({ env, now, random = Math.random, limits }: AwsCallOptions): AwsCall {
  const { attempts, connectMs, answerMs, totalMs } = { ...AWS_LIMITS, ...limits }
  const [post, sign] = [createHttpPost(), createAwsSign(env)]
  let skewMs = 0

  const places = new Map<AwsService, HttpPlace>()
  const placeOf = (service: AwsService): HttpPlace => {
    const known = places.get(service)
    if (known) return known
    const url = new URL(awsEndpoint(service, env))
    if (!url.pathname.endsWith('/')) url.pathname += '/'
    const place = httpPlace(url)
    places.set(service, place)
    return place
  }

  const attempt = async (api: AwsApi, action: string, body: string, leftMs: number) => {
    const place = placeOf(api.service)
    const headers = sign({
      service: api.service,
      host: place.host,
      path: place.path,
      contentType: api.contentType,
      target: `${api.target}.${action}`,
      queryMode: api.queryMode === true,
      body,
      at: new Date(now() + skewMs),
    })
    addTrace(headers, env)
    const answer = await post(place, headers, body, {
      connectMs,
      // A process that was frozen wakes up late.
      answerMs: Math.max(0, Math.min(answerMs, leftMs)),
    })
    const date = Date.parse(answer.headers.date ?? '')
    const wrong = Math.abs(date - (now() + skewMs)) >= SKEW_MS
    if (wrong) skewMs = date - now()
    return { answer, wrong }
  }

  return async (api, action, input) => {
    const body = JSON.stringify(input)
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

/** The invocation's trace goes on in what it calls; AWS also knows loops by it. X-Ray may change it on the way: it is not signed. */
function addTrace(headers: string[], env: Environment): void {
  const { _X_AMZN_TRACE_ID: id } = env
  if (id && env.AWS_LAMBDA_FUNCTION_NAME) headers.push('x-amzn-trace-id', id)
}

function outcome({ status, headers, body }: HttpAnswer): Record<string, unknown> {
  const json = parseObject(body)
  if (status >= 200 && status < 300) {
    if (json) return json
    throw new AwsUnreachable('AnswerInvalid', `The answer with status ${status} is no JSON object.`)
  }
  const [type, id] = [headers['x-amzn-errortype'], headers['x-amzn-requestid']].map(one => one?.toString())
  throw new AwsError(awsErrorCode(type, json), status, id, json)
}
