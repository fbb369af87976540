import { describe, expect, test } from 'vitest'
import { TRIGGERS } from '../../../lib/event/event.ts'
import { filled, samplePayload, shapeOf, wireBody } from '../../../local/box/events/payload.ts'
import type { WireValue } from '../../../local/box/events/shapes.ts'
import { SHAPES, shapesOf } from '../../../local/box/events/shapes.ts'

/** The names of all fields at any depth, without what stands in them. */
function fieldsOf(value: WireValue): unknown {
  if (Array.isArray(value)) return value.map(fieldsOf)
  if (typeof value !== 'object' || value === null) return '…'
  return Object.entries(value).map(([name, inner]) => [name, fieldsOf(inner)])
}

describe('a sample payload', () => {
  test.each(Object.keys(TRIGGERS))('of %s is the corpus’s best shape, field by field', trigger => {
    const known = shapesOf(shapeOf(trigger).trigger).map(({ payload }) => payload)
    const ownSpelling = known.find(payload => payload.trigger === trigger)
    expect(samplePayload(trigger)).toEqual(ownSpelling ?? known[0])
  })

  test('is of the asked provenance, each that the corpus has', () => {
    for (const { trigger, provenance } of SHAPES) {
      const known = shapesOf(trigger).filter(shape => shape.provenance === provenance)
      expect(known.map(({ payload }) => payload)).toContainEqual(
        samplePayload(trigger, { shape: provenance }),
      )
    }
  })

  test('of a provenance that no shape has is refused with those that there are', () => {
    expect(() => samplePayload('NO_ACTIVE_SESSION', { shape: 'captured' })).toThrow(
      /^No shape of NO_ACTIVE_SESSION is known as captured, only as guide, guess\. .*docs\/payloads\.md/,
    )
  })

  test('has what a test lays over it, and everything else as it was', () => {
    const plain = samplePayload('FILE.RENAMED')
    const changed = samplePayload('FILE.RENAMED', {
      id: 'e1',
      createdAt: '2026-11-27T10:00:00Z',
      webhookId: '7',
      source: { name: 'new.pdf', parent: { id: '9' } },
      additionalInfo: { old_name: 'old.pdf' },
    })
    expect(changed).toMatchObject({
      id: 'e1',
      created_at: '2026-11-27T10:00:00Z',
      webhook: { id: '7', type: 'webhook' },
      source: { type: 'file', name: 'new.pdf', parent: { id: '9', type: 'folder' } },
      additional_info: { old_name: 'old.pdf' },
    })
    expect(fieldsOf(changed)).toEqual(fieldsOf(plain))
  })

  test('of a trigger that Box does not have is a file’s, under that name', () => {
    const { trigger, ...others } = samplePayload('FILE.POLISHED')
    const { trigger: _, ...upload } = samplePayload('FILE.UPLOADED')
    expect([trigger, others]).toEqual(['FILE.POLISHED', upload])
  })
})

describe('facts filled into a shape', () => {
  test('add no field, and leave out none', () => {
    const shape = { id: '1', owner: { login: 'a@example.com' }, size: 1 }
    expect(filled(shape, { id: '2', owner: { login: 'b@example.com', age: 3 }, colour: 'red' })).toEqual({
      id: '2',
      owner: { login: 'b@example.com' },
      size: 1,
    })
  })

  test('keep the shape’s types: a number stays one, an object is no text, null takes anything', () => {
    const shape = { size: 1, parent: { id: '0' }, link: null }
    expect(filled(shape, { size: '12', parent: 'x', link: { url: 'u' } })).toEqual({
      size: 12,
      parent: { id: '0' },
      link: { url: 'u' },
    })
  })

  test('give a list as many entries as there are facts, each in the form of its first', () => {
    const shape = { entries: [{ type: 'folder', id: '0' }], tags: ['a'] }
    expect(filled(shape, { entries: [{ id: '1', name: 'n' }, { id: '2' }], tags: ['b', 'c'] })).toEqual({
      entries: [
        { type: 'folder', id: '1' },
        { type: 'folder', id: '2' },
      ],
      tags: ['b', 'c'],
    })
  })
})

test('a body is written as Box writes it: no spaces, ASCII only, every slash escaped', () => {
  expect(wireBody({ name: 'é/日本 😀.pdf', size: 1 }).toString()).toBe(
    '{"name":"\\u00e9\\/\\u65e5\\u672c \\ud83d\\ude00.pdf","size":1}',
  )
})
