import { beforeEach, describe, expect, test } from 'vitest'
import { isObject } from '../../../lib/base/json.ts'
import { doIn } from '../../../local/box/actions/actions.ts'
import { createEmulatedBox, type EmulatedBox } from '../../../local/box/emulated-box.ts'
import type { ApiCall } from '../../../local/box/routes/api.ts'
import { manualClock } from '../../support/manual-clock.ts'

let box: EmulatedBox
let calls: ApiCall[]
beforeEach(() => {
  let ids = 0
  calls = []
  box = createEmulatedBox({
    clock: manualClock(Date.parse('2026-11-23T10:00:00Z')),
    newId: () => `id-${++ids}`,
    keys: {},
    fetch: async () => new Response(null, { status: 202 }),
    onCall: call => calls.push(call),
  })
})

/** The routes that automations and the reconciliation use, one of each kind. */
const ROUTES = [
  ['POST', '/oauth2/token'],
  ['GET', '/2.0/users/me'],
  ['GET', '/2.0/files/1'],
  ['PUT', '/2.0/files/1'],
  ['DELETE', '/2.0/files/1'],
  ['POST', '/2.0/files/1/copy'],
  ['GET', '/2.0/files/1/content'],
  ['POST', '/api/2.0/files/content'],
  ['GET', '/2.0/folders/1/items'],
  ['POST', '/2.0/folders'],
  ['POST', '/2.0/collaborations'],
  ['DELETE', '/2.0/collaborations/1'],
  ['GET', '/2.0/webhooks'],
  ['PUT', '/2.0/webhooks/1'],
] as const

const STATUSES = ['401', '403', '404', '409', '429', '500', '502', '503', '504']

const call = (method: string, path: string, signal?: AbortSignal) =>
  box.fetch(new Request(`http://localhost${path}`, { method, ...(signal ? { signal } : {}) }))

/** As a person fills in the form “Let the API fail”. */
const fail = (fields: Readonly<Record<string, string>>) => doIn(box, 'fail-api', '', fields)

describe('“Let the API fail”', () => {
  test.each(ROUTES)('%s %s fails with each status, in Box’s form, and then no more', async (method, path) => {
    const usual = (await call(method, path)).status
    for (const status of STATUSES) {
      fail({ method, path, status, retryAfter: '7', times: '1' })
      const failed = await call(method, path)
      expect(failed.status).toBe(Number(status))
      expect(failed.headers.get('retry-after')).toBe('7')
      const body: unknown = await failed.json()
      expect(body).toMatchObject({ type: 'error', status: Number(status), request_id: expect.any(String) })
      expect(isObject(body) && typeof body.code === 'string' && body.code !== '').toBe(true)
      expect((await call(method, path)).status).toBe(usual)
    }
  })

  test.each(ROUTES)('%s %s can be left without an answer', async (method, path) => {
    fail({ method, path, status: 'timeout', times: '1' })
    const hangUp = new AbortController()
    const answer = call(method, path, hangUp.signal)
    let answered = false
    void answer.then(() => {
      answered = true
    })
    await expect.poll(() => box.faults[0]?.times).toBe(0)
    expect(answered).toBe(false)
    hangUp.abort()
    await answer
    expect(calls.at(-1)).toMatchObject({ method, path, status: 0 })
  })

  test.each(ROUTES)('%s %s can fail alone: no other route does', async (method, path) => {
    fail({ method, path, status: '503', times: '' })
    const others = ROUTES.filter(([m, p]) => m !== method || !p.startsWith(path))
    for (const [otherMethod, otherPath] of others)
      expect((await call(otherMethod, otherPath)).status, `${otherMethod} ${otherPath}`).not.toBe(503)
    for (const _ of [1, 2, 3]) expect((await call(method, path)).status).toBe(503)
    doIn(box, 'mend-api', '')
    expect((await call(method, path)).status).not.toBe(503)
  })

  test.each([
    [{ status: '418' }, 'status'],
    [{ status: '503', times: '0' }, 'times'],
    [{ status: '503', times: 'often' }, 'times'],
    [{ status: '429', retryAfter: '-1' }, 'retryAfter'],
  ])('%j is refused, naming what is wrong', (fields, name) => {
    expect(() => fail(fields)).toThrow(
      expect.objectContaining({
        status: 400,
        contextInfo: { errors: [expect.objectContaining({ name })] },
      }),
    )
    expect(box.faults).toEqual([])
  })
})
