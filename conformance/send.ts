import {
  Agent as AgentHttp,
  type ClientRequest,
  type IncomingMessage,
  request as requestHttp,
} from 'node:http'
import { Agent as AgentHttps, request as requestHttps } from 'node:https'
import type { Delivery, Header } from './delivery.ts'

export type Answered = {
  readonly kind: 'answered'
  readonly status: number
  /** The lines of its headers. */
  readonly headers: string
  readonly text: string
  readonly ms: number
}

export type Answer = Answered | { readonly kind: 'silent'; readonly reason: string; readonly ms: number }

export type SendOptions = {
  /** Headers that each request carries besides its own. */
  readonly more: readonly Header[]
  /** How long the answer may take, in milliseconds. */
  readonly timeoutMs: number
  /** Keeps the connection for the next request; one that is closed after the answer by default. */
  readonly connection?: AgentHttp
}

/** No more of an answer than this is looked at, in characters. */
const TEXT_MAX = 65_536

/** One connection for requests that follow each other, for as long as the receiver keeps it open. */
export const oneConnection = (url: URL): AgentHttp =>
  new (url.protocol === 'https:' ? AgentHttps : AgentHttp)({ keepAlive: true, maxSockets: 1 })

/** Sends a request just as it is: every header in its case, its order and as often as it stands there. Never throws. */
export function send(url: URL, delivery: Delivery, options: SendOptions): Promise<Answer> {
  const { timeoutMs, connection } = options
  const begun = performance.now()
  const ms = () => Math.round(performance.now() - begun)
  return new Promise(resolve => {
    let answered = false
    const silent = (reason: string) => {
      clearTimeout(timer)
      resolve({ kind: 'silent', reason, ms: ms() })
    }
    const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, {
      method: delivery.method,
      headers: headersOf(url, delivery, options),
      agent: connection ?? false,
    })
    const timer = setTimeout(() => {
      if (!answered) silent(`no answer within ${timeoutMs / 1000} s`)
      request.destroy()
    }, timeoutMs)
    request.on('response', response => {
      answered = true
      read(response, text => {
        clearTimeout(timer)
        const { statusCode: status = 0, rawHeaders } = response
        resolve({ kind: 'answered', status, headers: rawHeaders.join('\n'), text, ms: ms() })
      })
    })
    // Whoever answers early and hangs up makes the rest of the body fail; the answer counts all the same.
    request.on('error', error => {
      if (!answered) silent(codeOf(error))
    })
    request.on('close', () => {
      if (!answered) silent('no answer before the end of the connection')
    })
    write(request, delivery)
  })
}

function read(response: IncomingMessage, done: (text: string) => void): void {
  let text = ''
  response.setEncoding('utf8')
  response.on('data', (piece: string) => {
    if (text.length < TEXT_MAX) text += piece
  })
  response.on('error', () => {})
  response.on('close', () => done(text))
}

/** The system's name of what went wrong, such as ECONNREFUSED. */
const codeOf = (error: Error): string =>
  'code' in error && typeof error.code === 'string' ? error.code : error.message

function headersOf(
  url: URL,
  { headers, body, chunked, method }: Delivery,
  { more, connection }: SendOptions,
): string[] {
  const length: readonly Header[] = chunked
    ? [['Transfer-Encoding', 'chunked']]
    : body.length > 0 || method === 'POST'
      ? [['Content-Length', String(body.length)]]
      : []
  const kept = connection ? 'keep-alive' : 'close'
  return [['Host', url.host], ['Connection', kept], ...length, ...more, ...headers].flat()
}

function write(request: ClientRequest, { body, chunked, pauseMs, breaksOff }: Delivery): void {
  const half = Math.floor(body.length / 2)
  if (breaksOff) request.write(body.subarray(0, half), () => request.destroy())
  else if (pauseMs !== undefined) {
    request.write(body.subarray(0, half))
    setTimeout(() => request.end(body.subarray(half)), pauseMs)
  } else if (chunked) {
    for (let at = 0; at < body.length; at += 100) request.write(body.subarray(at, at + 100))
    request.end()
  } else request.end(body)
}
