import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Diagnosis, diagnose } from '../../../cli/verify/diagnose.ts'
import {
  AT,
  BOUNDS,
  type Case,
  genuine,
  keyPair,
  MANGLINGS,
  payload,
  SENT,
  wireOf,
} from '../../support/manglings.ts'
import { runs } from '../../support/seed.ts'

const examine = ({ request, keys, at }: Case): Diagnosis => diagnose({ ...request, keys, at, ...BOUNDS })
const LIKELY = ['keys of another application', 'the first half of it']

describe('the diagnosis', () => {
  test('of a delivery as Box sends it has no cause and no warning', () => {
    fc.assert(
      fc.property(payload, keyPair, (value, keys) => {
        const { causes, warnings, checks, proof } = examine(genuine(wireOf(value), keys))
        expect({ causes, warnings, proof }).toEqual({ causes: [], warnings: [], proof: undefined })
        expect(checks.map(({ result }) => result)).toEqual(['ok', 'ok', 'ok', 'ok', 'ok', 'ok'])
      }),
    )
  })

  test.each(MANGLINGS.map(one => [one.name, one.cause, one] as const))(
    'of %s is %s, and nothing else, whatever the payload and the keys',
    (name, cause, { mangle, refused }) => {
      fc.assert(
        fc.property(payload, keyPair, (value, keys) => {
          const { causes, warnings } = examine(mangle(genuine(wireOf(value), keys)))
          const found = [...new Set((refused ? causes : warnings).map(one => one.cause))]
          expect(found).toEqual([cause])
          if (!refused) expect(causes).toEqual([])
          const certainty = LIKELY.includes(name) ? 'likely' : 'proven'
          expect([...causes, ...warnings].map(one => one.certainty)).toContain(certainty)
        }),
        { ...runs(40), endOnFailure: true },
      )
    },
  )

  test('never throws and holds no part of a key, whatever the bytes, headers and keys are', () => {
    const header = fc.oneof(
      fc.string(),
      fc.constantFrom('1', 'HmacSHA256', SENT, 'a'.repeat(44), `${'A'.repeat(43)}=`, '%', '0'.repeat(64)),
    )
    const name = fc.oneof(
      fc.constantFrom(
        ...Object.keys(genuine(Buffer.from('{}'), { primary: 'p', secondary: 's' }).request.headers),
      ),
      fc.string(),
      fc.constantFrom('content-length', '__proto__'),
    )
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.dictionary(name, header, { noNullPrototype: true }),
        keyPair,
        (body, headers, keys) => {
          const printed = JSON.stringify(diagnose({ headers, body, keys, at: AT, ...BOUNDS }))
          for (const key of Object.values(keys)) expect(printed).not.toContain(key.slice(0, 8))
        },
      ),
      runs(500),
    )
  })
})
