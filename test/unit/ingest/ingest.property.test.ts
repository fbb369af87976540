import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { deliveryFromGateway } from '../../../lib/ingest/delivery.ts'
import { ingest } from '../../../lib/ingest/ingest.ts'
import { sign } from '../../../lib/ingest/signature.ts'
import { createLog } from '../../../lib/log/log.ts'
import type { Message } from '../../../lib/queue/message.ts'
import { createGateway } from '../../../local/runtime/gateway.ts'

const NOW = Date.parse('2026-11-23T10:00:00Z')
const KEY = 'canary-key'
const TIMESTAMP = '2026-11-23T09:59:00Z'

/** The front door with a queue in memory. */
function door() {
  const queued: Message[] = []
  const lines: string[] = []
  const parts = {
    keyring: { current: async () => ({ primary: KEY }), refreshed: async () => undefined },
    queue: { send: async (message: Message) => void queued.push(message) },
    log: createLog({ now: () => NOW, write: line => lines.push(line) }),
    now: () => NOW,
  }
  return { queued, lines, parts }
}

const headersFor = (body: Uint8Array, key = KEY) => ({
  'box-delivery-id': 'd',
  'box-delivery-timestamp': TIMESTAMP,
  'box-signature-version': '1',
  'box-signature-algorithm': 'HmacSHA256',
  'box-signature-primary': sign(body, TIMESTAMP, key),
})

const request = (body: Uint8Array, headers: Record<string, string>) =>
  new Request('http://localhost/box/webhook', { method: 'POST', headers, body: Uint8Array.from(body) })

describe('from the wire to the queue', () => {
  test('any bytes come through API Gateway’s events, either format, unchanged', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 1, maxLength: 500 }),
        fc.constantFrom('1.0' as const, '2.0' as const),
        async (body, format) => {
          const { queued, parts } = door()
          const gateway = createGateway({
            format,
            now: () => NOW,
            async invoke(event) {
              // The gateway makes events of the form that the handler declares.
              const read: Parameters<typeof deliveryFromGateway>[0] = JSON.parse(JSON.stringify(event))
              const { status, code } = await ingest(deliveryFromGateway(read), parts)
              return { statusCode: status, body: code }
            },
          })
          const response = await gateway(request(body, headersFor(body)))
          expect(response.status).toBe(202)
          expect(queued.map(message => Buffer.from(message.body).equals(Buffer.from(body)))).toEqual([true])
        },
      ),
    )
  })

  test('whatever is sent without the key is refused with a 4xx, queued nowhere, and leaks nothing', async () => {
    const name = fc.constantFrom(...Object.keys(headersFor(Buffer.of(1))), 'content-type', 'x')
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 200 }),
        fc.dictionary(name, fc.string()),
        fc.constantFrom('POST', 'GET', 'PUT', ''),
        fc.constantFrom('/box/webhook', '/', '/box/webhook/', '//box/webhook', '/box%2fwebhook'),
        fc.boolean(),
        async (body, headers, method, path, forge) => {
          const { queued, lines, parts } = door()
          const forged = forge ? { ...headersFor(body, 'another key'), ...headers } : headers
          const answer = await ingest({ method, path, query: '', headers: forged, body }, parts)
          expect(answer.status).toBeGreaterThanOrEqual(400)
          expect(answer.status).toBeLessThan(500)
          expect(queued).toEqual([])
          expect(JSON.stringify(answer) + lines.join()).not.toContain(KEY)
        },
      ),
    )
  })
})
