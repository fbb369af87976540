import { generateKeyPairSync } from 'node:crypto'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { BoxClient } from 'box-node-sdk'
import { BoxApiError, BoxJwtAuth, JwtConfig } from 'box-node-sdk/box'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../../lib/base/clock.ts'
import { parseObject } from '../../../lib/base/json.ts'
import type { EmulatedBox } from '../../../local/box/emulated-box.ts'
import { WEBHOOKS_MAX } from '../../../local/box/state/webhooks.ts'
import { countedIds } from '../../support/counted-ids.ts'
import type { ManualClock } from '../../support/manual-clock.ts'
import { CLIENT, type ServedBox, sdkClient, serveBox } from '../../support/served-box.ts'

const ADDRESS = 'https://hooks.example/box'

let clock: ManualClock
let box: EmulatedBox
let served: ServedBox
let client: BoxClient
let calls: ServedBox['calls']

beforeEach(async () => {
  // The SDK dates its assertions itself, so this clock starts at the system's time.
  served = await serveBox(systemClock.now())
  ;({ clock, box, calls } = served)
  client = sdkClient(served.url)
})
afterEach(() => served.close())

/** What Box answered a call that it refused. */
async function refusal(call: Promise<unknown>) {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof BoxApiError)) throw new Error('Box did not refuse the call.', { cause: error })
  const { statusCode: status, headers, contextInfo, body } = error.responseInfo
  // The SDK's own `code` and `requestId` are JSON in quotes.
  const { code, request_id: requestId } = parseObject(JSON.stringify(body)) ?? {}
  return { status, headers, code, contextInfo, requestId }
}

/** A call by hand, with the SDK's token, for what the SDK does not show. */
async function asBox(path: string, init: RequestInit = {}) {
  const { accessToken } = await client.auth.retrieveToken(client.networkSession)
  const headers = { authorization: `Bearer ${accessToken}` }
  const response = await fetch(`${served.url}${path}`, { ...init, headers })
  return { status: response.status, json: parseObject(await response.text()) }
}

const newName = countedIds('name')
const newFolder = (name: string) => box.content.createFolder({ parentId: '0', name: `${name} ${newName()}` })
const newFile = (name = `${newName()}.txt`, parentId = '0') =>
  box.content.uploadFile({ parentId, name, content: `content of ${name}` })

describe('tokens', () => {
  const grant = (form: Record<string, string>) =>
    fetch(`${served.url}/oauth2/token`, { method: 'POST', body: new URLSearchParams(form) })
  const credentials = {
    grant_type: 'client_credentials',
    client_id: CLIENT.clientId,
    client_secret: CLIENT.clientSecret,
    box_subject_type: 'enterprise',
    box_subject_id: '1',
  }

  test('are given for client credentials', async () => {
    expect(await client.users.getUserMe()).toMatchObject({ type: 'user', id: box.content.owner.id })
    expect(calls.map(({ method, path, status }) => [method, path, status])).toEqual([
      ['POST', '/oauth2/token', 200],
      ['GET', '/2.0/users/me', 200],
    ])
    expect(calls[1]?.userAgent).toMatch(/^Box .* SDK/)
  })

  test('are given for a signed assertion', async () => {
    const { privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' },
    })
    const key = { privateKey, privateKeyPassphrase: 'secret', jwtKeyId: 'k1' }
    const jwt = sdkClient(served.url, new BoxJwtAuth({ config: new JwtConfig({ ...CLIENT, ...key }) }))
    expect(await jwt.users.getUserById('me')).toMatchObject({ id: box.content.owner.id })
  })

  test.each([
    ['another secret', { client_secret: 'wrong' }, 'invalid_grant'],
    ['no subject', { box_subject_id: '' }, 'invalid_grant'],
    ['a grant of another kind', { grant_type: 'password' }, 'unsupported_grant_type'],
    [
      'an assertion that is none',
      { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: 'a.b.c' },
      'invalid_grant',
    ],
  ])('are refused for %s', async (_, change, error) => {
    const response = await grant({ ...credentials, ...change })
    expect([response.status, await response.json()]).toMatchObject([400, { error }])
  })

  test('end after an hour, and calls with none or an old one are unauthorised', async () => {
    const token = parseObject(await (await grant(credentials)).text())?.access_token
    const me = (headers: Record<string, string>) => fetch(`${served.url}/2.0/users/me`, { headers })
    const authorization = `Bearer ${token}`
    clock.advance(3_599_000)
    expect((await me({ authorization })).status).toBe(200)
    clock.advance(1000)
    for (const headers of [{ authorization }, { authorization: 'Bearer unknown' }, {}] as const) {
      const refused = await me(headers)
      expect(refused.status).toBe(401)
      expect(refused.headers.get('www-authenticate')).toContain('invalid_token')
      expect(await refused.json()).toMatchObject({
        type: 'error',
        status: 401,
        code: 'unauthorized',
        request_id: refused.headers.get('box-request-id'),
      })
    }
  })
})

describe('files and folders', () => {
  test('a shared link is set and removed', async () => {
    const { id } = newFile()
    const set = await client.files.updateFileById(id, { requestBody: { sharedLink: { access: 'company' } } })
    expect(set.sharedLink).toMatchObject({ access: 'company', effectiveAccess: 'company' })
    await client.files.updateFileById(id, { requestBody: { sharedLink: null } })
    expect((await client.files.getFileById(id)).sharedLink ?? null).toBeNull()
    expect(box.content.file(id).sharedLink).toBeUndefined()
  })

  test('a copy under a name that is taken is refused, and names what has it', async () => {
    const folder = newFolder('copies')
    const original = newFile()
    const requestBody = { parent: { id: folder.id }, name: 'copy.txt' }
    const copy = await client.files.copyFile(original.id, requestBody)
    expect(copy).toMatchObject({ name: 'copy.txt', sha1: original.sha1, parent: { id: folder.id } })
    const { requestId, ...refused } = await refusal(client.files.copyFile(original.id, requestBody))
    expect(refused).toMatchObject({
      status: 409,
      code: 'item_name_in_use',
      contextInfo: { conflicts: { type: 'file', id: copy.id, name: 'copy.txt', sha1: original.sha1 } },
    })
    expect(requestId).toBe(calls.at(-1)?.requestId)
  })

  test('a file is uploaded, downloaded, given a new version, and trashed', async () => {
    const { id: parent } = newFolder('uploads')
    const upload = (name: string, content: string) =>
      client.uploads.uploadFile({
        attributes: { name, parent: { id: parent } },
        file: Readable.from([Buffer.from(content)]),
      })
    const { entries: [file] = [] } = await upload('日本.txt', 'first')
    if (!file) throw new Error('Nothing was uploaded.')
    expect(file).toMatchObject({ name: '日本.txt', size: 5, parent: { id: parent } })
    expect((await refusal(upload('日本.txt', 'again'))).code).toBe('item_name_in_use')
    await client.uploads.uploadFileVersion(file.id, {
      attributes: { name: '日本.txt' },
      file: Readable.from([Buffer.from('second')]),
    })
    const content = await client.downloads.downloadFile(file.id)
    expect(content && (await text(content))).toBe('second')
    await client.files.deleteFileById(file.id)
    expect((await refusal(client.files.getFileById(file.id))).status).toBe(404)
  })

  test('a file is renamed and moved at once, or not at all', async () => {
    const { id: from } = newFolder('from')
    const { id: to } = newFolder('to')
    const file = newFile('a.txt', from)
    newFile('b.txt', from)
    newFile('a.txt', to)
    const update = (requestBody: { name?: string; parent?: { id: string } }) =>
      client.files.updateFileById(file.id, { requestBody })
    expect((await refusal(update({ name: 'c.txt', parent: { id: '404' } }))).status).toBe(404)
    expect((await refusal(update({ parent: { id: to } }))).status).toBe(409)
    expect(box.content.file(file.id)).toMatchObject({ name: 'a.txt', parentId: from })
    await update({ name: 'b.txt', parent: { id: to } })
    expect(box.content.file(file.id)).toMatchObject({ name: 'b.txt', parentId: to })
  })

  test('a folder is made, and its items come in pages', async () => {
    const { id, name } = await client.folders.createFolder({
      name: `items ${newName()}`,
      parent: { id: '0' },
    })
    const again = client.folders.createFolder({ name: name ?? '', parent: { id: '0' } })
    expect((await refusal(again)).contextInfo).toMatchObject({ conflicts: [{ type: 'folder', id }] })
    for (const file of ['a', 'b', 'c', 'd', 'e']) newFile(file, id)
    const page = (offset: number) => client.folders.getFolderItems(id, { queryParams: { limit: 2, offset } })
    const names = []
    for (const offset of [0, 2, 4]) {
      const { entries = [], totalCount } = await page(offset)
      expect(totalCount).toBe(5)
      names.push(entries.map(entry => entry.name))
    }
    expect(names).toEqual([['a', 'b'], ['c', 'd'], ['e']])
    expect((await client.folders.getFolderById(id)).itemCollection?.totalCount).toBe(5)
  })

  test('what a user does through the app is the user’s doing', async () => {
    const { id } = newFolder('as user')
    const user = box.content.addUser({ id: '20002', name: 'Ada Byron', login: 'ada@example.com' })
    const ada = client.withAsUserHeader(user.id)
    expect((await ada.users.getUserMe()).login).toBe('ada@example.com')
    const file = newFile(undefined, id)
    const happened: string[] = []
    const stop = box.on(notice => {
      if (notice.kind === 'happening')
        happened.push(`${notice.happening.trigger} by ${notice.happening.by.name}`)
    })
    await ada.files.copyFile(file.id, { parent: { id }, name: 'copy' })
    await text((await ada.downloads.downloadFile(file.id)) ?? Readable.from([]))
    stop()
    await ada.files.deleteFileById(file.id)
    expect(happened).toEqual([
      'FILE.COPIED by Ada Byron',
      'FILE.UPLOADED by Ada Byron',
      'FILE.DOWNLOADED by Ada Byron',
    ])
    expect(calls.every(({ asUser }) => asUser === user.id)).toBe(true)
  })

  test.each([
    ['PUT', '/2.0/files/ID', '{'],
    ['PUT', '/2.0/files/ID', '{"parent":{}}'],
    ['PUT', '/2.0/files/ID', '{"shared_link":{"access":"everybody"}}'],
    ['POST', '/2.0/files/ID/copy', '{}'],
    ['POST', '/2.0/folders', '{"parent":{"id":"0"}}'],
    ['POST', '/api/2.0/files/content', 'no form'],
    ['POST', '/2.0/collaborations', '{"item":{"type":"folder","id":"0"},"role":"editor"}'],
    ['GET', '/2.0/folders/0/items?limit=many', undefined],
    ['GET', '/2.0/webhooks?marker=nowhere', undefined],
  ])('%s %s with %s is refused as a bad request', async (method, path, body) => {
    const init = { method, ...(body === undefined ? {} : { body }) }
    const refused = await asBox(path.replace('ID', newFile().id), init)
    expect(refused).toMatchObject({ status: 400, json: { type: 'error', code: 'bad_request' } })
  })
})

describe('collaborations', () => {
  const invite = (id: string, accessibleBy: { login: string } | { id: string }) =>
    client.userCollaborations.createCollaboration({
      item: { type: 'folder', id },
      accessibleBy: { type: 'user', ...accessibleBy },
      role: 'editor',
    })

  test('are made, read, listed, changed and removed', async () => {
    const { id: folder } = newFolder('shared')
    const user = box.content.addUser({ id: newName(), name: 'Bo', login: 'bo@example.com' })
    const made = await invite(folder, { id: user.id })
    expect(made).toMatchObject({ status: 'accepted', role: 'editor', item: { id: folder } })
    expect((await refusal(invite(folder, { login: user.login }))).code).toBe('user_already_collaborator')
    await client.userCollaborations.updateCollaborationById(made.id, { requestBody: { role: 'viewer' } })
    const read = await client.userCollaborations.getCollaborationById(made.id)
    expect(read).toMatchObject({ role: 'viewer', accessibleBy: { login: 'bo@example.com' } })
    const list = () => client.listCollaborations.getFolderCollaborations(folder)
    expect((await list()).entries?.map(({ id }) => id)).toEqual([made.id])
    await client.userCollaborations.deleteCollaborationById(made.id)
    expect((await list()).entries).toEqual([])
    expect((await refusal(client.userCollaborations.getCollaborationById(made.id))).status).toBe(404)
  })

  test('with somebody who has no account are pending until they are answered', async () => {
    const { id: folder } = newFolder('invited')
    const answer = (id: string, status: 'accepted' | 'rejected') =>
      client.userCollaborations.updateCollaborationById(id, { requestBody: { role: 'editor', status } })
    const [yes, no] = await Promise.all(
      ['yes@example.com', 'no@example.com'].map(login => invite(folder, { login })),
    )
    expect(yes).toMatchObject({ status: 'pending', inviteEmail: 'yes@example.com' })
    expect(yes?.item ?? null).toBeNull()
    expect(await answer(yes?.id ?? '', 'accepted')).toMatchObject({
      status: 'accepted',
      accessibleBy: { login: 'yes@example.com' },
      item: { id: folder },
    })
    expect(await answer(no?.id ?? '', 'rejected')).toMatchObject({ status: 'rejected' })
  })
})

describe('webhooks', () => {
  test('are made, read, changed and deleted, one per target', async () => {
    const { id } = newFolder('watched')
    const requestBody = {
      target: { type: 'folder' as const, id },
      address: ADDRESS,
      triggers: ['FILE.UPLOADED' as const],
    }
    const made = await client.webhooks.createWebhook(requestBody)
    expect(made).toMatchObject(requestBody)
    expect((await refusal(client.webhooks.createWebhook(requestBody))).status).toBe(409)
    const changed = await client.webhooks.updateWebhookById(made.id ?? '', {
      requestBody: { triggers: ['FILE.DOWNLOADED'] },
    })
    expect(changed).toMatchObject({ address: ADDRESS, triggers: ['FILE.DOWNLOADED'] })
    expect(await client.webhooks.getWebhookById(made.id ?? '')).toMatchObject({ target: { id } })
    await client.webhooks.deleteWebhookById(made.id ?? '')
    expect((await refusal(client.webhooks.getWebhookById(made.id ?? ''))).status).toBe(404)
  })

  test('are listed in pages, without address and triggers', async () => {
    const ids = ['a', 'b', 'c', 'd', 'e'].map(name => {
      const target = { type: 'folder', id: newFolder(name).id }
      return box.webhooks.create({ target, address: ADDRESS, triggers: ['FILE.UPLOADED'] }).id
    })
    const listed: (string | undefined)[] = []
    let marker: string | null | undefined
    do {
      const page = await client.webhooks.getWebhooks({ limit: 2, ...(marker ? { marker } : {}) })
      listed.push(...(page.entries ?? []).map(({ id }) => id))
      marker = page.nextMarker
    } while (marker)
    expect(listed).toEqual(ids)
    expect(calls.filter(({ path }) => path === '/2.0/webhooks')).toHaveLength(3)
    const { json } = await asBox('/2.0/webhooks?limit=1&marker=')
    const target = { type: 'folder', id: expect.any(String) }
    expect(json?.entries).toEqual([{ id: ids[0], type: 'webhook', target }])
  })
})

describe('webhooks that Box refuses', () => {
  const target = (id: string, type: 'file' | 'folder' = 'folder') => ({ type, id })
  const create = (given: object) =>
    asBox('/2.0/webhooks', {
      method: 'POST',
      body: JSON.stringify({
        target: target(newFolder('t').id),
        address: ADDRESS,
        triggers: ['FILE.LOCKED'],
        ...given,
      }),
    })
  const errorsOf = ({ json }: Awaited<ReturnType<typeof create>>) => {
    const context = json?.context_info
    return context instanceof Object ? Reflect.get(context, 'errors') : undefined
  }

  test('a second one on an item, with the id of the first', async () => {
    const { id } = newFolder('taken')
    const { json } = await create({ target: target(id) })
    const again = await create({ target: target(id), triggers: ['FILE.COPIED'] })
    expect(again).toMatchObject({
      status: 409,
      json: { type: 'error', status: 409, code: 'conflict', request_id: expect.any(String) },
    })
    expect(errorsOf(again)).toEqual([
      {
        reason: 'invalid_parameter',
        name: 'existWebhookId',
        message: `Webhook:${json?.id} already exists on the specified target.`,
      },
    ])
  })

  test('one that is moved onto an item that has one', async () => {
    const { id } = newFolder('taken')
    await create({ target: target(id) })
    const { json } = await create({})
    const moved = client.webhooks.updateWebhookById(String(json?.id), { requestBody: { target: target(id) } })
    expect((await refusal(moved)).status).toBe(409)
  })

  test('all that is wrong at once, field by field', async () => {
    const refused = await create({ address: 'http://hooks.example/', triggers: [], target: target('0') })
    expect(refused).toMatchObject({ status: 400, json: { code: 'bad_request', message: 'Bad Request' } })
    expect(errorsOf(refused)).toMatchObject([
      { name: 'target.id' },
      { name: 'address' },
      { name: 'triggers' },
    ])
    const { id } = newFile()
    const onFile = await create({ target: target(id, 'file'), triggers: ['FOLDER.CREATED', 'FILE.LOCKED'] })
    expect(errorsOf(onFile)).toMatchObject([{ message: "Invalid value 'FOLDER.CREATED'." }])
    for (const field of ['target', 'address', 'triggers'])
      expect(errorsOf(await create({ [field]: undefined }))).toMatchObject([{ name: field }])
  })

  test('what it only sends, nobody can subscribe to', async () => {
    expect((await create({ triggers: ['WEBHOOK.DELETED'] })).status).toBe(400)
    expect((await create({ triggers: ['NO_ACTIVE_SESSION'] })).status).toBe(400)
  })

  test('a target that is not there, or in the trash', async () => {
    const file = newFile()
    box.content.trashFile(file.id)
    expect((await create({ target: target(file.id, 'file') })).status).toBe(404)
    expect((await create({ target: target('404') })).status).toBe(404)
  })

  test('the one after the thousandth, until one is deleted', async () => {
    const ids = Array.from({ length: WEBHOOKS_MAX }, (_, index) => {
      const { id } = box.content.createFolder({ parentId: '0', name: `many ${index}` })
      return box.webhooks.create({ target: target(id), address: ADDRESS, triggers: ['FILE.LOCKED'] }).id
    })
    expect((await create({})).status).toBe(409)
    expect((await client.webhooks.getWebhooks({ limit: 1000 })).entries).toHaveLength(WEBHOOKS_MAX)
    await client.webhooks.deleteWebhookById(ids[0] ?? '')
    expect((await create({})).status).toBe(201)
  })
})

describe('webhooks of several users', () => {
  test('are each user’s own: one per item and user, and nobody sees another’s', async () => {
    const ada = box.content.addUser({ id: '20002', name: 'Ada Byron', login: 'ada@example.com' })
    const hers = client.withAsUserHeader(ada.id).webhooks
    const { id } = newFolder('shared')
    const body = {
      target: { type: 'folder' as const, id },
      address: ADDRESS,
      triggers: ['FILE.LOCKED' as const],
    }
    const mine = await client.webhooks.createWebhook(body)
    const made = await hers.createWebhook(body)
    expect(made.createdBy).toMatchObject({ id: ada.id })
    expect((await hers.getWebhooks()).entries?.map(one => one.id)).toEqual([made.id])
    expect((await client.webhooks.getWebhooks()).entries?.map(one => one.id)).toEqual([mine.id])
    expect((await refusal(hers.deleteWebhookById(mine.id ?? ''))).status).toBe(404)
    expect((await refusal(hers.createWebhook(body))).status).toBe(409)
  })
})

describe('pages of webhooks', () => {
  test('skip none when others are deleted in between', async () => {
    const ids = ['a', 'b', 'c', 'd'].map(name => {
      const target = { type: 'folder', id: newFolder(name).id }
      return box.webhooks.create({ target, address: ADDRESS, triggers: ['FILE.UPLOADED'] }).id
    })
    const first = await client.webhooks.getWebhooks({ limit: 2 })
    box.webhooks.delete(ids[0] ?? '')
    const second = await client.webhooks.getWebhooks({ limit: 2, marker: first.nextMarker ?? '' })
    expect(second.entries?.map(({ id }) => id)).toEqual(ids.slice(2))
    expect(second.nextMarker ?? null).toBeNull()
    const back = await client.webhooks.getWebhooks({ limit: 1, marker: second.prevMarker ?? '' })
    expect(back.entries?.map(({ id }) => id)).toEqual(ids.slice(1, 2))
  })
})

describe('a webhook that Box deletes of its own accord', () => {
  test('is gone, and its address is told why', async () => {
    const { id } = newFolder('silent')
    const target = { type: 'folder', id } as const
    const { id: webhookId } = box.webhooks.create({ target, address: ADDRESS, triggers: ['FILE.UPLOADED'] })
    const attempt = await box.cleanUp(webhookId)
    expect(attempt).toMatchObject({ address: ADDRESS, trigger: 'WEBHOOK.DELETED', webhookId })
    expect(parseObject(Buffer.from(attempt.body).toString())).toMatchObject({
      trigger: 'WEBHOOK.DELETED',
      webhook: { id: webhookId, type: 'webhook' },
      additional_info: { reason: 'auto_cleanup' },
    })
    expect((await refusal(client.webhooks.getWebhookById(webhookId))).status).toBe(404)
    expect(() => box.cleanUp(webhookId)).toThrow(expect.objectContaining({ status: 404 }))
  })
})

describe('faults', () => {
  test('a throttled call is told when to come back, and the next one passes', async () => {
    const { id } = newFile()
    box.faults.push({ method: 'GET', path: /^\/2\.0\/files\//, times: 1, status: 429, retryAfterSeconds: 7 })
    expect(await refusal(client.files.getFileById(id))).toMatchObject({
      status: 429,
      code: 'rate_limit_exceeded',
      headers: { 'retry-after': '7' },
    })
    expect((await client.files.getFileById(id)).id).toBe(id)
  })

  test('are for the calls that they match only, as often as they say', async () => {
    const { id } = newFile()
    box.faults.push({ method: 'PUT', times: 1, status: 403, code: 'access_denied_item_locked' })
    box.faults.push({ path: /\/files\//, times: 2, status: 500 })
    expect((await refusal(client.files.getFileById(id))).status).toBe(500)
    expect((await client.users.getUserMe()).id).toBe(box.content.owner.id)
    expect((await refusal(client.files.updateFileById(id))).code).toBe('access_denied_item_locked')
    expect((await refusal(client.files.getFileById(id))).code).toBe('internal_server_error')
    expect((await client.files.getFileById(id)).id).toBe(id)
  })

  test('a call can be left without an answer until its caller hangs up', async () => {
    box.faults.push({ path: /users/, times: 1, status: 'timeout' })
    const hangUp = new AbortController()
    const call = fetch(`${served.url}/2.0/users/me`, { signal: hangUp.signal })
    await expect.poll(() => box.faults[0]?.times).toBe(0)
    hangUp.abort()
    await expect(call).rejects.toThrow()
    await expect.poll(() => calls.at(-1)).toMatchObject({ path: '/2.0/users/me', status: 0 })
  })

  test('a path that Box does not have is refused in Box’s form', async () => {
    expect(await asBox('/2.0/nothing')).toMatchObject({
      status: 404,
      json: { type: 'error', code: 'not_found' },
    })
  })
})
