import { describe, expect, test } from 'vitest'
import { resource } from '../../../infra/build/template.ts'
import { samplePayload, wireBody } from '../../../local/box/events/payload.ts'
import { packagedLocal } from '../../support/packaged.ts'
import { enter, hmac, KEYS, NOW } from '../../thorough/fuzz/door.ts'

const { template } = await packagedLocal()
const routeKeys = Object.entries(template.Resources)
  .filter(([, { Type }]) => Type === 'AWS::ApiGatewayV2::Route')
  .map(([id]) => String(resource(template, id).Properties.RouteKey))

/** A signed delivery as API Gateway hands it on that has these routes: the one for just this path comes before `$default`. */
function delivered(base: string, path: string): object {
  const body = wireBody(samplePayload('FILE.DOWNLOADED', { id: 'e1' }))
  const timestamp = new Date(NOW).toISOString()
  const routeKey = routeKeys.find(key => key.endsWith(` ${path}`)) ?? '$default'
  return {
    version: '2.0',
    routeKey,
    rawPath: base + path,
    headers: {
      'box-delivery-id': 'd1',
      'box-delivery-timestamp': timestamp,
      'box-signature-version': '1',
      'box-signature-algorithm': 'HmacSHA256',
      'box-signature-primary': hmac(body, timestamp, KEYS.primary),
      'box-signature-secondary': hmac(body, timestamp, KEYS.secondary),
    },
    requestContext: { routeKey, stage: '$default', http: { method: 'POST', path: base + path } },
    body: body.toString('base64'),
    isBase64Encoded: true,
  }
}

const codeAt = async (base: string, path: string) => (await enter(delivered(base, path))).answer.code

describe('the routes of the template', () => {
  test('take a delivery behind whatever base path a domain maps to them', async () => {
    for (const base of ['', '/hooks', '/a/b']) expect(await codeAt(base, '/box/webhook')).toBe('accepted')
  })

  test('leave every other path to the front door, which refuses it', async () => {
    expect(routeKeys).toContain('$default')
    for (const path of ['/box', '/box/webhook/', '/other'])
      expect(await codeAt('/hooks', path)).toBe('route_not_found')
  })
})
