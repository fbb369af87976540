import fc from 'fast-check'
import { WEBHOOK_PATH } from '../../../lib/ingest.ts'
import { asyncBoundary } from './boundary.ts'
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

/** Events whose every part is right, wrong, of another type, or missing. */
const event = fc.oneof(
  { weight: 1, arbitrary: fc.option(json, { nil: undefined }) },
  {
    weight: 6,
    arbitrary: fc.record(
      {
        version: orJson(fc.constantFrom('1.0', '2.0')),
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
