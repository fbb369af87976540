import { beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../../lib/base/clock.ts'
import { sign } from '../../../lib/ingest/signature.ts'
import { createHistory } from '../../../lib/ledger/history.ts'
import type { EventRecord } from '../../../lib/ledger/record.ts'
import type { ApiCall } from '../../../local/box/routes/api.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { runSpawned } from '../../support/spawn.ts'
import { useStack } from '../../support/stack.ts'

const HOUR = 3_600_000
const MINUTE = 60_000
const REVIEW = '100001'

/** How long anything may take, in milliseconds, before it counts as not happening. */
const PATIENCE_MS = 120_000

/** Box's time runs by itself: seven hours of it pass in this test. */
const clock = manualClock(Math.floor(systemClock.now() / 1000) * 1000 - 7 * HOUR)
let isDown = false
const stack = useStack({
  box: {
    clock,
    fetch: request => (isDown ? Promise.reject(new Error('The endpoint is down.')) : deliver(request)),
  },
})
const calls: ApiCall[] = []
beforeAll(() => {
  stack.box.on(notice => {
    if (notice.kind === 'call') calls.push(notice.call)
  })
})

let underWay = 0
/** The door's clock is right, so a delivery of Box's clock is signed again as of now. */
async function deliver(request: Request): Promise<Response> {
  underWay += 1
  try {
    const body = Buffer.from(await request.arrayBuffer())
    const timestamp = new Date().toISOString()
    const headers = new Headers(request.headers)
    headers.set('box-delivery-timestamp', timestamp)
    headers.set('box-signature-primary', sign(body, timestamp, stack.keys.primary ?? ''))
    headers.delete('box-signature-secondary')
    return await fetch(request.url, { method: 'POST', headers, body, signal: request.signal })
  } finally {
    underWay -= 1
  }
}

async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`It never came to this: ${what}.`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

/** Lets Box's time pass. What is being delivered is waited for before, or its answer would come too late for Box. */
async function pass(ms: number): Promise<void> {
  const idle = async () => {
    await stack.box.settled()
    do await new Promise(resolve => setImmediate(resolve))
    while (underWay > 0)
  }
  for (let passed = 0; passed < ms; passed += MINUTE) {
    await idle()
    clock.advance(Math.min(MINUTE, ms - passed))
  }
  await idle()
}

const records = async (): Promise<EventRecord[]> => {
  const history = createHistory({ dynamodb: stack.aws.dynamodb, table: stack.aws.table })
  const all: EventRecord[] = []
  for await (const record of history.received({ from: systemClock.now() - 24 * HOUR, to: systemClock.now() }))
    all.push(record)
  return all
}
const settled = () =>
  until('everything on the queue is worked off', async () => {
    const { waiting, inFlight, delayed } = await stack.aws.depth(stack.aws.queueUrl)
    return waiting + inFlight + delayed === 0
  })
const upload = (name: string) =>
  stack.box.content.uploadFile({ parentId: REVIEW, name, content: `content of ${name}` }).id
/** How often the automation has taken a file's link away, as Box was asked. */
const unshared = (id: string) =>
  calls.filter(
    ({ method, path, status }) => method === 'PUT' && path === `/2.0/files/${id}` && status === 200,
  ).length
/** How often the other automation has copied a file to the archive. A call whose token is too old is made again. */
const archived = (id: string) =>
  calls.filter(
    ({ method, path, status }) => method === 'POST' && path === `/2.0/files/${id}/copy` && status === 201,
  ).length
const backfill = (...args: string[]) =>
  runSpawned(['backfill', ...args, '--local', '--port', new URL(stack.url).port])

test('after three hours without webhooks every event has had its effect exactly once', {
  timeout: 400_000,
}, async () => {
  const { content } = stack.box
  const since = new Date(clock.now()).toISOString()
  const downloads = new Map<string, number>()
  const uploads: string[] = []
  const uploadOne = (name: string): string => {
    const id = upload(name)
    uploads.push(id)
    return id
  }
  const download = (id: string) => {
    content.downloadFile(id)
    downloads.set(id, (downloads.get(id) ?? 0) + 1)
  }
  const elsewhere = content.createFolder({ parentId: '0', name: 'Elsewhere' }).id
  const unwatched = content.uploadFile({ parentId: elsewhere, name: 'private.txt', content: 'x' }).id

  // Before: all is delivered. One file is downloaded twice within a second, and once more in the outage.
  const before = Array.from({ length: 6 }, (_, index) => uploadOne(`before ${index}.txt`))
  await pass(5 * MINUTE)
  for (const id of before) download(id)
  download(before[0] ?? '')
  await pass(10_000)
  await until('what was before is done', async () => {
    // On a busy machine a delivery may take Box more than one attempt.
    await pass(10_000)
    const done = (await records()).filter(({ status }) => status === 'done')
    return done.filter(({ trigger }) => trigger === 'FILE.DOWNLOADED').length === 7
  })
  await settled()

  // The outage: Box tries for two hours and gives up.
  isDown = true
  download(before[0] ?? '')
  for (let round = 0; round < 6; round += 1) {
    await pass(6 * MINUTE)
    const made = Array.from({ length: 5 }, (_, index) => uploadOne(`lost ${round} ${index}.txt`))
    await pass(MINUTE)
    for (const id of [...made, ...before]) download(id)
    for (const id of made.slice(0, 2)) {
      download(id)
      await pass(20_000)
      download(id)
    }
    content.downloadFile(unwatched)
    content.trashFile(upload(`gone ${round}.txt`))
  }
  await pass(3 * HOUR - 6 * 8 * MINUTE)
  expect(stack.box.deliveries.held).toBe(0)

  // After: deliveries come again, and nobody else brings what was lost.
  isDown = false
  const after = Array.from({ length: 3 }, (_, index) => uploadOne(`after ${index}.txt`))
  await pass(MINUTE)
  for (const id of [...after, ...before]) download(id)
  await stack.box.settled()
  await pass(systemClock.now() - clock.now())
  await settled()
  const lostBefore = [...downloads].filter(([id, times]) => unshared(id) < times).length
  expect(lostBefore).toBeGreaterThan(30)

  const counted = await backfill('--since', since, '--dry-run')
  expect(counted).toMatchObject({ code: 0 })
  expect(counted.out).toContain('TO BE QUEUED')
  const run = await backfill('--since', since, '--yes', '--rate', '200')
  expect(run.err).toContain('Box writes its log late.')
  expect(run.code, run.err).toBe(0)
  await settled()

  const expected = Object.fromEntries(downloads)
  expect(Object.fromEntries([...downloads.keys()].map(id => [id, unshared(id)]))).toEqual(expected)
  expect(uploads.filter(id => archived(id) !== 1)).toEqual([])
  expect(unshared(unwatched)).toBe(0)
  const ledger = await records()
  expect(ledger.filter(({ status }) => status !== 'done')).toEqual([])
  const backfilled = ledger.filter(({ origin }) => origin === 'backfill')
  expect(new Set(backfilled.map(({ trigger }) => trigger))).toEqual(
    new Set(['FILE.DOWNLOADED', 'FILE.UPLOADED']),
  )

  // Once more changes nothing.
  const asked = calls.length
  const again = await backfill('--since', since, '--yes', '--json')
  expect(JSON.parse(again.out)).toMatchObject({ queued: 0, done: true })
  await settled()
  expect((await records()).length).toBe(ledger.length)
  expect(calls.slice(asked).filter(({ method }) => method !== 'GET' && method !== 'POST')).toEqual([])
  expect(Object.fromEntries([...downloads.keys()].map(id => [id, unshared(id)]))).toEqual(expected)
})
