import { describe, expect, test } from 'vitest'
import { type SignatureKeys, verify } from '../../../lib/ingest/signature.ts'
import { createEmulatedBox, type EmulatedBoxOptions } from '../../../local/box/emulated-box.ts'
import type { Attempt } from '../../../local/box/events/delivery.ts'
import { RETRY_CURVES } from '../../../local/box/events/delivery.ts'
import { samplePayload, wireBody } from '../../../local/box/events/payload.ts'
import { wireCollaboration } from '../../../local/box/state/content.ts'
import { manualClock } from '../../support/manual-clock.ts'

const KEYS = { primary: 'primary-key', secondary: 'secondary-key' }
const ADDRESS = 'http://localhost:4400/box/webhook'
const START = Date.parse('2026-11-23T10:00:00Z')

/** An emulated Box under a clock of the test's, whose deliveries the test answers. */
function emulated(options: Partial<EmulatedBoxOptions> & { answer?: (request: Request) => number } = {}) {
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
    fetch: async request => new Response('', { status: options.answer?.(request) ?? 202 }),
    onAttempt: attempt => attempts.push(attempt),
    ...options,
  })
  const folder = box.content.createFolder({ parentId: '0', name: 'Watched' })
  const watch = (triggers: string[], id = folder.id) =>
    box.webhooks.create({ target: { type: 'folder', id }, address: ADDRESS, triggers })
  return { box, clock, attempts, folder, watch }
}

function only(attempts: readonly Attempt[]): Attempt {
  const [attempt, ...more] = attempts
  if (!attempt || more.length > 0) throw new Error(`${attempts.length} deliveries came instead of one.`)
  return attempt
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
    const { body, headers } = only(world.attempts)
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
    const header = (name: string) => new Set(world.attempts.map(({ headers }) => headers[name]))
    expect(header('box-delivery-timestamp').size).toBe(retries + 1)
    expect(header('box-signature-primary').size).toBe(retries + 1)
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

  test('are signed with the keys there are, and not at all without', async () => {
    const world = emulated()
    world.watch(['FILE.UPLOADED'])
    const signed = async (keys: SignatureKeys) => {
      world.attempts.length = 0
      world.box.setKeys(keys)
      world.box.content.uploadFile({ parentId: world.folder.id, name: 'a', content: 'x' })
      await world.box.settled()
      const { body, headers } = only(world.attempts)
      const verdict = verify({ body, headers, keys: KEYS, now: START })
      return {
        verdict,
        names: Object.keys(headers).filter(name => /signature-(primary|secondary)/.test(name)),
      }
    }
    expect(await signed({ primary: 'new', secondary: KEYS.secondary })).toMatchObject({
      verdict: { ok: true, key: 'secondary' },
    })
    expect(await signed({ secondary: KEYS.secondary })).toMatchObject({
      verdict: { ok: true },
      names: ['box-signature-secondary'],
    })
    expect(await signed({})).toMatchObject({ verdict: { ok: false }, names: [] })
  })

  test('fail when no answer comes within 30 seconds', async () => {
    let hang = true
    const world = emulated({
      retrySeconds: [60],
      fetch: () => (hang ? new Promise(() => {}) : Promise.resolve(new Response(null, { status: 202 }))),
    })
    world.watch(['FILE.UPLOADED'])
    world.box.content.uploadFile({ parentId: world.folder.id, name: 'a', content: 'x' })
    await calm()
    world.clock.advance(29_999)
    await calm()
    expect(world.attempts).toEqual([])
    world.clock.advance(1)
    await calm()
    hang = false
    expect(only(world.attempts)).toMatchObject({
      status: 0,
      ms: 30_000,
      answer: expect.stringContaining('30 s'),
      nextAttemptAt: START + 90_000,
    })
    await runOut(world)
    expect(world.attempts.map(({ status, sentAt }) => [status, sentAt])).toEqual([
      [0, START],
      [202, START + 90_000],
    ])
  })

  test('are not taken by a redirect, which is not followed', async () => {
    const world = emulated({ answer: request => (request.redirect === 'manual' ? 307 : 202) })
    world.watch(['FILE.UPLOADED'])
    world.box.content.uploadFile({ parentId: world.folder.id, name: 'a', content: 'x' })
    await world.box.settled()
    expect(only(world.attempts)).toMatchObject({ status: 307, nextAttemptAt: START + 30_000 })
  })

  test('end with the emulated Box: none is waited for, and none is sent again', async () => {
    let sent = 0
    const world = emulated({
      fetch: () => {
        sent += 1
        return sent === 1 ? Promise.resolve(new Response(null, { status: 500 })) : new Promise(() => {})
      },
    })
    world.watch(['FILE.UPLOADED'])
    world.box.content.uploadFile({ parentId: world.folder.id, name: 'a', content: 'x' })
    await world.box.settled()
    world.box.content.uploadFile({ parentId: world.folder.id, name: 'b', content: 'x' })
    await world.box.close()
    await runOut(world)
    world.box.content.uploadFile({ parentId: world.folder.id, name: 'c', content: 'x' })
    await runOut(world)
    expect(sent).toBe(2)
    expect(world.attempts.map(({ status, nextAttemptAt }) => [status, nextAttemptAt])).toEqual([
      [500, START + 30_000],
      [0, undefined],
      [0, undefined],
    ])
  })

  test('are sent again on request: another delivery of the same event', async () => {
    const world = emulated()
    world.watch(['FILE.UPLOADED'])
    world.box.content.uploadFile({ parentId: world.folder.id, name: 'a', content: 'x' })
    await world.box.settled()
    const first = only(world.attempts)
    const again = await world.box.deliverAgain(first.eventId)
    expect(again.eventId).toBe(first.eventId)
    expect(again.deliveryId).not.toBe(first.deliveryId)
    expect(again.body).toEqual(first.body)
    await expect(world.box.deliverAgain('unknown')).rejects.toThrow('unknown')
  })

  test('can be made up: any payload, or any bytes, signed and dated as wanted', async () => {
    const { box } = emulated()
    const payload = samplePayload('FILE.LOCKED', { id: 'made-up', webhookId: '7' })
    const made = await box.sendCustom({ address: ADDRESS, body: payload })
    expect(made).toMatchObject({ eventId: 'made-up', trigger: 'FILE.LOCKED', webhookId: '7', status: 202 })
    expect(made.body).toEqual(wireBody(payload))
    const bytes = Uint8Array.of(0xff, 0x00, 0x7b)
    const { body, headers } = await box.sendCustom({ address: ADDRESS, body: bytes })
    expect(body).toEqual(bytes)
    expect(verify({ body, headers, keys: KEYS, now: START }).ok).toBe(true)
    const bent = [
      { ageSeconds: 3600 },
      { keys: { primary: 'forged' } },
      { headers: { 'box-signature-version': '2' } },
    ]
    for (const bend of bent) {
      const { headers } = await box.sendCustom({ address: ADDRESS, body: bytes }, bend)
      expect(verify({ body: bytes, headers, keys: KEYS, now: START }).ok).toBe(false)
    }
  })

  test('are told of to every listener, with what led to them, until it stops listening', async () => {
    const world = emulated()
    world.watch(['FILE.UPLOADED'])
    const heard: string[] = []
    const stop = world.box.on(notice => heard.push(notice.kind))
    world.box.content.uploadFile({ parentId: world.folder.id, name: 'a', content: 'x' })
    await world.box.settled()
    await world.box.fetch(new Request('http://localhost:4400/2.0/users/me'))
    stop()
    world.box.content.uploadFile({ parentId: world.folder.id, name: 'b', content: 'x' })
    await world.box.settled()
    expect(heard).toEqual(['happening', 'attempt', 'call'])
  })

  test('go once to each webhook on the item’s path, as one event', async () => {
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
    const uploads = world.attempts.filter(({ trigger }) => trigger === 'FILE.UPLOADED')
    expect(new Set(uploads.map(({ eventId }) => eventId)).size).toBe(1)
    expect(new Set(uploads.map(({ webhookId }) => webhookId)).size).toBe(2)
    expect(new Set(world.attempts.map(({ deliveryId }) => deliveryId)).size).toBe(3)
  })

  test('go to each webhook as an event of its own where that is asked for', async () => {
    const world = emulated({ eventIdPerWebhook: true })
    const inner = world.box.content.createFolder({ parentId: world.folder.id, name: 'Inner' })
    world.watch(['FILE.UPLOADED'])
    world.watch(['FILE.UPLOADED'], inner.id)
    world.box.content.uploadFile({ parentId: inner.id, name: 'a', content: 'x' })
    await world.box.settled()
    expect(new Set(world.attempts.map(({ eventId }) => eventId)).size).toBe(2)
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

describe('what happens in the emulated Box', () => {
  const told = (world: ReturnType<typeof emulated>) =>
    world.attempts.map(({ trigger, webhookId }) => `${trigger} to ${webhookId}`).sort()

  test('a copy is told of where the original is and where the copy is', async () => {
    const world = emulated({ copyFiresUploaded: false })
    const { content, webhooks } = world.box
    const archive = content.createFolder({ parentId: '0', name: 'Archive' })
    const file = content.createFile({ parentId: world.folder.id, name: 'a', content: 'x' })
    const onFile = webhooks.create({
      target: { type: 'file', id: file.id },
      address: ADDRESS,
      triggers: ['FILE.COPIED'],
    })
    const from = world.watch(['FILE.COPIED'])
    const to = world.watch(['FILE.COPIED', 'FILE.UPLOADED'], archive.id)
    content.copyFile(file.id, { parentId: archive.id })
    await world.box.settled()
    expect(told(world)).toEqual([onFile, from, to].map(({ id }) => `FILE.COPIED to ${id}`))
  })

  test('a move is told of where the file was and where it is, and as an upload only there', async () => {
    const world = emulated()
    const { content } = world.box
    const other = content.createFolder({ parentId: '0', name: 'Other' })
    const file = content.createFile({ parentId: world.folder.id, name: 'a', content: 'x' })
    const from = world.watch(['FILE.MOVED', 'FILE.UPLOADED'])
    const to = world.watch(['FILE.MOVED', 'FILE.UPLOADED'], other.id)
    content.updateFile(file.id, { parentId: other.id })
    await world.box.settled()
    expect(told(world)).toEqual([
      `FILE.MOVED to ${from.id}`,
      `FILE.MOVED to ${to.id}`,
      `FILE.UPLOADED to ${to.id}`,
    ])
  })

  test('nothing, where a file can only be changed in part', async () => {
    const world = emulated()
    const { content } = world.box
    world.watch(['FILE.RENAMED', 'FILE.MOVED', 'FILE.UPLOADED', 'SHARED_LINK.CREATED'])
    const file = content.createFile({ parentId: world.folder.id, name: 'a', content: 'x' })
    await world.box.settled()
    const change = { name: 'b', sharedLink: {}, parentId: '404' }
    expect(() => content.updateFile(file.id, change)).toThrow(expect.objectContaining({ status: 404 }))
    await world.box.settled()
    expect(only(world.attempts).trigger).toBe('FILE.UPLOADED')
    expect(content.file(file.id)).toEqual(file)
  })

  test('an invitation is pending until it is accepted or rejected, and can be made anew after that', async () => {
    const world = emulated()
    const { content } = world.box
    const kinds = ['CREATED', 'ACCEPTED', 'REJECTED', 'UPDATED'].map(kind => `COLLABORATION.${kind}`)
    world.watch(kinds)
    const invite = () =>
      content.addCollaboration({
        item: { type: 'folder', id: world.folder.id },
        login: 'new@example.com',
        role: 'viewer',
      })
    const no = invite()
    expect(wireCollaboration(content, no)).toMatchObject({ status: 'pending', item: null })
    expect(invite).toThrow(expect.objectContaining({ code: 'user_already_collaborator' }))
    content.answerInvitation(no.id, 'rejected')
    const yes = content.answerInvitation(invite().id, 'accepted')
    expect(yes.user?.login).toBe('new@example.com')
    expect(() => content.answerInvitation(yes.id, 'accepted')).toThrow('pending')
    content.updateCollaboration(yes.id, { role: 'editor' })
    content.updateCollaboration(yes.id, { role: 'editor' })
    await world.box.settled()
    expect(world.attempts.map(({ trigger }) => trigger.split('.')[1])).toEqual([
      'CREATED',
      'REJECTED',
      'CREATED',
      'ACCEPTED',
      'UPDATED',
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
