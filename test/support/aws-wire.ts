import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { portOf } from '../thorough/processes/proxy.ts'

/** A request as it came over the wire. */
export type WireRequest = {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** A number for each connection, in the order in which they came. */
  readonly connection: number
}

export type WireAnswer =
  | { readonly status?: number; readonly headers?: Record<string, string>; readonly body?: string }
  | 'silence'
  | 'reset'
  | 'half'

/** What answers as AWS does, over real HTTP, and keeps all that it is asked. */
export type Wire = {
  readonly url: string
  readonly requests: WireRequest[]
  /** Decides what is answered to a request; the first one has number 1. */
  answer: (request: WireRequest, number: number) => WireAnswer
  /** What the answers give as their time, in milliseconds since the epoch; the true time by default. */
  date: number | undefined
  close(): Promise<void>
}

export async function startWire(): Promise<Wire> {
  const connections = new Map<unknown, number>()
  const server = createServer(async (incoming, response) => {
    if (!connections.has(incoming.socket)) connections.set(incoming.socket, connections.size + 1)
    const request = await read(incoming, connections.get(incoming.socket) ?? 0)
    wire.requests.push(request)
    give(wire.answer(request, wire.requests.length), response, wire.date)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const wire: Wire = {
    url: `http://127.0.0.1:${portOf(server)}`,
    requests: [],
    answer: accepted,
    date: undefined,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return wire
}

/** The answer of Secrets Manager and SQS alike to a call that has worked. */
export function accepted({ body }: WireRequest): WireAnswer {
  const { MessageBody = '' }: { MessageBody?: string } = JSON.parse(body.toString())
  const MD5OfMessageBody = createHash('md5').update(MessageBody).digest('hex')
  return { body: JSON.stringify({ SecretString: 'a secret', MessageId: 'm', MD5OfMessageBody }) }
}

export const refused = (status: number, __type: string): WireAnswer => ({
  status,
  body: JSON.stringify({ __type, message: 'no' }),
})

async function read(incoming: IncomingMessage, connection: number): Promise<WireRequest> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk)
  const headers = Object.entries(incoming.headers).map(([name, value]) => [name, String(value)])
  const { method = '', url: path = '' } = incoming
  return { method, path, headers: Object.fromEntries(headers), body: Buffer.concat(chunks), connection }
}

function give(answer: WireAnswer, response: ServerResponse, date: number | undefined): void {
  if (answer === 'silence') return
  if (answer === 'reset') {
    response.socket?.resetAndDestroy()
    return
  }
  if (date !== undefined) response.setHeader('date', new Date(date).toUTCString())
  response.setHeader('content-type', 'application/x-amz-json-1.0')
  if (answer === 'half') {
    response.writeHead(200, { 'content-length': '1000' }).write('{"SecretString":"a')
    return
  }
  response.writeHead(answer.status ?? 200, answer.headers).end(answer.body ?? '{}')
}

/**
 * Computes a request's signature from what came over the wire, by the steps of AWS's documentation alone.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function signatureOf({ method, path, headers, body }: WireRequest, secretKey: string): string {
  const given = headers.authorization ?? ''
  const [, scope = '', names = ''] = /Credential=[^/]+\/(\S+), SignedHeaders=(\S+), /.exec(given) ?? []
  const lines = names.split(';').map(name => `${name}:${headers[name]?.trim().replace(/ +/g, ' ')}\n`)
  const hash = (data: string | Buffer) => createHash('sha256').update(data).digest('hex')
  const signedPath = path
    .replace(/\/\/+/g, '/')
    .replace(/[^\w.~/-]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
  const canonical = [method, signedPath, '', lines.join(''), names, hash(body)].join('\n')
  const text = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, hash(canonical)].join('\n')
  const key = scope
    .split('/')
    .reduce<string | Buffer>(
      (secret, part) => createHmac('sha256', secret).update(part).digest(),
      `AWS4${secretKey}`,
    )
  return createHmac('sha256', key).update(text).digest('hex')
}

/** What a client adds as it pleases, or what follows from the rest of the request. */
const INCIDENTAL = ['authorization', 'connection', 'content-length', 'x-amz-content-sha256', 'x-amz-date']

/**
 * Reduces a request to what it means to AWS: what is asked for, with which headers, for whom, where and on which day.
 * @throws AssertionError unless it is signed with the key, its host, its target and its token included
 */
export function meaningOf(request: WireRequest, secretKey: string) {
  const { method, path, headers, body } = request
  const { authorization = '' } = headers
  assert.ok(authorization.includes(`Signature=${signatureOf(request, secretKey)}`), 'it is signed')
  const [, scope = '', names = ''] = /Credential=(\S+), SignedHeaders=(\S+), /.exec(authorization) ?? []
  const signed = names.split(';')
  const must = ['host', 'x-amz-date', 'x-amz-target', 'x-amz-security-token', 'content-type']
  for (const name of must.filter(one => Object.hasOwn(headers, one)))
    assert.ok(signed.includes(name), `${name} is signed`)
  const kept = Object.entries(headers).filter(([name]) => !INCIDENTAL.includes(name))
  const json: unknown = JSON.parse(body.toString())
  return { method, path, headers: Object.fromEntries(kept), scope, json }
}
