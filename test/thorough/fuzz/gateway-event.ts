import assert from 'node:assert/strict'
import fc from 'fast-check'
import { deliveryFromGateway } from '../../../lib/ingest/delivery.ts'
import { WEBHOOK_PATH } from '../../../lib/ingest/ingest.ts'
import { asyncBoundary, boundary } from './boundary.ts'
import { checkRefusal, enter } from './door.ts'

const json = fc.jsonValue({ maxDepth: 2 })

/** What belongs in a place, or anything that JSON can carry. */
const orJson = (usual: fc.Arbitrary<unknown>) => fc.oneof({ weight: 3, arbitrary: usual }, json)

const headerName = fc.constantFrom(
  'box-delivery-id',
  'BOX-DELIVERY-TIMESTAMP',
  'Box-Signature-Version',
  'box-signature-algorithm',
  'box-signature-primary',
  'box-signature-secondary',
  '__proto__',
  'constructor',
  'content-type',
  '',
)
const headerValue = fc.oneof(fc.constantFrom('1', 'HmacSHA256', '2026-11-23T10:00:00Z', 'd'), fc.string())
const headers = orJson(fc.dictionary(headerName, orJson(headerValue), { noNullPrototype: true }))
const multiValueHeaders = orJson(
  fc.dictionary(headerName, orJson(fc.array(orJson(headerValue), { maxLength: 3 })), {
    noNullPrototype: true,
  }),
)
const path = orJson(fc.constantFrom(WEBHOOK_PATH, `/prod${WEBHOOK_PATH}`, '/', '/..', '/box//webhook'))
const method = orJson(fc.constantFrom('POST', 'GET', 'post'))
const http = orJson(fc.record({ method, path }, { requiredKeys: [] }))
const requestContext = orJson(
  fc.record({ http, stage: orJson(fc.constantFrom('$default', 'prod', '')) }, { requiredKeys: [] }),
)

const route = orJson(
  fc.constantFrom(`POST ${WEBHOOK_PATH}`, '$default', 'ANY /{proxy+}', '/box/v1/{token}', '/{'),
)
const pathParameters = orJson(fc.record({ proxy: path, token: json }, { requiredKeys: [] }))

/** Events whose every part is right, wrong, of another type, or missing. */
const event = fc.oneof(
  { weight: 1, arbitrary: fc.option(json, { nil: undefined }) },
  {
    weight: 6,
    arbitrary: fc.record(
      {
        version: orJson(fc.constantFrom('1.0', '2.0')),
        routeKey: route,
        resource: route,
        pathParameters,
        rawPath: path,
        path,
        httpMethod: method,
        headers,
        multiValueHeaders,
        requestContext,
        body: orJson(fc.string()),
        isBase64Encoded: orJson(fc.boolean()),
      },
      { requiredKeys: [] },
    ),
  },
)

/** None of these is signed, so every one is refused, whatever its shape. */
export const gatewayEvents = asyncBoundary(
  'gateway-events',
  { weight: 16, quickCases: 1500 },
  event,
  async one => checkRefusal(await enter(one)),
)

const segment = fc.stringMatching(/^[A-Za-z0-9._~!$&'()*+,;=:@%-]{1,8}$/)
const segments = (length: { minLength?: number; maxLength: number }) =>
  fc.array(segment, length).map(parts => parts.map(part => `/${part}`).join(''))

/** A request to a route behind a domain's base path, as the formats of API Gateway tell of it. */
const routed = fc.record({
  format: fc.constantFrom('1.0', '2.0'),
  kind: fc.constantFrom('exact', 'parameter', 'greedy'),
  base: segments({ maxLength: 3 }),
  before: segments({ maxLength: 2 }),
  rest: segments({ minLength: 1, maxLength: 3 }),
  last: segment,
  stage: fc.constantFrom('$default', 'prod'),
})

/** Whatever stands before a route is no part of its path, and nothing of the path itself is lost. */
export const routedPaths = boundary(
  'routed-paths',
  { weight: 2, quickCases: 1500 },
  routed,
  ({ format, kind, base, before, rest, last, stage }) => {
    const [route, own, pathParameters] = {
      exact: [before + rest, before + rest, {}] as const,
      parameter: [`${before}/{id}`, `${before}/${last}`, { id: last }] as const,
      greedy: [`${before}/{proxy+}`, before + rest, { proxy: rest.slice(1) }] as const,
    }[kind]
    const staged = format === '2.0' && stage !== '$default' ? `/${stage}` : ''
    const came = staged + base + own
    const event =
      format === '2.0'
        ? { rawPath: came, routeKey: `ANY ${route}`, pathParameters, requestContext: { stage } }
        : { path: came, resource: route, pathParameters, requestContext: { stage } }
    assert.equal(deliveryFromGateway(event).path, own)
    const { routeKey, resource, ...unrouted } = { routeKey: '', resource: '', ...event }
    assert.equal(deliveryFromGateway(unrouted).path, base + own)
  },
)
