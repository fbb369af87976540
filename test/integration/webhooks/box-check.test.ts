import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../../lib/base/clock.ts'
import { isObject } from '../../../lib/base/json.ts'
import { checkBox } from '../../../lib/webhooks/box-check.ts'
import { type Served, serve } from '../../../local/serve.ts'
import { type Kit, type KitOptions, startKit } from '../../kit.ts'
import { countedIds } from '../../support/counted-ids.ts'

const kits: Kit[] = []
let kit: Kit
let front: Served
/** What changes Box's answer on its way. */
let bend: (path: string, json: unknown) => unknown
let headers: Record<string, string>

async function start(options: KitOptions = {}): Promise<Kit> {
  const started = await startKit(options)
  kits.push(started)
  return started
}

beforeEach(async () => {
  bend = (_, json) => json
  headers = {}
  const behind = await start()
  front = await serve({
    async fetch(request) {
      const answer = await behind.box.fetch(request)
      const told = new Headers([...answer.headers, ...Object.entries(headers)])
      const text = await answer.text()
      if (text === '') return new Response(null, { status: answer.status, headers: told })
      const json: unknown = JSON.parse(text)
      return Response.json(bend(new URL(request.url).pathname, json), {
        status: answer.status,
        headers: told,
      })
    },
    port: 0,
  })
  const client = await start({ apiUrl: front.url })
  kit = { ...behind, client: client.client }
})
afterEach(async () => {
  await front.close()
  for (const one of kits.splice(0)) await one.close()
})

const newName = countedIds('folder')
const folder = () => kit.box.content.createFolder({ parentId: '0', name: newName() }).id
const check = (ids: readonly string[], more: { readonly file?: string } = {}) =>
  checkBox({
    box: kit.client,
    apiUrl: front.url,
    clock: systemClock,
    version: '0.1.0+code.0123456789ab.stack.0123456789ab',
    automations: [
      {
        name: 'mine',
        on: ['FILE.UPLOADED'],
        watch: [
          ...ids.map(id => ({ type: 'folder', id }) as const),
          ...(more.file ? [{ type: 'file', id: more.file } as const] : []),
        ],
      },
    ],
  })

describe('the check of a Box app', () => {
  test('tells whom the app acts as, what it sees, and what was deployed, and only reads', async () => {
    const id = folder()
    const { content } = kit.box
    const file = content.uploadFile({ parentId: id, name: 'a.txt', content: 'a' }).id
    const found = await check([id, '0', id], { file })
    expect(found).toMatchObject({
      version: '0.1.0+code.0123456789ab.stack.0123456789ab',
      automations: [{ name: 'mine', on: ['FILE.UPLOADED'] }],
      account: { ok: true, id: content.owner.id, login: content.owner.login },
      webhooks: { ok: true },
      targets: [
        { ok: true, target: { type: 'folder', id }, canUpload: true, canChange: true },
        { ok: true, target: { type: 'file', id: file }, canUpload: true, canChange: true },
      ],
    })
    expect(kit.calls.every(({ method }) => method === 'GET')).toBe(true)
  })

  test('tells of each item that the app cannot see, or only look at', async () => {
    const [seen, gone] = [folder(), folder()]
    kit.box.content.trashFolder(gone)
    bend = (path, json) =>
      path === `/2.0/folders/${seen}` && isObject(json)
        ? { ...json, permissions: { can_upload: false, can_rename: false, can_download: true } }
        : json
    const { targets } = await check([seen, gone])
    expect(targets).toMatchObject([
      { ok: true, canUpload: false, canChange: false },
      { ok: false, error: { code: 'box_not_found', status: 404 } },
    ])
  })

  test('says nothing of rights that Box says nothing of', async () => {
    bend = (path, json) => (path.startsWith('/2.0/folders/') ? { type: 'folder', id: '1' } : json)
    const id = folder()
    expect((await check([id])).targets).toEqual([{ ok: true, target: { type: 'folder', id } }])
  })

  test.each([
    ['webhooks', /\/webhooks/],
    ['adminEvents', /\/events/],
  ] as const)('tells that the scope for %s is missing, and goes on', async (name, path) => {
    kit.box.faults.push({ times: 2, status: 403, path, code: 'insufficient_scope' })
    const found = await check([folder()])
    expect(found[name]).toMatchObject({
      ok: false,
      error: { code: 'box_forbidden', boxCode: 'insufficient_scope' },
    })
    expect(found.targets).toMatchObject([{ ok: true }])
  })

  test('asks nothing further where Box gives no token, and tells why without a secret', async () => {
    const { client } = await start({
      apiUrl: front.url,
      secret: JSON.stringify({ clientId: 'canary-client', clientSecret: 'canary-secret', enterpriseId: '1' }),
    })
    kit = { ...kit, client }
    const found = await check([folder()])
    expect(found.account).toMatchObject({ ok: false, error: { code: 'box_auth', status: 400 } })
    expect(Object.keys(found).sort()).toEqual(['account', 'automations', 'clock', 'version'])
    expect(JSON.stringify(found)).not.toContain('canary')
    expect(kit.calls).toEqual([])
  })

  test('goes on where only the account can’t be learnt', async () => {
    kit.box.faults.push({ times: 1, status: 503, path: /users\/me/ })
    const found = await check([folder()])
    expect(found.account).toMatchObject({ ok: false, error: { code: 'box_unavailable' } })
    expect(found.targets).toMatchObject([{ ok: true }])
  })

  test('has Box’s time, to compare with the function’s', async () => {
    headers = { date: new Date(Date.now() - 3_600_000).toUTCString() }
    const { clock } = await check([])
    expect(Math.round((clock.at - (clock.boxAt ?? 0)) / 60_000)).toBe(60)
    headers = { date: 'yesterday' }
    expect((await check([])).clock.boxAt).toBeUndefined()
  })
})
