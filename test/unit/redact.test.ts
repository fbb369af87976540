import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { redact } from '../../cli/replay/redact.ts'
import { parseEvent, TRIGGERS } from '../../lib/event.ts'
import { isObject } from '../../lib/json.ts'
import { boxEvent } from '../kit.ts'

describe('a redacted payload', () => {
  test.each(Object.keys(TRIGGERS))('of %s is still an event of the same form', trigger => {
    const payload = boxEvent(trigger, { id: 'e1' })
    const { payload: redacted } = redact(payload)
    const parsed = parseEvent(JSON.stringify(redacted), { eventId: 'e1' })
    expect(parsed).toMatchObject({ ok: true, event: { trigger } })
    expect(formOf(redacted)).toEqual(formOf(JSON.parse(JSON.stringify(payload))))
  })

  test('says nothing that names somebody or something, whatever it holds', () => {
    const secret = fc.stringMatching(/^[b-df-hj-np-tv-z]{8,12}$/).map(text => `zq${text}`)
    const text = fc.oneof(
      secret,
      secret.map(one => `${one}@${one}.example`),
      secret.map(one => `https://${one}.example/${one}`),
      secret.map(one => `${one}.pdf`),
      secret.map(one => `two words ${one}`),
    )
    const field = fc.constantFrom(
      'name',
      'login',
      'description',
      'id',
      'url',
      'type',
      'message',
      'sha1',
      'custom',
    )
    const { tree } = fc.letrec(tie => ({
      tree: fc.dictionary(field, fc.oneof({ maxDepth: 3 }, text, tie('tree'), fc.array(text)), {
        maxKeys: 6,
      }),
    }))
    fc.assert(
      fc.property(tree, value => {
        const source = isObject(value) ? value : {}
        expect(JSON.stringify(redact({ source }).payload)).not.toContain('zq')
      }),
    )
  })

  test('has one stand-in for one thing, and keeps the ending of a name, the root folder, types and times', () => {
    const file = { type: 'file', id: '123', name: 'Offer.pdf', created_at: '2026-11-23T10:00:00Z' }
    const { payload, idOf } = redact({
      source: { ...file, parent: { type: 'folder', id: '0' } },
      $parent: 'file_123',
      people: ['ada@here.example', 'ada@there.example', 'bob@here.example'],
      again: file,
    })
    const standIn = { type: 'file', id: idOf('123'), name: 'name-1.pdf', created_at: '2026-11-23T10:00:00Z' }
    expect(payload).toEqual({
      source: { ...standIn, parent: { type: 'folder', id: '0' } },
      $parent: `file_${idOf('123')}`,
      people: ['person-1@domain-1.example', 'person-1@domain-2.example', 'person-2@domain-1.example'],
      again: standIn,
    })
    expect(idOf('123')).toMatch(/^\d+$/)
  })
})

/** What kind of value is where. */
function formOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(formOf)
  if (!isObject(value)) return value === null ? 'null' : typeof value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, formOf(one)]))
}
