import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundle, ROOT } from '../../../infra/build/bundle.ts'
import { useStack } from '../../support/stack.ts'

const stack = useStack()

/** Watches a folder, and does its effect in a step. */
const automationOn = (name: string, folder: string) => `import { automation } from 'boxhooks'
export default automation({
  name: '${name}',
  on: ['FILE.UPLOADED', 'COMMENT.CREATED'],
  watch: { folder: '${folder}' },
  async run({ event: { item }, box, step }) {
    await step('describe', async () => {
      if (item) await box.files.updateFileById(item.id, { requestBody: { description: '${name}' } })
    })
  },
})
`

let work: string
let inner: string
beforeAll(async () => {
  inner = stack.box.content.createFolder({ parentId: '100001', name: 'Inner' }).id
  work = await mkdtemp(join(ROOT, '.boxhooks', 'nested-'))
  const automationsDir = join(work, 'automations')
  await mkdir(automationsDir)
  await writeFile(join(automationsDir, 'outer.ts'), automationOn('outer', '100001'))
  await writeFile(join(automationsDir, 'inner.ts'), automationOn('inner', inner))
  const { manifest } = await bundle({ outDir: work, automationsDir })
  await stack.replace(work, manifest)
})
afterAll(() => rm(work, { recursive: true, force: true }))

/** Uploads a file into the inner folder, and returns what Box has sent of it. */
async function upload(name: string) {
  const { box } = stack
  const before = box.sent.length
  box.content.uploadFile({ parentId: inner, name, content: 'x' })
  await box.settled()
  return box.sent.slice(before)
}

describe('one event by the webhooks of a folder and of a folder inside it', () => {
  test('runs each automation once, although four deliveries of it come at the same time', async () => {
    const sent = await upload('four-times.pdf')
    const [{ eventId = '' } = {}] = sent
    expect(sent.map(one => one.eventId)).toEqual([eventId, eventId])
    expect(new Set(sent.map(({ webhookId }) => webhookId)).size).toBe(2)
    await Promise.all([...sent, ...[...sent].reverse()].map(one => stack.box.deliveries.send(one)))
    const record = () => stack.ledger.read(eventId)
    const expected = {
      status: 'done',
      runs: { outer: { status: 'done', attempts: 1 }, inner: { status: 'done', attempts: 1 } },
    }
    await expect.poll(record, { timeout: 30_000 }).toMatchObject(expected)
    const done = () =>
      stack.journal
        .event(eventId)
        ?.lines.filter(({ event }) => event === 'run_done')
        .map(line => line.automation)
    await expect.poll(() => done()?.toSorted(), { timeout: 15_000 }).toEqual(['inner', 'outer'])
    expect(await record()).toMatchObject(expected)
  })

  test('runs within seconds what the second webhook concerns, although the first is being worked on', async () => {
    const begun = Date.now()
    const [{ eventId = '' } = {}] = await upload('soon.pdf')
    await expect
      .poll(() => stack.ledger.read(eventId), { timeout: 15_000 })
      .toMatchObject({ status: 'done', runs: { outer: { status: 'done' }, inner: { status: 'done' } } })
    expect(Date.now() - begun).toBeLessThan(15_000)
  })
})
