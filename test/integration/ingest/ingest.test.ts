import { PurgeQueueCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { sign } from '../../../lib/ingest/signature.ts'
import { decodeMessage, MESSAGE_BYTES_FIRST_MAX } from '../../../lib/queue/message.ts'
import { createSecretsManager } from '../../../local/aws/secrets-manager.ts'
import { samplePayload, wireBody } from '../../../local/box/events/payload.ts'
import { createGateway } from '../../../local/runtime/gateway.ts'
import { createLambda, type Lambda } from '../../../local/runtime/lambda.ts'
import { recordOf } from '../../../local/runtime/poller.ts'
import { type Served, serve } from '../../../local/serve.ts'
import { accepted, startWire } from '../../support/aws-wire.ts'
import { useEmbedded } from '../../support/embedded.ts'
import { builtBundle } from '../../support/packaged.ts'
import { useStarted } from '../../support/started.ts'

const KEYS = { primary: 'canary-primary-key', secondary: 'canary-secondary-key' }
const embedded = useEmbedded()
let bundle: string
beforeAll(async () => {
  bundle = await builtBundle('ingest')
})

let doors = 0

type DoorOptions = { format?: '2.0' | '1.0'; env?: Record<string, string>; secret?: string }

/** The built bundle behind a gateway, on HTTP, with a queue and a Secrets Manager of its own. */
async function startDoor(options: DoorOptions = {}) {
  doors += 1
  const queueName = `door-${doors}`
  const queueUrl = await embedded.createQueue(queueName, {})
  const secrets = createSecretsManager({ keys: options.secret ?? JSON.stringify(KEYS) })
  const secretsServer = await serve({ fetch: secrets.fetch, port: 0 })
  const lines: string[] = []
  const lambda = createLambda({
    name: 'ingest',
    bundle,
    timeoutMs: 10_000,
    env: {
      AWS_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: 'x',
      AWS_SECRET_ACCESS_KEY: 'x',
      AWS_ENDPOINT_URL_SQS: new URL(queueUrl).origin,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsServer.url,
      QUEUE_URL: queueUrl,
      SIGNATURE_KEYS_SECRET_ID: 'keys',
      ...options.env,
    },
    onLine: line => lines.push(line),
  })
  const gateway = createGateway({
    invoke: event => lambda.invoke(event),
    now: () => Date.now(),
    format: options.format ?? '2.0',
  })
  const served = await serve({ fetch: gateway, port: 0 })
  const door = {
    secrets,
    lines,
    url: `${served.url}/box/webhook`,
    async post(body: Uint8Array | string, headers: Record<string, string | undefined> = signed(body)) {
      const given = Object.entries(headers).filter(
        (entry): entry is [string, string] => entry[1] !== undefined,
      )
      const init = {
        method: 'POST',
        headers: Object.fromEntries(given),
        body: Uint8Array.from(Buffer.from(body)),
      }
      return answerOf(await fetch(door.url, init))
    },
    async queued() {
      const { Messages = [] } = await embedded.sqs.send(
        new ReceiveMessageCommand({
          QueueUrl: queueUrl,
          MaxNumberOfMessages: 10,
          MessageAttributeNames: ['All'],
          MessageSystemAttributeNames: ['All'],
        }),
      )
      return Messages.map(message => {
        const { body, messageAttributes } = recordOf(message, '')
        const texts = Object.entries(messageAttributes).map(([name, { stringValue }]) => [name, stringValue])
        const { message: read } = decodeMessage({ body, attributes: Object.fromEntries(texts) })
        return { ...read, body: Buffer.from(read.body), sent: body }
      })
    },
    /** Forgets what tests have sent so far. */
    async clear() {
      await embedded.sqs.send(new PurgeQueueCommand({ QueueUrl: queueUrl }))
      lines.length = 0
    },
    close: () => closeAll([served, secretsServer], lambda),
  }
  return door
}

/** One for all tests that need nothing of their own. */
const door = useStarted(startDoor, started => started.close())
beforeEach(() => door.clear())

/** A door of a test's own, which is closed after it. */
async function openDoor(options: DoorOptions) {
  const own = await startDoor(options)
  open.push(own)
  return own
}

async function closeAll(servers: Served[], lambda: Lambda): Promise<void> {
  await lambda.close()
  for (const server of servers) await server.close()
}

let open: { close(): Promise<void> }[] = []
beforeEach(() => {
  open = []
})
afterEach(async () => {
  for (const door of open) await door.close()
})

async function answerOf(response: Response) {
  const text = await response.text()
  const json: { code?: string; message?: string } = JSON.parse(text || '{}')
  return { status: response.status, ...json, headers: response.headers }
}

const timestamp = (ageSeconds = 0) => new Date(Date.now() - ageSeconds * 1000).toISOString()

function signed(body: Uint8Array | string, options: { keys?: typeof KEYS; at?: string } = {}) {
  const { keys = KEYS, at = timestamp() } = options
  return {
    'content-type': 'application/json',
    'box-delivery-id': 'delivery-1',
    'box-delivery-timestamp': at,
    'box-signature-version': '1',
    'box-signature-algorithm': 'HmacSHA256',
    'box-signature-primary': sign(Buffer.from(body), at, keys.primary),
    'box-signature-secondary': sign(Buffer.from(body), at, keys.secondary),
  }
}

const BODY = wireBody(samplePayload('FILE.DOWNLOADED', { id: 'event-1', webhookId: '77' }))

describe('202', () => {
  test.each(['2.0', '1.0'] as const)(
    'a signed delivery is on the queue, byte for byte (payload %s)',
    async format => {
      const door = await openDoor({ format })
      expect(await door.post(BODY)).toMatchObject({ status: 202, code: 'accepted' })
      const [message, ...more] = await door.queued()
      expect(more).toEqual([])
      expect(message).toMatchObject({
        eventId: 'event-1',
        deliveryId: 'delivery-1',
        trigger: 'FILE.DOWNLOADED',
        origin: 'webhook',
        sent: BODY.toString(),
      })
      expect(Math.abs(Date.now() - Date.parse(message?.receivedAt ?? ''))).toBeLessThan(60_000)
    },
  )

  test.each([
    ['a name with an emoji', wireBody(samplePayload('FILE.LOCKED', { source: { name: '😀.pdf' } }))],
    ['a name with an escaped slash', wireBody(samplePayload('FILE.LOCKED', { source: { name: 'a/b.pdf' } }))],
    [
      'a name with a lone surrogate',
      wireBody(samplePayload('FILE.LOCKED', { source: { name: '\ud83d.pdf' } })),
    ],
    ['unescaped UTF-8', Buffer.from('{"id":"1","name":"日本 😀"}')],
    ['100 KB', wireBody(samplePayload('FILE.LOCKED', { source: { description: 'x/é'.repeat(20_000) } }))],
    ['control characters', Buffer.from('{"a":"\u0000\u0001\u001f\ufffe\uffff"}')],
    ['bytes that are no UTF-8, which come as base64', Buffer.from([0x7b, 0xff, 0xfe, 0x00, 0x80, 0x7d])],
    ['a byte order mark', Buffer.from('\ufeff{}')],
    ['spaces only', Buffer.from('   ')],
  ])('%s is accepted when signed, and byte-identical on the queue', async (_, body) => {
    expect(await door.post(body)).toMatchObject({ status: 202 })
    expect((await door.queued()).map(message => message.body.equals(body))).toEqual([true])
  })

  test('with one key, with the keys swapped, and with header names in any case', async () => {
    const door = await openDoor({
      secret: JSON.stringify({ primary: KEYS.secondary, secondary: KEYS.primary }),
    })
    expect(await door.post(BODY)).toMatchObject({ status: 202 })
    const upper = Object.entries(signed(BODY)).map(([name, value]) => [name.toUpperCase(), value])
    expect(await door.post(BODY, Object.fromEntries(upper))).toMatchObject({ status: 202 })
    const one = { ...signed(BODY), 'box-signature-secondary': undefined }
    expect(await door.post(BODY, one)).toMatchObject({ status: 202 })
  })

  test('right after a rotation, without waiting for the cache, and forgeries cause no storm of fetches', async () => {
    const cold = await openDoor({})
    expect(await cold.post(BODY)).toMatchObject({ status: 202 })
    const fetches = cold.secrets.calls
    const rotated = { primary: 'new-primary', secondary: 'new-secondary' }
    // The first fetch was just now, so the door must be old enough to fetch again: a fresh one stands for it.
    const later = await openDoor({ secret: JSON.stringify(KEYS) })
    later.secrets.set('keys', JSON.stringify(rotated))
    expect(await later.post(BODY, signed(BODY, { keys: rotated }))).toMatchObject({ status: 202 })
    for (let count = 0; count < 5; count += 1)
      expect(await cold.post(BODY, signed(BODY, { keys: rotated }))).toMatchObject({ status: 401 })
    expect(cold.secrets.calls).toBe(fetches)
  })
})

test('a delivery costs one call of AWS, the first one of an instance one more, and a refusal none', async () => {
  const wire = await startWire()
  wire.answer = request => {
    const answer = accepted(request)
    return answer instanceof Object
      ? { body: (answer.body ?? '').replace('"a secret"', JSON.stringify(JSON.stringify(KEYS))) }
      : answer
  }
  const env = { AWS_ENDPOINT_URL_SQS: wire.url, AWS_ENDPOINT_URL_SECRETS_MANAGER: wire.url }
  const door = await openDoor({ env })
  const targets = () => wire.requests.splice(0).map(({ headers }) => headers['x-amz-target'])
  expect(await door.post(BODY)).toMatchObject({ status: 202 })
  expect(targets()).toEqual(['secretsmanager.GetSecretValue', 'AmazonSQS.SendMessage'])
  expect(await door.post(BODY)).toMatchObject({ status: 202 })
  expect(targets()).toEqual(['AmazonSQS.SendMessage'])
  expect(await door.post(BODY, signed('another body'))).toMatchObject({ status: 401 })
  expect(targets()).toEqual([])
  await wire.close()
})

describe('400', () => {
  test('an empty body', async () => {
    expect(await door.post('', signed(''))).toMatchObject({ status: 400, code: 'empty_body' })
  })

  test.each([
    'box-delivery-id',
    'box-delivery-timestamp',
    'box-signature-version',
    'box-signature-algorithm',
  ])('without %s', async name => {
    const answer = await door.post(BODY, { ...signed(BODY), [name]: undefined })
    expect(answer).toMatchObject({
      status: 400,
      code: 'header_missing',
      message: expect.stringContaining(name),
    })
  })

  test('without a signature', async () => {
    const headers = {
      ...signed(BODY),
      'box-signature-primary': undefined,
      'box-signature-secondary': undefined,
    }
    expect(await door.post(BODY, headers)).toMatchObject({ status: 400, code: 'header_missing' })
  })
})

describe('401', () => {
  test.each<[string, () => Record<string, string>]>([
    ['signature_mismatch', () => signed(BODY, { keys: { primary: 'forged', secondary: 'forged' } })],
    ['signature_mismatch', () => signed('another body')],
    ['timestamp_too_old', () => signed(BODY, { at: timestamp(700) })],
    ['timestamp_in_future', () => signed(BODY, { at: timestamp(-3600) })],
    ['timestamp_invalid', () => signed(BODY, { at: 'yesterday' })],
    ['version_unsupported', () => ({ ...signed(BODY), 'box-signature-version': '2' })],
    ['algorithm_unsupported', () => ({ ...signed(BODY), 'box-signature-algorithm': 'HmacSHA1' })],
  ])('%s, with nothing queued, echoed or logged', async (code, headersNow) => {
    const headers = headersNow()
    const answer = await door.post(BODY, headers)
    expect(answer).toMatchObject({ status: 401, code })
    expect(await door.queued()).toEqual([])
    const told = JSON.stringify(answer) + door.lines.join('\n')
    for (const secret of [KEYS.primary, KEYS.secondary, headers['box-signature-primary'], 'contract.pdf'])
      expect(told).not.toContain(secret)
    expect(door.lines.map(line => JSON.parse(line))).toMatchObject([
      { event: 'delivery_refused', status: 401, code },
    ])
  })

  test('the bounds of age can be set', async () => {
    const door = await openDoor({
      env: { SIGNATURE_AGE_MAX_SECONDS: '60', SIGNATURE_SKEW_MAX_SECONDS: '300' },
    })
    expect(await door.post(BODY, signed(BODY, { at: timestamp(70) }))).toMatchObject({
      code: 'timestamp_too_old',
    })
    expect(await door.post(BODY, signed(BODY, { at: timestamp(-120) }))).toMatchObject({ status: 202 })
  })
})

describe('404, 405, 413', () => {
  test('other routes, other methods', async () => {
    const elsewhere = await answerOf(
      await fetch(new URL('/elsewhere', door.url), { method: 'POST', body: 'x' }),
    )
    expect(elsewhere).toMatchObject({ status: 404, code: 'route_not_found' })
    const get = await answerOf(await fetch(door.url))
    expect(get).toMatchObject({ status: 405, code: 'method_not_allowed' })
    expect(get.headers.get('allow')).toBe('POST')
  })

  test('a body as large as SQS takes is taken, and one beyond is not', async () => {
    const fits = Buffer.from(`{"id":"1","x":"${'x'.repeat(MESSAGE_BYTES_FIRST_MAX - 1000)}"}`)
    expect(await door.post(fits)).toMatchObject({ status: 202 })
    const beyond = Buffer.from(`{"id":"1","x":"${'x'.repeat(MESSAGE_BYTES_FIRST_MAX)}"}`)
    expect(await door.post(beyond)).toMatchObject({ status: 413, code: 'body_too_large' })
  })
})

describe('503, after which Box delivers again', () => {
  test('while the queue can’t be reached', async () => {
    const door = await openDoor({
      env: { AWS_ENDPOINT_URL_SQS: 'http://127.0.0.1:1', QUEUE_URL: 'http://127.0.0.1:1/0/q' },
    })
    expect(await door.post(BODY)).toMatchObject({ status: 503, code: 'queue_unavailable' })
  })

  test('while the queue does not exist', async () => {
    const door = await openDoor({ env: { QUEUE_URL: `${embedded.sqsUrl}/000000000000/none` } })
    expect(await door.post(BODY)).toMatchObject({ status: 503, code: 'queue_unavailable' })
  })

  test('while the keys can’t be read, but not once they have been', async () => {
    const cold = await openDoor({})
    cold.secrets.outage(true)
    expect(await cold.post(BODY)).toMatchObject({ status: 503, code: 'keys_unavailable' })
    cold.secrets.outage(false)
    expect(await cold.post(BODY)).toMatchObject({ status: 202 })
    cold.secrets.outage(true)
    expect(await cold.post(BODY)).toMatchObject({ status: 202 })
  })

  test('while there are no keys', async () => {
    for (const secret of ['{}', '{"primary":"","secondary":""}']) {
      const door = await openDoor({ secret })
      expect(await door.post(BODY)).toMatchObject({ status: 503, code: 'no_key' })
    }
  })

  test('while the secret is no JSON, which is not told to anybody', async () => {
    const door = await openDoor({ secret: KEYS.primary })
    expect(await door.post(BODY)).toMatchObject({ status: 503, code: 'keys_unavailable' })
    expect(door.lines.join('\n')).not.toContain(KEYS.primary)
  })

  test('while the function lacks a setting, which its log names', async () => {
    const door = await openDoor({ env: { QUEUE_URL: '', SIGNATURE_AGE_MAX_SECONDS: 'ten' } })
    expect(await door.post(BODY)).toMatchObject({ status: 503, code: 'internal_error' })
    expect(door.lines.join('\n')).toMatch(
      /config_invalid.*QUEUE_URL is missing.*SIGNATURE_AGE_MAX_SECONDS must be an integer/,
    )
  })
})
