import { createHmac } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import { createGateway } from '../../local/runtime/gateway.ts'
import { serve } from '../../local/serve.ts'

export type Keys = { readonly primary: string; readonly secondary?: string | undefined }

/** A receiver somebody else could have written: its answer to a request. */
export type Receiver = (request: Received, keys: Keys) => Promise<Reply> | Reply

type Received = {
  readonly method: string
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

type Reply = { readonly status: number; readonly text?: string }

export type Running = { readonly url: URL; close(): Promise<void> }

/** Serves a receiver over HTTP. One that throws answers 500 with the stack, as frameworks do while developing. */
export async function serveReceiver(receiver: Receiver, keys: Keys): Promise<Running> {
  const server = createServer(async (request, response) => {
    const { status, text = '' } = await answer(receiver, request, keys)
    response.writeHead(status, { 'content-type': 'text/plain' }).end(text)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The receiver has no port.')
  return {
    url: new URL(`http://127.0.0.1:${address.port}/box`),
    close: () => new Promise(resolve => server.close(() => resolve())),
  }
}

async function answer(receiver: Receiver, request: IncomingMessage, keys: Keys): Promise<Reply> {
  try {
    const { method = '', headers } = request
    return await receiver({ method, headers, body: Buffer.concat(await request.toArray()) }, keys)
  } catch (error) {
    return { status: 500, text: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

const text = (header: string | string[] | undefined): string => String(header ?? '')
const hmac = (key: string, body: string | Buffer, timestamp: string): string =>
  createHmac('sha256', key).update(body).update(timestamp).digest('base64')

/**
 * What many a tutorial leads to, after a middleware that parses JSON: the body is serialised again for the signature,
 * signatures are compared with ===, and nobody looks at the time.
 */
export const naive: Receiver = ({ headers, body }, { primary, secondary = '' }) => {
  if (body.length > 100 * 1024) return { status: 413 }
  const event = JSON.parse(body.toString())
  const signed = (key: string) => hmac(key, JSON.stringify(event), text(headers['box-delivery-timestamp']))
  const genuine =
    signed(primary) === headers['box-signature-primary'] ||
    signed(secondary) === headers['box-signature-secondary']
  return genuine ? { status: 200, text: `got ${event.trigger}` } : { status: 403, text: 'Forbidden' }
}

/**
 * A Lambda function behind API Gateway that looks into the event before it verifies it, takes every body for text, knows
 * one key, answers 400 to triggers it does not handle, and takes a delivery that it has seen for a mistake.
 */
export function serveParseFirst({ primary }: Keys): Promise<Running> {
  const seen = new Set<string>()
  const handler = async (invocation: unknown) => {
    // As people write it: whatever comes is taken for an event of API Gateway.
    const { body, headers } = Object(invocation)
    const event = JSON.parse(body)
    if (!/^(FILE|FOLDER)\./.test(event.trigger) || !event.source.id)
      return { statusCode: 400, body: 'unknown event' }
    if (seen.has(event.id)) return { statusCode: 409, body: 'duplicate' }
    seen.add(event.id)
    const timestamp = headers['box-delivery-timestamp']
    if (Date.now() - Date.parse(timestamp) > 600_000) return { statusCode: 401, body: 'too old' }
    const signature = headers['box-signature-primary']
    const right = hmac(primary, body, timestamp)
    return signature === right
      ? { statusCode: 200 }
      : { statusCode: 401, body: `invalid signature: expected ${right}, got ${signature}` }
  }
  return serveFunction(handler)
}

/** Serves a Lambda's handler behind the gateway of the local stack. */
async function serveFunction(invoke: (event: unknown) => Promise<unknown>): Promise<Running> {
  const served = await serve({ fetch: createGateway({ invoke, now: Date.now }), port: 0 })
  return { url: new URL('/box', served.url), close: served.close }
}

/** The usual receiver on the official SDK: its validateMessage decides, and what is genuine is parsed. */
export const onSdk: Receiver = async ({ headers, body }, { primary, secondary }) => {
  const { WebhooksManager } = await import('box-node-sdk/managers')
  const named = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, text(value)]))
  const options = secondary === undefined ? {} : { secondaryKey: secondary }
  const genuine = await WebhooksManager.validateMessage(body.toString(), named, primary, options)
  if (!genuine) return { status: 403 }
  return { status: 200, text: `got ${JSON.parse(body.toString()).trigger}` }
}
