import { boxEvent, type Kit, type StoredFile, startKit, wireItem } from 'boxhooks/test'
import { afterAll, beforeAll, expect, test } from 'vitest'
import archiveUploads from '../../automations/archive-uploads.ts'

let kit: Kit
let settings: Record<string, string>
let review: string
beforeAll(async () => {
  kit = await startKit()
  const { content } = kit.box
  review = content.createFolder({ parentId: '0', name: 'Review' }).id
  const archive = content.createFolder({ parentId: review, name: 'Archive' }).id
  settings = { REVIEW_FOLDER_ID: review, ARCHIVE_FOLDER_ID: archive }
})
afterAll(() => kit.close())

const upload = (name: string, text: string): StoredFile =>
  kit.box.content.uploadFile({ parentId: review, name, content: text })
const uploaded = (file: StoredFile, day = '2026-11-23') =>
  boxEvent('FILE.UPLOADED', { source: wireItem(kit.box.content, file), createdAt: `${day}T10:00:00-07:00` })
const archived = () => kit.box.content.items(settings.ARCHIVE_FOLDER_ID ?? '').map(({ name }) => name)
const run = (event: ReturnType<typeof uploaded>) => kit.run(archiveUploads, event, settings)

test('an upload is copied to the archive with its date in the name, once however often it runs', async () => {
  const event = uploaded(upload('contract.pdf', 'first'))
  expect(await run(event)).toEqual({ kind: 'done' })
  expect(await run(event)).toEqual({ kind: 'done' })
  expect(archived()).toEqual(['contract 2026-11-23.pdf'])
})

test('a new version on the same day gets a name of its own', async () => {
  const file = upload('contract.pdf', 'second')
  const event = uploaded(file)
  expect(await run(event)).toEqual({ kind: 'done' })
  expect(await run(event)).toEqual({ kind: 'done' })
  expect(archived()).toEqual([`contract 2026-11-23 ${file.versionId}.pdf`, 'contract 2026-11-23.pdf'])
})

test('a name without an extension, or with several dots, keeps what it has', async () => {
  await run(uploaded(upload('README', 'a'), '2026-01-02'))
  await run(uploaded(upload('a.tar.gz', 'b'), '2026-01-02'))
  expect(archived()).toEqual(expect.arrayContaining(['README 2026-01-02', 'a.tar 2026-01-02.gz']))
})

test('the copy in the archive, which lies in the watched folder, sets nothing off', async () => {
  const before = archived()
  const [copy] = kit.box.content.items(settings.ARCHIVE_FOLDER_ID ?? '')
  if (copy?.type !== 'file') throw new Error('There is no copy.')
  expect(await run(uploaded(copy))).toMatchObject({
    kind: 'skipped',
    reason: expect.stringContaining('archive'),
  })
  expect(archived()).toEqual(before)
})

test('two runs that copy at the same time leave one copy: the one whose name is reserved waits', async () => {
  const before = archived()
  const event = uploaded(upload('twin.txt', 'twin'))
  kit.box.conditions.changeMs = 200
  const outcomes = await Promise.all([run(event), run(event)])
  kit.box.conditions.changeMs = 0
  expect(outcomes).toEqual(
    expect.arrayContaining([
      { kind: 'done' },
      { kind: 'failed', failure: expect.objectContaining({ class: 'throttled', code: 'box_busy' }) },
    ]),
  )
  expect(await run(event)).toEqual({ kind: 'done' })
  expect(archived().filter(name => !before.includes(name))).toEqual(['twin 2026-11-23.txt'])
})

test('an archive folder that is being moved is waited for, not given up', async () => {
  const file = upload('late.txt', 'late')
  kit.box.faults.push({ path: /copy$/, times: 1, status: 409, code: 'operation_blocked_temporary' })
  expect(await run(uploaded(file))).toMatchObject({ failure: { class: 'throttled', code: 'box_busy' } })
  expect(await run(uploaded(file))).toEqual({ kind: 'done' })
})

test('a file that is gone by then is no failure', async () => {
  const file = upload('brief.txt', 'x')
  kit.box.content.trashFile(file.id)
  expect(await run(uploaded(file))).toEqual({ kind: 'done' })
})
