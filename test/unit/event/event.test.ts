import { existsSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type BoxEvent,
  parseEvent,
  pathOf,
  sourceKey,
  TRIGGERS,
  type Trigger,
  triggerOf,
} from '../../../lib/event/event.ts'
import { readSource } from '../../../lib/event/resources.ts'
import { samplePayload, wireBody } from '../../../local/box/events/payload.ts'
import type { WireObject } from '../../../local/box/events/shapes.ts'
import { anyCharacter } from '../../support/any-character.ts'
import { spoiled } from '../../support/spoiled-payload.ts'

const names = Object.keys(TRIGGERS)
function parsed(payload: WireObject | string): BoxEvent {
  const result = parseEvent(typeof payload === 'string' ? payload : wireBody(payload))
  if (!result.ok) throw new Error(result.reason.message)
  return result.event
}

describe('the catalogue', () => {
  const description = new URL('../../../../shared/box-openapi.json', import.meta.url)
  test.skipIf(!existsSync(description))('has every trigger of Box’s API description', () => {
    const api: unknown = JSON.parse(readFileSync(description, 'utf8'))
    const listed = [...JSON.stringify(api).matchAll(/"([A-Z_]+\.[A-Z_]+)"/g)].map(([, name]) => name)
    const triggers = new Set(
      listed.filter(name =>
        /^(FILE|FOLDER|COLLABORATION|COMMENT|METADATA_INSTANCE|SHARED_LINK|TASK_ASSIGNMENT|SIGN_REQUEST|WEBHOOK)\./.test(
          name ?? '',
        ),
      ),
    )
    expect(triggers.size).toBeGreaterThan(40)
    for (const trigger of triggers) expect(names).toContain(trigger)
  })

  test('says what each trigger can be watched on', () => {
    expect(TRIGGERS['FILE.UPLOADED'].targets).toEqual(['folder'])
    expect(TRIGGERS['FILE.DOWNLOADED'].targets).toEqual(['file', 'folder'])
    expect(TRIGGERS['COLLABORATION.CREATED'].targets).toEqual(['folder'])
    expect(TRIGGERS.DOCGEN_DOCUMENT_GENERATION_FAILED.targets).toEqual(['file'])
    const unasked = names.filter(name => !TRIGGERS[name as Trigger].subscribable)
    expect(unasked).toEqual(['WEBHOOK.DELETED', 'NO_ACTIVE_SESSION'])
  })
})

describe('parsing', () => {
  test.each(names)('%s is read with its own source', name => {
    const event = parsed(samplePayload(name, { id: 'e1', webhookId: '7' }))
    expect(event).toMatchObject({ trigger: name, triggerName: name, webhook: { id: '7' }, origin: 'webhook' })
    expect(event.id).toMatch(name === 'NO_ACTIVE_SESSION' ? /^sha256-/ : /^e1$/)
    // All that Box's guide shows of a webhook's deletion is the reason.
    if (name === 'WEBHOOK.DELETED') return expect(sourceKey(event)).toBe('none')
    expect(sourceKey(event)).toMatch(/^(file|folder):\d+$/)
    expect(sourceKey(event)).toBe(`${event.item?.type}:${event.item?.id}`)
  })

  test('Box’s complete published example is read', () => {
    const event = parsed(readFileSync(new URL('../../fixtures/FILE.UPLOADED.json', import.meta.url), 'utf8'))
    if (event.trigger !== 'FILE.UPLOADED') throw new Error('not read')
    expect(event.source.name).toBe('Test-Image-3.png')
    expect(event.item).toEqual({ type: 'file', id: '73835521473', name: 'Test-Image-3.png' })
    expect(event.createdBy?.login).toBe('johnq@dev.name')
    expect(event.additionalInfo).toEqual({})
    expect(pathOf(event).map(({ id }) => id)).toEqual([
      '73835521473',
      '0',
      '2614853901',
      '8290186265',
      '8290188973',
      '8290188973',
    ])
  })

  test.each([
    ['SIGN_REQUEST.SIGNER_SIGNED', 'SIGN_REQUEST.SIGN_SIGNER_SIGNED'],
    ['SIGN_REQUEST.SIGNATURE_REQUESTED', 'SIGN_REQUEST.SIGN_DOCUMENT_CREATED'],
    ['SIGN_REQUEST.ERROR_FINALIZING', 'SIGN_REQUEST.SIGN_ERROR_FINALIZING'],
  ])('%s, the guide’s spelling, is %s', (spelling, trigger) => {
    const payload = { ...samplePayload(trigger), trigger: spelling }
    expect(parsed(payload)).toMatchObject({ trigger, triggerName: spelling })
  })

  test('a trigger that Box adds later is kept, with all that came', () => {
    const event = parsed(samplePayload('FILE.TELEPORTED', { additionalInfo: { to: 'Mars' } }))
    expect(event).toMatchObject({
      trigger: 'UNKNOWN',
      triggerName: 'FILE.TELEPORTED',
      additionalInfo: { to: 'Mars' },
      source: { type: 'file' },
    })
    for (const name of ['toString', '__proto__', 'constructor'])
      expect(parsed(samplePayload(name))).toMatchObject({ trigger: 'UNKNOWN', triggerName: name })
  })

  test.each([
    '"id":12345678901234567890',
    '"id" :\n 12345678901234567890',
    '"i\\u0064":12345678901234567890',
    '"\\u0069d":12345678901234567890',
    '"\\u0069\\u0064":12345678901234567890',
  ])('ids stay texts, digit by digit, however JSON writes them: %s', id => {
    const body = `{"trigger":"FILE.LOCKED","source":{"type":"file",${id},"size":12345678901234567890}}`
    expect(parsed(body)).toMatchObject({
      source: { id: '12345678901234567890' },
      item: { id: '12345678901234567890' },
    })
  })

  test('what is read at once is nested no deeper than can be walked through and written', () => {
    const deep = `${'['.repeat(4000)}${']'.repeat(4000)}`
    const event = parsed(`{"trigger":"FILE.LOCKED","source":{"type":"file","id":"1","x":${deep}}}`)
    expect(JSON.stringify(event)).toContain(deep)
    expect(pathOf(event)).toEqual([{ type: 'file', id: '1' }])
  })

  test.each(['__proto__', '\\u005f_proto__', '__pr\\u006Fto__'])('the key %s is left out', key => {
    const { source, payload } = parsed(
      `{"trigger":"FILE.LOCKED","source":{"type":"file","id":"1","${key}":{"name":"x"}}}`,
    )
    expect(Object.keys(source)).toEqual(['type', 'id'])
    expect(JSON.stringify(payload)).not.toContain('name')
    expect(Reflect.get(source, 'name')).toBeUndefined()
  })

  test('a body without a trigger gets a reason that says so', () => {
    const long = JSON.stringify({ trigger: 'x'.repeat(100_000) })
    for (const body of [
      '',
      '[]',
      'null',
      '"x"',
      '{',
      '{"trigger":5}',
      '{"trigger":""}',
      '{"id":"1"}',
      long,
    ]) {
      const result = parseEvent(body)
      expect(result).toMatchObject({ ok: false, reason: { code: 'event_unreadable' } })
      expect(result.ok || result.reason.message.length).toBeLessThan(200)
    }
  })

  test('what could change the path of a call to Box is not an id', () => {
    for (const id of ['../users/me', '1?fields=x', '1/content', '%2e%2e', '1 2', '1\n', 'x'.repeat(129)]) {
      const parent = { type: 'folder', id }
      const event = parsed(samplePayload('FILE.LOCKED', { webhookId: id, source: { id, parent } }))
      expect(event).toMatchObject({ trigger: 'FILE.LOCKED', item: undefined, webhook: { id: 'unknown' } })
      expect(event.source).not.toHaveProperty('id')
      expect(event.source).toMatchObject({ parent: { type: 'folder' } })
      expect(JSON.stringify(event.source)).not.toContain(JSON.stringify(id))
      expect(pathOf(event).map(item => item.id)).not.toContain(id)
      expect(event.payload.source).toMatchObject({ id, parent })
    }
  })

  test('names with emoji, slashes and lone surrogates come through', () => {
    const name = '😀 a/b \ud83d.pdf'
    expect(parsed(samplePayload('FILE.LOCKED', { source: { name } })).source).toMatchObject({ name })
  })
})

const FILE = { type: 'file', id: '910001', name: 'offer.pdf' }
const FOLDER = { type: 'folder', id: '100002' }
const USER = { type: 'user', id: '20002', login: 'ben@example.com' }

describe('what an event is about', () => {
  const [file, folder] = [{ ...FILE }, { ...FOLDER }]
  const link = { url: 'https://app.box.com/s/x', access: 'open', effective_access: 'open' }
  const shapes: readonly [what: string, trigger: string, source: unknown, item: object | undefined][] = [
    ['the file that is signed', 'SIGN_REQUEST.COMPLETED', { ...FILE, item_status: 'active' }, file],
    ['the file that is signed, in the guide’s spelling', 'SIGN_REQUEST.SIGNER_SIGNED', FILE, file],
    [
      'the file that is signed, by its id alone',
      'SIGN_REQUEST.DECLINED',
      { id: '910001' },
      { type: 'file', id: '910001' },
    ],
    [
      'a sign request’s first file',
      'SIGN_REQUEST.EXPIRED',
      { type: 'sign-request', id: '1-2', source_files: [FILE] },
      file,
    ],
    [
      'a sign request’s signed file',
      'SIGN_REQUEST.COMPLETED',
      { type: 'sign-request', id: '1-2', sign_files: { files: [FILE] } },
      file,
    ],
    ['not a sign request', 'SIGN_REQUEST.COMPLETED', { id: '1-2', parent_folder: FOLDER }, undefined],
    ['a shared link’s item', 'SHARED_LINK.CREATED', { item: FILE }, file],
    [
      'a shared link’s item, beside the link',
      'SHARED_LINK.CREATED',
      { type: 'shared', ...link, item: FOLDER },
      folder,
    ],
    ['a deleted shared link’s item', 'SHARED_LINK.DELETED', { url: null, item: FILE }, file],
    [
      'a shared web link',
      'SHARED_LINK.CREATED',
      { type: 'shared', item: { type: 'web_link', id: '960001' } },
      { type: 'web_link', id: '960001' },
    ],
    ['an item that carries its link', 'SHARED_LINK.UPDATED', { ...FILE, shared_link: link }, file],
    ['nothing where a link does not name its item', 'SHARED_LINK.UPDATED', link, undefined],
    ['a trashed file', 'FILE.TRASHED', { id: '910001', type: 'file' }, { type: 'file', id: '910001' }],
    ['a file without a type', 'FILE.RENAMED', { id: '910001', name: 'offer.pdf' }, file],
    ['a folder without a type', 'FOLDER.RESTORED', { id: '100002' }, folder],
    [
      'a web link that is uploaded',
      'FILE.UPLOADED',
      { type: 'web_link', id: '960001' },
      { type: 'web_link', id: '960001' },
    ],
    ['a folder, whatever the trigger says', 'FILE.LOCKED', FOLDER, folder],
    ['a comment’s file', 'COMMENT.CREATED', { type: 'comment', id: '1', item: FILE }, file],
    [
      'a task’s file',
      'TASK_ASSIGNMENT.UPDATED',
      { id: '1', item: { id: '910001' } },
      { type: 'file', id: '910001' },
    ],
    [
      'a collaboration’s folder',
      'COLLABORATION.CREATED',
      { type: 'collaboration', id: '1', item: FOLDER },
      folder,
    ],
    ['a collaboration’s file', 'COLLABORATION.ACCEPTED', { id: '1', item: FILE }, file],
    [
      'a collaboration’s folder without a type',
      'COLLABORATION.REMOVED',
      { id: '1', item: { id: '100002' } },
      folder,
    ],
    [
      'nothing before an invitation is answered',
      'COLLABORATION.CREATED',
      { type: 'collaboration', id: '1', item: null },
      undefined,
    ],
    [
      'a metadata instance’s file',
      'METADATA_INSTANCE.CREATED',
      { $parent: 'file_910001' },
      { type: 'file', id: '910001' },
    ],
    [
      'a metadata instance’s folder',
      'METADATA_INSTANCE.UPDATED',
      { type: 'properties-1', id: 'u-1', $parent: 'folder_100002' },
      folder,
    ],
    ['the file that metadata is on', 'METADATA_INSTANCE.DELETED', FILE, file],
    ['a document’s template', 'DOCGEN_DOCUMENT_GENERATION_STARTED', FILE, file],
    [
      'a document’s template beside the document',
      'DOCGEN_DOCUMENT_GENERATION_SUCCEEDED',
      { type: 'docgen_job', id: '1', template_file: FILE, output_file: { type: 'file', id: '9' } },
      file,
    ],
    ['a generated document alone', 'DOCGEN_DOCUMENT_GENERATION_SUCCEEDED', { output_file: FILE }, file],
    [
      'what a deleted webhook was set on',
      'WEBHOOK.DELETED',
      { type: 'webhook', id: '5001', target: FOLDER },
      folder,
    ],
    ['the item of an ended session', 'NO_ACTIVE_SESSION', FILE, file],
    ['an item of a trigger that is not known', 'FILE.TELEPORTED', FILE, file],
    ['nothing without a source', 'FILE.DELETED', null, undefined],
    ['not a folder that the item lies in', 'FILE.LOCKED', { type: 'file', parent: FOLDER }, undefined],
  ]
  test.each(shapes)('is %s (%s)', (_, trigger, source, item) => {
    const event = parsed(JSON.stringify({ id: 'e1', trigger, source }))
    expect(event.trigger).toBe(triggerOf(trigger) ?? 'UNKNOWN')
    expect(event.item).toEqual(item)
    if (event.item) expect(sourceKey(event)).toBe(`${event.item.type}:${event.item.id}`)
  })

  test('has a path even where it is a web link', () => {
    const source = { type: 'shared', item: { type: 'web_link', id: '5' }, parent: FOLDER }
    expect(pathOf(parsed(JSON.stringify({ trigger: 'SHARED_LINK.CREATED', source })))).toEqual([FOLDER])
  })
})

describe('the fields of an event', () => {
  test('are typed only where they have their type, and the payload has all of them', () => {
    const source = {
      ...FILE,
      size: '20',
      parent: FOLDER,
      etag: 5,
      sha1: null,
      owned_by: USER,
      shared_link: [],
    }
    const event = parsed(JSON.stringify({ trigger: 'FILE.LOCKED', source, created_by: { ...USER, name: 7 } }))
    expect(event.source).toEqual({ ...FILE, parent: FOLDER, owned_by: USER })
    expect(event.payload.source).toEqual(source)
    expect(event.createdBy).toEqual(USER)
  })

  test('do not pretend that a source is what it says it is not', () => {
    const event = parsed(JSON.stringify({ trigger: 'FILE.LOCKED', source: FOLDER }))
    expect(event).toMatchObject({ source: {}, payload: { source: FOLDER } })
    expect(event.source).not.toHaveProperty('id')
  })

  test.each([
    ['FILE.RENAMED', { old_name: 'draft.pdf' }],
    ['FOLDER.MOVED', { after: { id: '2', type: 'folder' }, before: { id: '1', type: 'folder' } }],
    [
      'SIGN_REQUEST.COMPLETED',
      { sign_request_id: 'u-1', signer_emails: ['a@example.com'], external_id: null },
    ],
    ['DOCGEN_DOCUMENT_GENERATION_SUCCEEDED', { output_type: 'pdf', output_file: { type: 'file', id: '9' } }],
    ['WEBHOOK.DELETED', { reason: 'auto_cleanup' }],
  ])('have what Box tells besides %s', (trigger, info) => {
    const additional_info = { ...info, more: 1 }
    expect(parsed(JSON.stringify({ trigger, additional_info })).additionalInfo).toEqual(additional_info)
    expect(parsed(JSON.stringify({ trigger, additional_info: [] })).additionalInfo).toEqual({})
    const wrong = Object.fromEntries(Object.keys(info).map(name => [name, true]))
    expect(parsed(JSON.stringify({ trigger, additional_info: wrong })).additionalInfo).toEqual({})
  })

  test.each(['2026', 'Nov 23 2026', '2026-02-30T10:00:00Z', 5, null])('have no time where it is %j', time => {
    expect(parsed(JSON.stringify({ trigger: 'FILE.LOCKED', created_at: time })).createdAt).toBe('')
  })
})

describe('properties', () => {
  test('a payload is read whatever becomes of its fields, as long as it has its trigger', () => {
    const payload = fc
      .constantFrom(...names)
      .chain(trigger => spoiled(samplePayload(trigger)).map(changed => ({ trigger, changed })))
    fc.assert(
      fc.property(payload, ({ trigger, changed }) => {
        const event = parsed(JSON.stringify(changed))
        expect(event.trigger).toBe(trigger)
        if (event.trigger === 'UNKNOWN') return
        expect(event.item?.type ?? 'file').toMatch(/^(file|folder|web_link)$/)
        expect(event.item?.id ?? '0').toMatch(/^[\w-]{1,128}$/)
        expect(readSource(TRIGGERS[event.trigger].source, event.source)).toEqual(event.source)
        expect(pathOf(event).every(({ id }) => /^[\w-]{1,128}$/.test(id))).toBe(true)
        expect(sourceKey(event)).toMatch(/./)
        expect(Reflect.get({}, 'name')).toBeUndefined()
      }),
      { seed: 16, numRuns: 1000 },
    )
  })

  test('nothing makes the parser throw, and nothing pollutes prototypes', () => {
    const body = fc.oneof(
      fc.uint8Array(),
      fc.json(),
      fc.json().map(json => `{"trigger":"FILE.LOCKED","source":${json}}`),
      fc
        .json()
        .map(json => `{"__proto__":${json},"trigger":"NO_ACTIVE_SESSION","source":${json},"id":${json}}`),
      fc.constant(`${'['.repeat(200_000)}`),
    )
    fc.assert(
      fc.property(body, bytes => {
        const result = parseEvent(bytes)
        if (!result.ok) return
        expect(result.event.id).not.toBe('')
        expect(Reflect.get({}, 'polluted')).toBeUndefined()
      }),
      { seed: 16 },
    )
  })

  test('Box’s wire form is ASCII without bare slashes, and says the same', () => {
    fc.assert(
      fc.property(
        fc.object({ values: [fc.string({ unit: anyCharacter }), fc.integer(), fc.constant(null)] }),
        made => {
          const payload = samplePayload('FILE.LOCKED', { source: JSON.parse(JSON.stringify(made)) })
          const bytes = wireBody(payload)
          expect(bytes.every(byte => byte >= 0x20 && byte < 0x7f)).toBe(true)
          expect(bytes.toString()).not.toMatch(/(?<!\\)\//)
          expect(JSON.parse(bytes.toString())).toEqual(JSON.parse(JSON.stringify(payload)))
        },
      ),
    )
  })
})
