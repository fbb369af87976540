import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { AWS_LIMITS } from '../../../lib/aws/client.ts'
import { createIngestAws, type IngestAws } from '../../../lib/ingest/aws.ts'
import type { SendMessageInput } from '../../../lib/queue/message-sender.ts'
import { anyCharacter } from '../../support/any-character.ts'
import { sdkCalls } from '../../support/aws-sdk-calls.ts'
import {
  meaningOf,
  refused,
  signatureOf,
  startWire,
  type Wire,
  type WireAnswer,
} from '../../support/aws-wire.ts'

const SECRET_KEY = 'canary-secret-access-key'
const NOW = Date.parse('2026-11-23T10:00:00Z')
let wire: Wire
beforeAll(async () => {
  wire = await startWire()
})
afterAll(() => wire.close())

const environment = (): Record<string, string | undefined> => ({
  AWS_REGION: 'eu-central-1',
  AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
  AWS_SECRET_ACCESS_KEY: SECRET_KEY,
  AWS_SESSION_TOKEN: undefined,
  AWS_ENDPOINT_URL: wire.url,
  AWS_ENDPOINT_URL_SQS: undefined,
  AWS_ENDPOINT_URL_SECRETS_MANAGER: undefined,
})
let answerBefore: Wire['answer']
beforeEach(() => {
  answerBefore = wire.answer
  for (const [name, value] of Object.entries(environment())) vi.stubEnv(name, value)
})
afterEach(() => {
  wire.answer = answerBefore
  wire.date = undefined
  wire.requests.length = 0
  vi.unstubAllEnvs()
  vi.useRealTimers()
})

const ours = (limits: Partial<typeof AWS_LIMITS> = {}) => createIngestAws({ env: process.env, limits })

const INPUT: SendMessageInput = {
  QueueUrl: 'https://sqs.eu-central-1.amazonaws.com/000000000000/events',
  MessageBody: '{"id":"1","name":"Übergabe 日本.pdf"}',
  MessageAttributes: { eventId: { DataType: 'String', StringValue: 'e1' } },
  MessageGroupId: '77',
}

/** Makes both clients do the same, at the same frozen time, and gives what each has sent. */
async function bothSend(act: (aws: IngestAws) => Promise<unknown>) {
  vi.useFakeTimers({ toFake: ['Date'], now: NOW })
  wire.date = NOW
  wire.requests.length = 0
  await act(sdkCalls())
  await act(ours())
  vi.useRealTimers()
  const [theirs, mine, ...more] = wire.requests.map(request => meaningOf(request, SECRET_KEY))
  expect(more).toEqual([])
  return { theirs, mine }
}

describe('what goes over the wire means what AWS’s SDK sends, and is signed', () => {
  const CALLS: readonly [string, (aws: IngestAws) => Promise<unknown>][] = [
    ['GetSecretValue', aws => aws.getSecretText('boxhooks/prod/signature-keys')],
    ['SendMessage', aws => aws.sendMessage(INPUT)],
  ]

  test.each(CALLS)('%s', async (_, act) => {
    const { theirs, mine } = await bothSend(act)
    expect(mine).toEqual(theirs)
    expect(mine?.scope).toContain('20261123/eu-central-1/')
  })

  test.each(CALLS)('%s with a session token, which is signed', async (_, act) => {
    vi.stubEnv('AWS_SESSION_TOKEN', 'canary/session+token==')
    const { theirs, mine } = await bothSend(act)
    expect(mine).toEqual(theirs)
    expect(mine?.headers['x-amz-security-token']).toBe('canary/session+token==')
  })

  test.each(CALLS)('%s at an address of its own, with a path', async (_, act) => {
    vi.stubEnv('AWS_ENDPOINT_URL', 'http://127.0.0.1:1')
    vi.stubEnv('AWS_ENDPOINT_URL_SQS', `${wire.url}/queues/`)
    vi.stubEnv('AWS_ENDPOINT_URL_SECRETS_MANAGER', `${wire.url}/secrets/`)
    const { theirs, mine } = await bothSend(act)
    expect(mine).toEqual(theirs)
  })

  test('whatever the id of the secret, the body and the attributes are', async () => {
    const text = fc.string({ unit: anyCharacter, minLength: 1, maxLength: 60 })
    const call = fc.record({
      secretId: text,
      MessageBody: text,
      attributes: fc.dictionary(fc.stringMatching(/^[A-Za-z0-9_.-]{1,20}$/), text, { maxKeys: 9 }),
      MessageGroupId: fc.stringMatching(/^[!-~]{1,20}$/),
      token: fc.option(fc.stringMatching(/^[!-~]{1,40}$/), { nil: undefined }),
    })
    await fc.assert(
      fc.asyncProperty(call, async ({ secretId, attributes, token, ...rest }) => {
        vi.stubEnv('AWS_SESSION_TOKEN', token)
        const values = Object.entries(attributes).map(
          ([name, StringValue]) => [name, { DataType: 'String' as const, StringValue }] as const,
        )
        const input = { ...INPUT, ...rest, MessageAttributes: Object.fromEntries(values) }
        const secret = await bothSend(aws => aws.getSecretText(secretId))
        expect(secret.mine).toEqual(secret.theirs)
        const sent = await bothSend(aws => aws.sendMessage(input))
        expect(sent.mine).toEqual(sent.theirs)
      }),
      { numRuns: 5 },
    )
  }, 120_000)
})

describe('credentials', () => {
  test('are read anew for each call, for Lambda renews them', async () => {
    const aws = ours()
    await aws.getSecretText('s')
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDRENEWED')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'renewed')
    await aws.getSecretText('s')
    const [, after] = wire.requests
    expect(after?.headers.authorization).toContain('AKIDRENEWED')
    expect(after?.headers.authorization).toContain(after && signatureOf(after, 'renewed'))
  })

  test('that are missing are named, and nothing is sent', async () => {
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', '')
    await expect(ours().getSecretText('s')).rejects.toThrow(/AWS_SECRET_ACCESS_KEY/)
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', SECRET_KEY)
    vi.stubEnv('AWS_REGION', '')
    await expect(ours().getSecretText('s')).rejects.toThrow(/AWS_REGION/)
    expect(wire.requests).toEqual([])
  })
})

/** How often each client tries where AWS answers with the same each time, and the name of the error. */
async function bothFail(answer: WireAnswer) {
  wire.answer = () => answer
  const outcomes = []
  for (const aws of [sdkCalls(), ours()]) {
    wire.requests.length = 0
    const error: unknown = await aws.sendMessage(INPUT).then(
      () => undefined,
      reason => reason,
    )
    outcomes.push({ attempts: wire.requests.length, name: error instanceof Error ? error.name : undefined })
  }
  return outcomes
}

describe('attempts are as many as AWS’s SDK makes in its standard mode', () => {
  // Of which both clients make how long they wait.
  beforeEach(() => void vi.spyOn(Math, 'random').mockReturnValue(0))
  afterEach(() => void vi.restoreAllMocks())

  test.each([
    [400, 'com.amazonaws.sqs#RequestThrottled', 3],
    [400, 'ThrottlingException', 3],
    [400, 'com.amazon.coral.service#TooManyRequestsException', 3],
    [429, 'SomethingElse', 3],
    [400, 'RequestTimeout', 3],
    [500, 'InternalFailure', 3],
    [502, 'InternalFailure', 3],
    [503, 'ServiceUnavailable', 3],
    [504, 'GatewayTimeout', 3],
    [400, 'com.amazonaws.sqs#QueueDoesNotExist', 1],
    [403, 'AccessDeniedException', 1],
    [400, 'ResourceNotFoundException', 1],
    [403, 'InvalidSignatureException', 1],
    [403, 'ExpiredTokenException', 1],
    [501, 'NotImplemented', 1],
  ])('status %i with %s: %i', async (status, type, attempts) => {
    const [theirs, mine] = await bothFail(refused(status, type))
    expect(mine).toEqual(theirs)
    expect(mine?.attempts).toBe(attempts)
  })

  test('connections that break: 3', async () => {
    const [theirs, mine] = await bothFail('reset')
    expect([theirs?.attempts, mine?.attempts]).toEqual([3, 3])
    expect(mine?.name).toBe('ConnectionError')
  })

  test('an answer in the second or third attempt is taken', async () => {
    wire.answer = (request, number) => (number < 3 ? refused(503, 'Busy') : answerBefore(request, number))
    expect(await ours().getSecretText('s')).toBe('a secret')
    expect(wire.requests).toHaveLength(3)
  })

  test('the code may stand in a header, with a namespace and a place', async () => {
    wire.answer = () => ({
      status: 400,
      headers: { 'x-amzn-errortype': 'com.amazonaws.secretsmanager#ResourceNotFoundException:http://x/' },
      body: 'no JSON',
    })
    await expect(ours().getSecretText('s')).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      status: 400,
    })
  })

  test.each(['', '{"__type":"canary name 1"}', '{"__type":7}', '[]'])(
    'an error that says %j has no name',
    async body => {
      wire.answer = () => ({ status: 400, body })
      await expect(ours().getSecretText('s')).rejects.toMatchObject({ name: 'UnknownError' })
    },
  )
})

describe('time', () => {
  // A connection on this machine may take long under load, and is no part of what is given up here.
  const SHORT = { answerMs: 150, connectMs: 2000, totalMs: 5000 }

  test.each(['silence', 'half'] as const)('%s is given up, tried again, and told', async answer => {
    wire.answer = () => answer
    await expect(ours(SHORT).getSecretText('s')).rejects.toMatchObject({ name: 'TimeoutError' })
    expect(wire.requests).toHaveLength(3)
  })

  test('all attempts together end when their time is up', async () => {
    wire.answer = () => 'silence'
    const limits = { answerMs: 200, totalMs: 300 }
    await expect(ours(limits).getSecretText('s')).rejects.toMatchObject({ name: 'TimeoutError' })
    expect(wire.requests.length).toBeLessThanOrEqual(2)
  })

  test('a connection that never stands is given up', async () => {
    // An address that is set aside for documentation; where it is refused at once, that is told as well.
    vi.stubEnv('AWS_ENDPOINT_URL', 'http://192.0.2.1:81')
    const named = { name: expect.stringMatching(/^(TimeoutError|ConnectionError)$/) }
    await expect(ours({ ...SHORT, connectMs: 60, attempts: 1 }).getSecretText('s')).rejects.toMatchObject(
      named,
    )
  })
})

describe('connections', () => {
  test('one is kept for the next call', async () => {
    const aws = ours()
    const before = Math.max(0, ...wire.requests.map(({ connection }) => connection))
    for (let count = 0; count < 5; count += 1) await aws.sendMessage(INPUT)
    expect(new Set(wire.requests.map(({ connection }) => connection)).size).toBe(1)
    expect(before).toBe(0)
  })

  test('one that has died while it was kept is made up for', async () => {
    const aws = ours({ attempts: 2 })
    wire.answer = (request, number) => (number === 2 ? 'reset' : answerBefore(request, number))
    await aws.sendMessage(INPUT)
    await aws.sendMessage(INPUT)
    expect(wire.requests).toHaveLength(3)
  })
})

describe('answers that are none', () => {
  test('another body than was sent, more than a megabyte, and what is no JSON', async () => {
    wire.answer = () => ({ body: '{"MessageId":"m","MD5OfMessageBody":"d41d8cd98f00b204e9800998ecf8427e"}' })
    await expect(ours().sendMessage(INPUT)).rejects.toMatchObject({ name: 'AnswerInvalid' })
    wire.answer = () => ({ body: `{"SecretString":"${'x'.repeat(1_100_000)}"}` })
    await expect(ours().getSecretText('s')).rejects.toMatchObject({ name: 'AnswerInvalid' })
    wire.answer = () => ({ body: '<html>' })
    await expect(ours().getSecretText('s')).rejects.toMatchObject({ name: 'AnswerInvalid' })
    expect(wire.requests).toHaveLength(3)
  })

  test('a secret without a text has none', async () => {
    wire.answer = () => ({ body: '{"SecretBinary":"AAAA"}' })
    expect(await ours().getSecretText('s')).toBeUndefined()
  })
})
