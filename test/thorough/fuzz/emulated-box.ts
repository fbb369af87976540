import assert from 'node:assert/strict'
import fc from 'fast-check'
import { isObject } from '../../../lib/base/json.ts'
import { createEmulatedBox } from '../../../local/box/emulated-box.ts'
import { asyncBoundary } from './boundary.ts'
import { NOW } from './door.ts'

const id = fc.constantFrom(
  '0',
  '100001',
  '1000000001',
  '1000000002',
  '10001',
  '5001',
  'x',
  '__proto__',
  '%2e%2e',
  '%E0%A4%A',
)
const json = fc.jsonValue({ maxDepth: 2 })
const orJson = (usual: fc.Arbitrary<unknown>) => fc.oneof({ weight: 2, arbitrary: usual }, json)
const named = orJson(
  fc.record({ id, type: fc.constantFrom('file', 'folder', 'user', 'group') }, { requiredKeys: [] }),
)
const body = orJson(
  fc.record(
    {
      name: orJson(fc.constantFrom('a', 'b', '', '../x')),
      parent: named,
      item: named,
      target: named,
      accessible_by: orJson(
        fc.record({ type: fc.constant('user'), login: json, id }, { requiredKeys: ['type'] }),
      ),
      role: orJson(fc.constantFrom('editor', 'viewer')),
      status: orJson(fc.constantFrom('accepted', 'rejected')),
      shared_link: orJson(fc.record({ access: orJson(fc.constantFrom('open', 'company')) })),
      address: orJson(
        fc.constantFrom(
          'https://example.com/',
          'http://localhost:1/',
          'https://box.com',
          'https://x.box.com',
        ),
      ),
      triggers: orJson(
        fc.array(orJson(fc.constantFrom('FILE.UPLOADED', 'FILE.LOCKED', 'NO_ACTIVE_SESSION'))),
      ),
    },
    { requiredKeys: [] },
  ),
)
const path = fc
  .tuple(
    fc.constantFrom('files', 'folders', 'webhooks', 'collaborations', 'users'),
    fc.option(id, { nil: undefined }),
    fc.option(fc.constantFrom('content', 'copy', 'items', 'collaborations', 'x'), { nil: undefined }),
    fc.constantFrom(
      '',
      '?limit=0',
      '?limit=999999999999999999999',
      '?marker=-1',
      '?offset=1e3',
      '?limit=1&marker=1',
    ),
    fc.constantFrom('/2.0', '/2.0', '/api/2.0', ''),
  )
  .map(
    ([kind, one, below, query, base]) =>
      `${base}/${[kind, one, below].filter(part => part !== undefined).join('/')}${query}`,
  )

const raw = fc.oneof({ weight: 4, arbitrary: body.map(value => JSON.stringify(value) ?? '') }, fc.string())
const call = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH'),
  path: fc.oneof({ weight: 9, arbitrary: path }, fc.constant('/oauth2/token')),
  body: raw,
  type: fc.constantFrom(
    'application/json',
    'multipart/form-data; boundary=x',
    'multipart/form-data',
    'text/plain',
  ),
  asUser: fc.option(id, { nil: undefined }),
})

const TOKEN =
  'grant_type=client_credentials&client_id=local-client&client_secret=local-secret&box_subject_type=enterprise&box_subject_id=1'

/** A small Box with a folder, a file and a token. */
export async function smallBox() {
  let ids = 0
  const box = createEmulatedBox({
    clock: { now: () => NOW, after: () => () => {} },
    newId: () => {
      ids += 1
      return `id-${ids}`
    },
    keys: { primary: 'p', secondary: 's' },
    fetch: async () => new Response(null, { status: 202 }),
  })
  box.content.createFolder({ id: '100001', parentId: '0', name: 'Review' })
  box.content.uploadFile({ parentId: '100001', name: 'contract.pdf', content: 'x' })
  const answer = await box.fetch(
    new Request('http://localhost/oauth2/token', { method: 'POST', body: TOKEN }),
  )
  const granted: unknown = await answer.json()
  const token = isObject(granted) ? String(granted.access_token) : ''
  return { box, token }
}

/** Any calls in any order: Box answers each, in its own form, and never with a fault of its own. */
export const emulatedBoxCalls = asyncBoundary(
  'emulated-box-calls',
  { weight: 3, quickCases: 200 },
  fc.array(call, { minLength: 1, maxLength: 5 }),
  async calls => {
    const { box, token } = await smallBox()
    for (const { method, path: asked, body: sent, type, asUser } of calls) {
      const headers = {
        authorization: `Bearer ${token}`,
        'content-type': type,
        ...(asUser === undefined ? {} : { 'as-user': asUser }),
      }
      const init = { method, headers, ...(method === 'GET' ? {} : { body: sent }) }
      const response = await box.fetch(new Request(`http://localhost${asked}`, init))
      assert.ok(
        response.status < 500,
        `${method} ${asked} ${sent} is answered ${response.status}: ${await response.clone().text()}`,
      )
      if (response.status >= 400) assert.ok(isObject(await response.json()), 'a refusal is JSON')
    }
    await box.settled()
    await box.close()
  },
)
