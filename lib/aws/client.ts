import aws4 from 'aws4'
import type { Environment } from '../base/environment.ts'
import { parseObject } from '../base/json.ts'
import { AwsError, AwsSettingsMissing, AwsUnreachable, awsErrorCode, retryBaseMs } from './errors.ts'
import { createPost, type HttpAnswer } from './http.ts'

/** A service as its AWS JSON protocol names it. */
export type AwsApi = {
  readonly service: 'sqs' | 'secretsmanager' | 'dynamodb'
  /** The variable that may hold its address, as AWS's SDKs have it. */
  readonly endpoint: `AWS_ENDPOINT_URL_${string}`
  /** What stands before the action in the header x-amz-target. */
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
}

/** Credentials are read from the environment for each attempt, for Lambda renews them; the address is read once. */
export type AwsOptions = { readonly env: Environment; readonly limits?: Partial<typeof AWS_LIMITS> }

/** In milliseconds: for a connection, for one whole answer, and for all attempts and the waits between them. */
export const AWS_LIMITS = { attempts: 3, connectMs: 1000, answerMs: 1500, totalMs: 3000 }

/**
 * Makes a small client for a function that must start fast: signed by aws4, with the attempts of AWS's SDKs in their standard
 * mode, and connections that are kept. It reads the environment that Lambda sets, and no other settings.
 * @returns a call that throws AwsError where AWS refuses, AwsUnreachable where it can't be reached, AwsSettingsMissing
 */
export function createAwsCall(api: AwsApi, { env, limits }: AwsOptions) {
  const { attempts, connectMs, answerMs, totalMs } = { ...AWS_LIMITS, ...limits }
  let url: URL | undefined
  let post: ReturnType<typeof createPost> | undefined

  const attempt = (action: string, body: string, leftMs: number): Promise<HttpAnswer> => {
    const region = setting(env, 'AWS_REGION')
    const usual = `https://${api.service}.${region}.amazonaws.com`
    url ??= new URL(env[api.endpoint] || env.AWS_ENDPOINT_URL || usual)
    post ??= createPost(url)
    const { host, pathname: path } = url
    const { service } = api
    const headers = { ...api.headers, 'x-amz-target': `${api.target}.${action}` }
    const request = { method: 'POST', service, region, host, path, body, headers }
    const signed = aws4.sign(request, credentialsIn(env))
    // A process that was frozen wakes up late.
    return post(signed.headers ?? {}, body, { connectMs, answerMs: Math.max(0, Math.min(answerMs, leftMs)) })
  }

  return async (action: string, input: object): Promise<Record<string, unknown>> => {
    const body = JSON.stringify(input)
    const until = performance.now() + totalMs
    for (let number = 1; ; number += 1) {
      try {
        return outcome(await attempt(action, body, until - performance.now()))
      } catch (error) {
        const baseMs = number < attempts ? retryBaseMs(error) : undefined
        const waitMs = Math.random() * (baseMs ?? 0) * 2 ** (number - 1)
        if (baseMs === undefined || performance.now() + waitMs >= until) throw error
        await new Promise(resolve => setTimeout(resolve, waitMs))
      }
    }
  }
}

const credentialsIn = (env: Environment) => ({
  accessKeyId: setting(env, 'AWS_ACCESS_KEY_ID'),
  secretAccessKey: setting(env, 'AWS_SECRET_ACCESS_KEY'),
  ...(env.AWS_SESSION_TOKEN ? { sessionToken: env.AWS_SESSION_TOKEN } : {}),
})

function setting(env: Environment, name: string): string {
  const value = env[name]?.trim()
  if (value) return value
  throw new AwsSettingsMissing(`${name} is not set. Lambda sets it; elsewhere, set it yourself.`)
}

function outcome({ status, headers, body }: HttpAnswer): Record<string, unknown> {
  const json = parseObject(body)
  if (status >= 200 && status < 300) {
    if (json) return json
    throw new AwsUnreachable('AnswerInvalid', `The answer with status ${status} is not a JSON object.`)
  }
  throw new AwsError(awsErrorCode(headers['x-amzn-errortype']?.toString(), json), status, json)
}
