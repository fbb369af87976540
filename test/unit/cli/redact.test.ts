import { describe, expect, test } from 'vitest'
import { redact } from '../../../cli/replay/redact.ts'
import { isObject } from '../../../lib/base/json.ts'
import { parseEvent, TRIGGERS } from '../../../lib/event/event.ts'
import { boxEvent } from '../../kit.ts'

describe('a redacted payload', () => {
  test.each(Object.keys(TRIGGERS))('of %s is still an event of the same form', trigger => {
    const payload = boxEvent(trigger, { id: 'e1' })
    const { payload: redacted } = redact(payload)
    const parsed = parseEvent(JSON.stringify(redacted), { eventId: 'e1' })
    expect(parsed).toMatchObject({ ok: true, event: { trigger } })
    expect(formOf(redacted)).toEqual(formOf(JSON.parse(JSON.stringify(payload))))
  })

  test.each<[string, Record<string, unknown>]>([
    ['an ending that is a surname', { name: 'letter to j.canar' }],
    ['a field that ends like a time', { lives_at: '12 Canary Street' }],
    ['a time that no field of Box has', { born: '1971-02-03T00:00:00Z', canary_at: '1971-02-03T00:00:00Z' }],
    ['free text where Box has a state', { status: 'Canary is ill', role: 'canary', access: 'canary' }],
    [
      'free text where Box has a reason',
      { reason: 'canary', item_status: 'canary', resolution_state: 'canary' },
    ],
    ['free text where Box has a revision', { etag: 'canary', sequence_id: '5550142' }],
    ['free text where Box has a hash', { sha1: 'canary', type: 'canary', trigger: 'CANARY.CANARY' }],
    ['a telephone number', { phone: 5550142, $version: 5550142, size: 5550142 }],
    ['a salary', { pay: 5550142.5, total_count: -5550142 }],
    ['the name of a field', { 'canary@example.com': true, Canary: { 'canary canary': null } }],
    ['whose template a metadata instance has', { $scope: 'enterprise_5550142', $template: 'canaryLetters' }],
    ['what a metadata instance is about', { $parent: 'file_5550142', $type: 'canary-5550142' }],
    [
      'an address with a name',
      { login: 'Canary <canary@canary.example>', invite_email: 'canary@canary.example' },
    ],
    ['a link', { url: 'HTTPS://canary.example/5550142', download_url: 'https://5550142.example' }],
    ['an id that is a name', { external_id: 'canary', short_id: 'canary', owner_id: 5550142 }],
    ['a list', { tags: ['canary', ['canary', { name: 'canary' }]], signer_emails: ['canary@example.com'] }],
  ])('does not have %s', (_, source) => {
    const text = JSON.stringify(redact({ trigger: 'FILE.RENAMED', source, additional_info: source }).payload)
    expect(text).not.toMatch(/canar|5550142|1971/i)
    expect(text).toContain('FILE.RENAMED')
  })

  test('keeps what automations decide by: words of Box, kinds of files, sizes, counts, and what their code says', () => {
    const kept = {
      status: 'pending',
      role: 'viewer uploader',
      access: 'open',
      extension: 'pdf',
      etag: '12',
      total_count: 3,
      approved: true,
      stage: 'in review',
    }
    const code = "if (event.source.approved && event.source.stage === 'in review') await step()"
    expect(redact(kept, code).payload).toEqual(kept)
    const { payload } = redact({ name: 'Ada.PDF', old_name: 'Ada.docx', size: 20_480 })
    expect(payload).toEqual({ name: 'name-1.PDF', old_name: 'name-2.docx', size: 20_000 })
  })

  test('has one stand-in for one thing, and keeps the ending of a name, the root folder, types and times', () => {
    const file = { type: 'file', id: '123', name: 'Offer.pdf', created_at: '2026-11-23T10:00:00Z' }
    const { payload, idOf } = redact(
      {
        source: { ...file, parent: { type: 'folder', id: '0' } },
        $parent: 'file_123',
        people: ['ada@here.example', 'ada@there.example', 'bob@here.example'],
        again: file,
      },
      'event.people and event.again',
    )
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
