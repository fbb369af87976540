import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createGateway } from '../local/gateway.ts'
import { createLambda, LambdaFailure } from '../local/lambda.ts'
import { createSecretsManager } from '../local/secrets-manager.ts'
import { PortTaken, serve } from '../local/serve.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'boxhooks-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** A function with this code as its handler's body. */
async function lambda(code: string, timeoutMs = 5000) {
  const bundle = join(folder, `${Math.random()}.mjs`)
  await writeFile(
    bundle,
    `let calls = 0; export const handler = async (event, context) => { calls += 1; ${code} }`,
  )
  const lines: string[] = []
  return {
    lines,
    ...createLambda({
      name: 'f',
      bundle,
      env: { NAME: 'value' },
      timeoutMs,
      onLine: line => lines.push(line),
    }),
  }
}

describe('the local Lambda', () => {
  test('gives the handler its event, context and environment, and keeps its instance', async () => {
    const f = await lambda(
      'return { event, calls, env: process.env, left: context.getRemainingTimeInMillis(), id: context.awsRequestId }',
    )
    expect(await f.invoke({ a: 1 })).toMatchObject({ event: { a: 1 }, calls: 1, env: { NAME: 'value' } })
    const { calls, left, env } = Object(await f.invoke(null))
    expect(calls).toBe(2)
    expect(left).toBeGreaterThan(0)
    expect(env).not.toHaveProperty('HOME')
    await f.close()
  })

  test('runs invocations at the same time in instances of their own', async () => {
    const f = await lambda('await new Promise(resolve => setImmediate(resolve)); return calls')
    expect(await Promise.all([f.invoke(1), f.invoke(2)])).toEqual([1, 1])
    await f.close()
  })

  test('fails with what the handler throws', async () => {
    const f = await lambda('throw new RangeError("no")')
    await expect(f.invoke({})).rejects.toThrow('f threw RangeError: no')
    await f.close()
  })

  test('ends a handler that takes too long, and starts anew after it', async () => {
    const f = await lambda('if (event.hang) await new Promise(() => {}); return calls', 300)
    await expect(f.invoke({ hang: true })).rejects.toThrow('timed out after 0.3 s')
    expect(await f.invoke({})).toBe(1)
    await f.close()
  })

  test('can be killed in the middle, and starts anew after it', async () => {
    const f = await lambda(
      'if (event.hang) { console.log("hanging"); await new Promise(() => {}) } return calls',
    )
    const hanging = f.invoke({ hang: true })
    const failure = expect(hanging).rejects.toThrow(LambdaFailure)
    await expect.poll(() => f.lines).toContain('hanging')
    await f.kill()
    await failure
    expect(await f.invoke({})).toBe(1)
    await f.close()
  })

  test('a bundle that can’t be loaded fails its invocations with the reason', async () => {
    const bundle = join(folder, 'broken.mjs')
    await writeFile(bundle, 'throw new Error("broken at import")')
    const f = createLambda({ name: 'f', bundle, env: {}, timeoutMs: 5000 })
    await expect(f.invoke({})).rejects.toThrow('broken at import')
    await f.close()
  })
})

describe('the gateway', () => {
  const echo = (format: '1.0' | '2.0') =>
    createGateway({
      format,
      now: () => 0,
      invoke: async event => ({ statusCode: 201, headers: { 'x-a': 'b' }, body: JSON.stringify(event) }),
    })
  const ask = async (format: '1.0' | '2.0', body: Uint8Array) => {
    const init = { method: 'POST', headers: { 'Box-Delivery-Id': 'd' }, body: Uint8Array.from(body) }
    const response = await echo(format)(new Request('http://localhost/box/webhook?a=1&a=2', init))
    expect([response.status, response.headers.get('x-a')]).toEqual([201, 'b'])
    return Object(await response.json())
  }

  test('gives a function what an HTTP API gives it (2.0)', async () => {
    expect(await ask('2.0', Buffer.from('é'))).toMatchObject({
      version: '2.0',
      rawPath: '/box/webhook',
      rawQueryString: 'a=1&a=2',
      queryStringParameters: { a: '1,2' },
      headers: { 'box-delivery-id': 'd' },
      requestContext: { http: { method: 'POST' } },
      body: 'é',
      isBase64Encoded: false,
    })
  })

  test('gives a function what a REST API gives it (1.0)', async () => {
    expect(await ask('1.0', Buffer.from('x'))).toMatchObject({
      httpMethod: 'POST',
      path: '/box/webhook',
      multiValueHeaders: { 'Box-Delivery-Id': ['d'] },
      body: 'x',
    })
  })

  test('passes on as base64 what no text can carry', async () => {
    expect(await ask('2.0', Buffer.from([255, 0]))).toMatchObject({ body: '/wA=', isBase64Encoded: true })
  })

  test('answers 500 where the function fails or answers with nonsense', async () => {
    for (const invoke of [() => Promise.reject(new LambdaFailure('x')), async () => 'nonsense']) {
      const response = await createGateway({ now: () => 0, invoke })(new Request('http://localhost/'))
      expect([response.status, await response.json()]).toEqual([500, { message: 'Internal Server Error' }])
    }
  })
})

test('a port that is taken says what to do', async () => {
  const first = await serve({ fetch: () => new Response('x'), port: 0 })
  const second = serve({ fetch: () => new Response('x'), port: first.port })
  await expect(second).rejects.toThrow(PortTaken)
  await expect(second).rejects.toThrow(`--port ${first.port + 1}`)
  await first.close()
})

test('the local Secrets Manager answers the real SDK', async () => {
  const secrets = createSecretsManager({ keys: 'one' })
  const served = await serve({ fetch: secrets.fetch, port: 0 })
  const client = new SecretsManagerClient({
    endpoint: served.url,
    region: 'x',
    credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
    maxAttempts: 1,
  })
  const get = (SecretId: string) => client.send(new GetSecretValueCommand({ SecretId }))
  expect((await get('keys')).SecretString).toBe('one')
  await client.send(new PutSecretValueCommand({ SecretId: 'keys', SecretString: 'two' }))
  expect((await get('keys')).SecretString).toBe('two')
  await expect(get('none')).rejects.toThrow(expect.objectContaining({ name: 'ResourceNotFoundException' }))
  secrets.outage(true)
  await expect(get('keys')).rejects.toThrow()
  client.destroy()
  await served.close()
})
