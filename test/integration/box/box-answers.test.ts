import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { parseObject } from '../../../lib/base/json.ts'
import type { Box } from '../../../lib/box/box.ts'
import { isBoxError } from '../../../lib/box/box-error.ts'
import { serve } from '../../../local/serve.ts'
import { startKit } from '../../kit.ts'
import { callBox, useKit } from '../../support/kit-calls.ts'

const kit = useKit()
const call = (use: (box: Box) => Promise<unknown>, on = kit) => callBox(on, use)
const upload = (name: string) => kit.box.content.uploadFile({ parentId: '0', name, content: name }).id
const NOT_READY = { class: 'throttled', code: 'box_not_ready' }
const BUSY = { class: 'throttled', code: 'box_busy' }

describe('content that is not ready', () => {
  test('puts the run off for as long as Box says, also where the automation would go on without it', async () => {
    kit.box.conditions.contentDelayMs = 60_000
    const id = upload('a.txt')
    let went = false
    const outcome = await call(async box => {
      const content = await box.downloads.downloadFile(id)
      went = true
      if (!content) return
      await text(content)
    })
    expect(outcome).toMatchObject({ kind: 'failed', failure: NOT_READY })
    expect(went).toBe(false)
    expect(kit.lines).toContainEqual(expect.objectContaining({ event: 'box_call', status: 202 }))
    kit.box.conditions.contentDelayMs = 0
    expect(await call(box => box.downloads.downloadFile(id))).toEqual({ kind: 'done' })
  })

  const answering = (status: number, headers: Record<string, string>) =>
    serve({
      fetch: async request =>
        request.url.endsWith('/token')
          ? Response.json({ access_token: 't', expires_in: 3600 })
          : new Response(null, { status, headers }),
      port: 0,
    })

  test.each<[string, (box: Box, url: string) => Promise<unknown>]>([
    ['a download', box => box.downloads.downloadFile('1')],
    ['a download’s URL', box => box.downloads.getDownloadFileUrl('1')],
    [
      'the commit of an upload session',
      box => box.chunkedUploads.createFileUploadSessionCommit('s', { parts: [] }, { digest: 'sha=x' }),
    ],
    [
      'the commit by its URL',
      (box, url) =>
        box.chunkedUploads.createFileUploadSessionCommitByUrl(
          `${url}/api/2.0/files/upload_sessions/s/commit`,
          { parts: [] },
          { digest: 'sha=x' },
        ),
    ],
  ])('%s answered 202 with retry-after is not a success', async (_, use) => {
    const server = await answering(202, { 'retry-after': '7' })
    const other = await startKit({ apiUrl: server.url })
    expect(await call(box => use(box, server.url), other)).toMatchObject({
      failure: { ...NOT_READY, retryAfterSeconds: 7 },
    })
    await other.close()
    await server.close()
  })

  test.each<[string, Record<string, string>]>([
    ['without retry-after, such as of an action that goes on in the background', {}],
    [
      'with the location of a placeholder, as for a thumbnail',
      { 'retry-after': '7', location: 'https://b/' },
    ],
  ])('an answer 202 %s is a success', async (_, headers) => {
    const server = await answering(202, headers)
    const other = await startKit({ apiUrl: server.url })
    expect(await call(box => box.files.getFileThumbnailById('1', 'png'), other)).toEqual({ kind: 'done' })
    await other.close()
    await server.close()
  })
})

describe('what another request is in the way of', () => {
  test('is put off without counting: a name that is reserved, a folder that is moved', async () => {
    const { content, conditions, faults } = kit.box
    const folder = content.createFolder({ parentId: '0', name: 'f' }).id
    const id = upload('a.txt')
    conditions.changeMs = 400
    const copy = (box: Box) => box.files.copyFile(id, { parent: { id: folder }, name: 'copy.txt' })
    const outcomes = await Promise.all([call(copy), call(copy)])
    expect(outcomes).toEqual(
      expect.arrayContaining([{ kind: 'done' }, { kind: 'failed', failure: expect.objectContaining(BUSY) }]),
    )
    conditions.changeMs = 0
    faults.push({ times: 1, path: /folders/, status: 409, code: 'operation_blocked_temporary' })
    expect(await call(box => box.folders.getFolderById(folder))).toMatchObject({ failure: BUSY })
  })

  test('is known by its code where the answer to a deletion or a download says it', async () => {
    kit.box.faults.push({ times: 2, path: /files/, status: 409, code: 'operation_blocked_temporary' })
    const id = upload('a.txt')
    const failure = { ...BUSY, message: expect.stringContaining('operation_blocked_temporary') }
    expect(await call(box => box.files.deleteFileById(id))).toMatchObject({ failure })
    expect(await call(box => box.downloads.downloadFile(id))).toMatchObject({ failure })
  })

  test('differs from a name that is in use, which authors can ask for', async () => {
    upload('a.txt')
    const id = upload('b.txt')
    let conflict: unknown
    const outcome = await call(box =>
      box.files.updateFileById(id, { requestBody: { name: 'a.txt' } }).catch((error: unknown) => {
        conflict = error
        throw error
      }),
    )
    expect(outcome).toMatchObject({ failure: { class: 'permanent', code: 'box_conflict' } })
    expect(isBoxError(conflict, 409, 'item_name_in_use')).toBe(true)
    expect(isBoxError(conflict, 409, 'name_temporarily_reserved')).toBe(false)
    expect(isBoxError(conflict, 404, 'item_name_in_use')).toBe(false)
  })
})

describe('a scope that the token lacks', () => {
  const tokenCalls = () => kit.lines.filter(({ path }) => path === '/oauth2/token').length
  const lacking = (times: number) =>
    kit.box.faults.push({ times, path: /2\.0/, status: 403, code: 'insufficient_scope' })

  test('may be one that was granted since the token was got: a new token is tried', async () => {
    await call(box => box.users.getUserMe())
    lacking(1)
    expect(await call(box => box.users.getUserMe())).toEqual({ kind: 'done' })
    expect(tokenCalls()).toBe(2)
  })

  test('is a permanent failure where a new token lacks it as well', async () => {
    await call(box => box.users.getUserMe())
    lacking(9)
    expect(await call(box => box.users.getUserMe())).toMatchObject({
      failure: { class: 'permanent', code: 'box_forbidden', message: expect.stringContaining('scope') },
    })
    expect([tokenCalls(), kit.calls.length]).toEqual([2, 3])
  })

  test('is known by the header where the call is for content', async () => {
    lacking(9)
    let refused: unknown
    await call(box =>
      box.downloads.downloadFile('1').catch((error: unknown) => {
        refused = error
      }),
    )
    expect(isBoxError(refused, 403, 'insufficient_scope')).toBe(true)
  })

  test('makes no token known', async () => {
    const tokens: unknown[] = []
    const watched = await startKit({
      async onExchange(request, response) {
        if (request.url.endsWith('/token')) tokens.push(parseObject(await response.text())?.access_token)
      },
    })
    watched.box.faults.push({ times: 9, path: /2\.0/, status: 403, code: 'insufficient_scope' })
    const outcome = await call(box => box.users.getUserMe(), watched)
    expect(tokens).toEqual([expect.any(String), expect.any(String)])
    for (const token of tokens) expect(JSON.stringify([outcome, watched.lines])).not.toContain(token)
    await watched.close()
  })
})
