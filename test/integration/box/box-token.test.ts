import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { RetryLater } from '../../../lib/base/errors.ts'
import { type Box, type BoxConnection, type BoxRun, createBoxConnection } from '../../../lib/box/box.ts'
import { createLog, type Log } from '../../../lib/log/log.ts'
import type { EmulatedBox } from '../../../local/box/emulated-box.ts'
import type { Fault } from '../../../local/box/state/faults.ts'
import type { ManualClock } from '../../support/manual-clock.ts'
import { CLIENT, type ServedBox, serveBox } from '../../support/served-box.ts'

const TOKEN_PATH = '/oauth2/token'
const SECRET = JSON.stringify(CLIENT)

let clock: ManualClock
let box: EmulatedBox
let served: ServedBox
let connection: BoxConnection
let calls: ServedBox['calls']
let lines: string[]
let log: Log

beforeEach(async () => {
  served = await serveBox(1_790_000_000_000)
  ;({ clock, box, calls } = served)
  lines = []
  log = createLog({ now: clock.now, write: line => void lines.push(line), level: 'debug' })
  connection = createBoxConnection({
    secretsManager: () => ({ send: async () => ({ $metadata: {}, SecretString: SECRET }) }),
    secretId: 'box-app',
    apiUrl: served.url,
    now: clock.now,
    log,
  })
})
afterEach(() => served.close())

const client = (run: Partial<BoxRun> = {}): Box => connection.box({ log, ...run })
const tokenCalls = () => calls.filter(({ path }) => path === TOKEN_PATH).length
const statuses = () => calls.filter(({ path }) => path !== TOKEN_PATH).map(({ status }) => status)
const upload = (name: string) =>
  client().uploads.uploadFile({
    attributes: { name, parent: { id: '0' } },
    file: Readable.from(Buffer.from('content')),
  })
const settledIn = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    value => value,
    (error: unknown) => error,
  )
/** Listens from now on; what it returns waits until the emulated Box is at something that takes its time. */
const delayFromNow = () => {
  const after = vi.spyOn(clock, 'after')
  return async () => {
    await vi.waitFor(() => expect(after).toHaveBeenCalled(), { interval: 1 })
    after.mockRestore()
  }
}

describe('the token of an upload, which can be sent once only', () => {
  test.each([
    ['is renewed where less than five minutes are left', 3600 - 299, 2],
    ['is kept where five minutes are left', 3600 - 300, 1],
    ['is renewed where it has ended', 3601, 2],
  ])('%s', async (_, ageSeconds, expected) => {
    await client().users.getUserMe()
    clock.advance(ageSeconds * 1000)
    await upload('a.txt')
    expect(tokenCalls()).toBe(expected)
    expect(statuses()).toEqual([200, 201])
  })

  test('is renewed once for several uploads at the same time', async () => {
    await client().users.getUserMe()
    clock.advance(3_590_000)
    await Promise.all(['a', 'b', 'c', 'd'].map(upload))
    expect(tokenCalls()).toBe(2)
    expect(statuses()).toEqual([200, 201, 201, 201, 201])
  })

  test('is not renewed again and again where tokens live for less than ten minutes', async () => {
    box.conditions.tokenLifeSeconds = 240
    await upload('a.txt')
    await upload('b.txt')
    expect(tokenCalls()).toBe(1)
  })

  test('that Box refuses though it worked before puts the run off without counting, and is not used again', async () => {
    await client().users.getUserMe()
    clock.advance(120_000)
    box.tokens.revokeAll()
    const refused = await settledIn(upload('a.txt'))
    expect(refused).toBeInstanceOf(RetryLater)
    await upload('a.txt')
    expect(tokenCalls()).toBe(2)
  })

  test('that Box refuses though it is new is an auth failure', async () => {
    box.faults.push({ path: /content/, times: 1, status: 401 })
    expect(await settledIn(upload('a.txt'))).toMatchObject({ failure: { class: 'auth', code: 'box_auth' } })
  })
})

describe('a token that Box has ended', () => {
  test('is renewed once for all the calls that find it ended', async () => {
    const use = () => client().users.getUserMe()
    await use()
    box.tokens.revokeAll()
    await Promise.all(Array.from({ length: 6 }, use))
    expect(tokenCalls()).toBe(2)
  })

  test('is got for several first calls at once', async () => {
    await Promise.all(Array.from({ length: 6 }, () => client().users.getUserMe()))
    expect(tokenCalls()).toBe(1)
  })

  test('comes for those that wait on, where one that asked for it first has stopped', async () => {
    box.conditions.tokenDelayMs = 5000
    const stop = new AbortController()
    const delayed = delayFromNow()
    const first = settledIn(client({ signal: stop.signal }).users.getUserMe())
    await delayed()
    const second = client().users.getUserMe()
    stop.abort(new Error('stopped'))
    expect(await first).toMatchObject({ message: 'stopped' })
    clock.advance(5000)
    expect(await second).toMatchObject({ type: 'user' })
    expect(tokenCalls()).toBe(1)
  })

  test('is in no line of the log', async () => {
    await client().users.getUserMe()
    const { accessToken } = await client().auth.retrieveToken()
    box.tokens.revokeAll()
    await client().users.getUserMe()
    await settledIn(client().files.getFileById('404'))
    expect(lines.length).toBeGreaterThan(3)
    expect(lines.join()).not.toContain(accessToken)
  })
})

describe('asking for a webhook’s target', () => {
  let folder: string
  let webhookId: string
  beforeEach(() => {
    folder = box.content.createFolder({ parentId: '0', name: 'f' }).id
    webhookId = watch()
  })
  const watch = () =>
    box.webhooks.create({
      target: { type: 'folder', id: folder },
      address: 'https://hooks.example/box',
      triggers: ['FILE.LOCKED'],
    }).id
  const asked = () => calls.filter(({ path }) => path.includes('/webhooks/')).length

  test('asks Box once for several at the same time, and not again for ten minutes', async () => {
    const target = { type: 'folder', id: folder }
    const lookUp = () => connection.targetOf(webhookId)
    expect(await Promise.all([lookUp(), lookUp(), lookUp()])).toEqual([target, target, target])
    clock.advance(599_999)
    await lookUp()
    expect(asked()).toBe(1)
    clock.advance(1)
    await lookUp()
    expect(asked()).toBe(2)
  })

  test('asks again where Box did not know the webhook, for it may be seconds old', async () => {
    box.faults.push({ path: /webhooks/, times: 1, status: 404 })
    expect(await connection.targetOf(webhookId)).toBeUndefined()
    expect(await connection.targetOf(webhookId)).toEqual({ type: 'folder', id: folder })
  })

  test('ends with its signal, and goes on for the others', async () => {
    box.conditions.tokenDelayMs = 5000
    const stop = new AbortController()
    const delayed = delayFromNow()
    const impatient = settledIn(connection.targetOf(webhookId, { signal: stop.signal }))
    await delayed()
    const patient = connection.targetOf(webhookId, { log })
    stop.abort(new Error('no time left'))
    expect(await impatient).toMatchObject({ message: 'no time left' })
    clock.advance(5000)
    expect(await patient).toEqual({ type: 'folder', id: folder })
    expect([tokenCalls(), asked()]).toEqual([1, 1])
  })

  test('hangs up where none waits for it any more', async () => {
    const unanswered: Fault = { path: /webhooks/, times: 1, status: 'timeout' }
    box.faults.push(unanswered)
    const stop = new AbortController()
    const asking = settledIn(connection.targetOf(webhookId, { signal: stop.signal }))
    await vi.waitFor(() => expect(unanswered.times).toBe(0), { interval: 1 })
    stop.abort(new Error('no time left'))
    await asking
    // Box notes a call without an answer once its caller has hung up.
    await vi.waitFor(() => expect(asked()).toBe(1), { interval: 1 })
    expect(await connection.targetOf(webhookId)).toEqual({ type: 'folder', id: folder })
  })
})
