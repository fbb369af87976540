import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { writeBoxJson } from '../../../cli/verify/box-json.ts'
import { CAUSES } from '../../../cli/verify/causes.ts'
import {
  type Diagnosis,
  type DiagnosisInput,
  diagnose,
  REPAIR_BYTES_MAX,
} from '../../../cli/verify/diagnose.ts'
import { samplePayload, wireBody } from '../../../local/box/events/payload.ts'
import { AT, BOUNDS, genuine, MANGLINGS } from '../../support/manglings.ts'
import { signatureVectors } from '../../support/vectors.ts'

const KEYS = { primary: 'canary-primary-0123456789', secondary: 'canary-secondary-0123456789' }
const BODY = wireBody(samplePayload('FILE.DOWNLOADED', { source: { name: 'Übersicht/スクリーン.pdf' } }))
const DELIVERY = genuine(BODY, KEYS).request

const examine = (change: Partial<DiagnosisInput> = {}): Diagnosis =>
  diagnose({ ...DELIVERY, keys: KEYS, at: AT, ...BOUNDS, ...change })
const withHeaders = (change: Record<string, string>) => ({ headers: { ...DELIVERY.headers, ...change } })
const causes = (diagnosis: Diagnosis) =>
  diagnosis.causes.map(({ cause, certainty }) => `${cause} ${certainty}`)
const evidence = (diagnosis: Diagnosis) => diagnosis.causes.flatMap(one => one.evidence).join('\n')

describe('Box’s published vectors', () => {
  const { primaryKey, secondaryKey, vectors } = signatureVectors(
    readFileSync(new URL('../../fixtures/signature-vectors.json', import.meta.url), 'utf8'),
  )
  const keys = { primary: primaryKey, secondary: secondaryKey }
  const at = Date.parse('2020-01-01T00:00:05-07:00')

  test.each(vectors.map(one => [one.name, one] as const))(
    '%s is valid as it is, and body_reserialised with a body parsed and written again',
    (_, { body, headers }) => {
      const valid = examine({ headers, body: Buffer.from(body), keys, at })
      expect(valid).toMatchObject({ causes: [], warnings: [] })
      for (const indent of [0, 2]) {
        const again = JSON.stringify(JSON.parse(body), null, indent)
        if (again === body) continue
        const diagnosis = examine({ headers, body: Buffer.from(again), keys, at })
        expect(causes(diagnosis)).toEqual(['body_reserialised proven'])
      }
    },
  )
})

describe('the diagnosis', () => {
  test('names each of its causes in some mangling', () => {
    expect([...new Set(MANGLINGS.map(({ cause }) => cause))].sort()).toEqual(Object.keys(CAUSES).sort())
  })

  test('counts how a body differs from what Box writes, and proves the cause', () => {
    const body = Buffer.from(JSON.stringify(JSON.parse(BODY.toString())))
    const diagnosis = examine({ body })
    expect(evidence(diagnosis)).toBe(
      'Its JSON differs from that of Box by: / where Box writes \\/ (1), characters beyond ASCII where Box writes \\uXXXX (6).',
    )
    expect(diagnosis.proof).toBe('With this undone, the primary signature fits the primary key.')
    expect(diagnosis.checks.map(({ result }) => result)).toEqual(['ok', 'ok', 'ok', 'fail', 'fail', 'ok'])
  })

  test('is likely body_reserialised where fields have another order, which cannot be undone', () => {
    const body = Buffer.from(JSON.stringify({ z: 'é', ...JSON.parse(BODY.toString()) }))
    const diagnosis = examine({ body })
    expect(causes(diagnosis)).toEqual(['body_reserialised likely', 'wrong_key likely'])
    expect(evidence(diagnosis)).toContain('The order of fields or a number may have changed too')
    expect(diagnosis.proof).toBeUndefined()
  })

  test('is likely the key where the body is as Box writes it', () => {
    expect(causes(examine({ keys: { primary: 'another-key-0123456789' } }))).toEqual(['wrong_key likely'])
  })

  test('is likely body_truncated where content-length is larger, also where the JSON is whole', () => {
    const diagnosis = examine({ ...withHeaders({ 'content-length': '9000' }), body: Buffer.from('{"a":1}') })
    expect(causes(diagnosis)).toEqual(['body_truncated likely'])
    expect(evidence(diagnosis)).toBe('content-length is 9000, and the body has 7 bytes.')
  })

  test('is likely body_charset where bytes were lost', () => {
    const binary = Buffer.from([0x7b, 0xff, 0xfe, 0x7d])
    const lost = { ...genuine(binary, KEYS).request, body: Buffer.from(binary.toString()) }
    expect(causes(examine(lost))).toEqual(['body_charset likely', 'wrong_key likely'])
  })

  test('says by how many seconds a clock is off, and that whole hours are rather a time zone', () => {
    const judged = (ms: number) => examine({ at: AT + ms })
    expect(evidence(judged(598_001))).toBe('The delivery is 600.001 s old; 600 s are allowed.')
    expect(evidence(judged(-63_500))).toBe('The delivery is 61.5 s ahead; 60 s are allowed.')
    for (const ms of [598_000, -62_000]) expect(causes(judged(ms))).toEqual([])
    expect(evidence(judged(7 * 3_600_000))).toContain('25202 s (7 hours) old')
    expect(evidence(judged(7 * 3_600_000))).toContain('7 hours nearly to the second')
    expect(evidence(judged(7 * 3_600_000 + 60_000))).not.toContain('to the second')
  })

  test('has the clock as a second cause behind one of the body, and no cause of the clock without a signature that fits', () => {
    const late = { at: AT + 3_000_000 }
    const body = Buffer.from(`${BODY}\n`)
    expect(causes(examine({ ...late, body }))).toEqual(['body_newline proven', 'clock proven'])
    expect(causes(examine({ ...late, keys: { primary: 'another-key-0123456789' } }))).not.toContain(
      'clock proven',
    )
  })

  test('is empty where there is nothing to judge by', () => {
    for (const change of [
      { body: Buffer.alloc(0) },
      { keys: {} },
      { headers: {} },
      withHeaders({ 'box-delivery-timestamp': '' }),
    ])
      expect(causes(examine(change))).toEqual([])
    expect(examine({ headers: {} }).checks.map(({ result }) => result)).toEqual([
      'fail',
      ...Array(5).fill('skip'),
    ])
  })

  test('of one key that fits has no cause; the other one is a warning', () => {
    const diagnosis = examine({ keys: { primary: KEYS.primary, secondary: 'of-before-0123456789' } })
    expect(diagnosis).toMatchObject({ causes: [], warnings: [{ cause: 'wrong_key', certainty: 'proven' }] })
    expect(examine({ keys: { primary: KEYS.primary } }).warnings).toEqual([])
  })

  test('of a body beyond the bound undoes nothing, and says so', () => {
    const body = Buffer.concat([BODY, Buffer.alloc(REPAIR_BYTES_MAX, '\n')])
    const diagnosis = examine({ body })
    expect(diagnosis).toMatchObject({ cutShort: true, causes: [{ cause: 'wrong_key', certainty: 'likely' }] })
    expect(evidence(diagnosis)).toContain('Verify a smaller delivery.')
  })
})

describe('JSON as Box writes it', () => {
  test('keeps numbers, repeated names and their order as they are', () => {
    const text = '{"b":1.0,"a":1e5,"b":"\\u00e9/\\n\\u007f","":[ ]}'
    expect(writeBoxJson(Buffer.from(text))?.forms.map(String).slice(0, 2)).toEqual([
      '{"b":1.0,"a":1e5,"b":"\\u00e9\\/\\n\u007f","":[]}',
      '{"b":1.0,"a":1e5,"b":"\\u00e9\\/\\n\\u007f","":[]}',
    ])
  })

  test('is not made of what is not JSON', () => {
    for (const other of ['', '{', 'a', '\ufeff{}']) expect(writeBoxJson(Buffer.from(other))).toBeUndefined()
    expect(writeBoxJson(Buffer.from([0x22, 0xff, 0x22]))).toBeUndefined()
  })
})
