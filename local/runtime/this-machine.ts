import type { Server } from 'node:http'

const REFUSAL =
  'Only programs and pages of this machine are answered here: the header host must be localhost or 127.0.0.1, and a tunnel must rewrite it.'

/**
 * Whether a request may be answered. A page elsewhere can make a browser ask a server of this machine, under a name of its
 * own that leads here (DNS rebinding) or under ours: only names of this machine count, and of pages only the server's own.
 */
function isOurs(host = '', origin?: string): boolean {
  if (!/^(localhost|127\.0\.0\.1)(:\d+)?$/.test(host)) return false
  return origin === undefined || origin === `http://${host}`
}

type Fetch = (request: Request) => Response | Promise<Response>

/** Lets only requests of this machine through. */
export const onlyThisMachine =
  (fetch: Fetch): Fetch =>
  request => {
    const { headers } = request
    const ours = isOurs(headers.get('host') ?? '', headers.get('origin') ?? undefined)
    return ours ? fetch(request) : new Response(REFUSAL, { status: 403 })
  }

/** Puts the same before everything that a server answers so far. */
export function closeToOthers(server: Server): void {
  const answering = server.listeners('request')
  server.removeAllListeners('request')
  server.on('request', (request, response) => {
    if (isOurs(request.headers.host, request.headers.origin))
      for (const answer of answering) answer.call(server, request, response)
    else response.writeHead(403, { connection: 'close' }).end(REFUSAL)
  })
}
