import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe } from 'node:diagnostics_channel'
import { IncomingMessage } from 'node:http'
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import type { BoxClient } from 'box-node-sdk'
import type {
  Authentication,
  FetchOptionsInput,
  FetchResponse,
  NetworkClient,
  NetworkSession,
} from 'box-node-sdk/networking'
import { type BoxApp, BoxAppError, parseBoxApp } from './box-app.ts'
import { type BoxAnswer, type BoxCall, BoxError, isBoxError, wordOf } from './box-error.ts'
import { AutomationError } from './errors.ts'
import type { Target } from './event.ts'
import { isObject } from './json.ts'
import type { Log } from './log.ts'

/**
 * The official SDK's client as automations see it. It is loaded on the first call, so each of its methods returns a
 * promise, and what a call throws is a {@link BoxError}.
 */
export type Box = BoxClient & {
  /** The same client acting for a user, through the As-User header; the app needs the scope for it. */
  asUser(userId: string): Box
}

/**
 * Looks up what a webhook is set on; undefined where it does not exist any more. May throw what a Box call throws.
 * @param options the log that reports the call to Box, and the signal that stops it
 */
export type TargetLookup = (
  webhookId: string,
  options?: { readonly log?: Log; readonly signal?: AbortSignal },
) => Promise<Target | undefined>

export type BoxRun = {
  readonly signal?: AbortSignal
  /** Throws once the run's time is over; asked before each call, for a signal can be late. */
  readonly checkTime?: () => void
  readonly log: Log
}

export type BoxConnection = {
  /** Makes a client bound to one run: it stops with the run's signal and logs its calls with the run's fields. */
  box(run: BoxRun): Box
  targetOf: TargetLookup
}

export type SecretsManager = Pick<SecretsManagerClient, 'send'>

export type BoxConnectionOptions = {
  /** Gives a client when the app's secret is to be read. */
  readonly secretsManager: () => SecretsManager | Promise<SecretsManager>
  readonly secretId: string
  /** https://api.box.com, or an emulated Box. */
  readonly apiUrl: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Told of calls that belong to no run. */
  readonly log: Log
  /** Carries the SDK's calls; the SDK's own HTTP client by default. */
  readonly network?: NetworkClient
}

/** How long one call may take, in milliseconds. */
const CALL_MS_MAX = 30_000
/** How long what Box said of a webhook's target is believed, in milliseconds. */
const TARGET_FRESH_MS = 600_000
const BOX_API_URL = 'https://api.box.com'

/** A connection to Box that reads the app's credentials when first needed and keeps its token for all later runs. */
export function createBoxConnection(options: BoxConnectionOptions): BoxConnection {
  const { now, log: ownLog } = options
  let auth: Promise<Authentication> | undefined
  const load = async (run: BoxRun): Promise<BoxClient> => {
    const sdk = await loadSdk()
    const loading = auth ?? loadAuth(options, sdk)
    auth = loading
    /** Credentials that were refused are read anew for the next call: they may have been replaced. */
    const forget = () => {
      if (auth === loading) auth = undefined
    }
    loading.catch(forget)
    const authentication = await loading
    const networkSession = sessionFor(run, authentication, options, sdk, forget)
    return new sdk.BoxClient({ auth: authentication, networkSession })
  }
  const box = (run: BoxRun): Box => {
    let client: Promise<BoxClient> | undefined
    return lazyBox(() => {
      client ??= load(run)
      return client
    })
  }

  const targets = new Map<string, { target: Awaited<ReturnType<TargetLookup>>; at: number }>()
  return {
    box,
    async targetOf(webhookId, { log = ownLog, signal } = {}) {
      const known = targets.get(webhookId)
      if (known && now() - known.at < TARGET_FRESH_MS) return known.target
      const target = await lookUpTarget(box({ log, ...(signal ? { signal } : {}) }), webhookId)
      targets.set(webhookId, { target, at: now() })
      return target
    },
  }
}

type Sdk = Awaited<ReturnType<typeof loadSdk>>

async function loadSdk() {
  const [client, networking, errors] = await Promise.all([
    import('box-node-sdk'),
    import('box-node-sdk/networking'),
    import('box-node-sdk/box'),
  ])
  return { ...client, ...networking, ...errors }
}

async function loadAuth(options: BoxConnectionOptions, sdk: Sdk): Promise<Authentication> {
  const app = await readApp(options)
  if (app.kind === 'client-credentials') return new sdk.BoxCcgAuth({ config: new sdk.CcgConfig(app) })
  const { publicKeyId: jwtKeyId, passphrase: privateKeyPassphrase, ...same } = app
  return new sdk.BoxJwtAuth({ config: new sdk.JwtConfig({ ...same, jwtKeyId, privateKeyPassphrase }) })
}

async function readApp({ secretsManager, secretId }: BoxConnectionOptions): Promise<BoxApp> {
  try {
    const { GetSecretValueCommand } = await import('@aws-sdk/client-secrets-manager')
    const answer = await (await secretsManager()).send(new GetSecretValueCommand({ SecretId: secretId }))
    return parseBoxApp(answer.SecretString)
  } catch (error) {
    const code = error instanceof BoxAppError ? 'box_app_secret_invalid' : 'box_app_secret_unavailable'
    const message =
      error instanceof BoxAppError
        ? error.message
        : "The Box app's secret could not be read from Secrets Manager. Check that it exists and that automate may read it."
    throw new AutomationError({ class: 'auth', code, message }, { cause: error })
  }
}

function sessionFor(
  run: BoxRun,
  auth: Authentication,
  { apiUrl, now, network: given }: BoxConnectionOptions,
  sdk: Sdk,
  forgetAuth: () => void,
): NetworkSession {
  const network: NetworkClient = given ?? new sdk.BoxNetworkClient({})
  const call = async (request: FetchOptionsInput): Promise<FetchResponse> => {
    // A token can take long to get, so it is got before the time is checked, and not between that and the call.
    await request.auth?.retrieveAuthorizationHeader(request.networkSession)
    run.checkTime?.()
    run.signal?.throwIfAborted()
    const signal = request.cancellationToken ?? run.signal
    const heard: HeardAnswer = {}
    listen()
    try {
      const given = signal ? { ...request, cancellationToken: signal } : request
      return await listening.run(heard, () => network.fetch(given))
    } catch (thrown) {
      const unread = thrown instanceof sdk.BoxSdkError && thrown.error instanceof SyntaxError
      if (!unread || heard.status === undefined || heard.status < 400) throw thrown
      throw new BoxError(callOf(request), { status: heard.status, retryAfter: heard.retryAfter })
    }
  }
  const logged = async (request: FetchOptionsInput): Promise<FetchResponse> => {
    const startedAt = now()
    const about = callOf(request)
    const told = (status: number, boxRequestId: string | undefined) => ({
      ...about,
      status,
      ms: now() - startedAt,
      boxRequestId,
    })
    try {
      const response = await call(request)
      run.log.info('box_call', told(response.status, wordOf(response.headers['box-request-id'])))
      return response
    } catch (thrown) {
      const error = boxErrorOf(about, thrown, sdk)
      if (isBoxError(error)) {
        const { retryAfterSeconds, code } = error.failure
        const fields = { ...told(error.status, error.requestId), retryAfterSeconds }
        run.log.info('box_call', fields, code === 'box_throttled' ? { BoxThrottles: 1 } : undefined)
      }
      throw error
    }
  }
  const fetch = async (request: FetchOptionsInput): Promise<FetchResponse> => {
    try {
      return await logged(request)
    } catch (error) {
      if (!isBoxError(error) || error.failure.class !== 'auth') throw error
      // A token can end before its time. Streams can't be sent twice, and a call without auth is the token's own.
      if (!request.auth || request.fileStream || request.multipartData || error.status !== 401) {
        forgetAuth()
        throw error
      }
    }
    await auth.refreshToken(request.networkSession)
    return logged(request).catch((error: unknown) => {
      if (isBoxError(error, 401)) forgetAuth()
      throw error
    })
  }
  return new sdk.NetworkSession({
    networkClient: { fetch },
    // Retrying is the queue's business: a Lambda that waits is paid for, and the SDK ignores Retry-After.
    retryStrategy: { shouldRetry: async () => false, retryAfter: () => 0 },
    timeoutConfig: { timeoutMs: CALL_MS_MAX },
    ...(apiUrl === BOX_API_URL
      ? {}
      : {
          baseUrls: new sdk.BaseUrls({
            baseUrl: apiUrl,
            uploadUrl: `${apiUrl}/api`,
            oauth2Url: `${apiUrl}/api/oauth2`,
          }),
        }),
  })
}

/** What an answer's head said. */
type HeardAnswer = { status?: number; retryAfter?: string | undefined }

const listening = new AsyncLocalStorage<HeardAnswer>()
let isListening = false

/**
 * Keeps each answer's status: the SDK loses it, and Retry-After with it, where the body is no JSON, as when a gateway in
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

const callOf = ({ method, url }: FetchOptionsInput): BoxCall => ({
  method: method ?? 'GET',
  path: URL.parse(url)?.pathname ?? '',
})

function boxErrorOf(call: BoxCall, thrown: unknown, sdk: Sdk): unknown {
  if (thrown instanceof AutomationError) return thrown
  if (thrown instanceof sdk.BoxApiError) return new BoxError(call, answerOf(thrown))
  if (thrown instanceof sdk.BoxSdkError)
    return new BoxError(call, { status: 0, message: reasonOf(thrown.error) })
  return thrown
}

/** Why there was no answer, without the error's own text, in which URLs with tokens and pieces of bodies can stand. */
function reasonOf(error: unknown): string {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined
  if (typeof code === 'string') return code
  if (error instanceof SyntaxError) return 'its answer was no JSON'
  return error instanceof Error && /^Connection timeout after \d+ms$/.test(error.message)
    ? error.message
    : 'unknown'
}

/** Takes what is needed and leaves the rest: the SDK's error also holds the request with its token. */
function answerOf({ responseInfo }: InstanceType<Sdk['BoxApiError']>): BoxAnswer {
  const { statusCode, headers, body } = responseInfo
  const oauthError = body instanceof Object ? Reflect.get(body, 'error') : undefined
  return {
    status: statusCode,
    code: textOf(responseInfo.code) ?? textOf(oauthError),
    boxMessage: saidIn(body),
    requestId: textOf(responseInfo.requestId) ?? headers['box-request-id'],
    retryAfter: headers['retry-after'],
    contextInfo: responseInfo.contextInfo,
  }
}

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

async function lookUpTarget(box: Box, webhookId: string): ReturnType<TargetLookup> {
  try {
    const { target } = await box.webhooks.getWebhookById(webhookId)
    const type = target?.type
    if (!target?.id || (type !== 'file' && type !== 'folder')) return undefined
    return { type, id: target.id }
  } catch (error) {
    if (isBoxError(error, 404)) return undefined
    throw error
  }
}

/** Stands in for a client that is not loaded yet: `box.files.getFileById(…)` loads it, then makes the call. */
function lazyBox(load: () => Promise<BoxClient>): Box {
  const derive = (method: string, args: readonly unknown[]): Box =>
    lazyBox(async () => invoke<BoxClient>(await load(), method, args))
  const property = (_: object, name: string | symbol): unknown => {
    if (typeof name === 'symbol' || name === 'then') return undefined
    if (name === 'asUser') return (userId: string) => derive('withAsUserHeader', [userId])
    if (name.startsWith('with')) return (...args: unknown[]) => derive(name, args)
    const direct = async (...args: unknown[]) => invoke(await load(), name, args)
    return new Proxy(direct, {
      get: (_direct, method) =>
        // A manager is no promise, or awaiting one by mistake would call it.
        typeof method === 'symbol' || method === 'then'
          ? undefined
          : async (...args: unknown[]) => invoke(Reflect.get(await load(), name), method, args),
    })
  }
  // The one place where a type is asserted: the proxy has, by construction, whatever the client has.
  return new Proxy({}, { get: property }) as Box
}

function invoke<R>(on: object, method: string, args: readonly unknown[]): R {
  const fn: unknown = Reflect.get(on, method)
  if (typeof fn !== 'function') throw new TypeError(`The Box client has no method ${method}.`)
  return Reflect.apply(fn, on, args)
}
