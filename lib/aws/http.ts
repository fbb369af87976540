import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'
import { AwsUnreachable } from './errors.ts'

export type HttpAnswer = {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

type Limits = { readonly connectMs: number; readonly answerMs: number }

/** More than any answer that is read here has; a secret has at most 64 KB. */
const ANSWER_BYTES_MAX = 1_048_576

/**
 * Makes a POST over connections that are kept for the next one. It rejects with {@link AwsUnreachable} where no connection
 * stands within `connectMs`, no whole answer is there within `answerMs`, or the answer is too long.
 */
export function createPost(url: URL) {
  // node:https brings all of TLS with it, so only what the address takes is loaded.
  const { request, Agent } = process.getBuiltinModule(url.protocol === 'http:' ? 'node:http' : 'node:https')
  const agent = new Agent({ keepAlive: true })
  return (headers: OutgoingHttpHeaders, body: string, { connectMs, answerMs }: Limits): Promise<HttpAnswer> =>
    new Promise((resolve, reject) => {
      const timers: NodeJS.Timeout[] = []
      const sent = request(url, { method: 'POST', headers, agent })
      const fail = (error: Error) => {
        for (const timer of timers) clearTimeout(timer)
        const code: unknown = Reflect.get(error, 'code')
        const text = `The connection to ${url.host} failed: ${typeof code === 'string' ? code : error.message}.`
        reject(error instanceof AwsUnreachable ? error : new AwsUnreachable('ConnectionError', text))
        sent.destroy()
      }
      const failAfter = (ms: number, what: string) => {
        const late = new AwsUnreachable('TimeoutError', `${url.host} ${what} within ${ms} ms.`)
        timers.push(setTimeout(fail, ms, late))
      }
      failAfter(answerMs, 'gave no whole answer')
      sent.on('socket', socket => {
        if (!socket.connecting) return
        failAfter(connectMs, 'took no connection')
        socket.once(url.protocol === 'http:' ? 'connect' : 'secureConnect', () => clearTimeout(timers[1]))
      })
      sent.on('error', fail)
      sent.on('response', response => {
        const chunks: Buffer[] = []
        let bytes = 0
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length
          chunks.push(chunk)
          if (bytes > ANSWER_BYTES_MAX)
            fail(new AwsUnreachable('AnswerInvalid', `${url.host} sent too much.`))
        })
        response.on('error', fail)
        response.on('end', () => {
          for (const timer of timers) clearTimeout(timer)
          const { statusCode: status = 0, headers } = response
          resolve({ status, headers, body: Buffer.concat(chunks).toString() })
        })
      })
      // As a string it goes out with the headers, in one write.
      sent.end(body)
    })
}
