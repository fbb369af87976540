import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TRIGGERS } from '../../../lib/event/event.ts'
import { samplePayload } from '../../../local/box/events/payload.ts'
import {
  fieldsOf,
  type JsonObject,
  type PayloadField,
  readField,
  readPayload,
  withField,
} from '../../../local/inspector/payload-form.ts'

const payloadOf = (trigger: string): JsonObject => readPayload(JSON.stringify(samplePayload(trigger))) ?? {}

const fieldAt = (payload: JsonObject, path: string, template = payload): PayloadField => {
  const field = fieldsOf(payload, template).find(one => one.path.join('.') === path)
  if (!field) throw new Error(`There is no field ${path}.`)
  return field
}

/** What a form shows of a field. */
const shown = ({ value, kind }: PayloadField): string =>
  value === null ? '' : kind === 'list' ? JSON.stringify(value) : String(value)

describe('a payload as a form', () => {
  test.each(Object.keys(TRIGGERS))(
    '%s: every value but its type has a field, and put in as shown it stays',
    trigger => {
      const payload = payloadOf(trigger)
      const fields = fieldsOf(payload)
      expect(fields.length).toBeGreaterThan(1)
      let filled = payload
      for (const field of fields) {
        const read = readField(field, shown(field))
        expect(read.ok, field.path.join('.')).toBe(true)
        if (read.ok) filled = withField(filled, field.path, read.value)
      }
      expect(JSON.stringify(filled)).toBe(JSON.stringify(payload))
    },
  )

  test('a field has the kind of its value, and the choices that Box’s API description lists', () => {
    const file = payloadOf('FILE.LOCKED')
    expect(fieldAt(file, 'source.name')).toMatchObject({
      kind: 'text',
      value: 'report.pdf',
      nullable: false,
    })
    expect(fieldAt(file, 'source.size')).toMatchObject({ kind: 'number', value: 32_245 })
    expect(fieldAt(file, 'source.created_at')).toMatchObject({ kind: 'time', nullable: false })
    expect(fieldAt(file, 'source.purged_at')).toMatchObject({ kind: 'time', value: null, nullable: true })
    expect(fieldAt(file, 'source.item_status')).toMatchObject({
      kind: 'choice',
      options: ['active', 'trashed', 'deleted'],
    })
    expect(fieldAt(file, 'additional_info')).toMatchObject({ kind: 'list', value: [] })
    expect(fieldAt(payloadOf('COMMENT.CREATED'), 'source.is_reply_comment')).toMatchObject({ kind: 'flag' })
    expect(fieldAt(payloadOf('COLLABORATION.CREATED'), 'source.role').options).toContain('co-owner')
    expect(fieldAt(payloadOf('SHARED_LINK.CREATED'), 'source.access').options).toContain('company')
    expect(fieldAt(payloadOf('SIGN_REQUEST.COMPLETED'), 'additional_info.signer_emails.0').kind).toBe('text')
  })

  test.each([
    ['number', false, '12.5', { ok: true, value: 12.5 }],
    ['number', false, 'many', { ok: false, problem: 'It must be a number.' }],
    ['number', false, '', { ok: false, problem: 'It must be a number.' }],
    ['flag', false, 'false', { ok: true, value: false }],
    ['time', false, '2026-11-23T10:00:00-07:00', { ok: true, value: '2026-11-23T10:00:00-07:00' }],
    [
      'time',
      false,
      'yesterday',
      { ok: false, problem: expect.stringContaining('It must be a time such as') },
    ],
    ['time', true, ' ', { ok: true, value: null }],
    ['text', false, '', { ok: true, value: '' }],
    ['text', true, '', { ok: true, value: null }],
    ['list', false, '[1]', { ok: true, value: [1] }],
    ['list', false, '[1', { ok: false, problem: expect.stringContaining('in JSON') }],
  ] as const)('%s, nullable %s: %j is read as %j', (kind, nullable, text, expected) => {
    expect(readField({ kind, nullable }, text)).toEqual(expected)
  })

  test('a field that the template leaves null can be emptied again', () => {
    const template = payloadOf('FILE.DOWNLOADED')
    const filled = withField(template, ['source', 'purged_at'], '2026-11-23T10:00:00Z')
    expect(fieldAt(filled, 'source.purged_at', template).nullable).toBe(true)
    expect(fieldAt(filled, 'source.purged_at').nullable).toBe(false)
  })

  test('whatever the payload: a change is where it was made and nowhere else', () => {
    const object = fc.dictionary(fc.string({ maxLength: 8 }), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 6 })
    fc.assert(
      fc.property(object, fc.nat(), fc.jsonValue({ maxDepth: 1 }), (made, nth, put) => {
        const payload = readPayload(JSON.stringify(made)) ?? {}
        const fields = fieldsOf(payload)
        const field = fields[nth % Math.max(1, fields.length)]
        if (!field) return
        const [value] = Object.values(readPayload(JSON.stringify({ put })) ?? {})
        const after = withField(payload, field.path, value ?? null)
        const others = (all: readonly PayloadField[]) =>
          all
            .filter(({ path }) => !field.path.every((name, index) => path[index] === name))
            .map(({ path, value: one }) => [path, one])
        expect(others(fieldsOf(after))).toEqual(others(fields))
        expect(JSON.stringify(withField(after, field.path, field.value))).toBe(JSON.stringify(payload))
      }),
      { numRuns: 300 },
    )
  })

  test('what is no object of JSON is no payload, and no path leads out of it', () => {
    for (const text of ['', 'x', '[]', '1', 'null', '"{}"']) expect(readPayload(text)).toBeUndefined()
    const payload = payloadOf('FILE.DOWNLOADED')
    for (const path of [['__proto__', 'x'], ['nothing'], ['id', 'x'], ['source', 'nothing', 'x'], []])
      expect(withField(payload, path, 1)).toEqual(payload)
  })
})
