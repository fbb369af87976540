import { describe, expect, test } from 'vitest'
import { deliveryFromGateway } from '../../../lib/ingest/delivery.ts'
import { isV1Path } from '../../../lib/ingest/ingest-v1.ts'

const httpApi = (routeKey: string, rawPath: string, more: object = {}) =>
  deliveryFromGateway({
    version: '2.0',
    routeKey,
    rawPath,
    requestContext: { routeKey, stage: '$default', http: { method: 'POST', path: rawPath } },
    ...more,
  }).path

const restApi = (resource: string, path: string, pathParameters: object | null = null) =>
  deliveryFromGateway({
    httpMethod: 'POST',
    resource,
    path,
    pathParameters,
    requestContext: { stage: 'prod' },
  }).path

describe('the path of a request', () => {
  test('begins where the route does, whatever base path a domain has before it', () => {
    expect(httpApi('POST /box/webhook', '/hooks/box/webhook')).toBe('/box/webhook')
    expect(httpApi('ANY /box/webhook', '/a/b/c/box/webhook')).toBe('/box/webhook')
    expect(restApi('/box/webhook', '/hooks/box/webhook')).toBe('/box/webhook')
    expect(restApi('/{proxy+}', '/hooks/box/webhook', { proxy: 'box/webhook' })).toBe('/box/webhook')
  })

  test('begins where the route does, whatever the stage is called', () => {
    const requestContext = { stage: 'prod', http: { method: 'POST' } }
    expect(httpApi('POST /box/webhook', '/prod/box/webhook', { requestContext })).toBe('/box/webhook')
    expect(httpApi('$default', '/prod/box/webhook', { requestContext })).toBe('/box/webhook')
  })

  test('has the token that a route takes as a parameter', () => {
    const path = httpApi('ANY /box/v1/{token}', '/hooks/box/v1/t0ken', { pathParameters: { token: 't0ken' } })
    expect(path).toBe('/box/v1/t0ken')
    expect(isV1Path(path)).toBe(true)
  })

  test('keeps what stands before it where the route $default matched, which says nothing about the path', () => {
    for (const path of ['/$default/box/webhook', '/$default', '/hooks/box/webhook'])
      expect(httpApi('$default', path)).toBe(path)
  })

  test.each([
    ['another spelling', 'POST /box/webhook', '/hooks/box%2Fwebhook', {}],
    ['a decoded parameter', 'ANY /{proxy+}', '/hooks/box%2Fwebhook', { proxy: 'box/webhook' }],
    ['half a segment', 'POST /box/webhook', '/my-box/webhook', {}],
    ['a route that does not fit', 'POST /box/webhook', '/box/other', {}],
    ['a parameter without a value', 'ANY /box/v1/{token}', '/box/v1/x', {}],
    ['a parameter of another type', 'ANY /box/v1/{token}', '/box/v1/x', { token: ['x'] }],
    ['a route that is not text', 7, '/box/webhook/', {}],
  ])('is the path as it came with %s', (_, routeKey, rawPath, pathParameters) => {
    expect(deliveryFromGateway({ routeKey, rawPath, pathParameters }).path).toBe(rawPath)
    const resource = String(routeKey).replace(/^[A-Z]+ /, '')
    expect(restApi(resource, rawPath, pathParameters)).toBe(rawPath)
  })
})
