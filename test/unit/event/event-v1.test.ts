import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseEvent } from '../../../lib/event/event.ts'
import { normaliseV1, V1_WINDOW_SECONDS, type V1Parameters } from '../../../lib/event/event-v1.ts'
import { anyCharacter } from '../../support/any-character.ts'

const AT = Date.parse('2026-11-23T10:00:05Z')

const callback = (more: Readonly<Record<string, string>> = {}): V1Parameters =>
  Object.entries({ event_type: 'downloaded', item_id: '42', item_type: 'file', from_user_id: '7', ...more })

function eventOf(parameters: V1Parameters, names = {}, at = AT) {
  const normalised = normaliseV1(parameters, names, at)
  if (!normalised.ok) throw new Error(`The callback lacks ${normalised.missing}.`)
  const parsed = parseEvent(normalised.body, { eventId: normalised.eventId, origin: 'v1' })
  if (!parsed.ok) throw new Error(parsed.reason.message)
  expect(parsed.event.id).toBe(normalised.eventId)
  return parsed.event
}

describe('a V1 callback', () => {
  test.each([
    ['file', 'uploaded', 'FILE.UPLOADED'],
    ['file', 'previewed', 'FILE.PREVIEWED'],
    ['file', 'downloaded', 'FILE.DOWNLOADED'],
    ['file', 'deleted', 'FILE.TRASHED'],
    ['file', 'copied', 'FILE.COPIED'],
    ['file', 'moved', 'FILE.MOVED'],
    ['file', 'locked', 'FILE.LOCKED'],
    ['file', 'unlocked', 'FILE.UNLOCKED'],
    ['folder', 'created', 'FOLDER.CREATED'],
    ['folder', 'downloaded', 'FOLDER.DOWNLOADED'],
    ['folder', 'deleted', 'FOLDER.TRASHED'],
    ['folder', 'copied', 'FOLDER.COPIED'],
    ['folder', 'moved', 'FOLDER.MOVED'],
    ['File', 'Downloaded', 'FILE.DOWNLOADED'],
  ])('that a %s was %s is the event %s', (item_type, event_type, trigger) => {
    expect(eventOf(callback({ item_type, event_type }))).toMatchObject({
      trigger,
      origin: 'v1',
      source: { type: item_type.toLowerCase(), id: '42' },
      createdBy: { type: 'user', id: '7' },
    })
  })

  test.each([
    ['uploaded', 'FILE.UPLOADED'],
    ['previewed', 'FILE.PREVIEWED'],
    ['locked', 'FILE.LOCKED'],
    ['unlocked', 'FILE.UNLOCKED'],
    ['created', 'FOLDER.CREATED'],
  ])('that something was %s needs no type of item, for only one has that event', (event_type, trigger) => {
    const parameters = callback({ event_type }).filter(([name]) => name !== 'item_type')
    expect(eventOf(parameters)).toMatchObject({
      trigger,
      source: { type: trigger.split('.')[0]?.toLowerCase() },
    })
  })

  test.each(['downloaded', 'deleted', 'copied', 'moved', 'sent', 'constructor'])(
    'that something was %s may be about a file or a folder, so its type is needed',
    event_type => {
      const parameters = callback({ event_type }).filter(([name]) => name !== 'item_type')
      expect(normaliseV1(parameters, {}, AT)).toEqual({ ok: false, missing: 'item_type' })
    },
  )

  test.each([
    ['sent', 'V1.SENT'],
    ['commented', 'V1.COMMENTED'],
    ['task assigned', 'V1.TASK_ASSIGNED'],
    ['responded to task', 'V1.RESPONDED_TO_TASK'],
    ['collaborator added', 'V1.COLLABORATOR_ADDED'],
    ['created', 'V1.CREATED'],
    ['locked by aliens', 'V1.LOCKED_BY_ALIENS'],
  ])(
    '%s, of which no V2 event tells the same of a file, is kept under a name of its own',
    (event_type, triggerName) => {
      expect(eventOf(callback({ event_type }))).toMatchObject({ trigger: 'UNKNOWN', triggerName })
    },
  )

  test('tells where the item lies, after a move where it lies now', () => {
    const parents = { item_parent_folder_id: '1', new_item_parent_folder_id: '2' }
    expect(eventOf(callback(parents))).toMatchObject({ source: { parent: { type: 'folder', id: '1' } } })
    expect(eventOf(callback({ ...parents, event_type: 'moved' }))).toMatchObject({
      source: { parent: { type: 'folder', id: '2' } },
    })
  })

  test('may name its parameters as its webhook’s form has them, and all are kept as they came', () => {
    const names = { item_id: 'file', event_type: 'what', item_type: 'kind' }
    const parameters: V1Parameters = [
      ['file', '9'],
      ['what', 'moved'],
      ['kind', 'folder'],
      ['constant', 'a b'],
      ['constant', 'c'],
    ]
    expect(eventOf(parameters, names)).toMatchObject({
      trigger: 'FOLDER.MOVED',
      source: { type: 'folder', id: '9' },
      additionalInfo: { file: '9', what: 'moved', kind: 'folder', constant: 'a b,c' },
    })
  })

  test.each(['event_type', 'item_id', 'item_type'])('without %s is none', missing => {
    const parameters = callback().filter(([name]) => name !== missing)
    expect(normaliseV1(parameters, {}, AT)).toEqual({ ok: false, missing })
    expect(normaliseV1(callback({ [missing]: ' ' }), {}, AT)).toEqual({ ok: false, missing })
  })

  test('is none with an id that could be part of a path', () => {
    for (const item_id of ['../users/me', '1/2', 'a b', '%2e'])
      expect(normaliseV1(callback({ item_id }), {}, AT)).toEqual({ ok: false, missing: 'item_id' })
  })

  test('is the same event when it comes again in the same minute, in whatever order, and else another', () => {
    const id = (parameters: V1Parameters, at = AT) => eventOf(parameters, {}, at).id
    expect(id([...callback()].reverse())).toBe(id(callback()))
    expect(id(callback(), AT + 50_000)).toBe(id(callback()))
    expect(id(callback(), AT + V1_WINDOW_SECONDS * 1000)).not.toBe(id(callback()))
    expect(id(callback({ item_id: '43' }))).not.toBe(id(callback()))
    expect(id(callback({ from_user_id: '8' }))).not.toBe(id(callback()))
  })

  test('whatever its parameters are, is read without an error, and is an event or lacks a field', () => {
    const pair = fc.tuple(
      fc.oneof(
        fc.constantFrom('event_type', 'item_id', 'item_type', 'item_name', '__proto__', 'constructor', ''),
        fc.string({ unit: anyCharacter }),
      ),
      fc.oneof(fc.constantFrom('downloaded', 'file', 'folder', '42'), fc.string({ unit: anyCharacter })),
    )
    fc.assert(
      fc.property(fc.array(pair), fc.nat(), (parameters, at) => {
        const normalised = normaliseV1(parameters, {}, at)
        if (!normalised.ok) return
        expect(normalised.eventId).toMatch(/^v1-[0-9a-f]{64}$/)
        const parsed = parseEvent(normalised.body, { eventId: normalised.eventId, origin: 'v1' })
        expect(parsed).toMatchObject({ ok: true, event: { triggerName: normalised.trigger } })
      }),
      { numRuns: 200 },
    )
  })
})
