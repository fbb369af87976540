import { ReceiveMessageCommand } from '@aws-sdk/client-sqs'
import { describe, expect, test, vi } from 'vitest'
import { createProgress } from '../../cli/terminal/progress.ts'
import { FRESH_RUN } from '../../lib/ledger/record.ts'
import { createQueue } from '../../lib/queue/queue.ts'
import { runCommand, startCommand, waitClock } from '../support/command.ts'
import { startDenying } from '../support/deployed.ts'
import { type Letter, letterOf } from '../support/letters.ts'
import { spawnCommand } from '../support/spawn.ts'
import { useStage } from '../support/stage.ts'

const at = useStage()

const put = (letter: Letter) => createQueue(at.aws.sqs, at.stage.deadLetterQueueUrl).send(letterOf(letter))
const ready = async (url: string) => (await at.aws.messages(url)).ready
const hidden = async () => (await at.aws.messages(at.stage.deadLetterQueueUrl)).inflight.length
const dead = () => ready(at.stage.deadLetterQueueUrl)
const queued = () => ready(at.stage.queueUrl)
const idsIn = (messages: Awaited<ReturnType<typeof ready>>) =>
  messages.map(({ messageAttributes }) => messageAttributes.eventId?.StringValue).sort()
/** Runs it without the pauses that it makes. */
const dlq = (...args: string[]) => runCommand(['dlq', ...args], { env: at.stage.env, ...waitClock() })
const prod = (...args: string[]) => dlq(...args, '--stage', 'prod')

describe('boxhooks dlq list', { timeout: 60_000 }, () => {
  test('shows the dead letters, the oldest first, and leaves them where they are', async () => {
    await put({ id: 'young', ageHours: 2, automations: ['a', 'b'] })
    await put({ id: 'old', ageHours: 50, code: 'target_unknown', automations: [] })
    const { code, out, err } = await prod('list')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out.split('\n').map(line => line.split(/ {2,}/))).toEqual([
      ['AGE', 'EVENT', 'TRIGGER', 'CODE', 'AUTOMATIONS'],
      ['2d', 'old', 'FILE.UPLOADED', 'target_unknown', '(the whole event)'],
      ['2h', 'young', 'FILE.UPLOADED', 'box_not_found', 'a, b'],
      [''],
    ])
    expect(await dead()).toHaveLength(2)
    expect(await hidden()).toBe(0)
  })

  test('as JSON has everything but the body, which names files and people', async () => {
    await put({ id: 'one' })
    const { code, out } = await prod('list', '--json')
    expect(code).toBe(0)
    expect(JSON.parse(out)).toEqual([
      {
        messageId: expect.any(String),
        eventId: 'one',
        deliveryId: 'd1',
        trigger: 'FILE.UPLOADED',
        receivedAt: '2026-11-22T10:00:00.000Z',
        origin: 'webhook',
        code: 'box_not_found',
        message: 'Box says no.',
        at: expect.any(String),
        ageSeconds: expect.any(Number),
        automations: [expect.objectContaining({ name: 'a', attempts: 3 })],
      },
    ])
    expect(out).not.toContain('contract.pdf')
  })

  test('prints no control character that a letter holds', async () => {
    await put({ id: 'trick', code: '\u001b[2J\u009b2Jgone', automations: ['a\nb\u202e'] })
    for (const args of [['list'], ['show', 'trick'], ['redrive', '--all', '--dry-run']]) {
      const { out } = await prod(...args)
      expect(out).toContain('gone')
      expect(out.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
      expect(out).not.toContain('a\nb')
    }
  })

  test('lists what fits all that is asked for', async () => {
    await put({ id: 'a', ageHours: 48, automations: ['one'] })
    await put({ id: 'b', ageHours: 2, automations: ['two'], code: 'box_forbidden' })
    await put({ id: 'c', ageHours: 48, automations: ['one', 'two'], code: 'box_forbidden' })
    const codes = ['--code', 'box_not_found', '--code', 'box_forbidden']
    const { out } = await prod('list', '--json', ...codes, '--automation', 'two', '--older-than', '1d')
    expect(JSON.parse(out)).toMatchObject([{ eventId: 'c' }])
    const { code, err } = await prod('list', '--older-than', 'yesterday')
    expect(code).toBe(2)
    expect(err).toContain('an integer with a unit: 90s, 30m, 2h or 3d')
  })

  test('says so where there is none, none that fits, or where there are more than are listed', async () => {
    expect(await prod('list')).toEqual({ code: 0, out: 'There is no dead letter in stage prod.\n', err: '' })
    expect(await prod('list', '--json')).toMatchObject({ code: 0, out: '[]\n' })
    for (const id of ['a', 'b', 'c']) await put({ id })
    expect(await prod('list', '--code', 'nonsense')).toMatchObject({
      code: 0,
      out: 'No dead letter of stage prod matches; 3 were read.\n',
    })
    const { out, err } = await prod('list', '--limit', '2')
    expect(out.trim().split('\n')).toHaveLength(3)
    expect(err).toContain('more than the 2')
    expect(await dead()).toHaveLength(3)
  })

  test('says so where somebody else looks at them at the moment', async () => {
    await put({})
    await at.aws.sqs.send(
      new ReceiveMessageCommand({ QueueUrl: at.stage.deadLetterQueueUrl, VisibilityTimeout: 60 }),
    )
    expect((await prod('list')).out).toContain('about 1 are in flight')
  })
})

describe('boxhooks dlq show', { timeout: 60_000 }, () => {
  test('tells why, what the ledger says, and what a redrive would run', async () => {
    await put({ id: 'shown-1', automations: ['a', 'b'] })
    const event = { deliveryId: 'd', trigger: 't', source: 'none', receivedAt: 'r', origin: 'webhook' }
    const failed = { ...FRESH_RUN, status: 'failed', attempts: 3, steps: { copied: '1' } } as const
    await at.stage.ledger.open(
      { eventId: 'shown-1', ...event },
      {
        lease: { token: 't', until: 0 },
        status: 'dead',
        redrives: 0,
        runs: { a: failed, b: { ...failed, redrives: 1 }, c: { ...FRESH_RUN, status: 'done' } },
      },
    )
    const { code, out } = await prod('show', 'shown-1')
    expect(code).toBe(0)
    expect(out).toMatch(/redrive runs +a\n/)
    expect(out).toMatch(/\nc +done/)
    expect(out).toMatch(/\na +failed +3 +0 +copied/)
    const { out: json } = await prod('show', 'shown-1', '--json')
    expect(JSON.parse(json)).toMatchObject({
      letters: [{ eventId: 'shown-1', code: 'box_not_found' }],
      record: { status: 'dead', runs: { a: { status: 'failed', steps: ['copied'] } } },
    })
    expect(await dead()).toHaveLength(1)
  })

  test('of an event that has none says so, and ends with 1', async () => {
    expect(await prod('show', 'nowhere')).toMatchObject({
      code: 1,
      out: expect.stringMatching(/no dead letter[\s\S]*no record/),
    })
  })
})

describe('boxhooks dlq redrive', { timeout: 60_000 }, () => {
  test('takes back the events that are named, and no other', async () => {
    for (const id of ['a', 'b', 'c']) await put({ id })
    expect(await prod('redrive', 'a', 'c', '--yes')).toEqual({
      code: 0,
      out: '2 dead letters redriven.\n',
      err: '',
    })
    expect(idsIn(await queued())).toEqual(['a', 'c'])
    expect(idsIn(await dead())).toEqual(['b'])
  })

  test('takes back what fits, at most as many as are asked for, and tells it as JSON', async () => {
    for (const id of ['a', 'b', 'c']) await put({ id, code: 'x' })
    await put({ id: 'other' })
    const args = ['redrive', '--code', 'x', '--limit', '2', '--yes', '--json']
    const { code, out } = await prod(...args)
    expect({ code, told: JSON.parse(out) }).toEqual({
      code: 0,
      told: { redriven: 2, stopped: false, notFound: [] },
    })
    expect(await queued()).toHaveLength(2)
    expect(await dead()).toHaveLength(2)
    expect(await hidden()).toBe(0)
  })

  test('shows what it would do, by code and automation, and does nothing where nobody says yes', async () => {
    await put({ id: 'a', code: 'x', automations: ['one', 'two'] })
    await put({ id: 'b', code: 'x', automations: ['one'] })
    await put({ id: 'c', code: 'y', automations: [] })
    const table = /x +2\ny +1\n[\s\S]*one +2\ntwo +1\n\(the whole event\) +1/
    const dry = await prod('redrive', '--all', '--dry-run')
    expect(dry).toMatchObject({ code: 0, out: expect.stringMatching(table), err: '' })
    expect(dry.out).toContain('3 dead letters of stage prod would be redriven, the oldest 1h old')
    const json = await prod('redrive', '--all', '--dry-run', '--json')
    expect(JSON.parse(json.out)).toEqual({
      dryRun: true,
      letters: 3,
      byCode: { x: 2, y: 1 },
      byAutomation: { one: 2, two: 1, '(the whole event)': 1 },
      oldestSeconds: expect.any(Number),
    })
    const asked = await prod('redrive', '--all')
    expect(asked).toMatchObject({ code: 1, out: '', err: expect.stringMatching(table) })
    expect(asked.err).toContain('add --yes')
    expect(await dead()).toHaveLength(3)
    expect(await queued()).toEqual([])
  })

  test('wants to know which', async () => {
    expect(await prod('redrive', '--yes')).toMatchObject({ code: 2, err: expect.stringContaining('--all') })
  })

  test('says which events have none, and ends with 1', async () => {
    await put({ id: 'a' })
    const { code, out, err } = await prod('redrive', 'a', 'nowhere', '--yes')
    expect({ code, out }).toEqual({ code: 1, out: '1 dead letter redriven.\n' })
    expect(err).toBe('No dead letter of event nowhere matches.\n')
    expect(await prod('redrive', 'nowhere', '--yes')).toMatchObject({ code: 1 })
    expect(await prod('redrive', '--all', '--yes')).toMatchObject({
      code: 0,
      out: 'There is no dead letter in stage prod.\n',
    })
  })

  test('goes no faster than it is told to', async () => {
    for (let index = 0; index < 6; index += 1) await put({})
    const clock = waitClock()
    const args = ['dlq', 'redrive', '--all', '--yes', '--rate', '2', '--stage', 'prod']
    await runCommand(args, { env: at.stage.env, ...clock })
    expect(clock.waitedMs).toBe(2500)
    expect(await queued()).toHaveLength(6)
  })

  test('interrupted stops after the letters in hand; the same command goes on', async () => {
    for (let index = 0; index < 15; index += 1) await put({ id: `e-${index}` })
    const args = ['redrive', '--all', '--yes', '--stage', 'prod']
    const clock = waitClock(Date.now(), waits => {
      // Ten are in hand at a time, and the first of all does not wait.
      if (waits === 11) running.interrupt()
    })
    const running = startCommand(['dlq', ...args], { env: at.stage.env, ...clock })
    const { code, out, err } = await running.ended
    expect({ code, out }).toEqual({ code: 130, out: '10 dead letters redriven.\n' })
    expect(err).toContain('Stopping after the dead letters in flight')
    expect(err).toContain('Run the same command to resume.')
    expect(await queued()).toHaveLength(10)
    expect(await dead()).toHaveLength(5)
    expect(await hidden()).toBe(0)
    expect(await dlq(...args)).toMatchObject({ code: 0 })
    expect(new Set(idsIn(await queued())).size).toBe(15)
    expect(await queued()).toHaveLength(15)
  })

  test('that is killed leaves no gap: what was not sent is still there, and at most ten are hidden for two minutes', async () => {
    for (let index = 0; index < 30; index += 1) await put({})
    const args = ['dlq', 'redrive', '--all', '--yes', '--stage', 'prod', '--rate', '10']
    const running = spawnCommand(args, { env: at.stage.env })
    await vi.waitFor(async () => expect((await queued()).length).toBeGreaterThan(3), { timeout: 30_000 })
    running.child.kill('SIGKILL')
    await running.ended
    const left = (await dead()).length + (await hidden())
    expect(await hidden()).toBeLessThanOrEqual(10)
    // One that was sent and not deleted yet is there twice; the ledger takes nothing back twice.
    expect((await queued()).length + left).toBeGreaterThanOrEqual(30)
    expect((await queued()).length + left).toBeLessThanOrEqual(40)
  })
})

describe('boxhooks dlq drop', { timeout: 60_000 }, () => {
  test('takes a letter away for good, and the ledger keeps why and who it was', async () => {
    await put({ id: 'dropped-1' })
    await put({ id: 'kept-1' })
    const args = ['drop', 'dropped-1', '--reason', 'The file is gone.', '--by', 'ada']
    expect(await prod(...args)).toMatchObject({ code: 1, err: expect.stringContaining('would be dropped') })
    expect(await dead()).toHaveLength(2)
    expect(await prod(...args, '--yes')).toEqual({ code: 0, out: '1 dead letter dropped.\n', err: '' })
    expect(idsIn(await dead())).toEqual(['kept-1'])
    expect(await queued()).toEqual([])
    const record = await at.stage.ledger.read('dropped-1')
    expect(record).toMatchObject({ status: 'dead', dropped: { reason: 'The file is gone.', by: 'ada' } })
    expect((await prod('show', 'dropped-1')).out).toContain('by ada: The file is gone.')
  })

  test('wants a reason', async () => {
    await put({ id: 'a' })
    expect(await prod('drop', 'a', '--yes')).toMatchObject({
      code: 2,
      err: expect.stringContaining('--reason'),
    })
    expect(await prod('drop', 'a', '--yes', '--reason', ' ')).toMatchObject({
      code: 2,
      err: expect.stringContaining('--reason'),
    })
    expect(await dead()).toHaveLength(1)
  })
})

describe('each command of boxhooks dlq', { timeout: 120_000 }, () => {
  const COMMANDS: readonly [string, ...string[]][] = [
    ['list'],
    ['show', 'e'],
    ['redrive', '--all', '--yes'],
    ['drop', '--all', '--yes', '--reason', 'r'],
  ]

  const NOWHERE: readonly [string[], string] = [
    ['--stage', 'nowhere'],
    'There is no stack boxhooks-nowhere in eu-central-1. Deploy the stage first',
  ]

  test.each(COMMANDS)('%s at the wrong stage says what to do', (...args) => expectRefusal(args, 1, NOWHERE))

  test.each<readonly [string[], 1 | 2, string]>([
    [['--stage', 'old'], 1, 'has no output QueueUrl. Deploy the stage again'],
    [['--stage', 'a b'], 2, "can't be a stage"],
    [['--stage', 'denied'], 1, 'needs the right cloudformation:DescribeStacks'],
    [['--local', '--port', '9'], 1, 'No local stack answers on port 9. Start it with npm start'],
    [[], 2, '--stage NAME'],
  ])('at %j exits %i and says what to do', (place, exitCode, told) =>
    expectRefusal(['list'], exitCode, [place, told]),
  )

  async function expectRefusal(
    args: readonly string[],
    exitCode: 1 | 2,
    [place, told]: readonly [string[], string],
  ) {
    const { code, out, err } = await dlq(...args, ...place)
    expect({ code, out }).toEqual({ code: exitCode, out: '' })
    expect(err).toContain(told)
    expect(err).not.toContain('    at ')
  }

  test.each(COMMANDS)('%s without the right for it names the right', async (...args) => {
    await put({ id: 'e' })
    const denying = await startDenying()
    const without = (name: string) =>
      runCommand(['dlq', ...args, '--stage', 'prod'], {
        env: { ...at.stage.env, [name]: denying.url },
        ...waitClock(),
      })
    const { code, err } = await without('AWS_ENDPOINT_URL_SQS')
    expect(code).toBe(1)
    expect(err).toContain('your user or role needs the right sqs:ReceiveMessage')
    if (args[0] === 'show' || args[0] === 'drop')
      expect((await without('AWS_ENDPOINT_URL_DYNAMODB')).err).toMatch(
        args[0] === 'show' ? 'the right dynamodb:GetItem' : 'the right dynamodb:UpdateItem',
      )
    await denying.close()
    expect(await dead()).toHaveLength(1)
    expect(await hidden()).toBe(0)
  })
})

test('a terminal sees how far it is on one line that changes', () => {
  const written: string[] = []
  let time = 0
  const stderr = { isTTY: true, write: (text: string) => written.push(text) }
  const progress = createProgress({ stderr, now: () => time }, { verb: 'redriven', total: 1000 })
  for (let step = 0; step < 500; step += 1) {
    time += 10
    progress.step()
  }
  progress.end()
  expect(written.length).toBeLessThan(30)
  expect(written.at(-2)).toBe('\r\x1b[K500 of about 1,000 redriven, 100 a second, 5 s left')
  expect(written.at(-1)).toBe('\r\x1b[K')
})
