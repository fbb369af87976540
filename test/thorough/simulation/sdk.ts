import { Readable } from 'node:stream'
import type { FetchOptionsInput, FetchResponse, NetworkClient } from 'box-node-sdk/networking'
import { isObject, parseObject } from '../../../lib/base/json.ts'
import { createEmulatedBox, type EmulatedBox } from '../../../local/box/emulated-box.ts'
import type { BoxVerdict, CallKind } from './box-api.ts'
import type { Process } from './process.ts'
import type { Random } from './random.ts'
import type { Scheduler } from './scheduler.ts'
import { PLACES, TARGETS } from './watched.ts'

export type SdkBoxOptions = {
  readonly scheduler: Scheduler
  readonly random: Random
  readonly newId: () => string
  readonly clientId: string
  readonly clientSecret: string
  /** Decides what becomes of a call, when it reaches Box. */
  readonly verdict: (kind: CallKind) => BoxVerdict
  /** Told of a file's new description. */
  readonly update: (description: string) => void
  /** Told of each token that Box has given out. */
  readonly onToken: (token: string) => void
}

/** How long a call waits for its answer, as lib/box/box.ts has it, in milliseconds. */
const CALL_MS_MAX = 30_000
const URL_OF_BOX = 'https://api.box.com'

type Sdk = Awaited<ReturnType<typeof loadSdk>>
type Sent = { readonly status: number; readonly headers: Record<string, string>; readonly text: string }

/** The local stack's emulated Box as the official SDK's calls reach it, without HTTP and under simulated time. */
export class SdkBox {
  readonly #options: SdkBoxOptions
  readonly #box: EmulatedBox
  readonly #sdk: Sdk

  private constructor(options: SdkBoxOptions, sdk: Sdk) {
    const { scheduler, newId, clientId, clientSecret } = options
    this.#options = options
    this.#sdk = sdk
    this.#box = createEmulatedBox({
      clock: { now: () => Math.floor(scheduler.now), after: (ms, callback) => scheduler.after(ms, callback) },
      newId,
      clientId,
      clientSecret,
      keys: {},
      fetch: async () => new Response(null, { status: 202 }),
    })
    const { content, webhooks } = this.#box
    const { outer, inner, file } = TARGETS
    content.createFolder({ id: outer.id, parentId: '0', name: 'Outer' })
    content.createFolder({ id: inner.id, parentId: outer.id, name: 'Inner' })
    content.createFile({ id: file.id, parentId: inner.id, name: 'watched.pdf', content: '' })
    for (const place of PLACES)
      webhooks.create({
        target: TARGETS[place],
        address: 'https://hooks.test/box/webhook',
        triggers: ['FILE.LOCKED'],
      })
  }

  /** Loads the SDK before time begins: loading takes as long as it takes. */
  static async load(options: SdkBoxOptions): Promise<SdkBox> {
    return new SdkBox(options, await loadSdk())
  }

  addFile(id: string, name: string): void {
    this.#box.content.createFile({ id, parentId: TARGETS.inner.id, name, content: '' })
  }

  /** Ends every token before its time. */
  revokeTokens(): void {
    this.#box.tokens.revokeAll()
  }

  /** What carries the SDK's calls out of a process. */
  networkOf(process: Process): NetworkClient {
    return { fetch: request => this.#fetch(process, request) }
  }

  async #fetch(process: Process, request: FetchOptionsInput): Promise<FetchResponse> {
    const authorization = await request.auth?.retrieveAuthorizationHeader(request.networkSession)
    const { status, headers, text } = await this.#send(process, request, authorization)
    if (status < 400 && request.responseFormat === 'binary')
      return { url: request.url, status, headers, content: Readable.from([text]) }
    const data = text ? this.#sdk.jsonToSerializedData(text) : undefined
    if (status < 400) return { url: request.url, status, headers, data }
    const { BoxApiError } = this.#sdk
    const answer = isObject(data) ? data : {}
    throw new BoxApiError({
      message: `${status}`,
      timestamp: '',
      requestInfo: { method: request.method, url: request.url, queryParams: {}, headers: {} },
      responseInfo: {
        statusCode: status,
        headers,
        body: data,
        rawBody: text,
        ...(typeof answer.code === 'string' ? { code: answer.code } : {}),
        ...(typeof answer.request_id === 'string' ? { requestId: answer.request_id } : {}),
      },
    })
  }

  #send(process: Process, request: FetchOptionsInput, authorization: string | undefined): Promise<Sent> {
    const { scheduler, random } = this.#options
    return new Promise((resolve, reject) => {
      const fail = (reason: unknown) => reject(this.#unanswered(reason))
      const signal = request.cancellationToken
      if (signal instanceof AbortSignal)
        signal.addEventListener('abort', () => fail(signal.reason), { once: true })
      const late = new Error(`Connection timeout after ${CALL_MS_MAX}ms`)
      const giveUp = process.clock.after(CALL_MS_MAX, () => fail(late))
      const answer = (sent: Sent) =>
        scheduler.after(random.between(5, 150), () =>
          process.enter(() => {
            giveUp()
            resolve(sent)
          }),
        )
      process.leave(() =>
        scheduler.after(random.between(5, 150), () => {
          const verdict = this.#options.verdict(kindOf(request))
          if (verdict.kind === 'lost') return
          const done = scheduler.hold(this.#arrive(request, authorization, verdict))
          void done.then(sent => (verdict.kind === 'done' && !verdict.heard ? undefined : answer(sent)), fail)
        }),
      )
    })
  }

  #unanswered(reason: unknown): Error {
    const error = reason instanceof Error ? reason : new Error(String(reason))
    return new this.#sdk.BoxSdkError({ message: error.message, timestamp: '', error })
  }

  async #arrive(
    request: FetchOptionsInput,
    authorization: string | undefined,
    verdict: Exclude<BoxVerdict, { kind: 'lost' }>,
  ): Promise<Sent> {
    const { status } = verdict.kind === 'refused' ? verdict : { status: 200 }
    if (status === 202) return { status, headers: retryAfterOf(verdict), text: '' }
    if (status < 400 && kindOf(request) === 'read') return { status, headers: {}, text: 'content' }
    if (verdict.kind === 'refused')
      this.#box.faults.push({
        times: 1,
        status: verdict.status,
        ...(verdict.code === undefined ? {} : { code: verdict.code }),
        ...(verdict.retryAfter === undefined ? {} : { retryAfterSeconds: verdict.retryAfter }),
      })
    const data = isObject(request.data) ? request.data : {}
    const isForm = request.contentType === 'application/x-www-form-urlencoded'
    const form = Object.entries(data).map(([name, value]): [string, string] => [name, String(value)])
    const body = isForm ? new URLSearchParams(form).toString() : JSON.stringify(data)
    const response = await this.#box.fetch(
      new Request(request.url.replace('/api/', '/').replace(URL_OF_BOX, 'http://box.test'), {
        method: request.method,
        headers: {
          'content-type': request.contentType ?? 'application/json',
          ...(authorization === undefined ? {} : { authorization }),
        },
        ...(request.method === 'GET' ? {} : { body }),
      }),
    )
    const text = await response.text()
    if (response.ok) this.#note(request.method, data, text)
    return { status: response.status, headers: Object.fromEntries(response.headers), text }
  }

  #note(method: string, data: Record<string, unknown>, text: string): void {
    const token = parseObject(text)?.access_token
    if (typeof token === 'string') this.#options.onToken(token)
    if (method === 'PUT' && typeof data.description === 'string') this.#options.update(data.description)
  }
}

const retryAfterOf = (verdict: BoxVerdict): Record<string, string> =>
  verdict.kind === 'refused' && verdict.retryAfter !== undefined
    ? { 'retry-after': `${verdict.retryAfter}` }
    : {}

function kindOf({ method, url }: FetchOptionsInput): CallKind {
  if (url.endsWith('/token')) return 'token'
  if (method === 'PUT') return 'change'
  return url.includes('/webhooks/') ? 'lookup' : 'read'
}

async function loadSdk() {
  const [client, networking, errors, serialization] = await Promise.all([
    import('box-node-sdk'),
    import('box-node-sdk/networking'),
    import('box-node-sdk/box'),
    import('box-node-sdk/serialization'),
  ])
  return { ...client, ...networking, ...errors, ...serialization }
}
