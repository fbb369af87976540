import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bodyForms } from '../../lib/doctor/body-forms.ts'
import type { BodyContext } from '../../lib/doctor/body-repairs.ts'
import { CAUSES } from '../../lib/doctor/causes.ts'
import type { CapturedRequest } from '../../lib/doctor/patient.ts'
import { type Diagnosis, diagnose } from '../../lib/doctor/signature-doctor.ts'
import { keyForms, otherDigest, signatureForms, timestampForms } from '../../lib/doctor/signing-forms.ts'
import { isWireJson, jsonEnd, wireJson } from '../../lib/doctor/wire-json.ts'
import { sign } from '../../lib/ingest/signature.ts'
import { samplePayload, wireBody } from '../../local/box/events/payload.ts'
import { AT, genuine, MANGLINGS, SENT } from '../support/manglings.ts'
import { signatureVectors } from '../support/vectors.ts'

const KEYS = { primary: 'canary-primary-0123456789', secondary: 'canary-secondary-0123456789' }
const BODY = wireBody(samplePayload('FILE.DOWNLOADED', { source: { name: 'Übersicht/スクリーン.pdf' } }))
const DELIVERY = genuine(BODY, KEYS).request

const examine = (
  change: Partial<CapturedRequest>,
  at = AT,
  keys: Parameters<typeof diagnose>[1]['keys'] = KEYS,
) => diagnose({ ...DELIVERY, ...change }, { keys, at })
const withHeaders = (change: Record<string, string>) => ({ headers: { ...DELIVERY.headers, ...change } })
const causes = (diagnosis: Diagnosis) =>
  diagnosis.causes.map(({ cause, certainty }) => `${cause} ${certainty}`)
const evidence = (diagnosis: Diagnosis) => diagnosis.causes.flatMap(one => one.evidence).join('\n')
const json = (): unknown => JSON.parse(BODY.toString())

describe('Box’s published vectors', () => {
  const { primaryKey, secondaryKey, vectors } = signatureVectors(
    readFileSync(new URL('../fixtures/signature-vectors.json', import.meta.url), 'utf8'),
  )
  const keys = { primary: primaryKey, secondary: secondaryKey }
  const at = Date.parse('2020-01-01T00:00:05-07:00')

  test.each(vectors.map(one => [one.name, one] as const))(
    '%s is valid as it is, and with a body parsed and written again it is called that',
    (_, { body, headers }) => {
      const request = { method: 'POST', query: '', headers, body: Buffer.from(body) }
      expect(diagnose(request, { keys, at })).toMatchObject({
        verdict: { ok: true },
        causes: [],
        warnings: [],
      })
      for (const indent of [0, 2]) {
        const again = JSON.stringify(JSON.parse(body), null, indent)
        if (again === body) continue
        const diagnosis = diagnose({ ...request, body: Buffer.from(again) }, { keys, at })
        expect(causes(diagnosis)).toEqual(['body_reserialised proven'])
      }
    },
  )
})

describe('what the doctor says', () => {
  test('names every cause that it knows in some mangling, but for some that other tests show', () => {
    const shown = new Set(MANGLINGS.map(({ cause }) => cause))
    const others = Object.keys(CAUSES).filter(cause => ![...shown].some(one => one === cause))
    expect(others.sort()).toEqual([
      'body_bytes_lost',
      'body_line_endings',
      'body_newline_removed',
      'body_too_large',
      'timestamp_invalid',
    ])
  })

  test('counts in what a body is written otherwise than by Box', () => {
    const diagnosis = examine({ body: Buffer.from(JSON.stringify(json())) })
    expect(evidence(diagnosis)).toMatch(/1 slash as \/, where Box writes \\\/; 6 characters beyond ASCII/)
    expect(diagnosis.proof).toBe('With this undone, the primary signature fits the primary key.')
  })

  test('says that the order of fields can’t be restored, where they are sorted', () => {
    const sorted = (value: unknown): unknown =>
      Array.isArray(value)
        ? value.map(sorted)
        : typeof value === 'object' && value !== null
          ? Object.fromEntries(
              Object.entries(value)
                .sort(([a], [b]) => (a < b ? -1 : 1))
                .map(([name, one]) => [name, sorted(one)]),
            )
          : value
    const diagnosis = examine({ body: Buffer.from(JSON.stringify(sorted(json()))) })
    expect(causes(diagnosis)).toEqual(['body_reserialised likely', 'wrong_key likely'])
    expect(evidence(diagnosis)).toContain('alphabetical order')
  })

  test('says that it is rather the keys, where the body is just as Box writes it', () => {
    const headers = withHeaders({ 'content-length': String(BODY.length) })
    const diagnosis = examine(headers, AT, { primary: 'another-key-0123456789' })
    expect(causes(diagnosis)).toEqual(['wrong_key likely'])
    expect(evidence(diagnosis)).toContain('just as Box writes it and is as long as content-length says')
    expect(diagnosis.proof).toBeUndefined()
  })

  test('tells a body that is cut off by content-length, also where its JSON is whole', () => {
    const diagnosis = examine({ ...withHeaders({ 'content-length': '9000' }), body: Buffer.from('{"a":1}') })
    expect(causes(diagnosis)[0]).toBe('body_truncated likely')
    expect(evidence(diagnosis)).toContain('content-length is 9000, and the body has 7 bytes.')
  })

  test('proves that a body is cut off, where just its last brackets are missing', () => {
    expect(causes(examine({ body: BODY.subarray(0, -1) }))).toEqual(['body_truncated proven'])
  })

  test('takes what is behind content-length, or behind the JSON, for what does not belong to the body', () => {
    const more = Buffer.concat([BODY, Buffer.from('POST /box/webhook HTTP/1.1')])
    expect(causes(examine({ body: more }))).toEqual(['body_extra_bytes proven'])
    expect(
      causes(examine({ ...withHeaders({ 'content-length': String(BODY.length) }), body: more })),
    ).toEqual(['body_extra_bytes proven'])
  })

  test('sees bytes that were lost in a text, changed line ends, and a trimmed line end', () => {
    const binary = Buffer.from([0x7b, 0xff, 0xfe, 0x7d])
    const signed = (body: Buffer) => genuine(body, KEYS).request
    const lost = { ...signed(binary), body: Buffer.from(binary.toString()) }
    expect(causes(diagnose(lost, { keys: KEYS, at: AT }))).toContain('body_bytes_lost likely')
    const lines = { ...signed(Buffer.from('{\n}')), body: Buffer.from('{\r\n}') }
    expect(causes(diagnose(lines, { keys: KEYS, at: AT }))).toEqual(['body_line_endings proven'])
    const trimmed = { ...signed(Buffer.from('text\n')), body: Buffer.from('text') }
    expect(causes(diagnose(trimmed, { keys: KEYS, at: AT }))).toEqual(['body_newline_removed proven'])
  })

  test('says by how many seconds a clock is off, and that whole hours are rather a time zone', () => {
    expect(evidence(examine({}, AT + 598_001))).toBe('It is 600.001 s old; 600 s are allowed.')
    expect(evidence(examine({}, AT - 63_500))).toBe('It is 61.5 s ahead; 60 s are allowed.')
    expect(causes(examine({}, AT + 598_000))).toEqual([])
    expect(causes(examine({}, AT - 62_000))).toEqual([])
    expect(evidence(examine({}, AT + 7 * 3_600_000))).toContain('7 hours nearly to the second')
    expect(evidence(examine({}, AT + 7 * 3_600_000 + 60_000))).not.toContain('to the second')
  })

  test('takes a timestamp that fits and is none for invalid', () => {
    const request = genuine(BODY, KEYS, 'yesterday').request
    expect(causes(diagnose(request, { keys: KEYS, at: AT }))).toEqual(['timestamp_invalid proven'])
  })

  test.each([
    ['there are none at all', {}, /it may just leave them out/],
    ['nothing is left of Box’s', { host: 'example.com' }, /not from Box, or a proxy takes them all away/],
    ['only its client’s name is left', { 'user-agent': 'Box-WH-Client/0.1' }, /Box has sent it/],
    [
      'only the signatures are missing',
      { ...DELIVERY.headers, 'box-signature-primary': '', 'box-signature-secondary': '' },
      /the application has no signature keys/,
    ],
    ['one is missing', { ...DELIVERY.headers, 'box-delivery-id': '' }, /takes this one away/],
  ])('explains headers where %s', (_, headers, told) => {
    const diagnosis = examine({ headers })
    expect(diagnosis.causes[0]?.cause).toBe('header_missing')
    expect(evidence(diagnosis)).toMatch(told)
  })

  test('goes on to the signature behind headers that are missing or renamed', () => {
    const { 'box-signature-version': _, ...headers } = DELIVERY.headers
    const body = Buffer.from(JSON.stringify(json()))
    expect(causes(examine({ headers, body }))).toEqual(['header_missing proven', 'body_reserialised proven'])
  })

  test('knows the length of other digests, and proves nothing by them', () => {
    const sha1 = withHeaders({
      'box-signature-primary': Buffer.alloc(20, 7).toString('base64'),
      'box-signature-secondary': '',
    })
    expect(causes(examine(sha1))).toEqual(['signature_encoding likely'])
    expect(evidence(examine(sha1))).toContain('SHA-1')
    expect(otherDigest('a'.repeat(128))).toBe('SHA-512')
    expect(otherDigest('')).toBeUndefined()
  })

  test('takes one fitting key for enough, and says that the other is old', () => {
    const diagnosis = examine({}, AT, { primary: KEYS.primary, secondary: 'of-before-0123456789' })
    expect(diagnosis).toMatchObject({
      verdict: { ok: true },
      causes: [],
      warnings: [{ cause: 'key_outdated' }],
    })
    expect(examine({}, AT, { primary: KEYS.primary }).warnings).toEqual([])
  })
})

describe('JSON in Box’s form', () => {
  test('keeps numbers, repeated names and their order as they are', () => {
    const text = '{"b":1.0,"a":1e5,"b":"\\u00e9/\\n\\u007f","":[ ]}'
    expect(wireJson(Buffer.from(text))?.forms.map(String).slice(0, 2)).toEqual([
      '{"b":1.0,"a":1e5,"b":"\\u00e9\\/\\n\u007f","":[]}',
      '{"b":1.0,"a":1e5,"b":"\\u00e9\\/\\n\\u007f","":[]}',
    ])
  })

  test('is told from other JSON, and from what is none', () => {
    expect(isWireJson(BODY)).toBe(true)
    expect(isWireJson(Buffer.from('{"a": 1}'))).toBe(false)
    for (const none of ['', '{', 'a', '\ufeff{}']) expect(wireJson(Buffer.from(none))).toBeUndefined()
    expect(wireJson(Buffer.from([0x22, 0xff, 0x22]))).toBeUndefined()
  })

  test('ends where its brackets do', () => {
    expect(jsonEnd('{"a":["}"]} x')).toEqual({ end: 11 })
    expect(jsonEnd('{"a":["\\"')).toEqual({ closers: '"]}' })
    expect(jsonEnd('{"a":[')).toEqual({ closers: ']}' })
    expect(jsonEnd('{]')).toEqual({})
    expect(jsonEnd('')).toEqual({})
  })
})

describe('what may have been signed', () => {
  const forms = (body: string | Uint8Array, context?: BodyContext) =>
    bodyForms(Buffer.from(body), context).map(({ bytes }) => bytes.toString())

  test('begins with the body as it is, and never has the same twice', () => {
    const all = forms(JSON.stringify(json(), null, 2))
    expect(all[0]).toBe(JSON.stringify(json(), null, 2))
    expect(new Set(all).size).toBe(all.length)
  })

  test('is bounded in number, whatever comes', () => {
    const nested = [1, 2, 3, 4, 5, 6].reduce<string>(text => JSON.stringify(`${text}\r\n`), '{"a": "%22é"}')
    expect(forms(nested).length).toBeLessThanOrEqual(96)
  })

  test('has a key only once, in each form that differs', () => {
    const hex = keyForms(' "abcdef0123456789" ').map(({ bytes }) => bytes.toString('hex'))
    expect(new Set(hex).size).toBe(hex.length)
    expect(keyForms('x')[0]).toEqual({ bytes: Buffer.from('x') })
  })

  test('has the moment in Box’s own zones first, and never the text itself', () => {
    const zones = timestampForms('2026-11-23T17:00:00.000Z')
    expect(zones).toContain(SENT)
    expect(zones).not.toContain('2026-11-23T17:00:00.000Z')
    expect(zones.length).toBeLessThan(400)
    expect(timestampForms('no time at all')).toEqual(['NO TIME AT ALL'])
  })

  test('reads a signature in whatever form it is one, and nothing else', () => {
    const straight = sign(BODY, SENT, KEYS.primary)
    const digest = Buffer.from(straight, 'base64')
    expect(signatureForms(straight)).toEqual([{ digest }])
    for (const written of [
      digest.toString('hex').toUpperCase(),
      digest.toString('base64url'),
      `"${straight}"`,
      ` ${straight} `,
      `sha256=${straight}`,
      `v1=${digest.toString('hex')}`,
      encodeURIComponent(straight),
      straight.replaceAll('+', ' '),
      Buffer.from(digest.toString('hex')).toString('base64'),
      `x,${straight}`,
    ])
      if (written !== straight)
        expect(signatureForms(written).map(form => form.digest.toString('base64'))).toContain(straight)
    for (const none of ['', 'x', '%', 'a'.repeat(5000)]) expect(signatureForms(none)).toEqual([])
  })
})
