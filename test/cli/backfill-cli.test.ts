import { PurgeQueueCommand, SendMessageCommand } from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createBackfillProgress } from '../../cli/backfill/backfill-progress.ts'
import { BACKFILL_STATE_KEY, createBackfillStates } from '../../lib/backfill/progress.ts'
import { systemClock } from '../../lib/base/clock.ts'
import { parseObject } from '../../lib/base/json.ts'
import { type Stack, startStack } from '../../local/stack.ts'
import { type CommandOptions, runCommand, startCommand, waitClock } from '../support/command.ts'
import { startDenying } from '../support/deployed.ts'
import { type ManualClock, manualClock } from '../support/manual-clock.ts'
import { packagedLocal } from '../support/packaged.ts'

const HOUR = 3_600_000
const REVIEW = '100001'

let clock: ManualClock
let stack: Stack
beforeAll(async () => {
  clock = manualClock(Math.floor(systemClock.now() / 1000) * 1000 - 8 * HOUR)
  stack = await startStack({
    port: 0,
    packaged: await packagedLocal(),
    // Nothing that happens is delivered, and Box gives up at once.
    box: { clock, fetch: async () => new Response(null, { status: 503 }) },
    retrySeconds: [],
  })
}, 300_000)
afterAll(async () => {
  await stack?.stop()
})

/** Each test has an hour of Box's time of its own, in which nothing else happens. */
let since: string
let until: string
beforeEach(async () => {
  clock.advance(60_000)
  since = new Date(clock.now()).toISOString()
  clock.advance(20 * 60_000)
  until = new Date(clock.now()).toISOString()
  clock.advance(60_000)
  stack.box.faults.splice(0)
  await stack.aws.sqs.send(new PurgeQueueCommand({ QueueUrl: stack.aws.queueUrl }))
})

/** Waits until the stack has finished with every event. */
const drained = () =>
  expect
    .poll(
      async () => {
        const { waiting, inFlight, delayed } = await stack.aws.depth(stack.aws.queueUrl)
        return waiting + inFlight + delayed
      },
      { timeout: 30_000 },
    )
    .toBe(0)

const span = () => ['--since', since, '--until', until]
const port = () => new URL(stack.url).port
const at = () => ['--local', '--port', port()]
/** Runs it without the pauses that it makes. */
const run = (args: readonly string[], options: CommandOptions = {}) =>
  runCommand(['backfill', ...args], { ...waitClock(), ...options })
const local = (...args: string[]) => run([...args, ...at()])
/** As with a deployed stage: the same call, through AWS's address. */
const deployed = (args: readonly string[], env: Record<string, string> = {}) =>
  run([...args, '--region', 'eu-west-1'], {
    env: { AWS_ENDPOINT_URL_LAMBDA: stack.url, AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x', ...env },
  })

/**
 * Downloads so many files in the test's span, of which nobody is told.
 * @param options.unwatched how many downloads of a file that no automation watches lie between the first and the others
 */
function downloads(count: number, { unwatched = 0 } = {}): string[] {
  const { content } = stack.box
  const ids = Array.from(
    { length: count },
    (_, index) => content.uploadFile({ parentId: REVIEW, name: `${since} ${index}.txt`, content: 'x' }).id,
  )
  for (const id of ids) content.updateFile(id, { sharedLink: { access: 'open' } })
  const other = content.uploadFile({ parentId: '0', name: `${since}.txt`, content: 'x' }).id
  since = new Date(clock.now() + 1000).toISOString()
  clock.advance(2000)
  for (const [index, id] of ids.entries()) {
    content.downloadFile(id)
    if (index === 0) for (let time = 0; time < unwatched; time += 1) content.downloadFile(other)
  }
  clock.advance(2000)
  until = new Date(clock.now()).toISOString()
  return ids
}
const shared = (ids: readonly string[]) =>
  ids.filter(id => stack.box.content.file(id).sharedLink !== undefined).length
const state = () => createBackfillStates({ dynamodb: stack.aws.dynamodb, table: stack.aws.table }).read()
const resultOf = (out: string) => parseObject(out) ?? {}

describe('boxhooks backfill', { timeout: 300_000 }, () => {
  test('says that there is nothing where there is nothing', async () => {
    const { code, out, err } = await local(...span(), '--yes')
    expect({ code, err }).toEqual({ code: 0, err: expect.stringContaining('Box writes its log late') })
    expect(out).toContain('The stream has no event that an automation is on.')
    expect(out).toContain('0 events queued by this command.')
    expect(await local(...span())).toMatchObject({
      code: 0,
      out: expect.stringContaining('There is nothing to queue.'),
    })
  })

  test('a dry run counts and writes nothing; without anybody to ask nothing is queued either', async () => {
    const ids = downloads(3)
    const before = await state()
    const dry = await local(...span(), '--dry-run', '--json')
    expect(dry).toMatchObject({ code: 0, err: '' })
    expect(resultOf(dry.out)).toMatchObject({
      dryRun: true,
      done: true,
      stopped: false,
      since,
      until,
      stream: 'enterprise',
      counts: {
        'FILE.DOWNLOADED': { read: 3, notCovered: 0, seen: 0, before: 0, queued: 3, unclear: 0 },
      },
    })
    const asked = await local(...span())
    expect(asked).toMatchObject({ code: 1, out: '' })
    expect(asked.err).toMatch(/FILE\.DOWNLOADED +3 +0 +0 +0 +3 +0/)
    expect(asked.err).toContain('Not a terminal, so nothing was queued.')
    expect(await state()).toEqual(before)
    expect(shared(ids)).toBe(3)
  })

  test('queues what nobody was told of, once, on a deployed stage by the same call', async () => {
    const ids = downloads(1)
    const { code, out } = await deployed([...span(), '--stage', 'local', '--yes', '--json', '--rate', '100'])
    expect(code).toBe(0)
    expect(resultOf(out)).toMatchObject({ queued: 1, done: true, stopped: false })
    await drained()
    expect(shared(ids)).toBe(0)
    const again = await deployed([...span(), '--stage', 'local', '--yes'])
    expect(again.out).toMatch(/FILE\.DOWNLOADED +1 +0 +0 +1 +0 +0/)
    expect(again.out).toContain('0 events queued by this command.')
  })

  test('an interrupted run ends orderly, and the same command goes on from there, once each', async () => {
    // At this rate it pauses after each page of the stream that has something to queue; a page has 100 entries.
    const ids = downloads(2, { unwatched: 100 })
    const clock = waitClock(0, () => running.interrupt())
    const running = startCommand(['backfill', ...span(), '--yes', '--rate', '0.2', ...at()], clock)
    const stopped = await running.ended
    expect(stopped.code).toBe(130)
    expect(clock.waitedMs).toBe(0)
    expect(stopped.err).toContain('Stopping after this step')
    expect(stopped.err).toContain('Run the same command to resume.')
    const { state: kept } = await state()
    expect(kept?.progress).toMatchObject({ done: false })
    const elsewhere = await local('--since', until, '--yes')
    expect(elsewhere).toMatchObject({
      code: 1,
      err: expect.stringContaining('Another back-fill is unfinished'),
    })
    await drained()
    const asked = await local(...span())
    expect(asked).toMatchObject({ code: 1, err: expect.stringContaining('This backfill is unfinished') })
    const end = await local(...span(), '--yes', '--rate', '500', '--json')
    expect(end.code, end.err).toBe(0)
    expect(resultOf(end.out)).toMatchObject({
      done: true,
      counts: { 'FILE.DOWNLOADED': { read: 102, notCovered: 100, queued: 2 } },
    })
    expect(resultOf(end.out).queued).toBe(1)
    await drained()
    expect(shared(ids)).toBe(0)
    const again = await local(...span(), '--yes', '--json')
    expect(resultOf(again.out)).toMatchObject({ queued: 0, counts: { 'FILE.DOWNLOADED': { before: 2 } } })
  })

  test('says which scope and rights Box asks for, where it refuses the log', async () => {
    stack.box.faults.push({ path: /^\/2\.0\/events/, times: 99, status: 403 })
    const { code, err } = await local(...span(), '--dry-run')
    expect(code).toBe(1)
    expect(err).toContain('"Manage enterprise properties"')
    expect(err).toContain('co-admin')
    expect(err).toMatch(/Box’s request id is [\w-]+\./)
  })

  test('waits as long as Box asks, and goes on', async () => {
    downloads(2)
    stack.box.faults.push({ path: /^\/2\.0\/events/, times: 2, status: 429, retryAfterSeconds: 1 })
    const clock = waitClock()
    const { code, out } = await run([...span(), '--dry-run', '--json', ...at()], clock)
    expect(code).toBe(0)
    expect(clock.waitedMs).toBe(2000)
    expect(resultOf(out)).toMatchObject({ done: true, counts: { 'FILE.DOWNLOADED': { queued: 2 } } })
  })

  test('reads the other streams as well, and says what they do not show', async () => {
    downloads(3)
    for (const stream of ['streaming', 'user']) {
      const { code, out } = await local(...span(), '--dry-run', '--json', '--stream', stream)
      expect({ stream, code }).toEqual({ stream, code: 0 })
      expect(resultOf(out)).toMatchObject({ stream, counts: { 'FILE.DOWNLOADED': { read: 3, queued: 3 } } })
    }
  })

  test('leaves what Box may yet deliver, what nobody remembers, and a queue that is busy', async () => {
    const late = new Date(systemClock.now() - HOUR).toISOString()
    const early = await local('--since', since, '--until', late, '--yes')
    expect(early).toMatchObject({ code: 1, err: expect.stringContaining('Box may yet deliver by itself') })
    const old = await local('--since', '2020-01-01T00:00Z', '--dry-run')
    expect(old).toMatchObject({ code: 1, err: expect.stringContaining('The ledger remembers for 35 days.') })
    const empty = await local('--since', late, '--dry-run')
    expect(empty).toMatchObject({ code: 1, err: expect.stringContaining('There is nothing between') })
    const { sqs, queueUrl: QueueUrl } = stack.aws
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x', DelaySeconds: 60 }))
    const busy = await local(...span(), '--yes')
    expect(busy).toMatchObject({ code: 1, err: expect.stringContaining('1 message waits on the queue.') })
    expect(await local(...span(), '--yes', '--even-if-queue-is-busy')).toMatchObject({ code: 0 })
  })

  test('rejects a missing stage, an invalid time and an unknown stage', async () => {
    expect(await run(['--since', since])).toMatchObject({
      code: 2,
      err: expect.stringContaining('--stage NAME'),
    })
    expect(await local('--since', 'yesterday')).toMatchObject({
      code: 2,
      err: expect.stringContaining('a time with its offset'),
    })
    expect(await deployed([...span(), '--stage', 'nowhere', '--yes'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('There is no function boxhooks-nowhere-backfill in eu-west-1.'),
    })
    expect(await run([...span(), '--local', '--port', '1'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('No local stack listens on port 1.'),
    })
  })

  test('names the right that is missing', async () => {
    const denying = await startDenying()
    const { code, err } = await deployed([...span(), '--stage', 'prod', '--yes'], {
      AWS_ENDPOINT_URL_LAMBDA: denying.url,
    })
    await denying.close()
    expect(code).toBe(1)
    expect(err).toContain('the right lambda:InvokeFunction on boxhooks-prod-backfill')
  })

  test('keeps no secret, and nobody’s files, beside how far it is', async () => {
    const { state: kept } = await state()
    expect(JSON.stringify(kept)).not.toMatch(/local-secret|\.txt/)
    expect(BACKFILL_STATE_KEY).toContain(' ')
  })
})

test('progress shows the time of the stream as a bar, on a terminal on one line', () => {
  const written: string[] = []
  const stderr = { isTTY: true, write: (text: string) => written.push(text) }
  let now = 0
  const progress = createBackfillProgress({ stderr, now: () => now }, 'queued')
  const report = {
    begunAt: '2026-11-23T15:00:00.000Z',
    since: '2026-11-23T09:00:00.000Z',
    until: '2026-11-23T12:00:00.000Z',
    stream: 'enterprise',
    through: '2026-11-23T09:00:00.000Z',
    done: false,
    counts: {},
    unclear: [],
    lost: [],
    queued: 0,
  } as const
  progress.show(report)
  now = 10_000
  const counts = {
    'FILE.UPLOADED': { read: 1200, notCovered: 0, seen: 0, before: 0, queued: 40, unclear: 0 },
  }
  progress.show({ ...report, through: '2026-11-23T10:30:00.000Z', counts })
  progress.end()
  expect(written).toEqual([
    '\r\u001b[K[........................]   0 %  up to 2026-11-23T09:00Z, 0 read, 0 queued',
    '\r\u001b[K[############............]  50 %  up to 2026-11-23T10:30Z, 1,200 read, 40 queued, 10 s left',
    '\r\u001b[K',
  ])
})
