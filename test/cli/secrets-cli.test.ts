import { createHash, generateKeyPairSync } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { SECRETS, type SecretName } from '../../cli/stage/secret-rules.ts'
import { openPrompt, PromptEnded } from '../../cli/terminal/prompt.ts'
import { createSecretsManager, type SecretsManager } from '../../local/aws/secrets-manager.ts'
import { type Served, serve } from '../../local/serve.ts'
import { type CommandOptions, runCommand, startCommand } from '../support/command.ts'
import { useStage } from '../support/stage.ts'
import { fakeTerminal } from '../support/terminal.ts'

const REGION = 'eu-central-1'
const KEYS = { primary: 'canary-key-one-0123456789', secondary: 'canary-key-two-0123456789' }
const PASSPHRASE = 'canary-passphrase'
const ENCRYPTED = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: PASSPHRASE } as const
const SPKI = { type: 'spki', format: 'pem' } as const
const rsa = (modulusLength: number) =>
  generateKeyPairSync('rsa', { modulusLength, privateKeyEncoding: ENCRYPTED, publicKeyEncoding: SPKI })
    .privateKey

/** A JWT configuration file as Box’s Developer Console gives it. */
const jwtFile = (appAuth: Readonly<Record<string, string>> = {}, more: object = {}) => ({
  boxAppSettings: {
    clientID: 'canaryclientid0123456789abcdef01',
    clientSecret: 'canaryclientsecret0123456789abcd',
    appAuth: { publicKeyID: 'abcd1234', privateKey: PRIVATE_KEY, passphrase: PASSPHRASE, ...appAuth },
  },
  enterpriseID: '123456',
  ...more,
})
const PRIVATE_KEY = rsa(2048)
const CREDENTIALS = {
  clientId: 'canaryclientid0123456789abcdef01',
  clientSecret: 'canaryclientsecret0123456789abcd',
  enterpriseId: '123456',
}

const at = useStage({ SignatureKeysSecretArn: 'keys', BoxAppSecretArn: 'app' })
let folder: string
let secrets: SecretsManager
let server: Served
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'boxhooks-secrets-'))
  server = await serve({ fetch: request => secrets.fetch(request), port: 0 })
})
afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true })
})
beforeEach(() => {
  secrets = createSecretsManager({ keys: '{"primary":"","secondary":""}', app: '{}' })
})

const environment = (more: CommandOptions['env'] = {}) => ({
  ...at.stage.env,
  AWS_ENDPOINT_URL_SECRETS_MANAGER: server.url,
  ...more,
})
const boxhooks = (args: readonly string[], { env, ...options }: CommandOptions = {}) =>
  runCommand(['secrets', ...args], { ...options, env: environment(env) })

async function file(content: object | string): Promise<string> {
  const path = join(folder, `${Math.random()}.json`)
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

/** What is said of a secret that is not stored. */
async function refusalOf(name: SecretName, content: object | string): Promise<string> {
  const { code, out, err } = await boxhooks(['set', name, '--stage', 'prod', '--file', await file(content)])
  expect({ code, out }).toEqual({ code: 1, out: '' })
  return err
}

/** What is stored, as AWS’s own client reads it. */
async function stored(SecretId: string): Promise<unknown> {
  const client = new SecretsManagerClient({
    endpoint: server.url,
    region: REGION,
    credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
  })
  const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId }))
  client.destroy()
  return JSON.parse(SecretString ?? 'null')
}

describe('boxhooks secrets', { timeout: 60_000 }, () => {
  test('set stores signature keys from a file in the secret of the stage, and says what comes next', async () => {
    const { code, out, err } = await boxhooks([
      'set',
      'signature-keys',
      '--stage',
      'prod',
      '--file',
      await file({ primary: ` ${KEYS.primary}\n`, secondary: KEYS.secondary }),
    ])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(await stored('keys')).toEqual(KEYS)
    expect(out).toContain('Next: npx boxhooks secrets check --stage prod')
    expect(out).not.toContain('canary')
  })

  test('set reads standard input, and leaves the key that is not given as it is', async () => {
    secrets.set('keys', JSON.stringify(KEYS))
    const secondary = 'canary-key-three-0123456789'
    const args = ['set', 'signature-keys', '--secret-id', 'keys', '--file', '-']
    expect(await boxhooks(args, { input: `\ufeff${JSON.stringify({ secondary })}` })).toMatchObject({
      code: 0,
      err: '',
    })
    expect(await stored('keys')).toEqual({ primary: KEYS.primary, secondary })
  })

  test.each([
    ['client credentials', CREDENTIALS],
    ['a JWT configuration file as downloaded', jwtFile()],
  ])('set stores %s, and check finds nothing wrong with them', async (_, app) => {
    expect(await boxhooks(['set', 'box-app', '--stage', 'prod', '--file', await file(app)])).toMatchObject({
      code: 0,
      out: expect.stringContaining('npx boxhooks webhooks apply --stage prod'),
    })
    expect(await stored('app')).toEqual(app)
    secrets.set('keys', JSON.stringify(KEYS))
    const checked = await boxhooks(['check', '--stage', 'prod'])
    expect(checked).toEqual({ code: 0, out: 'ok    signature-keys\nok    box-app\n', err: '' })
  })

  test.each([
    ['no JSON', 'canary-key', 'It is no JSON object'],
    ['no key', { primary: '' }, 'It holds no signature key yet'],
    [
      'a key with a space in it',
      { primary: 'canary key one two three' },
      'primary: There is white space within it',
    ],
    ['a key that is too short', { secondary: 'canary-short' }, 'secondary: It is too short'],
    [
      'a key twice',
      { primary: KEYS.primary, secondary: KEYS.primary },
      'secondary: It is the same as primary',
    ],
    ['a key with odd characters', { primary: 'canary-key-“one”-0123456789' }, 'primary: It has characters'],
  ])('set refuses %s, says what is wrong with which field, and changes nothing', async (_, content, told) => {
    const refusal = await refusalOf('signature-keys', content)
    expect(refusal).toContain(told)
    expect(refusal).not.toContain('canary')
    expect(await stored('keys')).toEqual({ primary: '', secondary: '' })
  })

  test.each([
    ['no JSON', '{"clientId": "canary', 'secret is no JSON object'],
    ['no credentials', {}, 'holds no credentials yet'],
    ['no client secret', { ...CREDENTIALS, clientSecret: '' }, 'lacks clientSecret'],
    [
      'a client id with a space',
      { ...CREDENTIALS, clientId: 'canary client id' },
      'clientId: It has characters',
    ],
    [
      'an enterprise that is no number',
      { ...CREDENTIALS, enterpriseId: 'canary' },
      'enterpriseId: It must be a number',
    ],
    [
      'a JWT file without its key id',
      jwtFile({ publicKeyID: '' }),
      'lacks boxAppSettings.appAuth.publicKeyID',
    ],
    [
      'a passphrase that does not fit',
      jwtFile({ passphrase: 'canary-other' }),
      'privateKey: It can’t be decrypted'.replace('’', "'"),
    ],
    [
      'a private key that is cut off',
      jwtFile({ privateKey: PRIVATE_KEY.slice(0, 400) }),
      'privateKey: It is no private key',
    ],
    ['a public key', jwtFile({ privateKey: 'canary' }), 'privateKey: It is no private key in PEM form'],
    ['an RSA key that is too short', jwtFile({ privateKey: rsa(1024) }), 'fewer than the 2048 bits'],
    ['a key of another kind', jwtFile({ privateKey: elliptic() }), 'It is no RSA key'],
    ['a JWT file without its enterprise', jwtFile({}, { enterpriseID: '' }), 'lacks enterpriseID'],
  ])(
    'set refuses %s as a Box app, says which field is wrong, and changes nothing',
    async (_, content, told) => {
      const refusal = await refusalOf('box-app', content)
      expect(refusal).toContain(told)
      expect(refusal).not.toContain('canary')
      expect(await stored('app')).toEqual({})
    },
  )

  test.each([
    ['a misspelt field', { primry: 'canary-key-new-0123456789' }, 'There is another field than primary'],
    [
      'one field right and one misspelt',
      { primary: 'canary-key-new-0123456789', Secondary: 'canary' },
      'There is another field',
    ],
    ['a key that is no text', { primary: 1234567890123456 }, 'primary: It must be text'],
    ['no key', {}, 'It gives neither primary nor secondary'],
    ['blank keys', { primary: ' ', secondary: '' }, 'It gives neither primary nor secondary'],
  ])(
    'set refuses %s where keys are stored already, instead of calling the old ones stored',
    async (_, content, told) => {
      secrets.set('keys', JSON.stringify(KEYS))
      const refusal = await refusalOf('signature-keys', content)
      expect(refusal).toContain(told)
      expect(refusal).not.toContain('canary')
      expect(await stored('keys')).toEqual(KEYS)
    },
  )

  test('check says of each secret what is wrong and how to mend it, and ends with 1', async () => {
    secrets.set('keys', JSON.stringify({ primary: KEYS.primary }))
    const { code, out } = await boxhooks(['check', '--stage', 'prod'])
    expect(code).toBe(1)
    expect(out).toContain('warn  signature-keys\n      There is no secondary key')
    expect(out).toContain('fail  box-app\n')
    expect(out).toContain('Fix: npx boxhooks secrets set box-app --stage prod')
    const json = await boxhooks(['check', 'box-app', '--secret-id', 'app', '--json'])
    expect(json.code).toBe(1)
    expect(JSON.parse(json.out)).toMatchObject([{ name: 'box-app', ok: false, warnings: [] }])
  })

  test.each([
    [
      'a stage that is not deployed',
      ['check', '--stage', 'nowhere'],
      'There is no stack boxhooks-nowhere in eu-central-1. Deploy the stage first',
    ],
    [
      'a stage that may not be read',
      ['check', '--stage', 'denied'],
      'needs the right cloudformation:DescribeStacks',
    ],
    ['a stage whose deployment failed', ['check', '--stage', 'broken'], 'its state is ROLLBACK_COMPLETE'],
    [
      'a stage of an older version',
      ['set', 'box-app', '--stage', 'old', '--file', '-'],
      'has no output BoxAppSecretArn',
    ],
    ['a stage without V1', ['set', 'v1-tokens', '--stage', 'prod', '--file', '-'], 'takes no V1 callbacks'],
    [
      'a secret that is not there',
      ['check', 'box-app', '--secret-id', 'gone'],
      'There is no secret gone in eu-central-1',
    ],
    [
      'a file that is not there',
      ['set', 'box-app', '--stage', 'prod', '--file', '/nowhere.json'],
      "/nowhere.json can't be read (ENOENT)",
    ],
    [
      'nobody to ask',
      ['set', 'box-app', '--stage', 'prod'],
      'Nobody is there to ask. Give a file with --file',
    ],
  ])('says what to do about %s', async (_, args, told) => {
    const { code, out, err } = await boxhooks(args, { input: '{}' })
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toContain(told)
    expect(err).not.toContain('    at ')
  })

  test.each([
    ['no stage', ['check'], 'Say where: --stage NAME'],
    [
      'a stage and a secret',
      ['check', 'box-app', '--stage', 'a', '--secret-id', 'b'],
      'Say where: --stage NAME',
    ],
    ['another secret', ['set', 'password', '--stage', 'prod'], "'password' is invalid"],
  ])('exits 2 at %s', async (_, args, told) => {
    const { code, out, err } = await boxhooks(args, { input: '{}' })
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(told)
  })

  test('says of a sign-on that is over what the AWS SDK says', async () => {
    const home = await mkdtemp(join(folder, 'home-'))
    const cache = join(home, '.aws', 'sso', 'cache')
    await mkdir(cache, { recursive: true })
    await writeFile(
      join(cache, `${createHash('sha1').update('https://example.awsapps.com/start').digest('hex')}.json`),
      JSON.stringify({ accessToken: 'canary', expiresAt: '2020-01-01T00:00:00Z' }),
    )
    const config = join(home, 'config')
    await writeFile(
      config,
      '[profile over]\nsso_account_id = 123456789012\nsso_role_name = r\nsso_start_url = https://example.awsapps.com/start\nsso_region = eu-central-1\n',
    )
    const { code, err } = await boxhooks(['check', '--stage', 'prod'], {
      env: {
        AWS_PROFILE: 'over',
        AWS_ACCESS_KEY_ID: '',
        AWS_SECRET_ACCESS_KEY: '',
        AWS_CONFIG_FILE: config,
        AWS_SHARED_CREDENTIALS_FILE: join(home, 'none'),
        HOME: home,
        AWS_EC2_METADATA_DISABLED: 'true',
      },
    })
    expect(code).toBe(1)
    expect(err).toMatch(/^There are no AWS credentials that can be used: .* has expired\. .*aws sso login/)
    expect(err).not.toContain('canary')
  })

  test('has no option that would take a secret from the command line', async () => {
    const { out } = await boxhooks(['set', '--help'])
    expect(out.match(/--[\w-]+/g)).toEqual(['--stage', '--region', '--secret-id', '--file', '--help'])
  })
})

const elliptic = () =>
  generateKeyPairSync('ec', { namedCurve: 'P-256', privateKeyEncoding: ENCRYPTED, publicKeyEncoding: SPKI })
    .privateKey

describe('prompts', () => {
  test('show what is asked, and nothing of a hidden answer', async () => {
    const { terminal, type, shown } = fakeTerminal()
    const prompt = openPrompt(terminal)
    const id = prompt.ask('Client id: ')
    type('some-id\r')
    expect(await id).toBe('some-id')
    const secret = prompt.ask('Client secret: ', { hidden: true })
    type('canary-secret \r')
    expect(await secret).toBe('canary-secret')
    prompt.close()
    expect(shown()).toContain('some-id')
    expect(shown()).toMatch(/Client secret: \n$/)
    expect(shown()).not.toContain('canary')
  })

  test('take lines that are pasted together as answers one after the other, and show none of them', async () => {
    const { terminal, type, shown } = fakeTerminal()
    const prompt = openPrompt(terminal)
    const primary = prompt.ask('Primary: ', { hidden: true })
    type('canary-one\rcanary-two\r')
    expect(await primary).toBe('canary-one')
    expect(await prompt.ask('Secondary: ', { hidden: true })).toBe('canary-two')
    prompt.close()
    expect(shown()).not.toContain('canary')
  })

  test('end at Ctrl-C and at the end of the input', async () => {
    for (const key of ['\u0003', '\u0004']) {
      const { terminal, type } = fakeTerminal()
      const prompt = openPrompt(terminal)
      const answer = prompt.ask('Client id: ')
      type(key)
      await expect(answer).rejects.toThrow(PromptEnded)
      await expect(prompt.ask('Client secret: ')).rejects.toThrow(PromptEnded)
    }
  })

  test('set asks for both keys, and an empty answer keeps what is stored', async () => {
    secrets.set('keys', JSON.stringify(KEYS))
    const { terminal, type, shown } = fakeTerminal()
    const args = ['secrets', 'set', 'signature-keys', '--secret-id', 'keys']
    const set = startCommand(args, { env: environment(), terminal })
    await expect.poll(shown, { timeout: 10_000 }).toContain('Primary (empty keeps what is stored): ')
    type('\r')
    await expect.poll(shown, { timeout: 10_000 }).toContain('Secondary')
    type('canary-key-four-0123456789\r')
    const { code, out } = await set.ended
    expect({ code, out }).toEqual({ code: 0, out: 'Stored the signature keys of the Box app.\n' })
    expect(await stored('keys')).toEqual({ primary: KEYS.primary, secondary: 'canary-key-four-0123456789' })
    expect(shown()).not.toContain('canary')
  })
})

test('whatever a secret is, what is said of it has no part of it', () => {
  const canary = fc.string({ minLength: 1 }).map(text => `canary${text}`)
  const value = fc.oneof(canary, fc.constantFrom('', '123456'))
  const secret = fc.oneof(
    fc.record({ primary: value, secondary: value }, { requiredKeys: [] }),
    fc.record(
      { clientId: value, clientSecret: value, enterpriseId: value, userId: value },
      { requiredKeys: [] },
    ),
    fc
      .record({ publicKeyID: value, privateKey: value, passphrase: value }, { requiredKeys: [] })
      .map(auth => jwtFile(auth)),
    fc.jsonValue(),
  )
  fc.assert(
    fc.property(
      fc.oneof(
        secret.map(json => JSON.stringify(json)),
        canary,
      ),
      text => {
        for (const { problems, warnings } of Object.values(SECRETS))
          expect([...problems(text), ...warnings(text)].join('\n')).not.toContain('canary')
      },
    ),
    { numRuns: 300, seed: 20_261_127 },
  )
})
