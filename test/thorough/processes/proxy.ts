import { createConnection, createServer, type Server, type Socket } from 'node:net'

/** How a network fails: it refuses connections, breaks them, or holds back all that is sent and delivers it late. */
export const CUTS = ['refuse', 'reset', 'hold'] as const
export type Cut = (typeof CUTS)[number]

/** The longest that a service is cut off, in milliseconds: shorter than all retries together. */
export const CUT_MS_MAX = 4000

/** A TCP proxy on 127.0.0.1 that can be cut off. */
export type TcpProxy = {
  readonly port: number
  cut(how: Cut): Promise<void>
  restore(): Promise<void>
  close(): Promise<void>
}

type Pair = { readonly near: Socket; far: Socket | undefined }

/** How often a port is asked for again that somebody took while the proxy refused connections. */
const LISTEN_TRIES = 200

/** @param target the port on 127.0.0.1 that connections lead to */
export async function startProxy(target: number): Promise<TcpProxy> {
  const pairs = new Set<Pair>()
  let state: Cut | 'whole' = 'whole'

  const join = (pair: Pair): void => {
    const far = createConnection({ port: target, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    pair.far = far
    forward(pair.near, far)
    forward(far, pair.near)
  }
  const forward = (from: Socket, to: Socket): void => {
    from.on('data', data => {
      if (!to.write(data)) from.pause()
    })
    to.on('drain', () => {
      if (state !== 'hold') from.resume()
    })
    from.on('end', () => to.end())
    from.on('close', () => to.destroy())
    from.on('error', () => to.resetAndDestroy())
  }
  const accept = (near: Socket): void => {
    if (state === 'refuse' || state === 'reset') {
      near.on('error', () => {}).resetAndDestroy()
      return
    }
    const pair: Pair = { near, far: undefined }
    pairs.add(pair)
    near.on('error', () => {})
    near.on('close', () => pairs.delete(pair))
    if (state === 'whole') join(pair)
  }
  const breakAll = (): void => {
    for (const { near, far } of pairs) for (const socket of [near, far]) socket?.resetAndDestroy()
  }

  let server = await listening(0, accept)
  const port = portOf(server)
  return {
    port,
    async cut(how) {
      state = how
      if (how === 'hold') for (const { near, far } of pairs) for (const socket of [near, far]) socket?.pause()
      else breakAll()
      if (how === 'refuse') await closed(server)
    },
    async restore() {
      if (state === 'refuse') server = await listening(port, accept)
      state = 'whole'
      for (const pair of pairs) {
        if (!pair.far) join(pair)
        for (const socket of [pair.near, pair.far]) socket?.resume()
      }
    },
    async close() {
      breakAll()
      if (server.listening) await closed(server)
    },
  }
}

const closed = (server: Server): Promise<void> => new Promise(resolve => server.close(() => resolve()))

async function listening(port: number, accept: (socket: Socket) => void): Promise<Server> {
  for (let tries = 1; ; tries += 1) {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, accept)
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen(port, '127.0.0.1', resolve)
      })
      return server
    } catch (error) {
      if (tries === LISTEN_TRIES) throw error
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }
}

/** The port that a server listens on. Throws where it does not. */
export function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server listens on no port.')
  return address.port
}
