import type { Server } from 'node:http'
import dynalite from 'dynalite'
import { buildApp } from 'fauxqs'
import { closeToOthers } from '../runtime/this-machine.ts'

/** A server in this process, on 127.0.0.1 and any free port, which answers only requests of this machine. */
export type EmbeddedServer = {
  readonly url: string
  /** Hears of the requests, too, with a listener on `request`. */
  readonly http: Server
  stop(): Promise<void>
}

/** SQS in memory. */
export async function startEmbeddedSqs(): Promise<EmbeddedServer> {
  // Not startFauxqs: that listens on every network interface.
  const fauxqs = buildApp({ logger: false })
  closeToOthers(fauxqs.server)
  const url = await fauxqs.listen({ port: 0, host: '127.0.0.1' })
  return { url, http: fauxqs.server, stop: () => fauxqs.close() }
}

/** DynamoDB in memory. */
export async function startEmbeddedDynamoDb(): Promise<EmbeddedServer> {
  const database = dynalite({ createTableMs: 0 })
  closeToOthers(database)
  await new Promise<void>(resolve => database.listen(0, '127.0.0.1', resolve))
  const address = database.address()
  if (address === null || typeof address === 'string') throw new Error('The embedded DynamoDB has no port.')
  return {
    url: `http://127.0.0.1:${address.port}`,
    http: database,
    async stop() {
      database.closeAllConnections()
      await new Promise(resolve => database.close(resolve))
    },
  }
}
