import type { BoxClient } from 'box-node-sdk'
import { BoxApiError } from 'box-node-sdk/box'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../../lib/base/clock.ts'
import { isObject } from '../../../lib/base/json.ts'
import { createEmulatedBox, type EmulatedBox } from '../../../local/box/emulated-box.ts'
import { type Served, serve } from '../../../local/serve.ts'
import { countedIds } from '../../support/counted-ids.ts'
import { boxOpenApi } from '../../support/openapi.ts'
import { sdkClient } from '../../support/served-box.ts'

const openApi = boxOpenApi()

let box: EmulatedBox
let served: Served
let client: BoxClient
let file: string
let folder: string
/** What Box's own description says is wrong with what was sent or answered. */
let problems: string[]

beforeEach(async () => {
  problems = []
  box = createEmulatedBox({
    clock: systemClock,
    newId: countedIds('id'),
    keys: {},
    fetch: async () => new Response(null, { status: 202 }),
  })
  served = await serve({ fetch: checked, port: 0 })
  client = sdkClient(served.url)
  folder = box.content.createFolder({ parentId: '0', name: 'Review' }).id
  file = box.content.uploadFile({ parentId: folder, name: 'contract.pdf', content: 'x' }).id
  box.content.addUser({ id: '20002', name: 'Ada Byron', login: 'ada@example.com' })
})
afterEach(async () => {
  await box.close()
  await served.close()
  expect(problems).toEqual([])
})

/** A slip of the description: it requires a field of shared links that none has. */
const SLIPS: ReadonlySet<string> = new Set(['answer.shared_link.accessed: is required'])

/** Answers a call; the answer is checked against Box's description where that is at hand. */
async function checked(request: Request): Promise<Response> {
  const response = await box.fetch(request)
  const { pathname } = new URL(request.url)
  if (!openApi || !response.ok || !pathname.startsWith('/2.0/')) return response
  const text = await response.clone().text()
  const answer = withoutNulls(text === '' ? undefined : JSON.parse(text))
  const found = openApi.answerProblems(request.method, pathname.slice('/2.0'.length), response.status, answer)
  problems.push(...found.filter(problem => !SLIPS.has(problem) && !problem.endsWith('is not known')))
  return response
}

/** Box's description does not mark every field that can be null, nor name every one that its own examples have. */
function withoutNulls(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(withoutNulls)
  if (!isObject(json)) return json
  const set = Object.entries(json).filter(([, value]) => value !== null)
  return Object.fromEntries(set.map(([name, value]) => [name, withoutNulls(value)]))
}

/** The status that Box refuses a call with. */
const refusal = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    (error: unknown) => (error instanceof BoxApiError ? error.responseInfo.statusCode : error),
  )

describe('the emulated Box’s API, through the official SDK and by Box’s own description', () => {
  test('what is not emulated is refused, saying what is', async () => {
    const made = client.comments.createComment({ message: 'hello', item: { type: 'file', id: file } })
    await expect(made).rejects.toThrow('The emulated Box does not have POST /2.0/comments')
  })

  test('locks', async () => {
    const { files } = client
    const lock = { type: 'lock', isDownloadPrevented: true }
    const locked = await files.updateFileById(file, {
      requestBody: { lock },
      queryParams: { fields: ['lock'] },
    })
    expect(locked.lock).toMatchObject({ isDownloadPrevented: true })
    const read = await files.getFileById(file, { queryParams: { fields: ['lock', 'name'] } })
    expect(read.lock?.createdBy?.id).toBe(box.content.owner.id)
    await files.updateFileById(file, { requestBody: { lock: null } })
    expect(box.content.file(file).lock).toBeUndefined()
  })

  test('the trash of files and folders', async () => {
    const { files, folders, trashedFiles, trashedFolders } = client
    await files.deleteFileById(file)
    expect(await refusal(files.getFileById(file))).toBe(404)
    expect((await trashedFiles.getTrashedFileById(file)).itemStatus).toBe('trashed')
    const restored = await trashedFiles.restoreFileFromTrash(file, { requestBody: { name: 'back.pdf' } })
    expect(restored.name).toBe('back.pdf')
    expect(await refusal(folders.deleteFolderById(folder))).toBe(400)
    await folders.deleteFolderById(folder, { queryParams: { recursive: true } })
    expect(await refusal(files.getFileById(file))).toBe(404)
    await trashedFolders.deleteTrashedFolderById(folder)
    expect(await refusal(trashedFolders.getTrashedFolderById(folder))).toBe(404)
    expect(await refusal(trashedFiles.getTrashedFileById(file))).toBe(404)
  })

  test('folders: renamed, moved, shared and copied', async () => {
    const { folders } = client
    const other = await folders.createFolder({ name: 'Other', parent: { id: '0' } })
    const moved = await folders.updateFolderById(folder, {
      requestBody: { name: 'Renamed', parent: { id: other.id }, sharedLink: { access: 'open' } },
    })
    expect(moved).toMatchObject({ name: 'Renamed', parent: { id: other.id }, sharedLink: { access: 'open' } })
    const copy = await folders.copyFolder(folder, { parent: { id: '0' }, name: 'Copy' })
    expect((await folders.getFolderItems(copy.id)).entries).toMatchObject([{ name: 'contract.pdf' }])
    expect(await refusal(folders.copyFolder(other.id, { parent: { id: folder } }))).toBe(403)
  })
})
