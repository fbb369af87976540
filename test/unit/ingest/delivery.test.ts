import { describe, expect, test } from 'vitest'
import { deliveryFromGateway } from '../../../lib/ingest/delivery.ts'

const headersOf = (headers: unknown) => deliveryFromGateway({ rawPath: '/', headers }).headers

describe('an event that is no request of API Gateway', () => {
  test.each([
    null,
    undefined,
    'text',
    [],
    {},
    { rawPath: '/box/webhook' },
    { rawPath: 7, requestContext: { http: null, stage: {} } },
    { path: {}, httpMethod: 1, headers: 'none', multiValueHeaders: [], body: { a: 1 } },
  ])('%o is read as one without what it lacks', event => {
    const { method, headers, body } = deliveryFromGateway(event)
    expect({ method, headers, bytes: body.length }).toEqual({ method: '', headers: {}, bytes: 0 })
  })
})

describe('headers', () => {
  test('that are no text are left out', () => {
    expect(headersOf({ a: 1, b: ['x', 2, 'y'], c: null, d: 'z' })).toEqual({ b: 'x,y', d: 'z' })
  })

  test('of one name in several spellings are joined as HTTP joins them', () => {
    expect(headersOf({ 'Box-Delivery-Id': 'a', 'box-delivery-id': 'b' })).toEqual({
      'box-delivery-id': 'a,b',
    })
  })

  test('named like what every object has are headers like others', () => {
    const headers = headersOf(JSON.parse('{"constructor":"a","__proto__":"b","toString":"c"}'))
    expect(Object.entries(headers)).toEqual([
      ['constructor', 'a'],
      ['__proto__', 'b'],
      ['tostring', 'c'],
    ])
  })
})

test('only base64 that is said to be base64 is decoded', () => {
  const bodyOf = (isBase64Encoded: unknown) =>
    Buffer.from(deliveryFromGateway({ rawPath: '/', body: 'aGk=', isBase64Encoded }).body).toString()
  expect([bodyOf(true), bodyOf(false), bodyOf('false'), bodyOf(1)]).toEqual(['hi', 'aGk=', 'aGk=', 'aGk='])
})
