import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundle, ROOT } from '../../../infra/build/bundle.ts'
import type { Stack } from '../../../local/stack.ts'
import { packagedWithEverything } from '../../support/packaged.ts'
import { startTestStack } from '../../support/stack.ts'

const AUTOMATIONS = `import { automation } from 'boxhooks'
  const run = ({ event, log }) => log.info('ran', { source: event.source.id, by: event.createdBy?.id })
  `
const declares = (name: string, more: string) =>
  `${AUTOMATIONS} export default automation({ name: '${name}', on: 'FILE.DOWNLOADED', run, ${more} })`

let stack: Stack
let folder: string
beforeAll(async () => {
  stack = await startTestStack({ packaged: await packagedWithEverything() })
  folder = await mkdtemp(join(ROOT, '.boxhooks', 'v1-'))
  const automationsDir = join(folder, 'automations')
  await mkdir(automationsDir)
  await writeFile(join(automationsDir, 'account.ts'), declares('account', "v1: true, watch: { folder: '0' }"))
  await writeFile(
    join(automationsDir, 'watched.ts'),
    declares('watched', "v1: true, watch: { folder: '100001' }"),
  )
  await writeFile(join(automationsDir, 'v2.ts'), declares('v2', "watch: { folder: '100001' }"))
  const { manifest } = await bundle({ outDir: folder, automationsDir })
  await stack.replace(folder, manifest)
})
afterAll(async () => {
  await stack.stop()
  await rm(folder, { recursive: true })
})

const callback = (more: Readonly<Record<string, string>>) =>
  new URLSearchParams({ event_type: 'downloaded', item_id: '42', item_type: 'file', by: '7', ...more })

/** Which automations ran for an event, once it is done. */
async function ranFor(eventId: string): Promise<string[]> {
  const event = () => stack.journal.event(eventId)
  await expect.poll(() => event()?.status, { timeout: 15_000 }).toBe('done')
  const lines = event()?.lines ?? []
  return lines.flatMap(line => (line.event === 'run_done' ? [String(line.automation)] : [])).sort()
}

const accepted = () =>
  stack.journal.events.flatMap(({ eventId }) => (eventId.startsWith('v1-') ? [eventId] : []))

describe('a stage that takes V1 callbacks', { timeout: 30_000 }, () => {
  test('runs the automations that opted in, for the account and for watched folders, and no others', async () => {
    const { secondary } = stack.v1Tokens
    const get = await fetch(`${stack.v1Url}?${callback({ item_id: '1' })}`)
    expect(get.status).toBe(202)
    const inFolder = callback({ item_id: '2', item_parent_folder_id: '100001' })
    inFolder.set('token', secondary ?? '')
    const post = await fetch(`${stack.url}/box/v1`, { method: 'POST', body: inFolder })
    expect(post.status).toBe(202)
    await expect.poll(() => accepted().length, { timeout: 15_000 }).toBe(2)
    const [first = '', second = ''] = await Promise.all(accepted().map(ranFor)).then(all =>
      all.map(names => names.join(' ')).sort(),
    )
    expect([first, second]).toEqual(['account', 'account watched'])
  })

  test('takes the same callback twice for one event', async () => {
    const query = callback({ item_id: '3' })
    const before = accepted()
    for (let count = 0; count < 2; count += 1)
      expect((await fetch(`${stack.url}/box/v1/${stack.v1Tokens.primary}?${query}`)).status).toBe(202)
    await expect.poll(() => accepted().length, { timeout: 15_000 }).toBe(before.length + 1)
    const [eventId = ''] = accepted().filter(id => !before.includes(id))
    expect(await ranFor(eventId)).toEqual(['account'])
  })

  test('refuses a callback without its token, and keeps the token out of all that is said', async () => {
    const answer = await fetch(`${stack.url}/box/v1/guess?${callback({})}`)
    expect(answer.status).toBe(401)
    const lines = stack.journal.events.flatMap(event => event.lines)
    expect(lines.length).toBeGreaterThan(0)
    const said = JSON.stringify(lines) + (await answer.text())
    expect(said).not.toContain(stack.v1Tokens.primary)
    expect(said).not.toContain(stack.v1Tokens.secondary)
  })

  test('makes no webhook on Box for the whole account, for Box has none such', () => {
    const targets = [...stack.box.webhooks.all.values()].map(({ target }) => target.id)
    expect(targets).toEqual(['100001'])
  })
})
