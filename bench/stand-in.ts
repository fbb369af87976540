import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { parseObject } from '../lib/base/json.ts'
import { KEYS } from './delivery.ts'

/**
 * Secrets Manager, SQS and Lambda's Runtime API in one small server on this machine, the same for every function that is
 * measured, so that what differs is the function.
 */
export type StandIn = {
  /** Host and port. */
  readonly host: string
  /** How many calls of AWS have come in. */
  readonly calls: () => number
  /** Gives the next invocation to the function that asks for one; resolves with its answer's text. */
  invoke(event: object): Promise<string>
  /** Takes away an invocation that nobody has asked for. */
  forget(): void
  close(): Promise<void>
}

type Pending = { readonly event: string; readonly answered: (text: string) => void }

export async function startStandIn(): Promise<StandIn> {
  let calls = 0
  let waiting: ServerResponse | undefined
  let pending: Pending | undefined
  let current: Pending | undefined

  const hand = (): void => {
    if (!waiting || !pending) return
    current = pending
    waiting.writeHead(200, {
      'content-type': 'application/json',
      'lambda-runtime-aws-request-id': '8476a536-e9f4-11e8-9739-2dfe598c3fcd',
      'lambda-runtime-deadline-ms': String(Date.now() + 10_000),
      'lambda-runtime-invoked-function-arn': 'arn:aws:lambda:eu-central-1:000000000000:function:bench',
    })
    waiting.end(current.event)
    waiting = undefined
    pending = undefined
  }
  const server = createServer(async (request, response) => {
    if (request.url?.endsWith('/invocation/next')) {
      waiting = response
      hand()
      return
    }
    const text = await textOf(request)
    if (request.url?.startsWith('/2018-06-01/')) {
      response.writeHead(202).end()
      current?.answered(text)
      return
    }
    calls += 1
    const { MessageBody } = parseObject(text) ?? {}
    const answer =
      typeof MessageBody === 'string'
        ? { MessageId: '1', MD5OfMessageBody: createHash('md5').update(MessageBody).digest('hex') }
        : { Name: 'keys', SecretString: JSON.stringify(KEYS) }
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(answer))
  })
  server.keepAliveTimeout = 60_000
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    host: `127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
    calls: () => calls,
    invoke: event =>
      new Promise(answered => {
        pending = { event: JSON.stringify(event), answered }
        hand()
      }),
    forget() {
      waiting = undefined
      pending = undefined
      current = undefined
    },
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
