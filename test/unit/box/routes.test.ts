import { randomUUID } from 'node:crypto'
import { BoxClient } from 'box-node-sdk'
import { BoxApiError, BoxCcgAuth, CcgConfig } from 'box-node-sdk/box'
import { BaseUrls, BoxRetryStrategy, NetworkSession } from 'box-node-sdk/networking'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../../lib/clock.ts'
import { isObject } from '../../../lib/json.ts'
import { createEmulatedBox, type EmulatedBox } from '../../../local/box/emulated-box.ts'
import { type Served, serve } from '../../../local/serve.ts'
import { boxOpenApi } from '../../support/openapi.ts'

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
    newId: randomUUID,
    keys: {},
    fetch: async () => new Response(null, { status: 202 }),
  })
  served = await serve({ fetch: checked, port: 0 })
  const { url } = served
  const baseUrls = new BaseUrls({ baseUrl: url, uploadUrl: `${url}/api`, oauth2Url: `${url}/oauth2` })
  const auth = new BoxCcgAuth({
    config: new CcgConfig({ clientId: 'local-client', clientSecret: 'local-secret', enterpriseId: '1' }),
  })
  const retryStrategy = new BoxRetryStrategy({ maxAttempts: 1 })
  client = new BoxClient({ auth, networkSession: new NetworkSession({ baseUrls, retryStrategy }) })
  folder = box.content.createFolder({ parentId: '0', name: 'Review' }).id
  file = box.content.uploadFile({ parentId: folder, name: 'contract.pdf', content: 'x' }).id
  box.content.addUser({ id: '20002', name: 'Ada Byron', login: 'ada@example.com' })
})
afterEach(async () => {
  await box.close()
  await served.close()
  expect(problems).toEqual([])
})

/** Slips of the description: it names 201 for reading an instance, and requires a field of shared links that none has. */
const SLIPS: ReadonlySet<string> = new Set([
  'answer.status: is no integer',
  'answer.shared_link.accessed: is required',
])

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
  test('comments and replies', async () => {
    const { comments } = client
    const said = await comments.createComment({ message: 'hello', item: { type: 'file', id: file } })
    const reply = await comments.createComment({
      message: 'hi',
      item: { type: 'comment', id: said.id ?? '' },
    })
    expect([said.message, reply.isReplyComment]).toEqual(['hello', true])
    const changed = await comments.updateCommentById(said.id ?? '', { requestBody: { message: 'hello all' } })
    expect(changed.message).toBe('hello all')
    expect((await comments.getFileComments(file)).totalCount).toBe(2)
    await comments.deleteCommentById(said.id ?? '')
    expect(await refusal(comments.getCommentById(said.id ?? ''))).toBe(404)
  })

  test('metadata on files and folders', async () => {
    const { fileMetadata, folderMetadata } = client
    const made = await fileMetadata.createFileMetadataById(file, 'global', 'properties', { status: 'draft' })
    expect(made).toMatchObject({ parent: `file_${file}`, template: 'properties', scope: 'global' })
    const again = fileMetadata.createFileMetadataById(file, 'global', 'properties', {})
    expect(await refusal(again)).toBe(409)
    const changed = await fileMetadata.updateFileMetadataById(file, 'global', 'properties', [
      { op: 'test', path: '/status', value: 'draft' },
      { op: 'replace', path: '/status', value: 'final' },
      { op: 'add', path: '/reviewer', value: 'Ada' },
    ])
    expect(changed.extraData).toMatchObject({ status: 'final', reviewer: 'Ada' })
    const wrong = fileMetadata.updateFileMetadataById(file, 'global', 'properties', [
      { op: 'replace', path: '/reviewer', value: 'Bob' },
      { op: 'test', path: '/status', value: 'draft' },
    ])
    expect(await refusal(wrong)).toBe(400)
    const { extraData } = await fileMetadata.getFileMetadataById(file, 'global', 'properties')
    expect(extraData).toMatchObject({ reviewer: 'Ada' })
    await fileMetadata.deleteFileMetadataById(file, 'global', 'properties')
    expect((await fileMetadata.getFileMetadata(file)).entries).toEqual([])
    await folderMetadata.createFolderMetadataById(folder, 'global', 'properties', { status: 'draft' })
    expect((await folderMetadata.getFolderMetadata(folder)).entries).toHaveLength(1)
  })

  test('tasks and who is to do them', async () => {
    const { tasks, taskAssignments } = client
    const task = await tasks.createTask({
      item: { type: 'file', id: file },
      action: 'review',
      message: 'Review',
    })
    const assigned = await taskAssignments.createTaskAssignment({
      task: { type: 'task', id: task.id ?? '' },
      assignTo: { login: 'ada@example.com' },
    })
    expect(assigned).toMatchObject({ resolutionState: 'incomplete', assignedTo: { id: '20002' } })
    const id = assigned.id ?? ''
    const completed = taskAssignments.updateTaskAssignmentById(id, {
      requestBody: { resolutionState: 'completed' },
    })
    expect(await refusal(completed)).toBe(400)
    const approved = await taskAssignments.updateTaskAssignmentById(id, {
      requestBody: { resolutionState: 'approved' },
    })
    expect(approved.resolutionState).toBe('approved')
    expect((await tasks.getTaskById(task.id ?? '')).isCompleted).toBe(true)
    expect((await tasks.getFileTasks(file)).totalCount).toBe(1)
    expect((await taskAssignments.getTaskAssignments(task.id ?? '')).totalCount).toBe(1)
    await tasks.deleteTaskById(task.id ?? '')
    expect(await refusal(taskAssignments.getTaskAssignmentById(id))).toBe(404)
  })

  test('sign requests', async () => {
    const { signRequests } = client
    const made = await signRequests.createSignRequest({
      signers: [{ email: 'signer@example.com', role: 'signer' }],
      sourceFiles: [{ type: 'file', id: file }],
      parentFolder: { type: 'folder', id: folder },
    })
    expect(made.status).toBe('sent')
    expect((await signRequests.getSignRequests()).entries).toHaveLength(1)
    expect((await signRequests.cancelSignRequest(made.id ?? '')).status).toBe('cancelled')
    expect((await signRequests.getSignRequestById(made.id ?? '')).status).toBe('cancelled')
    expect(await refusal(signRequests.getSignRequestById('none'))).toBe(404)
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
