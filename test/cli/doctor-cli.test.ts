import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { PurgeQueueCommand } from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { CHECKS } from '../../cli/doctor/doctor.ts'
import { EXAMPLES, ROOT } from '../../infra/build/bundle.ts'
import { isObject, parseObject } from '../../lib/base/json.ts'
import { createQueue } from '../../lib/queue/queue.ts'
import { serve } from '../../local/serve.ts'
import { runCommand, startCommand } from '../support/command.ts'
import { alarm, type ControlPlane, startControlPlane } from '../support/control-plane.ts'
import { letterOf } from '../support/letters.ts'
import type { Ended } from '../support/spawn.ts'
import { useStack } from '../support/stack.ts'

const BOX_APP = { clientId: 'local-client', clientSecret: 'local-secret', enterpriseId: '1' }
/** What depends on what the emulated Box and this folder have, and is tested by itself. */
const NOT_JUDGED = new Set(['automations'])

const stack = useStack()
let aws: ControlPlane
beforeAll(async () => {
  aws = await startControlPlane(stack)
})
afterAll(() => aws.close())
beforeEach(async () => {
  aws.heal()
  stack.box.faults.length = 0
})

type Told = {
  readonly status: string
  readonly found: string
  readonly fix?: string
  readonly details: readonly string[]
}

const doctor = (...args: string[]): Promise<Ended> =>
  runCommand(['doctor', '--stage', 'local', ...args], { env: aws.env, project: EXAMPLES })

/** What the command says of each check, and how it ended. */
async function examine() {
  const { code, out, err } = await doctor('--json')
  return { code, err, ...read(out) }
}

function read(out: string) {
  const json = parseObject(out) ?? {}
  const checks = (Array.isArray(json.checks) ? json.checks : []).filter(isObject)
  const by = (name: string): Told => {
    const found = checks.find(({ check }) => check === name)
    if (!found) throw new Error(`Nothing is told of ${name}: ${out}`)
    const { status, found: text, fix, details } = found
    return {
      status: String(status),
      found: String(text),
      ...(fix === undefined ? {} : { fix: String(fix) }),
      details: Array.isArray(details) ? details.map(String) : [],
    }
  }
  /** The checks that are not well, those left out that no test of all can judge. */
  const ill = (...statuses: string[]): string[] =>
    checks
      .filter(({ status }) => statuses.includes(String(status)))
      .map(({ check }) => String(check))
      .filter(name => !NOT_JUDGED.has(name))
  return { json, by, ill }
}

async function store(output: string, value: object | string): Promise<void> {
  const client = new SecretsManagerClient({
    endpoint: aws.env.AWS_ENDPOINT_URL ?? '',
    region: 'eu-central-1',
    credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
  })
  const SecretString = typeof value === 'string' ? value : JSON.stringify(value)
  await client.send(new PutSecretValueCommand({ SecretId: aws.state.outputs[output] ?? '', SecretString }))
  client.destroy()
}
/** Stores keys; an instance of ingest would keep to those before for a while. */
async function storeKeys(keys: object): Promise<void> {
  await store('SignatureKeysSecretArn', keys)
  await stack.lambdas.ingest.kill()
}
async function storeApp(app: object): Promise<void> {
  await store('BoxAppSecretArn', app)
  await stack.lambdas.reconcile.kill()
}
/** Lets a secret hold something else for whoever reads it through AWS, which the functions do not. */
function bendSecret(output: string, value: object): void {
  const id = aws.state.outputs[output]
  aws.state.bend = (right, json) =>
    right === 'secretsmanager:GetSecretValue' && (json.Name === id || json.ARN === id)
      ? { ...json, SecretString: JSON.stringify(value) }
      : json
}

describe('boxhooks doctor', { timeout: 120_000 }, () => {
  test('finds a healthy stage well, changes nothing, and ends with 0', async () => {
    const before = JSON.stringify([...stack.box.webhooks.all.values()])
    const { code, err, ill, json, by } = await examine()
    expect({ code, err, ill: ill('fail', 'unknown', 'warn') }).toEqual({ code: 0, err: '', ill: [] })
    expect(ill('skipped')).toEqual(['v1-tokens', 'certificate', 'v1-refused'])
    expect(json.place).toEqual({ stage: 'local', region: 'eu-central-1' })
    expect(by('box-token').found).toContain('boxhooks service account')
    expect(by('webhooks').found).toBe('1 webhook as declared, of 1 webhook of the app.')
    expect(by('consumer').found).toBe('automate reads the queue: 10 events a batch, 5 Lambdas at a time.')
    expect(by('alarms').found).toBe('2 alarms, none raised.')
    expect(by('functions').found).toBe('4 functions on nodejs24.x, arm64, the last update successful.')
    expect(by('version').found).toContain('as in this clone')
    expect(JSON.stringify([...stack.box.webhooks.all.values()])).toBe(before)
    expect((await stack.aws.depth(stack.aws.queueUrl)).waiting).toBe(0)
    for (const right of aws.state.asked) expect(right).toMatch(/:(Describe|Get|List|InvokeFunction)/)
  })

  test('prints a line for each check in its group, in order, and no secret', async () => {
    const { code, out } = await doctor()
    expect(code).toBe(0)
    const names = [...out.matchAll(/^ {2}(?:ok {2}|warn|FAIL|\? {3}|- {3}) {2}([a-z0-9-]+)/gm)].map(
      ([, name]) => name,
    )
    expect(names).toEqual(CHECKS.map(({ name }) => name))
    const groups = [...out.matchAll(/^([A-Z][A-Za-z ]+)$/gm)].map(([, group]) => group)
    expect(groups).toEqual([
      'Box app',
      'Webhooks',
      'Ingest endpoint',
      'Queue',
      'Ledger',
      'Alarms',
      'Versions',
      'Clock',
    ])
    expect(out).toMatch(/^Stage local in eu-central-1, http:\/\/localhost:\d+\/box\/webhook\n/)
    expect(out).toMatch(/\n\d+ ok, 3 skipped\.\n$|\n1 warning, \d+ ok, 3 skipped\.\n$/)
    for (const secret of [stack.keys.primary, stack.keys.secondary, BOX_APP.clientSecret])
      expect(out).not.toContain(secret)
  })

  test('names what is to be seen to, each with its fix, and warnings alone end with 0', async () => {
    bendSecret('SignatureKeysSecretArn', { primary: stack.keys.primary })
    await createQueue(stack.aws.sqs, stack.aws.deadLetterQueueUrl).send(letterOf({ id: 'dead' }))
    const { state } = aws
    state.recovery = 'DISABLED'
    state.topic = { SubscriptionsConfirmed: '0', SubscriptionsPending: '1' }
    state.alarms = [alarm('DeadLetters', 'ALARM'), alarm('QueueAge')]
    state.ages = [9000, 7200]
    const automate = state.functions['boxhooks-local-automate'] ?? {}
    automate.Runtime = 'nodejs20.x'
    for (const one of Object.values(state.functions))
      one.Environment = { Variables: { BOXHOOKS_VERSION: '0.0.9+code.0123456789ab.stack.0123456789ab' } }
    stack.box.faults.push({ path: /\/events/, status: 403, times: 9 })
    const { code, by, ill } = await examine()
    await stack.aws.sqs.send(new PurgeQueueCommand({ QueueUrl: stack.aws.deadLetterQueueUrl }))
    expect(code).toBe(0)
    expect(ill('warn')).toEqual([
      'signature-keys',
      'enterprise-events',
      'queue-age',
      'dead-letters',
      'recovery',
      'alarms',
      'alarm-topic',
      'functions',
      'version',
      'settings',
    ])
    expect(by('signature-keys')).toMatchObject({
      found: expect.stringContaining('There is no secondary key'),
      fix: 'npx boxhooks secrets set signature-keys --stage local',
    })
    expect(by('queue-age')).toMatchObject({
      found: 'The oldest event has waited for 2 h.',
      fix: expect.stringContaining('/aws/lambda/boxhooks-local-automate'),
    })
    expect(by('dead-letters')).toMatchObject({
      found: '1 dead letter.',
      fix: 'npx boxhooks dlq list --stage local',
    })
    expect(by('recovery').fix).toMatch(/^aws dynamodb update-continuous-backups --table-name \S+ /)
    expect(by('alarms')).toMatchObject({
      found: '1 alarm of 2 raised.',
      fix: expect.stringContaining('docs/operate.md#alarms'),
      details: [expect.stringMatching(/^DeadLetters, since 2026-\S+Z: What DeadLetters means\.$/)],
    })
    expect(by('alarm-topic')).toMatchObject({
      found: expect.stringContaining('not confirmed'),
      fix: expect.stringContaining('Subscription Confirmation'),
    })
    expect(by('functions')).toMatchObject({
      fix: 'npm run deploy -- --stage local',
      details: ['automate: Active, last update Successful, nodejs20.x, arm64'],
    })
    expect(by('version')).toMatchObject({
      found: expect.stringMatching(
        /release 0\.0\.9 is deployed, and 0\.1\.0 here; the functions’ code differs; the template differs/,
      ),
      fix: expect.stringContaining('npm run deploy -- --stage local'),
    })
    expect(by('settings').found).toContain('ALLOWED_DOMAINS, ARCHIVE_FOLDER_ID, REVIEW_FOLDER_ID')
    expect(by('enterprise-events')).toMatchObject({
      status: 'warn',
      fix: expect.stringContaining('Manage enterprise properties'),
    })
  })

  test('names what is broken on AWS, each with its fix, and ends with 1', async () => {
    const { state } = aws
    state.mappings = [{ ...state.mappings[0], State: 'Disabled' }]
    state.timeToLive = { TimeToLiveStatus: 'DISABLED' }
    state.alarms = [alarm('IngestServerErrors', 'ALARM'), alarm('DeadLetters', 'ALARM')]
    state.topic = { SubscriptionsConfirmed: '0', SubscriptionsPending: '0' }
    state.ages = [90_000]
    const [ingest] = Object.values(state.functions)
    Object.assign(ingest ?? {}, { LastUpdateStatus: 'Failed', Environment: { Variables: {} } })
    state.bend = (right, json) => {
      if (right === 'sqs:GetQueueAttributes' && isObject(json.Attributes)) {
        const { RedrivePolicy: _, ...rest } = json.Attributes
        return { ...json, Attributes: { ...rest, ApproximateNumberOfMessages: '70000' } }
      }
      if (right === 'dynamodb:DescribeTable' && isObject(json.Table))
        return { ...json, Table: { ...json.Table, GlobalSecondaryIndexes: [] } }
      return json
    }
    const { code, by, ill } = await examine()
    expect(code).toBe(1)
    expect(ill('fail')).toEqual([
      'queue',
      'queue-age',
      'consumer',
      'table',
      'expiry',
      'alarms',
      'functions',
      'version',
    ])
    expect(by('queue')).toMatchObject({
      found: expect.stringMatching(/^70,000 events in the backlog.*do not go to the dead-letter queue/),
      fix: 'npm run deploy -- --stage local',
    })
    expect(by('queue-age').found).toBe('The oldest event has waited for 25 h.')
    expect(by('consumer')).toMatchObject({
      found: expect.stringContaining('Disabled'),
      fix: 'aws lambda update-event-source-mapping --uuid uuid-1 --enabled --region eu-central-1',
    })
    expect(by('table')).toMatchObject({ found: expect.stringContaining('lacks the index bySource') })
    expect(by('expiry').fix).toContain('aws dynamodb update-time-to-live')
    expect(by('alarms').details).toHaveLength(2)
    expect(by('alarm-topic')).toMatchObject({
      status: 'warn',
      fix: expect.stringContaining('params.alarmEmail'),
    })
    expect(by('functions').details).toEqual(['ingest: Active, last update Failed, nodejs24.x, arm64'])
    expect(by('version').found).toContain('a deployment was interrupted')
  })

  test('names what is gone, each with its fix', async () => {
    const { state } = aws
    state.mappings = []
    state.alarms = []
    state.outputs.LedgerTable = 'gone'
    state.functions = {}
    const { code, by, ill } = await examine()
    expect(code).toBe(1)
    expect(ill('fail')).toEqual(['consumer', 'table', 'alarms'])
    expect(by('table').found).toContain('The ledger’s table is gone')
    expect(by('consumer')).toMatchObject({ found: expect.stringContaining('event source mapping is gone') })
    expect(by('alarms')).toMatchObject({ fix: 'npm run deploy -- --stage local' })
    expect(by('functions')).toMatchObject({
      status: 'unknown',
      found: expect.stringContaining('There is no function boxhooks-local-'),
    })
  })

  test('tells that no signature key is stored, and that both are the same', async () => {
    await storeKeys({ primary: '', secondary: '' })
    const none = await examine()
    await storeKeys(stack.keys)
    bendSecret('SignatureKeysSecretArn', { primary: stack.keys.primary, secondary: stack.keys.primary })
    const twice = await examine()
    expect([none.code, twice.code]).toEqual([1, 1])
    const fix = 'npx boxhooks secrets set signature-keys --stage local'
    expect(none.ill('fail')).toEqual(['signature-keys', 'forged-refused'])
    expect(none.by('forged-refused')).toMatchObject({ found: expect.stringContaining('503 no_key'), fix })
    expect(twice.ill('fail')).toEqual(['signature-keys'])
    expect(twice.by('signature-keys')).toMatchObject({
      found: expect.stringContaining('the same as primary'),
      fix,
    })
  })

  test('tells of another function that takes events off the queue', async () => {
    const FunctionArn = 'arn:aws:lambda:eu-central-1:000000000000:function:theirs'
    aws.state.mappings.push({ ...aws.state.mappings[0], UUID: 'uuid-2', FunctionArn })
    const { code, ill, by } = await examine()
    expect({ code, ill: ill('fail') }).toEqual({ code: 1, ill: ['consumer'] })
    expect(by('consumer')).toMatchObject({
      found: expect.stringContaining('Another function reads the queue'),
      fix: expect.stringContaining('delete-event-source-mapping'),
      details: [`${FunctionArn}, event source mapping uuid-2`],
    })
  })

  test('tells of a watched item where the app may change nothing', async () => {
    aws.state.bend = (right, json) => {
      const { check } = json
      if (right !== 'lambda:InvokeFunction' || !isObject(check) || !Array.isArray(check.targets)) return json
      const readOnly = { canUpload: false, canChange: false }
      const targets = check.targets.filter(isObject).map(target => ({ ...target, ...readOnly }))
      return { ...json, check: { ...check, targets } }
    }
    const { code, ill, by } = await examine()
    expect({ code, ill: ill('warn', 'fail') }).toEqual({ code: 0, ill: ['watched-items'] })
    expect(by('watched-items')).toMatchObject({
      found: 'The app can only read 1 of 1 watched item.',
      fix: expect.stringContaining('Editor or Co-owner'),
      details: ['folder:100001'],
    })
  })

  test('tells that the tokens of V1 callbacks are none, and of clocks that are off', async () => {
    const { state } = aws
    state.outputs.V1SecretArn = state.outputs.BoxAppSecretArn ?? ''
    const shift = (seconds: number) => {
      state.bend = (right, json) => {
        const { check } = json
        if (right !== 'lambda:InvokeFunction' || !isObject(check) || !isObject(check.clock)) return json
        const clock = { ...check.clock, boxAt: Number(check.clock.at) + seconds * 1000 }
        return { ...json, check: { ...check, clock } }
      }
    }
    const front = await serve({
      fetch: async request => {
        const { pathname } = new URL(request.url)
        const passed = await fetch(`${stack.url}${pathname}`, {
          method: request.method,
          headers: request.headers,
          ...(request.method === 'POST' ? { body: await request.arrayBuffer() } : {}),
        })
        const date = new Date(Date.now() - 600_000).toUTCString()
        const headers = { 'content-type': 'application/json', date }
        return new Response(await passed.text(), { status: passed.status, headers })
      },
      port: 0,
    })
    state.outputs.DomainWebhookUrl = `${front.url}/box/webhook`
    shift(-3600)
    const ahead = await examine()
    shift(3600)
    const behind = await examine()
    shift(-400)
    const drifting = await examine()
    await front.close()
    expect(ahead.by('v1-tokens')).toMatchObject({
      status: 'fail',
      fix: 'npx boxhooks secrets set v1-tokens --stage local',
    })
    expect(ahead.by('own-clock')).toMatchObject({
      status: 'warn',
      found: expect.stringContaining('This machine’s clock is 10 min ahead of AWS’s'),
    })
    expect(ahead.by('box-clock')).toMatchObject({
      status: 'fail',
      found: 'The functions’ clock is 60 min ahead of Box’s: genuine deliveries are rejected for their time.',
    })
    expect(behind.by('box-clock').status).toBe('fail')
    expect(drifting.by('box-clock').status).toBe('warn')
  })

  test('tells why Box gives no token, and asks nothing further', async () => {
    await storeApp({ ...BOX_APP, clientSecret: 'canary-secret' })
    const refused = await examine()
    await storeApp({})
    const empty = await examine()
    await storeApp(BOX_APP)
    expect([refused.code, empty.code]).toEqual([1, 1])
    expect(refused.ill('fail')).toEqual(['box-token', 'webhooks'])
    expect(refused.by('box-token')).toMatchObject({
      found: expect.stringContaining('Box says: "Grant credentials are invalid"'),
      fix: expect.stringContaining('npx boxhooks secrets set box-app --stage local'),
    })
    expect(refused.ill('skipped')).toEqual(expect.arrayContaining(['webhooks-scope', 'watched-items']))
    expect(JSON.stringify(refused.json)).not.toContain('canary')
    expect(empty.ill('fail')).toEqual(['app-credentials', 'box-token', 'webhooks'])
    expect(empty.by('box-token').fix).toBe('npx boxhooks secrets set box-app --stage local')
  })

  test('tells of scopes, items and webhooks that are amiss on Box', async () => {
    const { webhooks, content } = stack.box
    stack.box.faults.push({ path: /\/2\.0\/webhooks$/, status: 403, times: 99 })
    const scope = await examine()
    expect(scope.code).toBe(1)
    expect(scope.by('webhooks-scope')).toMatchObject({
      status: 'fail',
      fix: expect.stringContaining('enable the scope "Manage webhooks"'),
    })
    stack.box.faults.length = 0

    const [ours] = webhooks.all.values()
    webhooks.update(ours?.id ?? '', { triggers: ['FILE.UPLOADED'] })
    const differing = await examine()
    expect(differing.ill('fail')).toEqual(['webhooks'])
    expect(differing.by('webhooks')).toMatchObject({
      found: '1 webhook missing on Box or not as declared.',
      fix: 'npx boxhooks webhooks apply --stage local',
      details: [expect.stringContaining('update folder:100001')],
    })

    webhooks.delete(ours?.id ?? '')
    const target = { type: 'folder', id: '100001' } as const
    const theirs = webhooks.create({ target, address: 'https://a.example.org/x', triggers: ['FILE.MOVED'] })
    const conflict = await examine()
    expect(conflict.by('webhooks')).toMatchObject({
      status: 'fail',
      found: expect.stringContaining('in conflict'),
    })
    webhooks.delete(theirs.id)

    content.trashFolder('100001')
    const gone = await examine()
    expect(gone.by('watched-items')).toMatchObject({
      status: 'fail',
      found: 'The app cannot see 1 of 1 watched item.',
      fix: expect.stringContaining('invite'),
      details: [expect.stringContaining('folder:100001')],
    })
    content.restore(target)
    await stack.lambdas.reconcile.invoke({ action: 'apply' })
  })

  test('goes on where a right is lacking, and says of each check which, with 2', async () => {
    const rights = new Set(CHECKS.flatMap(check => check.rights))
    aws.state.denied = rights
    const { code, by, ill } = await examine()
    expect(code).toBe(2)
    const without = CHECKS.filter(({ rights: needs, name }) => needs.length > 0 && name !== 'v1-tokens')
    expect(ill('unknown')).toEqual(without.map(({ name }) => name).filter(name => !NOT_JUDGED.has(name)))
    for (const { name, rights: needs } of without)
      expect(by(name).found).toContain(`your user or role needs the right ${needs[0]}`)
    expect(by('unsigned-refused').status).toBe('ok')
    expect(by('forged-refused').status).toBe('ok')
  })

  test('lacking a single right, judges all the rest', async () => {
    aws.state.denied = new Set(['cloudwatch:DescribeAlarms'])
    const { code, ill } = await examine()
    expect({ code, ill: ill('unknown', 'fail', 'warn') }).toEqual({ code: 2, ill: ['alarms'] })
  })

  test.each([
    ['that is not deployed', ['--stage', 'nowhere'], 'There is no stack boxhooks-nowhere in eu-central-1.'],
    ['of which AWS tells nothing', ['--stage', 'denied'], 'needs the right cloudformation:DescribeStacks'],
    ['with a name that none can have', ['--stage', '1'], `"1" can't be a stage`],
    ['that is not named', [], 'Specify --stage NAME'],
    ['on a port where none listens', ['--local', '--port', '1'], 'No local stack answers on port 1.'],
    ['with an option that there is not', ['--all'], "unknown option '--all'"],
  ])('ends with 2 at a stage %s', async (_, args, told) => {
    const { code, out, err } = await runCommand(['doctor', ...args], { env: aws.env, project: EXAMPLES })
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(told)
    expect(err).not.toContain('    at ')
  })

  test('of a stage that an older version has deployed says so, check by check', async () => {
    const { code, out } = await runCommand(['doctor', '--stage', 'old', '--json'], {
      env: aws.env,
      project: EXAMPLES,
    })
    expect(code).toBe(2)
    expect(read(out).by('queue')).toMatchObject({
      status: 'unknown',
      found: expect.stringContaining('no output QueueUrl, DeadLetterQueueUrl'),
      fix: 'npm run deploy -- --stage old',
    })
  })

  test('interrupted tells what it knows by then, and ends with 130', async () => {
    aws.state.hanging = new Set(['sqs:GetQueueAttributes'])
    const running = startCommand(['doctor', '--stage', 'local'], { env: aws.env, project: EXAMPLES })
    await vi.waitFor(() => expect(running.printed.out).toContain('get-refused'), { timeout: 60_000 })
    running.interrupt()
    const { code, out, err } = await running.ended
    expect(code).toBe(130)
    expect(out).toMatch(/ok {4}get-refused/)
    expect(out).toMatch(/Stopped; \d+ of 28 checks had no result yet\.\n$/)
    expect(out).not.toMatch(/ {2}(queue|dead-letters) {2}/)
    expect(err).toContain('Stopping; the results so far follow.')
  })

  test('stopped while it looks for the stage, ends at once with 130', async () => {
    aws.state.hanging = new Set(['cloudformation:DescribeStacks'])
    const running = startCommand(['doctor', '--stage', 'local'], { env: aws.env, project: EXAMPLES })
    await vi.waitFor(() => expect(aws.state.asked).toContain('cloudformation:DescribeStacks'), {
      timeout: 60_000,
    })
    running.interrupt()
    expect(await running.ended).toMatchObject({ code: 130, out: '' })
  })

  test('--local judges what means something there, and says of the rest why not', async () => {
    const { code, out } = await runCommand(
      ['doctor', '--local', '--port', new URL(stack.url).port, '--json'],
      {
        project: EXAMPLES,
      },
    )
    const { by, ill } = read(out)
    expect({ code, ill: ill('fail', 'unknown', 'warn') }).toEqual({ code: 0, ill: [] })
    for (const name of [
      'box-token',
      'webhooks',
      'forged-refused',
      'queue',
      'dead-letters',
      'table',
      'signature-keys',
      'box-clock',
    ])
      expect(by(name).status).toBe('ok')
    for (const { name, notLocal } of CHECKS)
      if (notLocal !== undefined) expect(by(name)).toMatchObject({ status: 'skipped', found: notLocal })
  })
})

describe('the address', { timeout: 120_000 }, () => {
  test('that leads elsewhere, or takes what nobody has signed, is a failure', async () => {
    const elsewhere = await serve({ fetch: () => new Response('Welcome', { status: 200 }), port: 0 })
    aws.state.outputs.DomainWebhookUrl = `${elsewhere.url}/box/webhook`
    aws.state.outputs.DomainTarget = 'd-abc.execute-api.eu-central-1.amazonaws.com'
    const { code, by } = await examine()
    await elsewhere.close()
    expect(code).toBe(1)
    for (const name of ['unsigned-refused', 'forged-refused', 'get-refused'])
      expect(by(name)).toMatchObject({
        status: 'fail',
        found: expect.stringContaining('not an answer of boxhooks'),
        fix: 'Point the domain to d-abc.execute-api.eu-central-1.amazonaws.com.',
      })
    const open = await serve({ fetch: () => Response.json({ code: 'accepted' }, { status: 202 }), port: 0 })
    aws.state.outputs.DomainWebhookUrl = `${open.url}/box/webhook`
    const taking = await examine()
    await open.close()
    expect(taking.by('forged-refused').found).toContain('it accepts unsigned requests')
  })

  test('where nothing listens is a failure, and its clock unknown', async () => {
    const gone = await serve({ fetch: () => new Response(), port: 0 })
    await gone.close()
    aws.state.outputs.DomainWebhookUrl = `${gone.url}/box/webhook`
    const { code, by } = await examine()
    expect(code).toBe(1)
    expect(by('unsigned-refused')).toMatchObject({
      status: 'fail',
      found: expect.stringContaining('ECONNREFUSED'),
    })
    expect(by('own-clock').status).toBe('unknown')
  })

  test('with a certificate that ends soon, or that nobody trusts, is told as such', async context => {
    const folder = await mkdtemp(join(tmpdir(), 'boxhooks-tls-'))
    const files = { key: join(folder, 'key.pem'), cert: join(folder, 'cert.pem') }
    const made = spawnSync('openssl', [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '20', '-subj', '/CN=localhost'],
      ...['-addext', 'subjectAltName=DNS:localhost', '-keyout', files.key, '-out', files.cert],
    ])
    if (made.status !== 0) {
      await rm(folder, { recursive: true })
      context.skip('openssl is not here, so there is no certificate to be told of.')
    }
    const [key, cert] = await Promise.all([readFile(files.key), readFile(files.cert)])
    const server = createServer({ key, cert }, (_, response) => response.writeHead(404).end())
    await new Promise<void>(resolve => server.listen(0, 'localhost', resolve))
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : 0
    aws.state.outputs.DomainWebhookUrl = `https://localhost:${port}/box/webhook`
    const untrusted = await examine()
    const authorities = getCACertificates('default')
    setDefaultCACertificates([...authorities, cert.toString()])
    const trusted = await examine()
    setDefaultCACertificates(authorities)
    server.closeAllConnections()
    server.close()
    await rm(folder, { recursive: true })
    expect(trusted.by('certificate')).toMatchObject({
      status: 'warn',
      found: 'The certificate is valid for 19 more days.',
      fix: expect.stringContaining('Certificate Manager'),
    })
    expect(untrusted.by('certificate')).toMatchObject({
      status: 'fail',
      found: expect.stringMatching(/can't be trusted: (DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED\w+)\./),
    })
    expect(untrusted.by('unsigned-refused').found).toContain('Box would reject its certificate, too')
  })
})

test('docs/operate.md has every check, and every right that one takes', async () => {
  const text = await readFile(join(ROOT, 'docs', 'operate.md'), 'utf8')
  for (const { name, rights } of CHECKS) {
    expect(text).toMatch(new RegExp(`^\\| ([^|]*, )?\`${name}\`(, [^|]*)? \\|`, 'm'))
    for (const right of rights) expect(text).toContain(`\`${right}\``)
  }
})
