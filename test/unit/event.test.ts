import { existsSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type BoxEvent, parseEvent, pathOf, sourceKey, TRIGGERS, type Trigger } from '../../lib/event.ts'
import { samplePayload, type WireObject, wireBody } from '../../local/box/payload.ts'

const names = Object.keys(TRIGGERS)
const KNOWN = { eventId: 'from-the-message' }

function parsed(payload: WireObject): BoxEvent {
  const result = parseEvent(wireBody(payload), KNOWN)
  if (!result.ok) throw new Error(result.reason.message)
  return result.event
}

describe('the catalogue', () => {
  const description = new URL('../../../shared/box-openapi.json', import.meta.url)
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
    expect(event.id).toBe(name === 'NO_ACTIVE_SESSION' ? 'from-the-message' : 'e1')
    expect(sourceKey(event)).toMatch(/^(file|folder):\d+$/)
  })

  test('Box’s complete published example is read', () => {
    const body = readFileSync(new URL('../fixtures/FILE.UPLOADED.json', import.meta.url))
    const result = parseEvent(body, KNOWN)
    if (!result.ok || result.event.trigger !== 'FILE.UPLOADED') throw new Error('not read')
    const { event } = result
    expect(event.source.name).toBe('Test-Image-3.png')
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
    const result = parseEvent(body, KNOWN)
    if (!result.ok) throw new Error(result.reason.message)
    expect(result.event.source.id).toBe('12345678901234567890')
  })

  test('what is read at once is nested no deeper than can be walked through and written', () => {
    const deep = `${'['.repeat(4000)}${']'.repeat(4000)}`
    const result = parseEvent(
      `{"trigger":"FILE.LOCKED","source":{"type":"file","id":"1","x":${deep}}}`,
      KNOWN,
    )
    if (!result.ok) throw new Error(result.reason.message)
    expect(JSON.stringify(result.event)).toContain(deep)
    expect(pathOf(result.event)).toEqual([{ type: 'file', id: '1' }])
  })

  test.each(['__proto__', '\\u005f_proto__', '__pr\\u006Fto__'])('the key %s tells nothing', key => {
    const result = parseEvent(
      `{"trigger":"FILE.LOCKED","source":{"type":"file","id":"1","${key}":{"name":"x"}}}`,
      KNOWN,
    )
    if (!result.ok) throw new Error(result.reason.message)
    expect(Object.keys(result.event.source)).toEqual(['type', 'id'])
    expect(Reflect.get(result.event.source, 'name')).toBeUndefined()
  })

  test('what is no event, or lacks what its type promises, gets a reason that says so', () => {
    for (const body of ['', '[]', 'null', '"x"', '{', '{"trigger":5}', '{"id":"1"}'])
      expect(parseEvent(body, KNOWN)).toMatchObject({ ok: false, reason: { code: 'event_unreadable' } })
    expect(parseEvent('{"trigger":"FILE.LOCKED","source":{"type":"folder","id":"1"}}', KNOWN)).toMatchObject({
      reason: { message: expect.stringContaining('FILE.LOCKED') },
    })
  })

  test('what could change the path of a call to Box is no id', () => {
    for (const id of ['../users/me', '1?fields=x', '1/content', '%2e%2e', '1 2', '1\n', 'x'.repeat(129)]) {
      expect(parseEvent(wireBody(samplePayload('FILE.LOCKED', { source: { id } })), KNOWN)).toMatchObject({
        ok: false,
      })
      const parent = { type: 'folder', id }
      const event = parsed(samplePayload('FILE.LOCKED', { webhookId: id, source: { parent } }))
      expect(event.webhook.id).toBe('unknown')
      expect(pathOf(event).map(item => item.id)).not.toContain(id)
    }
  })

  test('the reason quotes a line of a body at most', () => {
    const long = 'x'.repeat(100_000)
    const result = parseEvent(
      wireBody(samplePayload('FILE.LOCKED', { source: { type: long, id: long } })),
      KNOWN,
    )
    expect(result.ok || result.reason.message.length).toBeLessThan(600)
    expect(parseEvent(JSON.stringify({ trigger: long }), KNOWN)).toMatchObject({ ok: false })
  })

  test('names with emoji, slashes and lone surrogates come through', () => {
    const name = '😀 a/b \ud83d.pdf'
    expect(parsed(samplePayload('FILE.LOCKED', { source: { name } })).source).toMatchObject({ name })
  })
})

describe('properties', () => {
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
        const result = parseEvent(bytes, KNOWN)
        if (!result.ok) return
        expect(result.event.id).not.toBe('')
        expect(pathOf(result.event).every(({ id }) => typeof id === 'string')).toBe(true)
        expect(sourceKey(result.event)).toMatch(/./)
        expect(Reflect.get({}, 'polluted')).toBeUndefined()
      }),
    )
  })

  test('Box’s wire form is ASCII without bare slashes, and says the same', () => {
    fc.assert(
      fc.property(
        fc.object({ values: [fc.string({ unit: 'binary' }), fc.integer(), fc.constant(null)] }),
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
