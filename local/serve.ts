import { createServer } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { ExpectedError } from '../lib/base/expected-error.ts'
import { onlyThisMachine } from './runtime/this-machine.ts'

export type Served = {
  readonly url: string
  readonly port: number
  close(): Promise<void>
}

export class PortTaken extends ExpectedError {
  override readonly name = 'PortTaken'

  constructor(port: number) {
    super(
      `Port ${port} is taken. Stop what uses it (on Linux, \`ss -ltnp 'sport = :${port}'\` names it), or take another: npm start -- --port ${port + 1}`,
    )
  }
}

/**
 * Serves on 127.0.0.1, and answers only requests of this machine.
 * @throws PortTaken
 */
export async function serve(options: {
  readonly fetch: (request: Request) => Response | Promise<Response>
  readonly port: number
}): Promise<Served> {
  const server = createServer(
    getRequestListener(onlyThisMachine(options.fetch), { overrideGlobalObjects: false }),
  )
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'EADDRINUSE' ? new PortTaken(options.port) : error),
    )
    server.listen(options.port, '127.0.0.1', resolve)
  })
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : options.port
  return {
    url: `http://localhost:${port}`,
    port,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
