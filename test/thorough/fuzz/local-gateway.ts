import assert from 'node:assert/strict'
import fc from 'fast-check'
import { deliveryFromGateway } from '../../../lib/ingest/delivery.ts'
import { createGateway } from '../../../local/runtime/gateway.ts'
import { anyCharacter } from '../../support/any-character.ts'
import { asyncBoundary } from './boundary.ts'
import { NOW } from './door.ts'

const headerName = fc.oneof(
  fc.stringMatching(/^[a-z][a-z0-9-]{0,12}$/),
  fc.constantFrom('__proto__', 'constructor', 'Box-Delivery-Id', 'BOX-SIGNATURE-PRIMARY', 'host', 'x_y'),
)
/** What a header's value can hold, without the spaces around it that HTTP takes away. */
const headerValue = fc.stringMatching(/^[ -~\u00a1-\u00ff]{0,30}$/).map(text => text.trim())
const path = fc
  .array(fc.stringMatching(/^[A-Za-z0-9._~!$&'()*+,;=:@%-]{0,6}$/), { maxLength: 4 })
  .map(parts => `/${parts.join('/')}`)

const request = fc.record({
  method: fc.constantFrom('POST', 'PUT', 'PATCH', 'DELETE', 'QUERY'),
  path,
  query: fc.webQueryParameters(),
  headers: fc.array(fc.tuple(headerName, headerValue), { maxLength: 6 }),
  body: fc.oneof(
    fc.uint8Array({ maxLength: 100 }),
    fc.string({ unit: anyCharacter }).map(text => Buffer.from(text)),
  ),
})

/** A request becomes an event, and the event the request again: bytes, headers, method and path. */
export const gatewayRoundTrips = asyncBoundary(
  'gateway-round-trips',
  { weight: 4, quickCases: 300 },
  fc.record({ request, format: fc.constantFrom('1.0' as const, '2.0' as const), alwaysBase64: fc.boolean() }),
  async ({ request: { method, path: asked, query, headers, body }, format, alwaysBase64 }) => {
    const url = new URL(`http://localhost:4400${asked}${query ? `?${query}` : ''}`)
    const sent = new Request(url, { method, headers, body: Uint8Array.from(body) })
    const events: unknown[] = []
    const gateway = createGateway({
      format,
      alwaysBase64,
      now: () => NOW,
      invoke: async event => void events.push(JSON.parse(JSON.stringify(event))),
    })
    const response = await gateway(sent)
    assert.equal(response.status, format === '2.0' ? 200 : 500)
    const delivery = deliveryFromGateway(events[0])
    assert.equal(delivery.method, method)
    assert.equal(delivery.path, url.pathname)
    assert.ok(Buffer.from(delivery.body).equals(Buffer.from(body)))
    // The names that HTTP gives a meaning of its own on the way are not compared.
    for (const [name, value] of sent.headers)
      if (name !== 'cookie') assert.equal(delivery.headers[name], value)
  },
)
