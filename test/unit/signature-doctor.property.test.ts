import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Diagnosis, diagnose } from '../../lib/doctor/signature-doctor.ts'
import { AT, type Case, genuine, keyPair, MANGLINGS, payload, SENT, wireOf } from '../support/manglings.ts'
import { runs } from '../support/seed.ts'

const examine = ({ request, keys, at }: Case): Diagnosis => diagnose(request, { keys, at })
const named = ({ causes, warnings }: Diagnosis): string[] =>
  [...causes, ...warnings].map(({ cause }) => cause)
const proven = ({ causes, warnings }: Diagnosis): string[] =>
  [...causes, ...warnings].filter(({ certainty }) => certainty === 'proven').map(({ cause }) => cause)

/** Where everything is tried before something can be said, it takes a tenth of a second each time. */
const EXHAUSTIVE: readonly string[] = ['wrong_key', 'body_truncated', 'body_missing', 'signed_otherwise']
const runsFor = (cause: string) => ({ ...runs(EXHAUSTIVE.includes(cause) ? 10 : 40), endOnFailure: true })

/** Those whose causes can't be proven by a signature. */
const LIKELY: readonly string[] = ['wrong_key', 'body_truncated']

describe('the signature doctor', () => {
  test('says of a delivery as Box sends it that it is valid, and nothing else', () => {
    fc.assert(
      fc.property(payload, keyPair, (value, keys) => {
        const { verdict, causes, warnings, checks } = examine(genuine(wireOf(value), keys))
        expect(verdict).toMatchObject({ ok: true, key: 'primary', header: 'primary' })
        expect([causes, warnings]).toEqual([[], []])
        expect(checks.every(({ result }) => result === 'ok')).toBe(true)
      }),
    )
  })

  test.each(MANGLINGS.map(one => [one.name, one.cause, one] as const))(
    'calls %s %s, whatever the payload and the keys',
    (_, cause, { mangle, refused }) => {
      fc.assert(
        fc.property(payload, keyPair, (value, keys) => {
          const before = genuine(wireOf(value), keys)
          const one = mangle(before)
          const diagnosis = examine(one)
          expect(named(diagnosis)).toContain(cause)
          if (!LIKELY.includes(cause)) expect(proven(diagnosis)).toContain(cause)
          expect(diagnosis.causes.length > 0).toBe(refused)
        }),
        runsFor(cause),
      )
    },
  )

  const bodies = MANGLINGS.filter(({ name }) =>
    [
      'JSON.stringify(JSON.parse(body))',
      "Python's json.dumps",
      'JSON that is printed with indentation',
    ].includes(name),
  )
  const around = MANGLINGS.filter(({ cause }) =>
    [
      'body_base64',
      'body_double_encoded',
      'body_compressed',
      'body_bom',
      'body_charset',
      'body_chunked',
    ].includes(cause),
  )
  const keyed = MANGLINGS.filter(({ cause }) => ['key_quoted', 'key_encoded', 'keys_swapped'].includes(cause))
  const timed = MANGLINGS.filter(({ cause }) => cause === 'timestamp_reformatted')

  test('names several causes at once: the body twice over, and the keys or the time', () => {
    fc.assert(
      fc.property(
        payload,
        keyPair,
        fc.constantFrom(...bodies),
        fc.option(fc.constantFrom(...around), { nil: undefined }),
        fc.constantFrom(...keyed, ...timed),
        (value, keys, first, second, third) => {
          const chain = [first, ...(second ? [second] : []), third]
          const one = chain.reduce((mangled, { mangle }) => mangle(mangled), genuine(wireOf(value), keys))
          const causes = proven(examine(one))
          for (const { cause } of chain) expect(causes).toContain(cause)
        },
      ),
      { ...runs(60), endOnFailure: true },
    )
  })

  test('never says that it is valid where ingest refuses, and always gives a reason', () => {
    fc.assert(
      fc.property(
        payload,
        keyPair,
        fc.array(fc.constantFrom(...MANGLINGS.filter(({ cause }) => cause !== 'v1_payload')), {
          maxLength: 3,
        }),
        (value, keys, chain) => {
          const one = chain.reduce(
            (mangled, { mangle }) => attempt(mangle, mangled),
            genuine(wireOf(value), keys),
          )
          const { verdict, causes } = examine(one)
          if (!verdict.ok) expect(causes).not.toEqual([])
        },
      ),
      { ...runs(60), endOnFailure: true },
    )
  })

  test('never throws, whatever the bytes, headers and keys are, and tells no part of a key', () => {
    const header = fc.oneof(
      fc.string(),
      fc.constantFrom('1', 'HmacSHA256', SENT, 'a'.repeat(44), `${'A'.repeat(43)}=`, '%', '0'.repeat(64)),
    )
    const name = fc.oneof(
      fc.constantFrom(
        ...Object.keys(genuine(Buffer.from('{}'), { primary: 'p', secondary: 's' }).request.headers),
      ),
      fc.string(),
      fc.constantFrom('content-length', 'content-encoding', '__proto__'),
    )
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.dictionary(name, header, { noNullPrototype: true }),
        keyPair,
        fc.option(fc.uint8Array()),
        (body, headers, keys, undecoded) => {
          const diagnosis = diagnose(
            { query: '', headers, body, undecoded: undecoded ?? undefined },
            { keys, at: AT },
          )
          const told = JSON.stringify(diagnosis)
          for (const key of Object.values(keys)) expect(told).not.toContain(key.slice(0, 8))
          if (!diagnosis.verdict.ok) expect(diagnosis.causes).not.toEqual([])
        },
      ),
      runs(500),
    )
  })
})

/** A mangling where the body is still one that it can be done to. */
function attempt(mangle: (one: Case) => Case, one: Case): Case {
  try {
    return mangle(one)
  } catch {
    return one
  }
}
