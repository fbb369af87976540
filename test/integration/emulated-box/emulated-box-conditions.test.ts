import { text } from 'node:stream/consumers'
import type { BoxClient } from 'box-node-sdk'
import { BoxApiError } from 'box-node-sdk/box'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { parseObject } from '../../../lib/base/json.ts'
import type { EmulatedBox } from '../../../local/box/emulated-box.ts'
import type { Conditions } from '../../../local/box/state/conditions.ts'
import type { ManualClock } from '../../support/manual-clock.ts'
import { type ServedBox, sdkClient, serveBox } from '../../support/served-box.ts'

let clock: ManualClock
let box: EmulatedBox
let served: ServedBox
let client: BoxClient
let folder: string

beforeEach(async () => {
  served = await serveBox(1_790_000_000_000)
  ;({ clock, box } = served)
  client = sdkClient(served.url)
  folder = box.content.createFolder({ parentId: '0', name: 'Folder' }).id
})
afterEach(() => served.close())

const upload = (name: string) => box.content.uploadFile({ parentId: folder, name, content: name }).id
const set = (conditions: Partial<Conditions>) => Object.assign(box.conditions, conditions)

/** The code that Box refuses a call with; undefined where it does not. */
const refusalOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    (error: unknown) =>
      error instanceof BoxApiError
        ? parseObject(JSON.stringify(error.responseInfo.body))?.code
        : Promise.reject(error),
  )

/** Lets the changes that are under way come to their end. */
const finish = async <T>(call: Promise<T>): Promise<T> => {
  await vi.waitFor(() => expect(clock.advanceToNext()).toBe(true), { interval: 1 })
  return call
}

/** Begins a call, and waits until the emulated Box is at it. */
async function begun<T>(call: () => Promise<T>): Promise<{ readonly ended: Promise<T> }> {
  const after = vi.spyOn(clock, 'after')
  const ended = call()
  await vi.waitFor(() => expect(after).toHaveBeenCalled(), { interval: 1 })
  after.mockRestore()
  return { ended }
}

describe('new content', () => {
  test('answers 202 with retry-after and tells no webhook of a download, until its time has come', async () => {
    set({ contentDelayMs: 2500 })
    const id = upload('new.txt')
    const happenings: string[] = []
    box.on(notice => void (notice.kind === 'happening' && happenings.push(notice.happening.trigger)))
    const { accessToken } = await client.auth.retrieveToken(client.networkSession)
    const download = () =>
      fetch(`${served.url}/2.0/files/${id}/content`, { headers: { authorization: `Bearer ${accessToken}` } })
    const early = await download()
    expect([early.status, early.headers.get('retry-after'), await early.text()]).toEqual([202, '3', ''])
    clock.advance(2000)
    expect((await download()).headers.get('retry-after')).toBe('1')
    expect(happenings).toEqual([])
    clock.advance(500)
    const content = await client.downloads.downloadFile(id)
    expect(content && (await text(content))).toBe('new.txt')
    expect(happenings).toEqual(['FILE.DOWNLOADED'])
  })

  test('is that of a new version as well, and not that of a copy', async () => {
    set({ contentDelayMs: 1000 })
    const id = upload('a.txt')
    clock.advance(1000)
    const copy = box.content.copyFile(id, { parentId: '0' })
    expect(await client.downloads.downloadFile(copy.id)).toBeDefined()
    box.content.uploadVersion(id, 'again')
    // The SDK gives nothing for a 202.
    expect(await client.downloads.downloadFile(id)).toBeUndefined()
  })
})

describe('changes that take their time', () => {
  test('reserve the name: of two copies at the same time one is refused, and after it the name is in use', async () => {
    set({ changeMs: 500 })
    const id = upload('a.txt')
    const copy = () => client.files.copyFile(id, { parent: { id: '0' }, name: 'copy.txt' })
    const first = await begun(copy)
    expect(await refusalOf(copy())).toBe('name_temporarily_reserved')
    expect(await finish(first.ended)).toMatchObject({ name: 'copy.txt' })
    expect(await finish(refusalOf(copy()))).toBe('item_name_in_use')
  })

  test('hold the item: a file that is moved is not moved or deleted by another call meanwhile', async () => {
    set({ changeMs: 500 })
    const id = upload('a.txt')
    const move = () => client.files.updateFileById(id, { requestBody: { parent: { id: '0' } } })
    const first = await begun(move)
    expect(await refusalOf(move())).toBe('operation_blocked_temporary')
    const { accessToken } = await client.auth.retrieveToken(client.networkSession)
    const deleted = await fetch(`${served.url}/2.0/files/${id}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${accessToken}` },
    })
    expect(deleted.status).toBe(409)
    expect(await finish(first.ended)).toMatchObject({ parent: { id: '0' } })
  })

  test('hold a folder with all that lies in it, for as long as it is copied', async () => {
    set({ changeMs: 500 })
    const id = upload('a.txt')
    const target = box.content.createFolder({ parentId: '0', name: 'Target' }).id
    const first = await begun(() => client.folders.copyFolder(folder, { parent: { id: target } }))
    const link = () => client.files.updateFileById(id, { requestBody: { sharedLink: { access: 'open' } } })
    expect(await refusalOf(link())).toBe('operation_blocked_temporary')
    const create = client.folders.createFolder({ name: 'Inside', parent: { id: folder } })
    expect(await refusalOf(create)).toBe('operation_blocked_temporary')
    expect(await finish(first.ended)).toMatchObject({ name: 'Folder' })
    expect(await finish(link())).toMatchObject({ sharedLink: { access: 'open' } })
  })

  test('let go of what they held when they are refused', async () => {
    set({ changeMs: 500 })
    upload('a.txt')
    const move = (id: string) => client.files.updateFileById(id, { requestBody: { name: 'a.txt' } })
    const other = upload('b.txt')
    expect(await finish(refusalOf(move(other)))).toBe('item_name_in_use')
    expect(await finish(refusalOf(move(other)))).toBe('item_name_in_use')
  })
})

describe('tokens', () => {
  test('live as long as is set, and are given out as late', async () => {
    set({ tokenLifeSeconds: 30, tokenDelayMs: 20_000 })
    const token = await finish(client.auth.retrieveToken(client.networkSession))
    expect(token.expiresIn).toBe(30)
    expect(clock.now()).toBe(1_790_000_020_000)
    clock.advance(29_999)
    expect(box.tokens.isValid(`Bearer ${token.accessToken}`)).toBe(true)
    clock.advance(1)
    expect(box.tokens.isValid(`Bearer ${token.accessToken}`)).toBe(false)
  })
})

describe('faults', () => {
  test('of a missing scope are told by the header alone, as Box does it', async () => {
    box.faults.push({ path: /users/, times: 1, status: 403, code: 'insufficient_scope' })
    const error = await client.users.getUserMe().catch((thrown: unknown) => thrown)
    if (!(error instanceof BoxApiError)) throw new Error('Box did not refuse the call.')
    expect(error.responseInfo.headers['www-authenticate']).toContain('error="insufficient_scope"')
    expect(error.responseInfo.rawBody).toBe('')
  })

  test('of status 202 have no body, and say when to ask again', async () => {
    box.faults.push({ path: /content/, times: 1, status: 202, retryAfterSeconds: 7 })
    expect(await client.downloads.downloadFile(upload('a.txt'))).toBeUndefined()
  })
})
