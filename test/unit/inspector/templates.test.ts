import { beforeEach, describe, expect, test } from 'vitest'
import { parseEvent, sourceKey, TRIGGERS } from '../../../lib/event.ts'
import { createEmulatedBox, type EmulatedBox } from '../../../local/box/emulated-box.ts'
import { wireBody } from '../../../local/box/payload.ts'
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

describe('templates', () => {
  test('there is one for each trigger, and each says what it can be about', () => {
    expect(templateNames().map(({ trigger }) => trigger)).toEqual(Object.keys(TRIGGERS))
    expect(templateNames().filter(({ about }) => about.length === 0)).toEqual([
      { trigger: 'WEBHOOK.DELETED', about: [] },
    ])
  })

  test.each(templateNames())(
    '$trigger is read as an event about each item that it can be about: $about',
    ({ trigger, about }) => {
      for (const type of about) {
        const id = type === 'file' ? file : folder
        const payload = templateOf(box, trigger, { type, id })
        const read = parseEvent(wireBody(payload), { eventId: 'e' })
        expect(read).toMatchObject({ ok: true, event: { trigger } })
        expect(JSON.stringify(payload.source)).toContain(id)
        if (read.ok && ['file', 'folder', 'item', 'open'].includes(sourceOf(trigger)))
          expect(sourceKey(read.event)).toBe(`${type}:${id}`)
      }
      expect(templateOf(box, trigger, undefined)).toMatchObject({ trigger })
    },
  )

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

const sourceOf = (trigger: string): string =>
  Object.entries(TRIGGERS).find(([name]) => name === trigger)?.[1].source ?? ''
