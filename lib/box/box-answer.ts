import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe } from 'node:diagnostics_channel'
import { IncomingMessage } from 'node:http'
import { addAbortSignal, type Readable } from 'node:stream'
import { BoxApiError, BoxSdkError } from 'box-node-sdk/box'
import type { FetchResponse, Interceptor } from 'box-node-sdk/networking'
import { AutomationError } from '../base/errors.ts'
import { isObject, parseObject } from '../base/json.ts'
import { type BoxAnswer, type BoxCall, BoxError } from './box-error.ts'

/** What is known of an answer besides what the SDK makes of it. */
type HeardAnswer = {
  status?: number
  retryAfter?: string | undefined
  /** What is still to be read of a refusal. */
  content?: Readable | undefined
}

const listening = new AsyncLocalStorage<HeardAnswer>()
let isListening = false

/**
 * Calls Box through the SDK and makes a failure of it one in the terms of the retry policy.
 * @param fetch makes the call
 * @param signal ends the reading of a refusal
 * @throws BoxError where Box refuses the call, has it not ready yet, or gives no answer; whatever else `fetch` throws
 */
export async function answerTo(
  call: BoxCall,
  fetch: () => Promise<FetchResponse>,
  signal: AbortSignal | undefined,
): Promise<FetchResponse> {
  const heard: HeardAnswer = {}
  listen()
  const response = await listening.run(heard, fetch).catch(async (thrown: unknown) => {
    throw await errorOf(call, thrown, heard, signal)
  })
  if (isNotReady(response))
    throw new BoxError(call, { status: response.status, retryAfter: response.headers['retry-after'] })
  return response
}

/**
 * Whether Box asks to come again for what it has not ready yet: the content of a file, or the commit of an upload. A
 * thumbnail that is not ready comes with the location of a placeholder, which is an answer.
 * @see https://developer.box.com/guides/downloads/file/
 * @see https://developer.box.com/reference/post-files-upload-sessions-id-commit/ (202)
 * @see https://developer.box.com/reference/get-files-id-thumbnail-id/ (202)
 */
const isNotReady = ({ status, headers }: FetchResponse): boolean =>
  status === 202 && headers['retry-after'] !== undefined && headers.location === undefined

/** Keeps what the SDK does not read of a refusal: its body, where the call is for content or for none. */
export const keepRefusals: Interceptor = {
  beforeRequest: request => request,
  afterRequest(response) {
    const heard = listening.getStore()
    if (heard && response.status >= 400) heard.content = response.content
    return response
  },
}

/**
 * Keeps each answer's status: the SDK loses it, and Retry-After with it, where the body is not JSON, as when a gateway in
 * front of Box answers.
 */
function listen(): void {
  if (isListening) return
  isListening = true
  subscribe('http.client.response.finish', message => {
    const response: unknown = message instanceof Object ? Reflect.get(message, 'response') : undefined
    const heard = listening.getStore()
    if (!heard || !(response instanceof IncomingMessage)) return
    heard.status = response.statusCode ?? 0
    heard.retryAfter = response.headers['retry-after']
  })
}

async function errorOf(
  call: BoxCall,
  thrown: unknown,
  heard: HeardAnswer,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  if (thrown instanceof AutomationError) return thrown
  if (thrown instanceof BoxApiError) {
    const { body = await bodyIn(heard.content, signal) } = thrown.responseInfo
    return new BoxError(call, answerOf(thrown, body))
  }
  if (!(thrown instanceof BoxSdkError)) return thrown
  if (thrown.error instanceof SyntaxError && heard.status !== undefined && heard.status >= 400)
    return new BoxError(call, { status: heard.status, retryAfter: heard.retryAfter })
  return new BoxError(call, { status: 0, message: reasonOf(thrown.error) })
}

/** How much of a refusal is read, in bytes, and for how long, in milliseconds. */
const REFUSAL_BYTES_MAX = 65_536
const REFUSAL_MS_MAX = 5000

/** The JSON object that a refusal has as its body; undefined where it has none, or it does not come in time. */
async function bodyIn(content: Readable | undefined, signal: AbortSignal | undefined): Promise<unknown> {
  if (!content) return undefined
  const late = AbortSignal.timeout(REFUSAL_MS_MAX)
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of addAbortSignal(signal ? AbortSignal.any([signal, late]) : late, content)) {
      chunks.push(Buffer.from(chunk))
      bytes += chunk.length
      if (bytes > REFUSAL_BYTES_MAX) return undefined
    }
  } catch {
    return undefined
  }
  return parseObject(Buffer.concat(chunks).toString())
}

/** Why there was no answer, without the error's own text, in which URLs with tokens and pieces of bodies can stand. */
function reasonOf(error: unknown): string {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined
  if (typeof code === 'string') return code
  if (error instanceof SyntaxError) return 'its answer was not JSON'
  return error instanceof Error && /^Connection timeout after \d+ms$/.test(error.message)
    ? error.message
    : 'unknown'
}

/** Takes what is needed and leaves the rest: the SDK's error also holds the request with its token. */
function answerOf({ responseInfo }: BoxApiError, body: unknown): BoxAnswer {
  const { statusCode, headers } = responseInfo
  const { code, error, request_id: requestId, context_info: context } = isObject(body) ? body : {}
  return {
    status: statusCode,
    code:
      textOf(responseInfo.code) ?? textOf(code) ?? textOf(error) ?? challengeIn(headers['www-authenticate']),
    boxMessage: saidIn(body),
    requestId: textOf(responseInfo.requestId) ?? textOf(requestId) ?? headers['box-request-id'],
    retryAfter: headers['retry-after'],
    contextInfo: responseInfo.contextInfo ?? (isObject(context) ? context : undefined),
  }
}

/**
 * The error that a challenge names: Box says in this header alone that a token lacks a scope, see
 * github.com/box/box-windows-sdk-v2/issues/264 and github.com/cburnette/boxr/issues/20.
 * @see https://datatracker.ietf.org/doc/html/rfc6750#section-3
 */
const challengeIn = (header: string | undefined): string | undefined =>
  /\berror="([a-z_]+)"/.exec(header ?? '')?.[1]

/**
 * What an error of Box says: its message, and of each field that is wrong its name and what is wrong with it. The token endpoint
 * has a description in the message's place.
 */
function saidIn(body: unknown): string | undefined {
  if (!isObject(body)) return undefined
  const { error_description: description, message = description, context_info: context } = body
  const errors = isObject(context) && Array.isArray(context.errors) ? context.errors.filter(isObject) : []
  const fields = errors.map(({ name, message: wrong }) => [name, wrong].filter(isText).join(': '))
  return [message, ...fields].filter(isText).join('; ') || undefined
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

/** The SDK passes some texts on as JSON, in quotation marks. */
const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value.replace(/^"(.*)"$/, '$1') : undefined
