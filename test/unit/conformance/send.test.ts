import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { createServer as createTcpServer, type Server as TcpServer } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { createKit } from '../../../conformance/delivery.ts'
import { examine } from '../../../conformance/examine.ts'
import type { Requirement } from '../../../conformance/requirement.ts'
import { REQUIREMENTS } from '../../../conformance/requirements.ts'
import { send } from '../../../conformance/send.ts'

const kit = createKit({ keys: { primary: 'send-primary', secondary: 'send-secondary' } })
const options = { more: [], timeoutMs: 10_000 }
const servers: (Server | TcpServer)[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

async function listening(server: Server | TcpServer): Promise<URL> {
  servers.push(server)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server has no port.')
  return new URL(`http://127.0.0.1:${address.port}/box?a=1`)
}

const requirement = (id: string): Requirement => {
  const found = REQUIREMENTS.find(one => one.id === id)
  if (!found) throw new Error(`There is no requirement ${id}.`)
  return found
}

test('every header goes out in its case, its order and as often as it is there', async () => {
  let seen: readonly string[] = []
  const url = await listening(
    createServer((request, response) => {
      seen = request.rawHeaders
      response.end()
    }),
  )
  const headers = [
    ['BOX-a', '1'],
    ['x-B', ''],
    ['box-A', '2'],
  ] as const
  await send(
    url,
    { method: 'POST', headers, body: Buffer.from('x') },
    { ...options, more: [['X-More', '3']] },
  )
  const expected = ['Content-Length', '1', 'X-More', '3', 'BOX-a', '1', 'x-B', '', 'box-A', '2']
  expect(seen).toEqual(['Host', url.host, 'Connection', 'close', ...expected])
})

test('an answer that comes before the body is sent counts, also where the receiver hangs up then', async () => {
  const url = await listening(
    createTcpServer(socket => {
      socket.on('error', () => {})
      socket.once('data', () => {
        socket.end(
          'HTTP/1.1 413 Payload Too Large\r\nContent-Length: 9\r\nConnection: close\r\n\r\ntoo large',
        )
      })
    }),
  )
  const body = Buffer.alloc(5_000_000, 'x')
  expect(await send(url, { method: 'POST', headers: [], body }, options)).toMatchObject({ status: 413 })
})

test('where the receiver hangs up without a word, that is what is reported', async () => {
  const url = await listening(createTcpServer(socket => void socket.once('data', () => socket.destroy())))
  expect(await send(url, kit.genuine(), options)).toMatchObject({ kind: 'silent', reason: 'ECONNRESET' })
})

test('an answer that does not come in time is none', async () => {
  const url = await listening(createTcpServer(socket => void socket.on('error', () => {})))
  expect(await send(url, kit.genuine(), { ...options, timeoutMs: 50 })).toMatchObject({
    kind: 'silent',
    reason: 'no answer within 0.05 s',
  })
})

test('what belongs on one connection goes over one', async () => {
  const sockets = new Set<unknown>()
  const url = await listening(
    createServer((request, response) => {
      sockets.add(request.socket)
      request.resume().on('end', () => response.end())
    }),
  )
  const [one] = await examine({ url, kit, requirements: [requirement('http.one-connection')] })
  expect(one?.result).toBe('failed')
  expect(sockets.size).toBe(1)
})

test('a broken-off body arrives by half, and then the connection ends', async () => {
  const [received, ended]: [number[], boolean[]] = [[], []]
  const url = await listening(
    createServer((request, response) => {
      let bytes = 0
      request.on('data', (piece: Buffer) => {
        bytes += piece.length
      })
      request.on('error', () => received.push(bytes))
      request.on('close', () => ended.push(request.complete))
      request.on('end', () => response.end())
    }),
  )
  const { body } = kit.genuine()
  const delivery = { method: 'POST', headers: [], body, breaksOff: true } as const
  expect(await send(url, delivery, options)).toMatchObject({ kind: 'silent' })
  await expect.poll(() => ended).toEqual([false])
  expect(received).toEqual([Math.floor(body.length / 2)])
})

test('too many requests (429) are no refusal of a forgery', async () => {
  const url = await listening(createServer((_, response) => response.writeHead(429).end()))
  const requirements = [requirement('forgery.other-key'), requirement('timing.forged-burst')]
  const findings = await examine({ url, kit, requirements })
  expect(findings).toMatchObject([
    {
      result: 'failed',
      detail: '4xx was expected, and 429 came, which says that the receiver has had too many requests',
    },
    { result: 'passed' },
  ])
})

test('a secret in a header of the answer is found, too', async () => {
  const url = await listening(
    createServer((_, response) => response.writeHead(403, { 'x-expected': kit.primary }).end()),
  )
  const [one] = await examine({ url, kit, requirements: [requirement('privacy.refusal')] })
  expect(one).toMatchObject({ result: 'failed', detail: 'the answer tells the primary key' })
})
