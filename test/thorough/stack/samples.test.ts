import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { bundle, ROOT } from '../../../infra/build/bundle.ts'
import { useStack } from '../../support/stack.ts'

const stack = useStack()

const status = (eventId: string) => stack.journal.event(eventId)?.status
const lines = (eventId: string, name: string) =>
  stack.journal.event(eventId)?.lines.filter(({ event }) => event === name) ?? []
/** The newest event of a trigger that the emulated Box has told of. */
const told = (trigger: string) => {
  const event = stack.box.sent.findLast(one => one.trigger === trigger)
  if (!event) throw new Error(`Box told nobody of ${trigger}.`)
  return event
}

describe('the samples on this machine', () => {
  test('a webhook that Box deletes of its own accord is made anew', async () => {
    const { webhooks } = stack.box
    const [before] = [...webhooks.all.values()]
    if (!before) throw new Error('There is no webhook.')
    expect(await stack.box.cleanUp(before.id)).toMatchObject({ status: 202 })
    await expect.poll(() => webhooks.all.size, { timeout: 15_000 }).toBe(1)
    const { id: _, createdAt: __, ...same } = before
    expect([...webhooks.all.values()]).toMatchObject([same])
    const deleted = stack.journal.events.find(({ trigger }) => trigger === 'WEBHOOK.DELETED')
    await expect.poll(() => status(deleted?.eventId ?? ''), { timeout: 15_000 }).toBe('done')
  })

  test('an upload is archived, and its copy in the archive sets off nothing', async () => {
    stack.box.content.uploadFile({ parentId: '100001', name: 'minutes.txt', content: 'y' })
    const upload = told('FILE.UPLOADED')
    await expect.poll(() => status(upload.eventId), { timeout: 15_000 }).toBe('done')
    const archive = () => stack.box.content.items('100002').map(({ name }) => name)
    await expect.poll(archive).toContainEqual(expect.stringMatching(/^minutes \d{4}-\d\d-\d\d\.txt$/))
    const copied = told('FILE.UPLOADED')
    expect(copied.eventId).not.toBe(upload.eventId)
    await expect.poll(() => status(copied.eventId), { timeout: 15_000 }).toBe('done')
    const record = await stack.ledger.read(copied.eventId)
    expect(record?.runs['archive-uploads']).toMatchObject({ status: 'skipped' })
    expect(archive().filter(name => name.startsWith('minutes'))).toHaveLength(1)
  })

  test('a collaborator from outside is removed, one from inside stays', async () => {
    const { content } = stack.box
    const item = { type: 'folder', id: '100001' } as const
    const inside = content.addCollaboration({ item, login: 'ada@example.com', role: 'editor' })
    const outside = content.addCollaboration({ item, login: 'ellis@elsewhere.example', role: 'editor' })
    await expect.poll(() => content.collaborations.has(outside.id), { timeout: 15_000 }).toBe(false)
    expect(content.collaborations.has(inside.id)).toBe(true)
  })

  test('while Box throttles, the event waits on the queue, and Lambda does not', async () => {
    const { content, faults } = stack.box
    const { id } = content.uploadFile({ parentId: '100001', name: 'busy.pdf', content: 'x' })
    content.updateFile(id, { sharedLink: { access: 'open' } })
    faults.push({ method: 'PUT', times: 1, status: 429, retryAfterSeconds: 1 })
    content.downloadFile(id)
    const { eventId } = told('FILE.DOWNLOADED')
    await expect.poll(() => status(eventId), { timeout: 15_000 }).toBe('done')
    expect(lines(eventId, 'run_retrying')).toMatchObject([{ code: 'box_throttled' }])
    const record = await stack.ledger.read(eventId)
    expect(record?.runs['remove-shared-link-after-download']).toMatchObject({ attempts: 1 })
  })

  test('other automations take over while it runs, and their webhooks with them, on items new to the emulated Box too', async () => {
    const folder = await mkdtemp(join(ROOT, '.boxhooks', 'take-over-'))
    const automationsDir = join(folder, 'automations')
    await mkdir(automationsDir)
    const code = `import { automation } from 'boxhooks'
      export default automation({ name: 'renamed', on: 'FILE.RENAMED',
        watch: [{ folder: '\${REVIEW_FOLDER_ID}' }, { folder: '555001' }, { file: '555002' }],
        run({ log }) { log.info('the new one ran') } })`
    await writeFile(join(automationsDir, 'renamed.ts'), code)
    const { manifest } = await bundle({ outDir: folder, automationsDir })
    await stack.replace(folder, manifest)
    const on = ['FILE.RENAMED']
    expect([...stack.box.webhooks.all.values()]).toMatchObject([
      { target: { id: '100001' }, triggers: on },
      { target: { type: 'folder', id: '555001' }, triggers: on },
      { target: { type: 'file', id: '555002' }, triggers: on },
    ])
    const { content } = stack.box
    const { id } = content.uploadFile({ parentId: '100001', name: 'before.txt', content: 'x' })
    content.updateFile(id, { name: 'after.txt' })
    const { eventId } = told('FILE.RENAMED')
    await expect.poll(() => status(eventId), { timeout: 15_000 }).toBe('done')
    expect(lines(eventId, 'automation_log')).toMatchObject([{ message: 'the new one ran' }])
    await rm(folder, { recursive: true })
  })
})
