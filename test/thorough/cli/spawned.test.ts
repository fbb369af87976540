import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createProgram } from '../../../cli/program.ts'
import { FRESH_RUN } from '../../../lib/ledger/record.ts'
import { createQueue } from '../../../lib/queue/queue.ts'
import { createSecretsManager } from '../../../local/aws/secrets-manager.ts'
import { type Served, serve } from '../../../local/serve.ts'
import { boxEvent, signedDelivery } from '../../kit.ts'
import { runCommand, testShell } from '../../support/command.ts'
import { letterOf } from '../../support/letters.ts'
import { recordEvent } from '../../support/recorded.ts'
import { type Ended, runSpawned, type Spawned, spawnCommand } from '../../support/spawn.ts'
import { useStage } from '../../support/stage.ts'

// What only a process of its own can show: that each command starts, and what becomes of signals, streams and the exit code.

const at = useStage({ SignatureKeysSecretArn: 'keys', BoxAppSecretArn: 'app' })
let secrets: Served
beforeAll(async () => {
  const { fetch } = createSecretsManager({ keys: '{"primary":"","secondary":""}', app: '{}' })
  secrets = await serve({ fetch, port: 0 })
})
afterAll(() => secrets.close())
const environment = () => ({ ...at.stage.env, AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets.url })

const nowhere = ['--local', '--port', '9']
const COMMANDS: Readonly<Record<string, readonly [args: readonly string[], ended: Partial<Ended>]>> = {
  automations: [['--json'], { out: expect.stringContaining('"stage": "dev"') }],
  backfill: [
    ['--since', '2026-11-23T09:00Z', ...nowhere],
    { code: 1, err: expect.stringContaining('No local stack listens on port 9.') },
  ],
  completion: [
    ['zsh'],
    { code: 0, out: expect.stringContaining('complete -o default -F _boxhooks boxhooks') },
  ],
  conformance: [['--list'], { code: 0, out: expect.stringContaining('signature.genuine') }],
  dlq: [['list', '--stage', 'prod'], { code: 0, out: 'There is no dead letter in stage prod.\n', err: '' }],
  doctor: [
    ['--stage', 'nowhere'],
    { code: 2, err: expect.stringContaining('There is no stack boxhooks-nowhere') },
  ],
  events: [['list', '--stage', 'prod', '--json'], { code: 0, out: '[]\n', err: '' }],
  inspect: [
    ['--stage', 'nowhere'],
    { code: 1, err: expect.stringContaining('There is no stack boxhooks-nowhere') },
  ],
  keys: [['status', '--stage', 'old'], { code: 1, err: expect.stringContaining('SignatureKeysSecretArn') }],
  new: [
    ['X', '--on', 'FILE.MOVED', '--watch', 'folder:0'],
    { code: 2, err: expect.stringMatching(/^Nothing was written\.\n/) },
  ],
  replay: [['gone', '--stage', 'prod'], { code: 1, err: expect.stringContaining('no record of event gone') }],
  secrets: [
    ['set', 'signature-keys', '--stage', 'prod', '--file', '-'],
    { code: 0, out: expect.stringContaining('Stored the signature keys') },
  ],
  verify: [[], { code: 2, err: expect.stringContaining('signature keys are missing') }],
  webhooks: [
    ['plan', ...nowhere],
    { code: 1, err: expect.stringContaining('No local stack listens on port 9.') },
  ],
  why: [['file:1', '--stage', 'old'], { code: 1, err: expect.stringContaining('has no output QueueUrl') }],
}
/** What `secrets set` and `verify` read. */
const INPUT: Readonly<Record<string, string>> = {
  secrets: '{"primary": "canary-key-one-0123456789", "secondary": "canary-key-two-0123456789"}',
  verify: 'POST /box/webhook HTTP/1.1\nbox-delivery-id: 1\n\n{}',
}

describe('a command in a process of its own', { timeout: 60_000 }, () => {
  test('is tried here, whichever it is', () => {
    const names = createProgram(testShell()).commands.map(command => command.name())
    // `start` has its own test below; the demo is among the thorough ones.
    expect(names.filter(name => name !== 'start' && name !== 'demo').sort()).toEqual(
      Object.keys(COMMANDS).sort(),
    )
  })

  test.each(Object.entries(COMMANDS))(
    'boxhooks %s starts, and ends by itself',
    async (name, [args, ended]) => {
      const env = { ...environment(), BOXHOOKS_PRIMARY_KEY: '', BOXHOOKS_SECONDARY_KEY: '' }
      const input = INPUT[name]
      const found = await runSpawned([name, ...args], { env, ...(input === undefined ? {} : { input }) })
      expect(found).toMatchObject(ended)
      expect(found.out + found.err).not.toMatch(/^ {4}at /m)
    },
  )

  test.each([
    ['the help', ['--help']],
    ['a stream', ['events', 'list', '--stage', 'prod', '--json']],
  ])('ends with 0 and in silence when nobody reads %s, as after `| head`', async (_, args) => {
    const { child, ended } = spawnCommand(args, { env: environment() })
    child.stdout?.destroy()
    expect(await ended).toEqual({ code: 0, out: '', err: '' })
  })

  test('stops in an orderly way on SIGTERM, with 130', async () => {
    const queue = createQueue(at.aws.sqs, at.stage.deadLetterQueueUrl)
    for (let index = 0; index < 20; index += 1) await queue.send(letterOf({ id: `e-${index}` }))
    const args = ['dlq', 'redrive', '--all', '--yes', '--stage', 'prod', '--rate', '5']
    const running = spawnCommand(args, { env: environment() })
    const taken = async () => (await queued()).length
    await expect.poll(taken, { timeout: 30_000 }).toBeGreaterThan(1)
    running.child.kill('SIGTERM')
    const { code, out, err } = await running.ended
    expect({ code, out }).toEqual({ code: 130, out: `${await taken()} dead letters redriven.\n` })
    expect(err).toContain('Stopping after the dead letters in flight')
    expect(await taken()).toBeLessThan(20)
    expect((await at.aws.messages(at.stage.deadLetterQueueUrl)).inflight).toEqual([])
  })

  test('ends at once on SIGINT where it has nothing to put in order, and has changed nothing', async () => {
    await recordEvent(at.stage.ledger, { id: 'interrupted', runs: { a: FAILED } })
    const replay = ['replay', 'interrupted', '--stage', 'prod']
    expect(await interruptedAt('AWS_ENDPOINT_URL_SQS', replay)).toEqual(KILLED)
    expect(await queued()).toEqual([])
    expect((await at.stage.ledger.read('interrupted'))?.runs.a?.status).toBe('failed')
    expect(await runCommand(replay, { env: environment() })).toMatchObject({ code: 0 })
    expect(await queued()).toHaveLength(1)
    const status = ['keys', 'status', '--stage', 'prod']
    expect(await interruptedAt('AWS_ENDPOINT_URL_CLOUDWATCH_LOGS', status)).toEqual(KILLED)
  })

  test('passes its exit code on to the launcher that npx runs', async () => {
    const { code, err } = await runSpawned(['verify', '--nothing'], { entry: 'cli/boxhooks.mjs' })
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining("unknown option '--nothing'") })
  })
})

const queued = async () => (await at.aws.messages(at.stage.queueUrl)).ready
const FAILED = { ...FRESH_RUN, status: 'failed', attempts: 3 } as const
const KILLED = { code: null, out: '', err: '', by: 'SIGINT' }

/** Interrupts a command once it has asked a service of AWS, which never answers. */
async function interruptedAt(variable: string, args: readonly string[]) {
  const asked = Promise.withResolvers<void>()
  const hanging = await serve({
    fetch: () => {
      asked.resolve()
      return new Promise<Response>(() => {})
    },
    port: 0,
  })
  const { child, ended } = spawnCommand(args, { env: { ...environment(), [variable]: hanging.url } })
  await asked.promise
  child.kill('SIGINT')
  const end = await ended
  await hanging.close()
  return { ...end, by: child.signalCode }
}

describe('boxhooks start', { timeout: 60_000 }, () => {
  let stack: Spawned
  let url: string
  beforeAll(async () => {
    const keys = { BOXHOOKS_PRIMARY_KEY: 'my-primary', BOXHOOKS_SECONDARY_KEY: 'my-secondary' }
    stack = spawnCommand(['start'], { env: { PORT: '0', ...keys } })
    await vi.waitFor(() => expect(stack.printed.out).toContain('Ctrl-C stops everything'), 120_000)
    url = /endpoint +(\S+)/.exec(stack.printed.out)?.[1] ?? ''
    return async () => {
      if (stack.child.exitCode !== null) return
      stack.child.kill('SIGKILL')
      await once(stack.child, 'close')
    }
  })

  test('says where everything is, and takes its keys from the environment', async () => {
    for (const told of ['my-primary', 'my-secondary', 'FILE.DOWNLOADED'])
      expect(stack.printed.out).toContain(told)
    const keys = { primary: 'my-primary', secondary: 'my-secondary' }
    const { body, headers } = signedDelivery(boxEvent('FILE.LOCKED', { id: 'cli-event' }), keys)
    const response = await fetch(url, { method: 'POST', headers, body: Uint8Array.from(body) })
    expect(response.status).toBe(202)
    await expect.poll(() => stack.printed.out, { timeout: 15_000 }).toMatch(/FILE\.LOCKED {2}done/)
  })

  test.each([
    ['a port that is taken', () => ['--port', new URL(url).port], {}, 1, /^Port \d+ is taken\./],
    ['an invalid port', () => ['--port', 'http'], {}, 2, /integer from 0 to 65535/],
    ['an invalid port in PORT', () => [], { PORT: 'http' }, 2, /'http' from env 'PORT' is invalid/],
  ])('with %s ends and says what to do', async (_, args, env, exitCode, told) => {
    const { code, err } = await runCommand(['start', ...args()], { env })
    expect({ code, err }).toEqual({ code: exitCode, err: expect.stringMatching(told) })
    expect(err).not.toContain('    at ')
  })

  test('stops cleanly on Ctrl-C', async () => {
    stack.child.kill('SIGINT')
    expect(await stack.ended).toMatchObject({ code: 0 })
    await expect(fetch(url)).rejects.toThrow()
  })
})
