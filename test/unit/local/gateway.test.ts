import { describe, expect, test, vi } from 'vitest'
import { createGateway, type GatewayAnswer, type GatewayOptions } from '../../../local/runtime/gateway.ts'
import { LambdaFailure } from '../../../local/runtime/lambda.ts'
import { PortTaken, serve } from '../../../local/serve.ts'

/** 12 March 2020, 19:03:58 UTC. */
const NOW = 1_584_039_838_000

/** What the function gets for a request. */
async function eventFor(
  body: Uint8Array,
  options: Partial<GatewayOptions> = {},
  headers: Record<string, string> = {},
) {
  const invoke = vi.fn(async () => ({ statusCode: 201 }))
  const init = {
    method: 'POST',
    headers: { 'Box-Delivery-Id': 'd', ...headers },
    body: Uint8Array.from(body),
  }
  const gateway = createGateway({ invoke, now: () => NOW, ...options })
  expect((await gateway(new Request('http://localhost/box/webhook?a=1&a=2&b=%20', init))).status).toBe(201)
  return Object(invoke.mock.calls.flat()[0])
}

/** The response to a function's result. */
const answerTo = (result: unknown, format: '2.0' | '1.0' = '2.0') =>
  createGateway({ now: () => NOW, format, invoke: async () => result })(new Request('http://localhost/'))

describe('what a function gets', () => {
  test('is what an HTTP API gives it (2.0)', async () => {
    expect(await eventFor(Buffer.from('é'), {}, { cookie: 'c=1; d=2' })).toMatchObject({
      version: '2.0',
      rawPath: '/box/webhook',
      rawQueryString: 'a=1&a=2&b=%20',
      queryStringParameters: { a: '1,2', b: ' ' },
      cookies: ['c=1', 'd=2'],
      headers: { 'box-delivery-id': 'd' },
      requestContext: {
        http: { method: 'POST', path: '/box/webhook', sourceIp: '127.0.0.1' },
        time: '12/Mar/2020:19:03:58 +0000',
        timeEpoch: NOW,
      },
      body: 'é',
      isBase64Encoded: false,
    })
  })

  test('has no cookie among its headers, and neither query nor body where there is none (2.0)', async () => {
    const event = await eventFor(Buffer.alloc(0), {}, { cookie: 'c=1' })
    expect(event.headers).not.toHaveProperty('cookie')
    expect(event).not.toHaveProperty('body')
    expect(event.isBase64Encoded).toBe(false)
  })

  test('is what a REST API gives it (1.0)', async () => {
    expect(await eventFor(Buffer.from('x'), { format: '1.0' })).toMatchObject({
      httpMethod: 'POST',
      path: '/box/webhook',
      headers: { 'Box-Delivery-Id': 'd' },
      multiValueHeaders: { 'Box-Delivery-Id': ['d'] },
      queryStringParameters: { a: '2', b: ' ' },
      multiValueQueryStringParameters: { a: ['1', '2'], b: [' '] },
      requestContext: { identity: { sourceIp: '127.0.0.1' }, requestTimeEpoch: NOW },
      body: 'x',
    })
  })

  test('carries as base64 what no text can carry, or everything if told so', async () => {
    expect(await eventFor(Buffer.from([255, 0]))).toMatchObject({ body: '/wA=', isBase64Encoded: true })
    const always = await eventFor(Buffer.from('text'), { alwaysBase64: true })
    expect(always).toMatchObject({ body: 'dGV4dA==', isBase64Encoded: true })
  })

  test('is nothing where the sender hangs up before the end of the body, which is no error of ours', async () => {
    const invoke = vi.fn()
    const body = new ReadableStream({ pull: controller => controller.error(new Error('aborted')) })
    const init = { method: 'POST', body, duplex: 'half' as const }
    const response = await createGateway({ invoke, now: () => NOW })(new Request('http://localhost/', init))
    expect(response.status).toBe(400)
    expect(invoke).not.toHaveBeenCalled()
  })

  test('over real HTTP, joins a repeated header with a comma', async () => {
    let headers: unknown
    const invoke = async (event: unknown) => {
      headers = Object(event).headers
      return { statusCode: 204 }
    }
    const served = await serve({ fetch: createGateway({ invoke, now: () => NOW }), port: 0 })
    const sent = new Headers([
      ['x-repeated', 'one'],
      ['X-Repeated', 'two'],
    ])
    expect((await fetch(served.url, { headers: sent })).status).toBe(204)
    expect(headers).toMatchObject({ 'x-repeated': expect.stringMatching(/^one, ?two$/) })
    await served.close()
  })
})

describe('what a caller gets', () => {
  test('is the function’s status, headers, cookies and body', async () => {
    const headers = { 'x-a': 'b' }
    const response = await answerTo({ statusCode: 418, headers, cookies: ['c=1', 'd=2'], body: 'hi' })
    expect([response.status, response.headers.get('x-a'), await response.text()]).toEqual([418, 'b', 'hi'])
    expect(response.headers.getSetCookie()).toEqual(['c=1', 'd=2'])
  })

  test('is the bytes that a base64 body stands for', async () => {
    const response = await answerTo({ statusCode: 200, isBase64Encoded: true, body: '/wA=' })
    expect([...new Uint8Array(await response.arrayBuffer())]).toEqual([255, 0])
  })

  test('is a result without a status code as JSON in 2.0, and an error in 1.0', async () => {
    const inferred = await answerTo({ some: 'thing' })
    expect([inferred.status, await inferred.json()]).toEqual([200, { some: 'thing' }])
    expect((await answerTo({ some: 'thing' }, '1.0')).status).toBe(500)
  })

  test.each([
    ['a failure', () => Promise.reject(new LambdaFailure('x'))],
    ['an impossible status', async () => ({ statusCode: 99 })],
    ['an impossible header', async () => ({ statusCode: 200, headers: { 'x-a': 'one\ntwo' } })],
  ])('is 500 after %s, without what went wrong', async (_, invoke) => {
    const response = await createGateway({ now: () => NOW, invoke })(new Request('http://localhost/'))
    expect([response.status, await response.json()]).toEqual([500, { message: 'Internal Server Error' }])
  })

  test('is 413 for more than 10 MB, which the function never sees', async () => {
    const invoke = vi.fn()
    const answers: GatewayAnswer[] = []
    const gateway = createGateway({ now: () => NOW, invoke, onAnswer: answer => answers.push(answer) })
    const body = new Uint8Array(10 * 1024 * 1024 + 1)
    const response = await gateway(new Request('http://localhost/', { method: 'POST', body }))
    expect([response.status, await response.json()]).toEqual([413, { message: 'Request Entity Too Large' }])
    expect(invoke).not.toHaveBeenCalled()
    expect(answers).toMatchObject([{ method: 'POST', status: 413 }])
  })
})

test('a port that is taken says what to do', async () => {
  const first = await serve({ fetch: () => new Response('x'), port: 0 })
  const second = serve({ fetch: () => new Response('x'), port: first.port })
  await expect(second).rejects.toThrow(PortTaken)
  await expect(second).rejects.toThrow(`--port ${first.port + 1}`)
  await first.close()
})
