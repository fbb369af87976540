import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isObject, parseObject } from '../../../lib/base/json.ts'
import { parseEvent, TRIGGERS, triggerOf } from '../../../lib/event/event.ts'
import { DOINGS, doIn } from '../../../local/box/actions/actions.ts'
import { createEmulatedBox } from '../../../local/box/emulated-box.ts'
import type { Attempt } from '../../../local/box/events/delivery.ts'
import { SHAPES } from '../../../local/box/events/shapes.ts'
import { BoxRefusal } from '../../../local/box/state/refusal.ts'
import { manualClock } from '../../support/manual-clock.ts'

const START = Date.parse('2026-11-23T10:00:00Z')
const ADDRESS = 'http://localhost/'

const on = (type: 'file' | 'folder') =>
  Object.entries(TRIGGERS).flatMap(([name, { targets }]: [string, { targets: readonly string[] }]) =>
    targets.includes(type) ? [name] : [],
  )

/**
 * Review/Inner/contract.pdf beside Elsewhere, each with a webhook for everything. What came is told by the name of the
 * webhook's target.
 */
function world() {
  const attempts: Attempt[] = []
  let ids = 0
  const box = createEmulatedBox({
    clock: manualClock(START),
    newId: () => `id-${++ids}`,
    keys: { primary: 'key' },
    fetch: async () => new Response(null, { status: 202 }),
    onAttempt: attempt => attempts.push(attempt),
  })
  const { content } = box
  content.addUser({ id: '20002', name: 'Ada Byron', login: 'ada@example.com' })
  const review = content.createFolder({ parentId: '0', name: 'Review' }).id
  const inner = content.createFolder({ parentId: review, name: 'Inner' }).id
  const elsewhere = content.createFolder({ parentId: '0', name: 'Elsewhere' }).id
  const file = content.uploadFile({ parentId: inner, name: 'contract.pdf', content: 'x' }).id
  const names = new Map<string, string>()
  const watch = (name: string, type: 'file' | 'folder', id: string) => {
    const webhook = box.webhooks.create({
      target: { type, id },
      address: `${ADDRESS}${name}`,
      triggers: on(type),
    })
    names.set(webhook.id, name)
  }
  watch('review', 'folder', review)
  watch('inner', 'folder', inner)
  watch('elsewhere', 'folder', elsewhere)
  watch('file', 'file', file)
  const told = async (): Promise<Record<string, string[]>> => {
    await box.settled()
    const by: Record<string, string[]> = {}
    for (const { webhookId, trigger } of attempts) {
      const name = names.get(webhookId) ?? webhookId
      by[name] = [...(by[name] ?? []), triggerOf(trigger) ?? trigger]
    }
    attempts.length = 0
    return by
  }
  const newest = (all: ReadonlyMap<string, unknown>): string => [...all.keys()].at(-1) ?? ''
  return { box, content, attempts, told, review, inner, elsewhere, file, newest }
}

type World = ReturnType<typeof world>

/** What is done, what must have been done before, and which webhooks hear of it with which triggers. */
type Case = {
  readonly doing: string
  readonly before?: readonly ((world: World) => void)[]
  readonly id: (world: World) => string
  readonly fields?: (world: World) => Record<string, string>
  readonly told: Record<string, string[]>
}

const theFile = ({ file }: World) => file
const theFolder = ({ inner }: World) => inner
const step =
  (doing: string, id: (world: World) => string, fields: Record<string, string> = {}) =>
  (w: World) =>
    doIn(w.box, doing, id(w), fields)
/** The file's own webhook, its folder's and that of the folder above are told alike. */
const everywhere = (...triggers: string[]) => ({ file: triggers, inner: triggers, review: triggers })
const folders = (...triggers: string[]) => ({ inner: triggers, review: triggers })

const collaboration = (w: World) => w.newest(w.content.collaborations)
const invited = step('invite', theFolder, { login: 'new@elsewhere.example', role: 'viewer' })
/** What is not emulated is announced, on a file or a folder. A webhook for what Doc Gen makes is on the file alone. */
const announced = (type: 'file' | 'folder'): readonly Case[] =>
  (DOINGS.find(({ name }) => name === `announce-on-${type}`)?.triggers ?? []).map(trigger => ({
    doing: `announce-on-${type}`,
    id: type === 'file' ? theFile : theFolder,
    fields: () => ({ trigger }),
    told:
      type === 'folder'
        ? folders(trigger)
        : trigger.startsWith('DOCGEN_')
          ? { file: [trigger] }
          : everywhere(trigger),
  }))

const CASES: readonly Case[] = [
  { doing: 'download-file', id: theFile, told: everywhere('FILE.DOWNLOADED') },
  { doing: 'preview-file', id: theFile, told: everywhere('FILE.PREVIEWED') },
  // An upload can't be watched on a file.
  { doing: 'upload-version', id: theFile, fields: () => ({ content: 'y' }), told: folders('FILE.UPLOADED') },
  { doing: 'rename-file', id: theFile, fields: () => ({ name: 'b.pdf' }), told: everywhere('FILE.RENAMED') },
  {
    doing: 'move-file',
    id: theFile,
    fields: ({ elsewhere }) => ({ folder: elsewhere }),
    told: { file: ['FILE.MOVED'], ...folders('FILE.MOVED'), elsewhere: ['FILE.MOVED', 'FILE.UPLOADED'] },
  },
  {
    doing: 'copy-file',
    id: theFile,
    fields: ({ elsewhere }) => ({ folder: elsewhere, name: '' }),
    told: { file: ['FILE.COPIED'], ...folders('FILE.COPIED'), elsewhere: ['FILE.COPIED', 'FILE.UPLOADED'] },
  },
  { doing: 'lock-file', id: theFile, told: everywhere('FILE.LOCKED') },
  {
    doing: 'unlock-file',
    before: [step('lock-file', theFile)],
    id: theFile,
    told: everywhere('FILE.UNLOCKED'),
  },
  { doing: 'trash-file', id: theFile, told: everywhere('FILE.TRASHED') },
  {
    doing: 'restore-file',
    before: [step('trash-file', theFile)],
    id: theFile,
    told: everywhere('FILE.RESTORED'),
  },
  {
    doing: 'delete-file',
    before: [step('trash-file', theFile)],
    id: theFile,
    told: everywhere('FILE.DELETED'),
  },
  {
    doing: 'share-file',
    id: theFile,
    fields: () => ({ access: 'open' }),
    told: everywhere('SHARED_LINK.CREATED'),
  },
  {
    doing: 'share-file',
    before: [step('share-file', theFile)],
    id: theFile,
    fields: () => ({ access: 'company' }),
    told: everywhere('SHARED_LINK.UPDATED'),
  },
  {
    doing: 'unshare-file',
    before: [step('share-file', theFile)],
    id: theFile,
    told: everywhere('SHARED_LINK.DELETED'),
  },
  { doing: 'unshare-file', id: theFile, told: {} },
  ...announced('file'),
  ...announced('folder'),
  {
    doing: 'upload-file',
    id: theFolder,
    fields: () => ({ name: 'new.txt', content: 'x' }),
    told: folders('FILE.UPLOADED'),
  },
  { doing: 'create-folder', id: theFolder, fields: () => ({ name: 'New' }), told: folders('FOLDER.CREATED') },
  {
    doing: 'invite',
    id: theFolder,
    fields: () => ({ login: 'ada@example.com', role: 'editor' }),
    told: folders('COLLABORATION.CREATED', 'COLLABORATION.ACCEPTED'),
  },
  {
    doing: 'invite',
    id: theFolder,
    fields: () => ({ login: 'new@elsewhere.example', role: 'editor' }),
    told: folders('COLLABORATION.CREATED'),
  },
  {
    doing: 'accept-invitation',
    before: [invited],
    id: collaboration,
    told: folders('COLLABORATION.ACCEPTED'),
  },
  {
    doing: 'reject-invitation',
    before: [invited],
    id: collaboration,
    told: folders('COLLABORATION.REJECTED'),
  },
  {
    doing: 'change-role',
    before: [invited],
    id: collaboration,
    fields: () => ({ role: 'editor' }),
    told: folders('COLLABORATION.UPDATED'),
  },
  {
    doing: 'remove-collaboration',
    before: [invited],
    id: collaboration,
    told: folders('COLLABORATION.REMOVED'),
  },
  {
    doing: 'rename-folder',
    id: theFolder,
    fields: () => ({ name: 'Other' }),
    told: folders('FOLDER.RENAMED'),
  },
  {
    doing: 'move-folder',
    id: theFolder,
    fields: ({ elsewhere }) => ({ folder: elsewhere }),
    told: { ...folders('FOLDER.MOVED'), elsewhere: ['FOLDER.MOVED'] },
  },
  {
    doing: 'copy-folder',
    id: theFolder,
    fields: ({ elsewhere }) => ({ folder: elsewhere, name: '' }),
    told: { ...folders('FOLDER.COPIED'), elsewhere: ['FOLDER.COPIED'] },
  },
  { doing: 'download-folder', id: theFolder, told: folders('FOLDER.DOWNLOADED') },
  { doing: 'trash-folder', id: theFolder, told: folders('FOLDER.TRASHED') },
  {
    doing: 'restore-folder',
    before: [step('trash-folder', theFolder)],
    id: theFolder,
    told: folders('FOLDER.RESTORED'),
  },
  {
    doing: 'delete-folder',
    before: [step('trash-folder', theFolder)],
    id: theFolder,
    told: folders('FOLDER.DELETED'),
  },
  {
    doing: 'share-folder',
    id: theFolder,
    fields: () => ({ access: 'open' }),
    told: folders('SHARED_LINK.CREATED'),
  },
  {
    doing: 'unshare-folder',
    before: [step('share-folder', theFolder)],
    id: theFolder,
    told: folders('SHARED_LINK.DELETED'),
  },
  { doing: 'end-session', id: () => '', told: {} },
  { doing: 'begin-session', id: () => '', told: {} },
  { doing: 'reorder', id: () => '', fields: () => ({ count: '2' }), told: {} },
  { doing: 'release', id: () => '', told: {} },
  { doing: 'lose-deliveries', id: () => '', fields: () => ({ count: '2' }), told: {} },
  { doing: 'hurry-retries', id: () => '', told: {} },
  { doing: 'fail-api', id: () => '', fields: () => ({ status: '429', retryAfter: '2' }), told: {} },
  { doing: 'mend-api', id: () => '', told: {} },
]

/** Whether a value has the same fields as a shape, down to the last; where the shape has null, anything may be. */
function hasForm(value: unknown, shape: unknown): boolean {
  if (shape === null) return true
  if (Array.isArray(shape))
    return Array.isArray(value) && value.every(one => shape.some(form => hasForm(one, form)))
  if (!isObject(shape)) return !isObject(value) && !Array.isArray(value)
  if (value === null) return true
  if (!isObject(value)) return false
  const names = Object.keys(shape)
  return Object.keys(value).join() === names.join() && names.every(name => hasForm(value[name], shape[name]))
}

describe('what is done in the emulated Box', () => {
  test.each(CASES)(
    '$doing is told exactly to those who watch it: $told',
    async ({ doing, before, id, fields, told }) => {
      const w = world()
      for (const earlier of before ?? []) earlier(w)
      await w.told()
      doIn(w.box, doing, id(w), fields?.(w))
      expect(await w.told()).toEqual(told)
      const promised: readonly string[] = DOINGS.find(({ name }) => name === doing)?.triggers ?? []
      for (const trigger of Object.values(told).flat()) expect(promised).toContain(trigger)
    },
  )

  test('there is a case for every doing, and between them every trigger but those that Box sends unasked', () => {
    const done = new Set(CASES.map(({ doing }) => doing))
    expect(DOINGS.map(({ name }) => name).filter(name => !done.has(name))).toEqual([])
    const told = new Set(CASES.flatMap(one => Object.values(one.told).flat()))
    const missing = Object.keys(TRIGGERS).filter(trigger => !told.has(trigger))
    expect(missing).toEqual(['WEBHOOK.DELETED', 'NO_ACTIVE_SESSION'])
  })

  test('every payload has the fields of a shape that is known, and no other', async () => {
    for (const { doing, before, id, fields } of CASES) {
      const w = world()
      for (const earlier of before ?? []) earlier(w)
      doIn(w.box, doing, id(w), fields?.(w))
      await w.box.settled()
      for (const { body, trigger } of w.attempts) {
        const payload = parseObject(Buffer.from(body).toString()) ?? {}
        const shapes = SHAPES.filter(shape => shape.payload.trigger === trigger)
        expect(
          shapes.some(shape => hasForm(payload, shape.payload)),
          `${doing}: ${Buffer.from(body)}`,
        ).toBe(true)
        const parsed = parseEvent(body, { eventId: 'e' })
        expect(parsed.ok && parsed.event.trigger, `${doing}: ${Buffer.from(body)}`).toBe(triggerOf(trigger))
        // Who is invited is not shown the item yet.
        const hidden = isObject(payload.source) && payload.source.item === null
        expect(parsed.ok && parsed.event.item !== undefined, doing).toBe(!hidden)
      }
    }
  })

  test('without a session Box sends neither id nor payload, and with one again everything', async () => {
    const w = world()
    doIn(w.box, 'end-session', '')
    doIn(w.box, 'download-file', w.file)
    await w.box.settled()
    expect(w.attempts.map(({ trigger }) => trigger)).toEqual(Array(3).fill('NO_ACTIVE_SESSION'))
    expect(parseObject(Buffer.from(w.attempts[0]?.body ?? []).toString())).toEqual({
      type: 'webhook_event',
      webhook: { id: expect.any(String), type: 'webhook' },
      trigger: 'NO_ACTIVE_SESSION',
      source: expect.objectContaining({ type: 'file', id: w.file }),
    })
    doIn(w.box, 'begin-session', '')
    expect(Object.keys(await w.told())).toHaveLength(3)
    doIn(w.box, 'download-file', w.file)
    expect(await w.told()).toEqual(everywhere('FILE.DOWNLOADED'))
  })

  test('what lies in a folder in the trash is not there, and comes back with it', () => {
    const { box, content, inner, file, review } = world()
    doIn(box, 'trash-folder', inner)
    expect(() => content.file(file)).toThrow('Not Found')
    expect(() => doIn(box, 'announce-on-file', file, { trigger: 'COMMENT.CREATED' })).toThrow('Not Found')
    expect(content.items(review)).toEqual([])
    doIn(box, 'restore-folder', inner)
    expect(content.file(file).name).toBe('contract.pdf')
    doIn(box, 'trash-folder', inner)
    doIn(box, 'delete-folder', inner)
    expect(content.files.has(file)).toBe(false)
    expect(() => doIn(box, 'restore-folder', inner)).toThrow('Not Found')
  })

  test('something whose folder is gone is restored into another, where one is named', () => {
    const { content, inner, elsewhere, file, box } = world()
    doIn(box, 'trash-file', file)
    doIn(box, 'trash-folder', inner)
    doIn(box, 'delete-folder', inner)
    // Deleting the folder for good takes with it what lay in it, from the trash as well.
    expect(content.files.has(file)).toBe(false)
    const other = content.createFolder({ parentId: '0', name: 'Other' }).id
    const second = content.uploadFile({ parentId: other, name: 'a', content: 'x' }).id
    doIn(box, 'trash-file', second)
    doIn(box, 'trash-folder', other)
    expect(() => content.restore({ type: 'file', id: second })).toThrow('Not Found')
    expect(content.restore({ type: 'file', id: second }, { parentId: elsewhere }).parentId).toBe(elsewhere)
  })

  test('a folder can’t be moved or copied into itself, and a copy has all that lies in the original', () => {
    const { box, content, review, inner, elsewhere } = world()
    for (const doing of ['move-folder', 'copy-folder'])
      expect(() => doIn(box, doing, review, { folder: inner, name: '' })).toThrow('cyclical')
    doIn(box, 'copy-folder', review, { folder: elsewhere, name: '' })
    const [copy] = content.items(elsewhere)
    const [inside] = content.items(copy?.id ?? '')
    expect(content.items(inside?.id ?? '').map(({ name }) => name)).toEqual(['contract.pdf'])
  })

  test('a file that somebody has locked is changed by nobody else', () => {
    const { content, file } = world()
    const ada = content.user('20002')
    content.lockFile(file, { preventsDownload: true }, ada)
    expect(() => content.updateFile(file, { name: 'b' })).toThrow('item locked')
    expect(() => content.uploadVersion(file, 'y')).toThrow('item locked')
    expect(() => content.trashFile(file)).toThrow('item locked')
    expect(() => content.downloadFile(file)).toThrow('item locked')
    expect(content.updateFile(file, { name: 'b' }, ada).name).toBe('b')
    content.unlockFile(file)
    expect(content.updateFile(file, { name: 'c' }).name).toBe('c')
  })

  test('whatever is asked of it is done or refused with a reason, and never breaks it', () => {
    const value = fc.oneof(
      fc.constantFrom(
        '',
        '0',
        '1000000001',
        '1000000004',
        'open',
        'editor',
        'ada@example.com',
        '{}',
        '-1',
        '__proto__',
      ),
      fc.string(),
    )
    const field = fc.constantFrom(...new Set(DOINGS.flatMap(({ fields }) => fields.map(({ name }) => name))))
    const doing = fc.record({
      name: fc.constantFrom(...DOINGS.map(({ name }) => name)),
      id: value,
      fields: fc.dictionary(field, value, { noNullPrototype: true }),
    })
    fc.assert(
      fc.asyncProperty(fc.array(doing, { maxLength: 12 }), async doings => {
        const { box } = world()
        for (const { name, id, fields } of doings)
          try {
            doIn(box, name, id, fields)
          } catch (error) {
            if (!(error instanceof BoxRefusal)) throw error
            expect(error.message).not.toBe('')
          }
        box.deliveries.release()
        await box.settled()
      }),
      { numRuns: 150 },
    )
  })
})
