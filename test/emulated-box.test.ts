import { describe, expect, test } from 'vitest'
import { verify } from '../lib/signature.ts'
import type { Attempt } from '../local/box/delivery.ts'
import { RETRY_CURVES } from '../local/box/delivery.ts'
import { createEmulatedBox, type EmulatedBoxOptions } from '../local/box/emulated-box.ts'
import { manualClock } from './manual-clock.ts'

const KEYS = { primary: 'primary-key', secondary: 'secondary-key' }
const ADDRESS = 'http://localhost:4400/box/webhook'
const START = Date.parse('2026-11-23T10:00:00Z')

/** An emulated Box under a clock of the test's, whose deliveries the test answers. */
function emulated(options: Partial<EmulatedBoxOptions> & { answer?: () => number } = {}) {
  const clock = manualClock(START)
  const attempts: Attempt[] = []
  let ids = 0
  const box = createEmulatedBox({
    clock,
    newId: () => {
      ids += 1
      return `id-${ids}`
    },
    keys: KEYS,
    fetch: async () => new Response('', { status: options.answer?.() ?? 202 }),
    onAttempt: attempt => attempts.push(attempt),
    ...options,
  })
  const folder = box.content.createFolder({ parentId: '0', name: 'Watched' })
  const watch = (triggers: string[], id = folder.id) =>
    box.webhooks.create({ target: { type: 'folder', id }, address: ADDRESS, triggers })
  return { box, clock, attempts, folder, watch }
}

/** Lets everything happen that needs no time to pass. */
async function calm(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise(resolve => setImmediate(resolve))
}

/** Lets time run until nothing is planned any more, and everything that time set off has happened. */
async function runOut({ clock }: ReturnType<typeof emulated>): Promise<void> {
  await calm()
  while (clock.advanceToNext()) await calm()
}

describe('deliveries of the emulated Box', () => {
  test('verify with our own verifier, over bytes as Box writes them', async () => {
    const world = emulated()
    world.watch(['FILE.UPLOADED'])
    world.box.content.uploadFile({ parentId: world.folder.id, name: '日本 😀 a/b.txt', content: 'x' })
    await world.box.settled()
    const [attempt] = world.attempts
    if (!attempt) throw new Error('Nothing was delivered.')
    const { body, headers } = attempt
    expect(verify({ body, headers, keys: KEYS, now: START })).toMatchObject({ ok: true, key: 'primary' })
    expect(headers['user-agent']).toBe('Box-WH-Client/0.1')
    expect(Buffer.from(body).toString()).toContain('\\u65e5\\u672c \\ud83d\\ude00 a\\/b.txt')
  })

  test.each([
    ['current', 12],
    ['former', 10],
  ] as const)('fail %s times over, again and again for two hours: %i retries', async (curve, retries) => {
    const world = emulated({ retrySeconds: RETRY_CURVES[curve], answer: () => 503 })
    world.watch(['FILE.UPLOADED'])
    world.box.content.uploadFile({ parentId: world.folder.id, name: 'a', content: 'x' })
    await runOut(world)
    expect(world.attempts).toHaveLength(retries + 1)
    const last = world.attempts.at(-1)
    expect(last?.nextAttemptAt).toBeUndefined()
    expect(RETRY_CURVES[curve].reduce((sum, seconds) => sum + seconds, 0)).toBe(7200)
    expect(new Set(world.attempts.map(({ deliveryId }) => deliveryId)).size).toBe(retries + 1)
    expect(new Set(world.attempts.map(({ eventId }) => eventId)).size).toBe(1)
    expect(new Set(world.attempts.map(({ body }) => Buffer.from(body).toString())).size).toBe(1)
    for (const { body, headers, sentAt } of world.attempts)
      expect(verify({ body, headers, keys: KEYS, now: sentAt }).ok).toBe(true)
  })

  test('that are taken at last are not sent again', async () => {
    let asked = 0
    const world = emulated({
      answer: () => {
        asked += 1
        return asked < 3 ? 500 : 202
      },
    })
    world.watch(['FILE.UPLOADED'])
    world.box.content.uploadFile({ parentId: world.folder.id, name: 'a', content: 'x' })
    await runOut(world)
    expect(world.attempts.map(({ status }) => status)).toEqual([500, 500, 202])
  })

  test('keep the first timestamp when told to', async () => {
    const world = emulated({ keepFirstTimestamp: true, answer: () => 503 })
    world.watch(['FILE.UPLOADED'])
    world.box.content.uploadFile({ parentId: world.folder.id, name: 'a', content: 'x' })
    await runOut(world)
    expect(new Set(world.attempts.map(({ headers }) => headers['box-delivery-timestamp'])).size).toBe(1)
  })

  test('go once to each webhook on the item’s path, each as an event of its own', async () => {
    const world = emulated()
    const inner = world.box.content.createFolder({ parentId: world.folder.id, name: 'Inner' })
    world.watch(['FILE.UPLOADED', 'FILE.DOWNLOADED'])
    world.watch(['FILE.UPLOADED'], inner.id)
    const file = world.box.content.uploadFile({ parentId: inner.id, name: 'a', content: 'x' })
    world.box.content.downloadFile(file.id)
    await world.box.settled()
    expect(world.attempts.map(({ trigger }) => trigger).sort()).toEqual([
      'FILE.DOWNLOADED',
      'FILE.UPLOADED',
      'FILE.UPLOADED',
    ])
    expect(new Set(world.attempts.map(({ eventId }) => eventId)).size).toBe(3)
  })

  test('tell of what each action does', async () => {
    const world = emulated()
    const { content } = world.box
    const other = content.createFolder({ parentId: world.folder.id, name: 'Other' })
    const told = ['RENAMED', 'MOVED', 'UPLOADED', 'COPIED', 'TRASHED'].map(what => `FILE.${what}`)
    const links = ['CREATED', 'UPDATED', 'DELETED'].map(what => `SHARED_LINK.${what}`)
    const people = ['CREATED', 'ACCEPTED', 'REMOVED'].map(what => `COLLABORATION.${what}`)
    world.watch([...told, ...links, ...people])
    const file = content.uploadFile({ parentId: world.folder.id, name: 'a', content: 'x' })
    content.updateFile(file.id, { name: 'b', parentId: other.id })
    content.updateFile(file.id, { sharedLink: {} })
    content.updateFile(file.id, { sharedLink: { access: 'company' } })
    content.updateFile(file.id, { sharedLink: null })
    content.updateFile(file.id, { sharedLink: null })
    content.copyFile(file.id, { parentId: world.folder.id })
    content.trashFile(file.id)
    content.addUser({ id: 'u', name: 'u', login: 'u@example.com' })
    const item = { type: 'folder', id: world.folder.id } as const
    const { id } = content.addCollaboration({ item, login: 'u@example.com', role: 'viewer' })
    content.removeCollaboration(id)
    await world.box.settled()
    expect(world.attempts.map(({ trigger }) => trigger)).toEqual([
      'FILE.UPLOADED',
      'FILE.RENAMED',
      'FILE.MOVED',
      'FILE.UPLOADED',
      'SHARED_LINK.CREATED',
      'SHARED_LINK.UPDATED',
      'SHARED_LINK.DELETED',
      'FILE.COPIED',
      'FILE.UPLOADED',
      'FILE.TRASHED',
      'COLLABORATION.CREATED',
      'COLLABORATION.ACCEPTED',
      'COLLABORATION.REMOVED',
    ])
  })
})

describe('webhooks of the emulated Box', () => {
  const { box, folder, watch } = emulated()
  watch(['FILE.UPLOADED'])
  const create = (input: object) => () =>
    box.webhooks.create({
      target: { type: 'folder', id: '1' },
      address: ADDRESS,
      triggers: ['FILE.LOCKED'],
      ...input,
    })

  test.each<[string, object, number]>([
    ['a second one on an item', { target: { type: 'folder', id: folder.id } }, 409],
    ['the root folder', { target: { type: 'folder', id: '0' } }, 400],
    ['a target that is not there', { target: { type: 'folder', id: '404' } }, 404],
    ['plain HTTP', { address: 'http://hooks.example/box' }, 400],
    ['another port', { address: 'https://hooks.example:8443/box' }, 400],
    ['Box itself', { address: 'https://app.box.com/box' }, 400],
    ['an unknown trigger', { triggers: ['FILE.TELEPORTED'] }, 400],
    ['no trigger', { triggers: [] }, 400],
  ])('%s is refused', (_, input, status) => {
    if (!('target' in input))
      box.content.folders.has('1') || box.content.createFolder({ parentId: '0', name: 'One', id: '1' })
    expect(create(input)).toThrow(expect.objectContaining({ status }))
  })
})
