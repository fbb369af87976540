import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { paginateScan } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../../lib/base/clock.ts'
import { isObject, parseObject } from '../../../lib/base/json.ts'
import { burst } from '../../../local/box/actions/scenarios.ts'
import type { Attempt } from '../../../local/box/events/delivery.ts'
import { builtBundle } from '../../support/packaged.ts'
import { runSpawned, spawnCommand } from '../../support/spawn.ts'
import { useStack } from '../../support/stack.ts'

/** Deliveries a second; ROTATION_RATE=50 where nothing else runs on the machine. */
const RATE = Number(process.env.ROTATION_RATE ?? 15)

/** How many deliveries are under way at a time: a machine that is slower than the stream slows it down, and makes nothing too late. */
const WIDTH = 20

const stack = useStack({ retrySeconds: Array.from({ length: 12 }, () => 2) })
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'boxhooks-rotation-'))
})
afterAll(() => rm(folder, { recursive: true }))

const at = () => ['--local', '--port', new URL(stack.url).port]
const rotate = (...args: string[]) => ['keys', 'rotate', ...at(), '--settle', '11s', ...args]

/** What the Developer Console does: one key is reset, and the new one shown. */
async function resetKey(key: 'primary' | 'secondary'): Promise<string> {
  const answer = await fetch(`${stack.url}/_local/actions/reset-key`, {
    method: 'POST',
    body: JSON.stringify({ key }),
  })
  const file = join(folder, key)
  await writeFile(file, String(parseObject(await answer.text())?.key))
  return file
}

/**
 * Lets other instances of ingest take over, as Lambda does now and then, while those that are at work end what they have begun.
 * One whose keys still fit would know nothing of a new one for minutes.
 */
const renewInstances = async (): Promise<void> => stack.lambdas.ingest.replace(await builtBundle('ingest'))

/** The ids of the events that the ledger has as done. */
async function doneIds(): Promise<ReadonlySet<string>> {
  const { dynamodb, table } = stack.aws
  const done = new Set<string>()
  for await (const { Items = [] } of paginateScan({ client: dynamodb }, { TableName: table }))
    for (const { eventId, status } of Items) if (status?.S === 'done') done.add(eventId?.S ?? '')
  return done
}

test('a whole rotation under a steady stream of deliveries, killed in the middle: none is refused, none is lost', {
  timeout: 600_000,
}, async () => {
  const { content } = stack.box
  const { id } = content.uploadFile({ parentId: '100001', name: 'steady.txt', content: 'x' })
  await stack.box.settled()
  const attempts: Attempt[] = []
  const awaited = new Map<string, (attempt: Attempt) => void>()
  const stop = stack.box.on(notice => {
    if (notice.kind !== 'attempt') return
    attempts.push(notice.attempt)
    awaited.get(notice.attempt.eventId)?.(notice.attempt)
  })
  const keysBefore = stack.box.keys
  let sent = 0
  const stream = burst({
    clock: systemClock,
    count: 1_000_000,
    perSecond: RATE,
    underWayMax: WIDTH,
    async fire() {
      sent += 1
      content.downloadFile(id)
      const { eventId = '' } = stack.box.sent.at(-1) ?? {}
      return new Promise<Attempt>(resolve => awaited.set(eventId, resolve))
    },
  })

  const first = await runSpawned(rotate())
  expect(first.out + first.err).toContain('Reset the SECONDARY key')
  expect(first).toMatchObject({ code: 1, err: expect.stringContaining('Nobody is there to ask') })

  const killed = spawnCommand(rotate('--key-file', await resetKey('secondary')))
  await expect.poll(() => killed.printed.out, { timeout: 120_000 }).toContain('Stored as secondary')
  killed.child.kill('SIGKILL')
  await killed.ended

  await renewInstances()
  const resumed = await runSpawned(rotate())
  expect(resumed.out).toContain('Promoted: the new secondary key')
  expect(resumed.out).toContain('Reset the PRIMARY key')

  const finishing = spawnCommand(rotate('--key-file', await resetKey('primary')))
  await expect.poll(() => finishing.printed.out, { timeout: 120_000 }).toContain('Stored as primary')
  await renewInstances()
  const last = await finishing.ended
  expect(last).toMatchObject({ code: 0, out: expect.stringContaining('Retired: the new primary key') })

  const status = await runSpawned(['keys', 'status', ...at(), '--json'])
  expect(JSON.parse(status.out)).toMatchObject({ refused: 0, rotation: null, findings: [{ level: 'ok' }] })
  stream.stop()
  await stream.attempts
  await stack.box.settled()

  expect(stack.box.keys.primary).not.toBe(keysBefore.primary)
  expect(stack.box.keys.secondary).not.toBe(keysBefore.secondary)
  // What a busy machine does not answer in time is delivered again; a refusal would be a 4xx.
  const refused = attempts.filter(({ status: answer }) => answer >= 400 && answer < 500)
  expect(refused.map(({ status: answer, answer: text }) => `${answer} ${text}`)).toEqual([])
  expect(awaited.size).toBe(sent)
  const lacking = (have: ReadonlySet<string>) => [...awaited.keys()].filter(eventId => !have.has(eventId))
  const accepted = () => new Set(attempts.filter(one => one.status === 202).map(one => one.eventId))
  await expect.poll(() => lacking(accepted()), { timeout: 60_000, interval: 500 }).toEqual([])
  await expect.poll(async () => lacking(await doneIds()), { timeout: 240_000, interval: 2000 }).toEqual([])
  stop()
  console.log(`${sent} events in ${attempts.length} deliveries, none refused, all done`)
})

test('the emulated Developer Console resets no key but the two', async () => {
  const answer = await fetch(`${stack.url}/_local/actions/reset-key`, {
    method: 'POST',
    body: '{"key":"both"}',
  })
  expect(answer.status).toBe(400)
  expect(isObject(await answer.json())).toBe(true)
})
