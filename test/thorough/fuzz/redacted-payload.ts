import assert from 'node:assert/strict'
import fc from 'fast-check'
import { FIELDS, redact, WORDS } from '../../../cli/replay/redact.ts'
import { isObject } from '../../../lib/base/json.ts'
import { boundary } from './boundary.ts'

/** What names somebody: a text and a number that stand nowhere by chance. */
const secret = fc.stringMatching(/^zq[b-df-hj-np-tv-z]{6,10}$/)
const number = fc.integer({ min: 7_100_000_001, max: 7_199_999_999 })

const text = fc.oneof(
  secret,
  secret.map(one => one.toUpperCase()),
  fc
    .tuple(
      fc.constantFrom('', 'enterprise_', 'file_', '2026-11-23T10:00:00Z', 'https://', 'open ', '.'),
      secret,
    )
    .map(([before, one]) => before + one),
  fc
    .tuple(secret, fc.constantFrom('.pdf', '.smith', '@zq.example', '_at', ' open'))
    .map(([one, after]) => one + after),
  fc
    .tuple(fc.constantFrom('', 'enterprise_', 'folder_', '+'), number)
    .map(([before, one]) => `${before}${one}`),
)
const field = fc.oneof(
  fc.constantFrom(...FIELDS),
  secret,
  secret.map(one => `${one}_at`),
  number.map(String),
)
const leaf = fc.oneof(
  text,
  number,
  number.map(one => -one),
  number.map(one => one + 0.5),
  fc.constantFrom(...WORDS, '', true, null, 0),
)
const { payload } = fc.letrec(tie => ({
  value: fc.oneof({ maxDepth: 3 }, leaf, fc.array(tie('value'), { maxLength: 3 }), tie('payload')),
  payload: fc.dictionary(field, tie('value'), { maxKeys: 6 }),
}))

/** Whatever a payload says, in whatever field, and however its fields are called: only its form is left. */
export const redactedPayloads = boundary(
  'redacted-payloads',
  { weight: 3, quickCases: 1500 },
  payload,
  given => {
    assert.ok(isObject(given))
    const { payload: redacted } = redact(given)
    const told = JSON.stringify(redacted)
    assert.doesNotMatch(told, /zq/i)
    assert.doesNotMatch(told, /71\d{8}/)
    assert.deepEqual(formOf(JSON.parse(told)), formOf(JSON.parse(JSON.stringify(given))))
  },
)

/** What kind of value is where, in order; the names of fields aside. */
function formOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(formOf)
  if (isObject(value)) return { fields: Object.values(value).map(formOf) }
  return value === null ? 'null' : typeof value
}
