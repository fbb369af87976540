import { boxEvent, type Kit, startKit, wireItem } from 'boxhooks/test'
import { afterAll, beforeAll, expect, test } from 'vitest'
import removeSharedLink from '../../automations/remove-shared-link.ts'

const SETTINGS = { REVIEW_FOLDER_ID: '100001' }
let kit: Kit
beforeAll(async () => {
  kit = await startKit()
})
afterAll(() => kit.close())

/** A file with a shared link that has just been downloaded. */
function downloaded(name: string) {
  const { content } = kit.box
  const { id } = content.uploadFile({ parentId: '0', name, content: 'x' })
  const file = content.updateFile(id, { sharedLink: { access: 'open' } })
  return { id, event: boxEvent('FILE.DOWNLOADED', { source: wireItem(content, file) }) }
}

test('a file that was downloaded loses its shared link', async () => {
  const { id, event } = downloaded('contract.pdf')
  expect(await kit.run(removeSharedLink, event, SETTINGS)).toEqual({ kind: 'done' })
  expect(kit.box.content.file(id).sharedLink).toBeUndefined()
})

test('repeating it does no harm', async () => {
  const { id, event } = downloaded('again.pdf')
  for (let round = 0; round < 2; round += 1)
    expect(await kit.run(removeSharedLink, event, SETTINGS)).toEqual({ kind: 'done' })
  expect(kit.box.content.file(id).sharedLink).toBeUndefined()
})

test('a file that is gone needs nothing done', async () => {
  const { id, event } = downloaded('gone.pdf')
  kit.box.content.trashFile(id)
  expect(await kit.run(removeSharedLink, event, SETTINGS)).toEqual({ kind: 'done' })
})

test('when Box throttles, the run waits as long as Box asks', async () => {
  const { event } = downloaded('busy.pdf')
  kit.box.faults.push({ method: 'PUT', times: 1, status: 429, retryAfterSeconds: 7 })
  expect(await kit.run(removeSharedLink, event, SETTINGS)).toMatchObject({
    kind: 'failed',
    failure: { class: 'throttled', retryAfterSeconds: 7 },
  })
})
