import { beforeEach, describe, expect, test } from 'vitest'
import { TRIGGERS } from '../../../lib/event/event.ts'
import { createEmulatedBox, type EmulatedBox } from '../../../local/box/emulated-box.ts'
import { isWireObject, SHAPES } from '../../../local/box/events/shapes.ts'
import { templateNames, templateOf } from '../../../local/inspector/templates.ts'
import { manualClock } from '../../support/manual-clock.ts'

let box: EmulatedBox
let folder: string
let file: string
beforeEach(() => {
  let ids = 0
  box = createEmulatedBox({
    clock: manualClock(Date.parse('2026-11-23T10:00:00Z')),
    newId: () => `id-${++ids}`,
    keys: {},
    fetch: async () => new Response(null, { status: 202 }),
  })
  folder = box.content.createFolder({ parentId: '0', name: 'Watched' }).id
  file = box.content.createFile({ parentId: folder, name: 'contract.pdf', content: 'x' }).id
})

const watch = (trigger: string) =>
  box.webhooks.create({
    target: { type: 'folder', id: folder },
    address: 'http://localhost/',
    triggers: [trigger],
  }).id

/** Each shape of each trigger, with an item that it can be about. */
const CASES = templateNames().flatMap(({ trigger, shapes }) =>
  shapes.flatMap(({ provenance, about }, nth) => about.map(type => ({ trigger, nth, provenance, type }))),
)

describe('templates', () => {
  test('there is one for each shape of each trigger, and each says how it is known', () => {
    expect(templateNames().map(({ trigger }) => trigger)).toEqual(Object.keys(TRIGGERS))
    expect(templateNames().flatMap(({ shapes }) => shapes)).toHaveLength(SHAPES.length)
    expect(templateNames().find(({ trigger }) => trigger === 'FILE.RENAMED')?.shapes[0]).toMatchObject({
      ...{ provenance: 'captured', date: '2025-05-11', about: ['file'] },
    })
    const unabout = templateNames().filter(({ shapes }) => shapes.every(({ about }) => about.length === 0))
    expect(unabout.map(({ trigger }) => trigger)).toEqual(['WEBHOOK.DELETED'])
  })

  test.each(CASES)('$trigger, shape $nth ($provenance), is about the $type and keeps its fields', one => {
    const { trigger, nth, type } = one
    const id = type === 'file' ? file : folder
    const payload = templateOf(box, trigger, { type, id }, nth)
    const shape = SHAPES.filter(shape => shape.trigger === trigger)[nth]?.payload ?? {}
    expect(Object.keys(payload)).toEqual(Object.keys(shape))
    expect(keysIn(payload.source)).toEqual(keysIn(shape.source))
    expect(JSON.stringify(payload.source)).toMatch(new RegExp(`"${id}"|_${id}"|:${id}[,}]`))
  })

  test('without an item it has the shape’s own values, also of a trigger that Box does not have', () => {
    expect(templateOf(box, 'FILE.LOCKED', undefined)).toMatchObject({ source: { id: '910001' } })
    expect(templateOf(box, 'FILE.TELEPORTED', undefined)).toMatchObject({ trigger: 'FILE.TELEPORTED' })
  })

  test('comes from the webhook that is told of it, is by the app, and of now', () => {
    const id = watch('FILE.DOWNLOADED')
    const payload = templateOf(box, 'FILE.DOWNLOADED', { type: 'file', id: file })
    expect(payload).toMatchObject({
      webhook: { id, type: 'webhook' },
      created_by: { id: box.content.owner.id },
      source: { id: file, name: 'contract.pdf', parent: { id: folder } },
    })
    expect(Math.abs(Date.now() - Date.parse(String(payload.created_at)))).toBeLessThan(60_000)
  })

  test('an item that is not there is refused as Box refuses it', () => {
    expect(() => templateOf(box, 'FILE.DOWNLOADED', { type: 'file', id: '9' })).toThrow(
      expect.objectContaining({ status: 404 }),
    )
  })
})

const keysIn = (value: unknown): string[] => (isWireObject(value) ? Object.keys(value) : [])
