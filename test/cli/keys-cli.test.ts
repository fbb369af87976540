import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { connectKeys, KeysChanged } from '../../cli/keys/stage-keys.ts'
import { ingest } from '../../lib/ingest/ingest.ts'
import { keyId } from '../../lib/ingest/key-fields.ts'
import { parseKeys } from '../../lib/ingest/signature-keys.ts'
import { begun, readKeySecret, stored as withStored } from '../../lib/key-secret.ts'
import { createLog } from '../../lib/log/log.ts'
import { type CloudWatchLogs, createCloudWatchLogs } from '../../local/aws/cloudwatch-logs.ts'
import { createSecretsManager, type SecretsManager } from '../../local/aws/secrets-manager.ts'
import { type Served, serve } from '../../local/serve.ts'
import {
  type CommandOptions,
  runCommand,
  startCommand,
  testShell,
  type WaitClock,
  waitClock,
} from '../support/command.ts'
import { deliveryOf } from '../support/deliveries.ts'
import { type Deployed, startDenying, startDeployed } from '../support/deployed.ts'
import { type Embedded, startEmbedded } from '../support/embedded.ts'
import { fakeTerminal } from '../support/terminal.ts'

const A = 'canary-a-0123456789abcdef'
const B = 'canary-b-0123456789abcdef'
const C = 'canary-c-0123456789abcdef'
const D = 'canary-d-0123456789abcdef'
const HOUR = 3_600_000
const GROUP = '/aws/lambda/boxhooks-prod-ingest'

let aws: Embedded
let stage: Deployed
let servers: Served[]
let folder: string
let secrets: SecretsManager
let logs: CloudWatchLogs
let env: Record<string, string>
/** The time of the command and of AWS. */
let clock: WaitClock
const now = () => clock.now()
beforeAll(async () => {
  aws = await startEmbedded()
  stage = await startDeployed(aws, { SignatureKeysSecretArn: 'keys' })
  folder = await mkdtemp(join(tmpdir(), 'boxhooks-keys-'))
  servers = [
    await serve({ fetch: request => secrets.fetch(request), port: 0 }),
    await serve({ fetch: request => logs.fetch(request), port: 0 }),
  ]
  const [secretsUrl = '', logsUrl = ''] = servers.map(({ url }) => url)
  env = {
    ...stage.env,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsUrl,
    AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: logsUrl,
  }
})
afterAll(async () => {
  for (const server of servers) await server.close()
  await stage.close()
  await aws.stop()
  await rm(folder, { recursive: true })
})
beforeEach(() => {
  clock = waitClock()
  secrets = createSecretsManager({ keys: JSON.stringify({ primary: A, secondary: B }) }, now)
  clock.advance(HOUR)
  logs = createCloudWatchLogs(now)
  logs.create(GROUP)
})

/** What is stored, as AWS’s own client reads it. */
async function text(): Promise<string> {
  const client = new SecretsManagerClient({
    endpoint: env.AWS_ENDPOINT_URL_SECRETS_MANAGER ?? '',
    region: 'eu-central-1',
    credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
  })
  const { SecretString = '' } = await client.send(new GetSecretValueCommand({ SecretId: 'keys' }))
  client.destroy()
  return SecretString
}
const secret = async () => readKeySecret(await text())

/** Box delivers, and ingest judges by what is stored. */
async function deliver(primary: string, secondary: string): Promise<number> {
  const keys = parseKeys(await text())
  const keyring = { current: async () => keys, refreshed: async () => undefined }
  const log = createLog({ now, write: line => logs.append(GROUP, line) })
  const queue = { send: async () => {} }
  const { status } = await ingest(deliveryOf({ primary, secondary }, now(), 'one'), {
    keyring,
    queue,
    log,
    now,
  })
  return status
}

const run = (args: readonly string[], options: CommandOptions = {}) =>
  runCommand(args, { env, ...clock, ...options })
const keys = (...args: string[]) => run(['keys', ...args])
const prod = (...args: string[]) => keys(...args, '--stage', 'prod')
const rotate = (...args: string[]) => prod('rotate', '--settle', '11s', ...args)
async function keyFile(key: string): Promise<string> {
  const path = join(folder, `${Math.random()}`)
  await writeFile(path, `\ufeff${key}\n`)
  return path
}
/** Puts the secret into the middle of a rotation that stored a key some time ago. */
function inRotation(key: string | undefined, secondsAgo: number): void {
  const at = now() - secondsAgo * 1000
  const before = readKeySecret(JSON.stringify({ primary: A, secondary: B }))
  const started = begun(before, { by: 'somebody', todo: ['secondary', 'primary'], at })
  const next = key === undefined ? started : withStored(started, key, at)
  secrets.set('keys', JSON.stringify({ ...next.keys, storedAt: next.storedAt, rotation: next.rotation }))
}

describe('boxhooks keys status', { timeout: 120_000 }, () => {
  test('says of each key its id, since when it is stored, and how often and when it was seen', async () => {
    await deliver(A, B)
    await deliver(A, B)
    const { code, out, err } = await prod('status')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toMatch(new RegExp(`primary +${keyId(A)} +before .*Z +\\d+s ago +2 of 2`))
    expect(out).toMatch(new RegExp(`secondary +${keyId(B)} +before .*Z +\\d+s ago +2 of 2`))
    expect(out).toContain('ok    Box signs with both keys that are stored.')
    expect(out).not.toContain('canary')
  })

  test('finds a key that Box signs with and that is not stored', async () => {
    await deliver(A, C)
    const { code, out } = await prod('status')
    expect(code).toBe(0)
    expect(out).toContain('Box signs with a secondary key that is not stored here')
    expect(out).toContain('npx boxhooks keys rotate --stage prod --only secondary stores it')
  })

  test('finds keys that are stored the other way round, and a stage that does not log keys yet', async () => {
    await deliver(B, A)
    expect((await prod('status')).out).toContain('the other way round')
    logs = createCloudWatchLogs(now)
    logs.append(GROUP, JSON.stringify({ event: 'delivery_accepted', eventId: 'old', key: 'primary' }))
    expect((await prod('status')).out).toContain('does not log which key signed them')
  })

  test('without a delivery says that nothing shows anything, as JSON too', async () => {
    const { code, out } = await prod('status', '--json')
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({
      deliveries: 0,
      refused: 0,
      keys: [
        { name: 'primary', id: keyId(A), lastSeenAt: null, seen: 0 },
        { name: 'secondary', id: keyId(B), lastSeenAt: null, seen: 0 },
      ],
      rotation: null,
      findings: [{ level: 'warn', text: expect.stringContaining('No delivery') }],
    })
  })

  test('fails where deliveries are refused because no key fits, and where no key is stored', async () => {
    expect(await deliver(C, D)).toBe(401)
    const refused = await prod('status')
    expect(refused.code).toBe(1)
    expect(refused.out).toContain('fail  The latest deliveries were refused')
    secrets.set('keys', '{"primary":"","secondary":""}')
    const none = await prod('status')
    expect(none).toMatchObject({ code: 1, out: expect.stringContaining('No signature key is stored') })
    secrets.set('keys', 'canary')
    const unreadable = await prod('status')
    expect(unreadable).toMatchObject({ code: 1, err: expect.stringContaining('no JSON object') })
    expect(unreadable.err).not.toContain('canary')
  })

  test('says what to do where there is no such stage, no output, or no right', async () => {
    expect(await keys('status', '--stage', 'nowhere')).toMatchObject({
      code: 1,
      err: expect.stringContaining('There is no stack boxhooks-nowhere'),
    })
    expect((await keys('status', '--stage', 'denied')).err).toContain('cloudformation:DescribeStacks')
    expect((await keys('status', '--stage', 'old')).err).toContain('SignatureKeysSecretArn')
    expect((await keys('status')).err).toContain('Specify --stage NAME')
    const denying = await startDenying()
    for (const [service, right] of [
      ['SECRETS_MANAGER', 'secretsmanager:GetSecretValue'],
      ['CLOUDWATCH_LOGS', 'logs:FilterLogEvents'],
    ]) {
      const { code, err } = await run(['keys', 'status', '--stage', 'prod'], {
        env: { ...env, [`AWS_ENDPOINT_URL_${service}`]: denying.url },
      })
      expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining(`the right ${right}`) })
    }
    await denying.close()
  })
})

describe('boxhooks keys rotate', { timeout: 180_000 }, () => {
  test('begins only when a delivery has shown what Box signs with, and says how to cause one', async () => {
    const { code, out, err } = await rotate('--timeout', '20s')
    expect(code).toBe(1)
    expect(clock.waitedMs).toBe(20_000)
    expect(err).toContain('uploading a file into a watched folder')
    expect(out).toContain('npx boxhooks keys rotate --stage prod goes on')
    expect((await secret()).rotation).toBeUndefined()
  })

  test('says at each stage what to do, and goes on where it was left, to the end', async () => {
    await deliver(A, B)
    const begin = await rotate('--no-wait')
    expect(begin.code).toBe(0)
    expect(begin.out).toContain("In Box's Developer Console open the app")
    expect(begin.out).toContain('reset the SECONDARY key')
    const stored = await run(['keys', 'rotate', '--stage', 'prod', '--no-wait', '--key-file', '-'], {
      input: C,
    })
    expect(stored).toMatchObject({
      code: 0,
      out: expect.stringContaining(`Stored as secondary: key ${keyId(C)}`),
    })
    expect(await secret()).toMatchObject({ keys: { primary: A, secondary: C }, rotation: { phase: 'seen' } })
    const waiting = await rotate('--no-wait', '--json')
    expect(JSON.parse(waiting.out)).toMatchObject({
      done: false,
      next: { key: 'secondary', action: 'wait-for-traffic', reliedUpon: 'primary' },
    })
    await deliver(A, C)
    const promoted = await rotate()
    expect(promoted.out).toContain(`Promoted: the new secondary key ${keyId(C)}`)
    expect(promoted.out).toContain('reset the PRIMARY key')
    expect(promoted).toMatchObject({ code: 1, err: expect.stringContaining('Nobody is there to ask') })
    await rotate('--no-wait', '--key-file', await keyFile(D))
    await deliver(D, C)
    const done = await rotate('--json')
    expect(done.code).toBe(0)
    expect(JSON.parse(done.out)).toEqual({
      done: true,
      next: null,
      keys: { primary: keyId(D), secondary: keyId(C) },
      rotation: null,
    })
    expect((await secret()).keys).toEqual({ primary: D, secondary: C })
    for (const { out, err } of [begin, stored, waiting, promoted, done])
      expect(out + err).not.toContain('canary')
  })

  test('at Ctrl-C leaves everything where it is, and the same command goes on', async () => {
    inRotation(C, 5)
    const stopping = waitClock(now(), () => running.interrupt())
    const running = startCommand(['keys', 'rotate', '--stage', 'prod', '--settle', '11s'], {
      env,
      ...stopping,
    })
    const { code, err } = await running.ended
    expect(code).toBe(130)
    expect(err).toContain('waiting for the first')
    expect(err).toContain('goes on')
    expect(await secret()).toMatchObject({ keys: { secondary: C }, rotation: { phase: 'seen' } })
    await deliver(A, C)
    expect((await rotate()).out).toContain('Promoted')
  })

  test('notices that the other key was reset, and puts it right', async () => {
    inRotation(C, 5)
    expect(await deliver(C, B)).toBe(202)
    const { out } = await prod('rotate', '--no-wait')
    expect(out).toContain('the primary key was reset instead of the secondary one')
    expect(await secret()).toMatchObject({
      keys: { primary: C, secondary: B },
      rotation: { todo: ['primary', 'secondary'], phase: 'seen' },
    })
    inRotation(undefined, 5)
    await deliver(C, B)
    const before = await prod('rotate', '--no-wait', '--key-file', await keyFile(C))
    expect(before.out).toContain('So the primary key comes first')
    expect((await secret()).keys).toEqual({ primary: C, secondary: B })
  })

  test('notices that the key is not what Box signs with, and asks for it again', async () => {
    inRotation(D, 70)
    await deliver(A, C)
    const { out } = await rotate('--no-wait')
    expect(out).toContain('Box does not sign with the key that was entered')
    expect(out).toContain('reset the SECONDARY key')
    expect(await secret()).toMatchObject({ keys: { primary: A, secondary: B }, rotation: { phase: 'reset' } })
  })

  test('takes a wrong key back where the other one was reset as well, so that deliveries pass again', async () => {
    inRotation(D, 5)
    expect(await deliver(C, B)).toBe(401)
    const { out } = await rotate('--no-wait')
    expect(out).toContain('Box delivers again what was refused')
    expect(await deliver(C, B)).toBe(202)
    expect((await rotate('--no-wait')).out).toContain('So the primary key comes first')
  })

  test('refuses a key that can’t be the new one, and shows nothing of it', async () => {
    inRotation(undefined, 5)
    for (const [key, told] of [
      [A, 'It is what is stored as primary already'],
      ['canary short', 'white space'],
      ['canary', 'too short'],
      ['', 'Nothing was entered'],
    ] as const) {
      const { code, out, err } = await rotate('--key-file', await keyFile(key))
      expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining(told) })
      expect(out + err).not.toContain('canary')
    }
    expect((await rotate('--key-file', join(folder, 'nowhere'))).err).toContain("can't be read (ENOENT)")
    expect((await secret()).keys).toEqual({ primary: A, secondary: B })
  })

  test('does not replace the only key that Box signs with', async () => {
    await deliver(A, C)
    const { code, err } = await rotate('--only', 'primary')
    expect({ code, err }).toEqual({
      code: 1,
      err: expect.stringContaining('Box does not sign with the secondary key that is stored'),
    })
    expect((await rotate('--only', 'secondary', '--no-wait')).out).toContain('has been reset already')
  })

  test('of two operators the second sees what the first has done, and overwrites nothing', async () => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
    const place = { stage: 'prod', region: 'eu-central-1' }
    const [one, other] = [await connectKeys(testShell(), place), await connectKeys(testShell(), place)]
    const before = await one.read()
    const same = await other.read()
    await one.write(before, { ...before.secret, keys: { primary: A, secondary: C } })
    await expect(other.write(same, { ...same.secret, keys: { primary: A, secondary: D } })).rejects.toThrow(
      KeysChanged,
    )
    expect((await secret()).keys.secondary).toBe(C)
    const again = await other.read()
    await other.write(again, { ...again.secret, keys: { primary: A, secondary: D } })
    expect((await secret()).keys.secondary).toBe(D)
    one.close()
    other.close()
    vi.unstubAllEnvs()
  })

  test('asks at a terminal without showing what is typed, again where it can’t be, and can be left there', async () => {
    inRotation(undefined, 5)
    const { terminal, shown, type } = fakeTerminal()
    const asking = startCommand(['keys', 'rotate', '--stage', 'prod'], { env, ...clock, terminal })
    await expect.poll(shown).toContain('New secondary key: ')
    type('canary\n')
    await expect.poll(() => shown().split('New secondary key: ').length).toBe(3)
    type('\u0003')
    const { code, out, err } = await asking.ended
    expect(code).toBe(130)
    expect(out).toContain('too short')
    expect(shown() + out + err).not.toContain('canary')
    expect(await secret()).toMatchObject({ keys: { secondary: B }, rotation: { phase: 'reset' } })
  })

  test('--abort ends it where it is, after a yes; what was stored goes where the traffic shows it', async () => {
    expect((await rotate('--abort')).out).toContain('No rotation of stage prod is under way')
    inRotation(C, 5)
    const asked = await rotate('--abort')
    expect(asked).toMatchObject({ code: 1, err: expect.stringContaining('nothing was changed') })
    expect((await secret()).rotation).toBeDefined()
    await deliver(C, B)
    expect(await rotate('--abort', '--yes')).toMatchObject({ code: 0 })
    expect(await secret()).toMatchObject({ keys: { primary: C, secondary: B }, rotation: undefined })
  })

  test('secrets set does not write into a rotation', async () => {
    inRotation(C, 5)
    const set = ['secrets', 'set', 'signature-keys', '--stage', 'prod', '--file']
    const file = await keyFile(JSON.stringify({ primary: D }))
    const { code, err } = await run([...set, file])
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('A rotation is under way') })
    expect((await secret()).keys.primary).toBe(A)
  })

  test('says which right is missing, and that less waiting than the front door’s cache would refuse deliveries', async () => {
    const denying = await startDenying()
    const { code, err } = await run(['keys', 'rotate', '--stage', 'prod'], {
      env: { ...env, AWS_ENDPOINT_URL_SECRETS_MANAGER: denying.url },
    })
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('secretsmanager:GetSecretValue') })
    await denying.close()
    expect((await prod('rotate', '--settle', '10s')).err).toContain('It must be 11s at least')
  })
})
