import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { Box } from '../../../lib/box/box.ts'
import { parseBoxApp } from '../../../lib/box/box-app.ts'
import { BoxError, isBoxError } from '../../../lib/box/box-error.ts'
import { serve } from '../../../local/serve.ts'
import { startKit } from '../../kit.ts'
import { callBox, useKit } from '../../support/kit-calls.ts'

const kit = useKit()
const call = (use: (box: Box) => Promise<unknown>, on = kit) => callBox(on, use)
const getFile = (box: Box) => box.files.getFileById('1')

describe('the Box client', () => {
  test('calls Box with a token of the app’s credentials, got once for many runs', async () => {
    const file = kit.box.content.uploadFile({ parentId: '0', name: 'a', content: 'x' })
    let name: string | undefined
    for (let round = 0; round < 3; round += 1)
      await call(async box => {
        name = (await box.files.getFileById(file.id)).name
      })
    expect(name).toBe('a')
    expect(kit.lines.filter(({ path }) => path === '/oauth2/token')).toHaveLength(1)
    expect(kit.calls).toHaveLength(3)
  })

  test('takes the JWT configuration file as downloaded', async () => {
    const { privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' },
    })
    const appAuth = { publicKeyID: 'k1', privateKey, passphrase: 'secret' }
    const boxAppSettings = { clientID: 'local-client', clientSecret: 'local-secret', appAuth }
    const jwt = await startKit({ secret: JSON.stringify({ boxAppSettings, enterpriseID: '1' }) })
    expect(await call(box => box.users.getUserMe(), jwt)).toEqual({ kind: 'done' })
    await jwt.close()
  })

  test('acts for a user', async () => {
    const { id } = kit.box.content.createFolder({ parentId: '0', name: 'f' })
    await call(box => box.asUser('20002').folders.getFolderById(id))
    expect(kit.calls).toMatchObject([{ asUser: '20002', status: 200 }])
  })

  test('gets a new token when Box has ended the old one', async () => {
    await call(box => box.users.getUserMe())
    kit.box.tokens.revokeAll()
    expect(await call(box => box.users.getUserMe())).toEqual({ kind: 'done' })
  })

  test('logs each call without what it says', async () => {
    await call(box => box.folders.createFolder({ name: 'canary', parent: { id: '0' } }))
    expect(kit.lines).toContainEqual(
      expect.objectContaining({ event: 'box_call', method: 'POST', path: '/2.0/folders', status: 201 }),
    )
    expect(JSON.stringify(kit.lines)).not.toMatch(/canary|local-secret/)
  })
})

describe('what is no call', () => {
  test('awaiting a manager by mistake calls nothing and harms nothing', async () => {
    expect(await call(async box => void (await box.files))).toEqual({ kind: 'done' })
    expect(kit.calls).toEqual([])
  })

  test('an answer that is no JSON, or none at all, is told of without a piece of it', async () => {
    for (const answer of ['<html>canary</html>', undefined]) {
      const server = await serve({
        fetch: async request =>
          request.url.endsWith('/token')
            ? Response.json({ access_token: 't', expires_in: 3600 })
            : answer === undefined
              ? Promise.reject(new Error('gone'))
              : new Response(answer, { status: 503, headers: { 'retry-after': '9' } }),
        port: 0,
      })
      const odd = await startKit({ apiUrl: server.url })
      const outcome = await call(box => box.search.searchForContent({ query: 'canary' }), odd)
      const failure =
        answer === undefined ? { class: 'transient' } : { class: 'throttled', retryAfterSeconds: 9 }
      expect(outcome).toMatchObject({ kind: 'failed', failure })
      expect(JSON.stringify([outcome, odd.lines])).not.toContain('canary')
      await odd.close()
      await server.close()
    }
  })
})

describe('failures of calls', () => {
  test.each([
    [429, { class: 'throttled', code: 'box_throttled', retryAfterSeconds: 7 }],
    [503, { class: 'throttled', code: 'box_throttled', retryAfterSeconds: 7 }],
    [500, { class: 'transient', code: 'box_unavailable' }],
    [403, { class: 'permanent', code: 'box_forbidden' }],
    [409, { class: 'permanent', code: 'box_conflict' }],
    [400, { class: 'permanent', code: 'box_rejected' }],
  ])('%i is %o, with Box’s request id, after one call', async (status, failure) => {
    kit.box.faults.push({ path: /files/, times: 9, status, retryAfterSeconds: 7 })
    const outcome = await call(getFile)
    expect(outcome).toMatchObject({ kind: 'failed', failure })
    expect(kit.calls).toHaveLength(1)
    expect(JSON.stringify(outcome)).toContain(kit.calls[0]?.requestId)
  })

  test('a 503 that names no time is transient, a 429 that names none is a throttle all the same', async () => {
    kit.box.faults.push({ path: /files/, times: 1, status: 503 }, { path: /files/, times: 1, status: 429 })
    expect(await call(getFile)).toMatchObject({ failure: { class: 'transient' } })
    expect(await call(getFile)).toMatchObject({ failure: { class: 'throttled' } })
  })

  test('credentials that Box refuses are an auth failure that tells what to do', async () => {
    const wrong = await startKit({
      secret: '{"clientId":"local-client","clientSecret":"no","enterpriseId":"1"}',
    })
    expect(await call(getFile, wrong)).toMatchObject({
      failure: { class: 'auth', code: 'box_auth', message: expect.stringContaining('secret') },
    })
    await wrong.close()
  })

  test('a secret without credentials is an auth failure that tells what to put there', async () => {
    const empty = await startKit({ secret: '{}' })
    expect(await call(getFile, empty)).toMatchObject({
      failure: { class: 'auth', code: 'box_app_secret_invalid' },
    })
    await empty.close()
  })

  test('a Box that is out of reach is transient', async () => {
    const gone = await startKit()
    await gone.close()
    expect(await call(getFile, gone)).toMatchObject({
      failure: { class: 'transient', code: 'box_unreachable' },
    })
  })

  test('are one type to authors, with status and context', async () => {
    kit.box.content.createFolder({ parentId: '0', name: 'twin' })
    let conflict: unknown
    await call(box =>
      box.folders.createFolder({ name: 'twin', parent: { id: '0' } }).catch((error: unknown) => {
        conflict = error
      }),
    )
    expect(isBoxError(conflict)).toBe(true)
    expect(isBoxError(conflict, 404)).toBe(false)
    expect(conflict).toMatchObject({
      status: 409,
      boxCode: 'item_name_in_use',
      contextInfo: { conflicts: [{ type: 'folder', name: 'twin' }] },
    })
  })
})

describe('the app’s secret', () => {
  test.each([
    ['not json', 'no JSON object'],
    ['[]', 'no JSON object'],
    ['{}', 'no credentials yet'],
    ['{"clientId":"canary"}', 'clientSecret'],
    ['{"clientId":"canary","clientSecret":"canary"}', 'enterpriseId'],
    ['{"boxAppSettings":{"clientID":"canary"}}', 'boxAppSettings.clientSecret'],
    ['{"boxAppSettings":{"clientID":"c","clientSecret":"canary","appAuth":{}}}', 'publicKeyID'],
  ])('%s is refused, naming what is missing and nothing that is there', (secret, told) => {
    expect(() => parseBoxApp(secret)).toThrow(told)
    expect(() => parseBoxApp(secret)).not.toThrow(/canary/)
  })

  test('an error tells what Box says is wrong, field by field, but nothing like a token', async () => {
    const { id } = kit.box.content.createFolder({ parentId: '0', name: 'f' })
    const create = (address: string) =>
      kit.client.webhooks.createWebhook({
        target: { type: 'folder', id },
        address,
        triggers: ['FILE.LOCKED'],
      })
    await expect(create('http://hooks.example/box')).rejects.toMatchObject({
      boxMessage: 'Bad Request; address: Invalid value. Address must be a HTTPS URL',
    })
    const token = 'eyJhbGciOiJSUzUxMiIsInR5cCI6.IkpXVCIsImtpZCI6InV2d3h5eiJ9'
    const answer = { status: 400, boxMessage: `No Bearer ${token}\n here, nor "${token}"${'!'.repeat(500)}` }
    const { boxMessage } = new BoxError({ method: 'GET', path: '/' }, answer)
    expect(boxMessage).toBe('No Bearer ….…  here, nor "….…"…')
  })
})
