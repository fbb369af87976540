import {
  BaseUrls,
  BoxNetworkClient,
  type FetchOptionsInput,
  type FetchResponse,
  type NetworkClient,
  NetworkSession,
} from 'box-node-sdk/networking'
import { RetryLater } from '../base/errors.ts'
import type { Log } from '../log/log.ts'
import { answerTo, keepRefusals } from './box-answer.ts'
import { type BoxCall, BoxError, isBoxError, wordOf } from './box-error.ts'
import type { BoxToken, HeldToken } from './box-token.ts'

/** What a client is bound to. */
export type BoxRun = {
  readonly signal?: AbortSignal
  /** Throws once the run's time is over; asked before each call, for a signal can be late. */
  readonly checkTime?: () => void
  readonly log: Log
}

export type BoxSessionOptions = {
  /** https://api.box.com, or an emulated Box. */
  readonly apiUrl: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Carries the SDK's calls; the SDK's own HTTP client by default. */
  readonly network?: NetworkClient | undefined
  /** Called when Box has refused the app itself. */
  readonly onRefused: () => void
}

/** How long one call may take, in milliseconds. */
const CALL_MS_MAX = 30_000
const BOX_API_URL = 'https://api.box.com'

/**
 * Makes the session that carries the SDK's calls for one run: with the token that all runs share, logged, and ended with the
 * run. A call whose token has ended or lacks a scope is made once more with a new one. What a call throws is a BoxError, or the
 * reason of the run's signal.
 * @param token none for the calls that get one
 */
export function createSession(run: BoxRun, options: BoxSessionOptions, token?: BoxToken): NetworkSession {
  const { apiUrl, onRefused } = options
  const send = senderFor(run, options)
  const fetch = async (request: FetchOptionsInput): Promise<FetchResponse> => {
    if (!token || !request.auth)
      return send(request).catch((error: unknown) => {
        if (isAuthFailure(error)) onRefused()
        throw error
      })
    const signal = signalOf(request, run)
    const isUpload = request.fileStream !== undefined || request.multipartData !== undefined
    const held = await token.hold({ isUpload, signal })
    try {
      return await send(request)
    } catch (error) {
      if (!isRefusedToken(error)) {
        if (isAuthFailure(error)) onRefused()
        throw error
      }
      if (isUpload) throw uploadRefused(error, token, held, onRefused)
    }
    await token.replace(held, signal)
    return send(request).catch((error: unknown) => {
      if (isBoxError(error, 401)) onRefused()
      throw error
    })
  }
  return new NetworkSession({
    networkClient: { fetch },
    interceptors: [keepRefusals],
    // Retrying is the queue's business: a Lambda that waits is paid for, and the SDK ignores Retry-After.
    retryStrategy: { shouldRetry: async () => false, retryAfter: () => 0 },
    timeoutConfig: { timeoutMs: CALL_MS_MAX },
    ...(apiUrl === BOX_API_URL
      ? {}
      : {
          baseUrls: new BaseUrls({
            baseUrl: apiUrl,
            uploadUrl: `${apiUrl}/api`,
            oauth2Url: `${apiUrl}/api/oauth2`,
          }),
        }),
  })
}

/** Makes each call within the run's time and logs it. */
function senderFor(run: BoxRun, { now, network }: BoxSessionOptions) {
  const carrier: NetworkClient = network ?? new BoxNetworkClient({})
  return async (request: FetchOptionsInput): Promise<FetchResponse> => {
    run.checkTime?.()
    run.signal?.throwIfAborted()
    const startedAt = now()
    const call = callOf(request)
    const signal = signalOf(request, run)
    const fieldsOf = (status: number, boxRequestId: string | undefined) => ({
      ...call,
      status,
      ms: now() - startedAt,
      boxRequestId,
    })
    const given = { ...readable(request), ...(signal ? { cancellationToken: signal } : {}) }
    try {
      const response = await answerTo(call, () => carrier.fetch(given), signal)
      run.log.info('box_call', fieldsOf(response.status, wordOf(response.headers['box-request-id'])))
      if (request.responseFormat === 'no_content') response.content?.resume()
      return response
    } catch (error) {
      if (error instanceof BoxError) {
        const { retryAfterSeconds, code } = error.failure
        const fields = { ...fieldsOf(error.status, error.requestId), retryAfterSeconds }
        run.log.info('box_call', fields, code === 'box_throttled' ? { BoxThrottles: 1 } : undefined)
      }
      throw error
    }
  }
}

/** The SDK leaves the body of an answer unread where none is wanted, though a refusal has one, with Box's code in it. */
const readable = (request: FetchOptionsInput): FetchOptionsInput =>
  request.responseFormat === 'no_content' ? { ...request, responseFormat: 'binary' } : request

const signalOf = ({ cancellationToken }: FetchOptionsInput, run: BoxRun): AbortSignal | undefined =>
  cancellationToken ?? run.signal

const callOf = ({ method, url }: FetchOptionsInput): BoxCall => ({
  method: method ?? 'GET',
  path: URL.parse(url)?.pathname ?? '',
})

const isAuthFailure = (error: unknown): boolean => isBoxError(error) && error.failure.class === 'auth'

/**
 * Whether another token may help: this one has ended before its time, or a scope has been granted since it was got. That Box
 * keeps the scopes with the token is a guess, which its advice to authorise the app again speaks for.
 * @see https://developer.box.com/guides/api-calls/permissions-and-errors/common-errors/ (401, insufficient_scope)
 */
const isRefusedToken = (error: unknown): error is BoxError =>
  isBoxError(error, 401) || isBoxError(error, 403, 'insufficient_scope')

/** What an upload ends with whose token was refused: its stream can't be sent twice, so the run has to begin again. */
function uploadRefused(error: BoxError, token: BoxToken, held: HeldToken, onRefused: () => void): Error {
  token.forget(held)
  if (!token.isNew(held))
    return new RetryLater(
      1,
      'Box refused the token of an upload, and an upload can be sent only once. The run begins again with a new token.',
      { cause: error },
    )
  if (error.status === 401) onRefused()
  return error
}
