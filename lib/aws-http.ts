import type { Agent, IncomingHttpHeaders, IncomingMessage, request } from 'node:http'
import { AwsUnreachable } from './aws-error.ts'

export type HttpAnswer = {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export type HttpPost = (
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: string,
  limits: HttpLimits,
) => Promise<HttpAnswer>

/** In milliseconds. */
export type HttpLimits = { readonly connectMs: number; readonly answerMs: number }

/** More than any answer that is read here has; a secret has at most 64 KB. */
const ANSWER_BYTES_MAX = 1_048_576

/**
 * POST over connections that are kept for the next one. Rejects with {@link AwsUnreachable} where no connection stands within
 * `connectMs`, no whole answer is there within `answerMs`, or the answer is too long.
 */
export function createHttpPost(): HttpPost {
  const transports = new Map<string, Transport>()
  return (url, headers, body, limits) => {
    let transport = transports.get(url.protocol)
    if (!transport) {
      transport = loadTransport(url.protocol)
      transports.set(url.protocol, transport)
    }
    return post(transport, { url, headers, body, limits })
  }
}

type Transport = { readonly request: typeof request; readonly agent: Agent }

/** Loads what the address takes and no more: node:https brings all of TLS with it. */
function loadTransport(protocol: string): Transport {
  const { request, Agent } = process.getBuiltinModule(protocol === 'http:' ? 'node:http' : 'node:https')
  return { request, agent: new Agent({ keepAlive: true }) }
}

type Posted = {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly limits: HttpLimits
}

function post({ request, agent }: Transport, { url, headers, body, limits }: Posted): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const { protocol, hostname, port, pathname } = url
    // A URL writes an IPv6 address in brackets; a connection takes it without.
    const host = hostname.replace(/^\[|\]$/g, '')
    const sent = request({ protocol, host, port, path: pathname, method: 'POST', headers, agent })
    const late = (what: string, ms: number) =>
      sent.destroy(new AwsUnreachable('TimeoutError', `${url.host} ${what} within ${ms} ms.`))
    const answering = setTimeout(late, limits.answerMs, 'gave no whole answer', limits.answerMs)
    let connecting: NodeJS.Timeout | undefined
    sent.on('socket', socket => {
      if (!socket.connecting) return
      connecting = setTimeout(late, limits.connectMs, 'took no connection', limits.connectMs)
      socket.once(protocol === 'http:' ? 'connect' : 'secureConnect', () => clearTimeout(connecting))
    })
    sent.on('close', () => {
      clearTimeout(answering)
      clearTimeout(connecting)
    })
    sent.on('error', error => reject(unreachable(error, url)))
    sent.on('response', response => read(response, url).then(resolve, reject))
    // As a string it goes out with the headers, in one write.
    sent.end(body)
  })
}

function read(response: IncomingMessage, url: URL): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= ANSWER_BYTES_MAX) chunks.push(chunk)
      else
        response.destroy(
          new AwsUnreachable(
            'AnswerInvalid',
            `${url.host} answered with more than ${ANSWER_BYTES_MAX} bytes.`,
          ),
        )
    })
    response.on('error', error => reject(unreachable(error, url)))
    response.on('end', () => {
      const { statusCode: status = 0, headers } = response
      resolve({ status, headers, body: Buffer.concat(chunks).toString() })
    })
  })
}

function unreachable(error: Error, { host }: URL): AwsUnreachable {
  if (error instanceof AwsUnreachable) return error
  const given: unknown = Reflect.get(error, 'code')
  const code = typeof given === 'string' ? given : undefined
  return new AwsUnreachable(
    'ConnectionError',
    `The connection to ${host} failed: ${code ?? error.message}.`,
    code,
  )
}
