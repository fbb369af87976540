import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { inspect } from 'node:util'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { CompiledTemplate } from '../../../infra/build/template.ts'
import { isObject } from '../../../lib/base/json.ts'
import { createIngestAws } from '../../../lib/ingest/aws.ts'
import { ingestFunction } from '../../../lib/ingest/ingest-function.ts'
import { AwsEndpointFailed, startAws } from '../../../local/aws/aws.ts'
import { createSecretsManager } from '../../../local/aws/secrets-manager.ts'
import { samplePayload, wireBody } from '../../../local/box/events/payload.ts'
import { type Served, serve } from '../../../local/serve.ts'
import { signedDelivery } from '../../kit.ts'
import { packagedLocal } from '../../support/packaged.ts'
import { CANARIES, expectNoCanary } from './canaries.ts'

let template: CompiledTemplate
beforeAll(async () => {
  template = (await packagedLocal()).template
})

const KEYS = { primary: CANARIES.primaryKey, secondary: CANARIES.secondaryKey }

const open: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

/** Something that stands where an AWS service should and tells all it hears. */
async function talkative(status: number, type: string): Promise<string> {
  const server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const heard = `${CANARIES.awsText} ${JSON.stringify(request.headers)} ${Buffer.concat(chunks)}`
    const json = JSON.stringify({ __type: heard, message: heard, Message: heard, SecretString: heard })
    response.writeHead(status, { 'content-type': type, 'x-amzn-errortype': CANARIES.awsText })
    response.end(type.includes('json') ? json : `<html>${heard}</html>`)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  open.push(async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  })
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
}

async function secretsWith(secret: string): Promise<string> {
  const served: Served = await serve({ fetch: createSecretsManager({ keys: secret }).fetch, port: 0 })
  open.push(() => served.close())
  return served.url
}

type Surroundings = { readonly secrets: string; readonly sqs?: string; readonly env?: Record<string, string> }

/** The function ingest, made as functions/ingest.ts makes it, given one event; all that it says. */
async function invoke(event: unknown, { secrets, sqs = 'http://127.0.0.1:1', env: more = {} }: Surroundings) {
  const lines: string[] = []
  const env = {
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'x',
    AWS_SECRET_ACCESS_KEY: CANARIES.awsText,
    AWS_ENDPOINT_URL_SQS: sqs,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets,
    QUEUE_URL: `${sqs}/000000000000/queue`,
    SIGNATURE_KEYS_SECRET_ID: 'keys',
    ...more,
  }
  const world = { env, now: Date.now, random: () => 0 }
  const handler = ingestFunction({
    ...world,
    write: line => void lines.push(line),
    aws: createIngestAws(world),
  })
  const answer: unknown = await Reflect.apply(handler, undefined, [event, { awsRequestId: 'request' }])
  return { status: isObject(answer) ? answer.statusCode : undefined, told: { answer, lines } }
}

const BODY = wireBody(
  samplePayload('FILE.LOCKED', { source: { name: CANARIES.fileName, description: CANARIES.comment } }),
)

/** A delivery whose every private part is a canary, as API Gateway passes it on. */
function event(change: { path?: string; headers?: Record<string, string>; body?: Uint8Array } = {}) {
  const genuine = signedDelivery(samplePayload('FILE.LOCKED'), KEYS)
  const headers = {
    ...genuine.headers,
    'x-private': CANARIES.email,
    cookie: CANARIES.token,
    ...change.headers,
  }
  const { path = '/box/webhook', body = genuine.body } = change
  return {
    version: '2.0',
    rawPath: path,
    rawQueryString: `q=${CANARIES.comment}`,
    headers,
    requestContext: { stage: '$default', http: { method: 'POST', path } },
    body: Buffer.from(body).toString('base64'),
    isBase64Encoded: true,
  }
}

describe('nothing secret or private is told by ingest, in its answer and its log', () => {
  test.each<[string, number, object]>([
    ['a forged delivery', 401, event({ body: BODY })],
    ['a header that is missing', 400, event({ headers: { 'box-signature-version': '' } })],
    [
      'headers that are something else',
      401,
      event({ headers: { 'box-signature-algorithm': CANARIES.token } }),
    ],
    ['a timestamp that is none', 401, event({ headers: { 'box-delivery-timestamp': CANARIES.comment } })],
    ['another route', 404, event({ path: `/${CANARIES.comment}` })],
    ['an event that is none', 404, { [CANARIES.comment]: CANARIES.token }],
  ])('at %s', async (_, expected, given) => {
    const { status, told } = await invoke(given, { secrets: await secretsWith(JSON.stringify(KEYS)) })
    expect(status).toBe(expected)
    expect(told.lines.length).toBeGreaterThan(0)
    expectNoCanary(told)
  })

  test.each([
    ['is no JSON', `{"primary": "${KEYS.primary}", `],
    ['is a list', JSON.stringify([KEYS.primary])],
    ['has other fields', JSON.stringify({ first: KEYS.primary })],
  ])('where the keys’ secret %s', async (_, secret) => {
    const { status, told } = await invoke(event(), { secrets: await secretsWith(secret) })
    expect(status).toBe(503)
    expectNoCanary(told)
  })

  test.each([
    [400, 'application/x-amz-json-1.1'],
    [500, 'application/x-amz-json-1.1'],
    [200, 'application/x-amz-json-1.1'],
    [502, 'text/html'],
    [200, 'text/html'],
  ])('where Secrets Manager answers %i, %s, with everything it heard', async (status, type) => {
    const answer = await invoke(event(), { secrets: await talkative(status, type) })
    expect(answer.status).toBe(503)
    expectNoCanary(answer.told)
  })

  test.each([
    [400, 'application/x-amz-json-1.0'],
    [500, 'application/x-amz-json-1.0'],
    [502, 'text/html'],
  ])('where SQS answers %i, %s, with everything it heard', async (status, type) => {
    const secrets = await secretsWith(JSON.stringify(KEYS))
    const delivery = signedDelivery(
      samplePayload('FILE.LOCKED', { source: { name: CANARIES.fileName } }),
      KEYS,
    )
    const sqs = await talkative(status, type)
    const answer = await invoke(event(delivery), { secrets, sqs })
    expect(answer).toMatchObject({
      status: 503,
      told: { answer: { body: expect.stringContaining('queue_unavailable') } },
    })
    expectNoCanary(answer.told)
  })

  test('where its environment is wrong', async () => {
    const { status, told } = await invoke(event(), {
      secrets: 'http://127.0.0.1:1',
      env: {
        QUEUE_URL: CANARIES.comment,
        SIGNATURE_AGE_MAX_SECONDS: CANARIES.token,
        LOG_LEVEL: CANARIES.email,
      },
    })
    expect(status).toBe(503)
    expect(JSON.stringify(told)).toContain('QUEUE_URL must be an http(s) URL')
    expectNoCanary(told)
  })
})

test('a stack tells no password of an AWS endpoint that can’t be reached', async () => {
  const starting = startAws(template, `http://${CANARIES.token}:${CANARIES.passphrase}@127.0.0.1:9`)
  const error: unknown = await starting.catch(reason => reason)
  expect(error).toBeInstanceOf(AwsEndpointFailed)
  const told = inspect(error)
  expect(told).toContain('http://127.0.0.1:9')
  expectNoCanary(told)
})
