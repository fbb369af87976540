import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createSecretsManager, type SecretsManager } from '../../../local/aws/secrets-manager.ts'
import { type Served, serve } from '../../../local/serve.ts'
import { manualClock } from '../../support/manual-clock.ts'

const START = Date.parse('2026-11-23T10:00:00Z')
let clock: ReturnType<typeof manualClock>
let secrets: SecretsManager
let served: Served
let client: SecretsManagerClient

beforeEach(async () => {
  clock = manualClock(START)
  secrets = createSecretsManager({ keys: 'one' }, clock.now)
  served = await serve({ fetch: secrets.fetch, port: 0 })
  client = new SecretsManagerClient({
    endpoint: served.url,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
    maxAttempts: 1,
  })
})
afterEach(async () => {
  client.destroy()
  await served.close()
})

const get = (SecretId: string, version: { VersionId?: string; VersionStage?: string } = {}) =>
  client.send(new GetSecretValueCommand({ SecretId, ...version }))
const put = (SecretId: string, SecretString: string, ClientRequestToken?: string) =>
  client.send(
    new PutSecretValueCommand({
      SecretId,
      SecretString,
      ...(ClientRequestToken ? { ClientRequestToken } : {}),
    }),
  )
const refused = (name: string) => expect.objectContaining({ name })

test('a secret is found by its name, its ARN, and its ARN without the characters that AWS adds', async () => {
  const { ARN = '', Name, SecretString, VersionStages, CreatedDate } = await get('keys')
  expect({ Name, SecretString, VersionStages }).toEqual({
    Name: 'keys',
    SecretString: 'one',
    VersionStages: ['AWSCURRENT'],
  })
  expect(CreatedDate?.getTime()).toBe(START)
  expect(ARN).toMatch(/^arn:aws:secretsmanager:[\w-]+:\d{12}:secret:keys-\w{6}$/)
  expect((await get(ARN)).SecretString).toBe('one')
  expect((await get(ARN.slice(0, -7))).SecretString).toBe('one')
})

test('a new value becomes the current one, and the one before stays within reach', async () => {
  const { VersionId: first = '' } = await get('keys')
  clock.advance(5000)
  const { VersionId: second = '' } = await put('keys', 'two')
  expect(await get('keys')).toMatchObject({ SecretString: 'two', VersionId: second })
  expect((await get('keys')).CreatedDate?.getTime()).toBe(START + 5000)
  expect((await get('keys', { VersionStage: 'AWSPREVIOUS' })).SecretString).toBe('one')
  expect((await get('keys', { VersionId: first })).VersionStages).toEqual(['AWSPREVIOUS'])
  const { VersionIdsToStages, LastChangedDate } = await client.send(
    new DescribeSecretCommand({ SecretId: 'keys' }),
  )
  expect(VersionIdsToStages).toEqual({ [second]: ['AWSCURRENT'], [first]: ['AWSPREVIOUS'] })
  expect(LastChangedDate?.getTime()).toBe(START + 5000)
})

test('the same request twice is one version, and another value under its token is refused', async () => {
  const token = 'a'.repeat(32)
  await put('keys', 'two', token)
  await put('keys', 'two', token)
  expect((await get('keys', { VersionStage: 'AWSPREVIOUS' })).SecretString).toBe('one')
  await expect(put('keys', 'three', token)).rejects.toThrow(refused('ResourceExistsException'))
  expect((await get('keys')).SecretString).toBe('two')
})

test('a value that is set from outside is what the SDK reads next', async () => {
  secrets.set('keys', 'rotated')
  secrets.set('new', 'made')
  expect((await get('keys')).SecretString).toBe('rotated')
  expect((await get('new')).SecretString).toBe('made')
})

test('a secret can be made with a value, with bytes, or with none yet', async () => {
  const create = (Name: string, value: { SecretString?: string; SecretBinary?: Uint8Array } = {}) =>
    client.send(new CreateSecretCommand({ Name, ...value }))
  await create('text', { SecretString: 'x' })
  await create('bytes', { SecretBinary: Uint8Array.of(0, 255) })
  await create('empty')
  expect((await get('text')).SecretString).toBe('x')
  expect([...((await get('bytes')).SecretBinary ?? [])]).toEqual([0, 255])
  await expect(get('empty')).rejects.toThrow(/AWSCURRENT/)
  await expect(create('text', { SecretString: 'y' })).rejects.toThrow(refused('ResourceExistsException'))
})

test('what is not there is refused as AWS does', async () => {
  await expect(get('none')).rejects.toThrow(refused('ResourceNotFoundException'))
  await expect(put('none', 'x')).rejects.toThrow(refused('ResourceNotFoundException'))
  await expect(get('keys', { VersionStage: 'AWSPREVIOUS' })).rejects.toThrow(
    refused('ResourceNotFoundException'),
  )
})

test('what is no call of the SDK is refused without harm', async () => {
  const post = (target: string, body: string) =>
    fetch(served.url, { method: 'POST', headers: { 'x-amz-target': target }, body })
  expect(await (await post('secretsmanager.DeleteSecret', '{}')).json()).toMatchObject({
    __type: 'UnknownOperationException',
  })
  expect(await (await post('secretsmanager.GetSecretValue', 'no json')).json()).toMatchObject({
    __type: 'SerializationException',
  })
  expect((await get('keys')).SecretString).toBe('one')
})

test('an outage answers 503 until it is over, and calls are counted all the while', async () => {
  secrets.outage(true)
  await expect(get('keys')).rejects.toThrow(
    expect.objectContaining({ $metadata: expect.objectContaining({ httpStatusCode: 503 }) }),
  )
  secrets.outage(false)
  expect((await get('keys')).SecretString).toBe('one')
  expect(secrets.calls).toBe(2)
})
