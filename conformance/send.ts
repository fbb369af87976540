import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { Delivery, Header } from './delivery.ts'

export type Answer =
  | { readonly kind: 'answered'; readonly status: number; readonly text: string; readonly ms: number }
  | { readonly kind: 'silent'; readonly reason: string; readonly ms: number }

/** No more of an answer than this is looked at, in characters. */
const TEXT_MAX = 65_536

/**
 * Sends a request just as it is: every header in its case, its order and as often as it stands there. Never throws.
 * @param timeoutMs how long the answer may take, in milliseconds
 */
export function send(
  url: URL,
  delivery: Delivery,
  more: readonly Header[],
  timeoutMs: number,
): Promise<Answer> {
  const begun = performance.now()
  const ms = () => Math.round(performance.now() - begun)
  return new Promise(resolve => {
    const silent = (reason: string) => resolve({ kind: 'silent', reason, ms: ms() })
    const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, {
      method: delivery.method,
      headers: headersOf(url, delivery, more),
      agent: false,
    })
    const timer = setTimeout(() => {
      silent(`no answer within ${timeoutMs / 1000} s`)
      request.destroy()
    }, timeoutMs)
    request.on('response', response => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (piece: string) => {
        if (text.length < TEXT_MAX) text += piece
      })
      response.on('close', () => {
        clearTimeout(timer)
        resolve({ kind: 'answered', status: response.statusCode ?? 0, text, ms: ms() })
      })
    })
    request.on('error', error => {
      clearTimeout(timer)
      silent('code' in error && typeof error.code === 'string' ? error.code : error.message)
    })
    write(request, delivery)
  })
}

function headersOf(
  url: URL,
  { headers, body, chunked, method }: Delivery,
  more: readonly Header[],
): string[] {
  const length: readonly Header[] = chunked
    ? [['Transfer-Encoding', 'chunked']]
    : body.length > 0 || method === 'POST'
      ? [['Content-Length', String(body.length)]]
      : []
  return [['Host', url.host], ['Connection', 'close'], ...length, ...more, ...headers].flat()
}

function write(request: ReturnType<typeof requestHttp>, { body, chunked, pauseMs }: Delivery): void {
  const half = Math.floor(body.length / 2)
  if (pauseMs !== undefined) {
    request.write(body.subarray(0, half))
    setTimeout(() => request.end(body.subarray(half)), pauseMs)
  } else if (chunked) {
    for (let at = 0; at < body.length; at += 100) request.write(body.subarray(at, at + 100))
    request.end()
  } else request.end(body)
}
