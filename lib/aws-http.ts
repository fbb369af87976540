import type { Agent, IncomingHttpHeaders, request } from 'node:http'
import { AwsUnreachable } from './aws-error.ts'

export type HttpAnswer = {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** Where to send: an address of http or https, taken apart once for all requests. */
export type HttpPlace = {
  readonly protocol: 'http:' | 'https:'
  /** The name, and the port where it is not the protocol's own, as the header `host` has them. */
  readonly host: string
  readonly hostname: string
  readonly port: string
  readonly path: string
}

export type HttpPost = (
  place: HttpPlace,
  /** Names and values by turns, which go out as they are. */
  headers: readonly string[],
  body: string,
  limits: HttpLimits,
) => Promise<HttpAnswer>

/** In milliseconds. */
type HttpLimits = { readonly connectMs: number; readonly answerMs: number }

/** More than any answer that is read here has; a secret has at most 64 KB. */
const ANSWER_BYTES_MAX = 1_048_576

/**
 * POST over connections that are kept for the next one. Rejects with {@link AwsUnreachable} where no connection stands within
 * `connectMs`, no whole answer is there within `answerMs`, or the answer is too long.
 */
export function createHttpPost(): HttpPost {
  const transports = new Map<string, Transport>()
  return (place, headers, body, limits) => {
    let transport = transports.get(place.protocol)
    if (!transport) {
      transport = loadTransport(place.protocol)
      transports.set(place.protocol, transport)
    }
    return post(transport, { place, headers, body, limits })
  }
}

export function httpPlace({ protocol, host, hostname, port, pathname }: URL): HttpPlace {
  return {
    protocol: protocol === 'http:' ? protocol : 'https:',
    host,
    // A URL writes an IPv6 address in brackets; a connection takes it without.
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port,
    path: pathname,
  }
}

type Transport = { readonly request: typeof request; readonly agent: Agent }

/** Loads what the address takes and no more: node:https brings all of TLS with it. */
function loadTransport(protocol: string): Transport {
  const { request, Agent } = process.getBuiltinModule(protocol === 'http:' ? 'node:http' : 'node:https')
  return { request, agent: new Agent({ keepAlive: true }) }
}

type Posted = {
  readonly place: HttpPlace
  readonly headers: readonly string[]
  readonly body: string
  readonly limits: HttpLimits
}

function post({ request, agent }: Transport, { place, headers, body, limits }: Posted): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const { protocol, hostname: host, port, path } = place
    const sent = request({ protocol, host, port, path, method: 'POST', headers, agent })
    const late = (what: string, ms: number) =>
      sent.destroy(new AwsUnreachable('TimeoutError', `${place.host} ${what} within ${ms} ms.`))
    const answering = setTimeout(late, limits.answerMs, 'gave no whole answer', limits.answerMs)
    let connecting: NodeJS.Timeout | undefined
    const ended = () => {
      clearTimeout(answering)
      clearTimeout(connecting)
    }
    const failed = (error: Error) => {
      ended()
      reject(unreachable(error, place))
    }
    sent.on('socket', socket => {
      if (!socket.connecting) return
      connecting = setTimeout(late, limits.connectMs, 'took no connection', limits.connectMs)
      socket.once(protocol === 'http:' ? 'connect' : 'secureConnect', () => clearTimeout(connecting))
    })
    sent.on('error', failed)
    sent.on('response', response => {
      const chunks: Buffer[] = []
      let bytes = 0
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes <= ANSWER_BYTES_MAX) chunks.push(chunk)
        else response.destroy(tooLong(place))
      })
      response.on('error', failed)
      response.on('end', () => {
        ended()
        const { statusCode: status = 0, headers } = response
        resolve({ status, headers, body: Buffer.concat(chunks).toString() })
      })
    })
    // As a string it goes out with the headers, in one write.
    sent.end(body)
  })
}

const tooLong = ({ host }: HttpPlace): AwsUnreachable =>
  new AwsUnreachable('AnswerInvalid', `${host} answered with more than ${ANSWER_BYTES_MAX} bytes.`)

function unreachable(error: Error, { host }: HttpPlace): AwsUnreachable {
  if (error instanceof AwsUnreachable) return error
  const given: unknown = Reflect.get(error, 'code')
  const code = typeof given === 'string' ? given : undefined
  return new AwsUnreachable(
    'ConnectionError',
    `The connection to ${host} failed: ${code ?? error.message}.`,
    code,
  )
}
