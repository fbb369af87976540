import { WebhooksManager } from 'box-node-sdk/managers'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { lowerCase } from '../../../lib/ingest/delivery.ts'
import { sign, verify } from '../../../lib/ingest/signature.ts'

const NOW = Date.parse('2026-11-23T10:00:00Z')
const key = fc.string({ minLength: 1, maxLength: 40 })
/** Bodies as Box escapes them, over which the SDK's second try (re-escaping) changes nothing. */
const body = fc
  .json({ maxDepth: 3 })
  .map(json =>
    Buffer.from(
      json.replace(/[^\0-\x7f]/g, char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`),
    ),
  )
const at = (ms: number) => new Date(ms).toISOString()

function headersOf(bytes: Uint8Array, timestamp: string, primary: string, secondary: string) {
  return {
    'box-delivery-id': 'd',
    'box-delivery-timestamp': timestamp,
    'box-signature-version': '1',
    'box-signature-algorithm': 'HmacSHA256',
    'box-signature-primary': sign(bytes, timestamp, primary),
    'box-signature-secondary': sign(bytes, timestamp, secondary),
  }
}

describe('signature properties', () => {
  test('what is signed passes, and any change of one byte of body, timestamp or key does not', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 2000 }), key, fc.nat(), (bytes, primary, at_) => {
        const timestamp = at(NOW)
        const headers = headersOf(bytes, timestamp, primary, 'unused')
        const input = { body: bytes, headers, keys: { primary }, now: NOW }
        expect(verify(input).ok).toBe(true)

        const bent = Uint8Array.from(bytes)
        const index = at_ % bent.length
        bent[index] = (bent[index] ?? 0) ^ (1 + (at_ % 255))
        expect(verify({ ...input, body: bent })).toMatchObject({ rule: 'signature_mismatch' })
        expect(verify({ ...input, keys: { primary: `${primary}x` } })).toMatchObject({
          rule: 'signature_mismatch',
        })
        const moved = { ...headers, 'box-delivery-timestamp': at(NOW + 1) }
        expect(verify({ ...input, headers: moved })).toMatchObject({ rule: 'signature_mismatch' })
      }),
    )
  })

  test('at every moment of a rotation, in which one key is reset at a time, deliveries pass', () => {
    fc.assert(
      fc.property(
        key,
        key,
        key,
        fc.boolean(),
        fc.boolean(),
        (first, second, fresh, resetPrimary, receiverFirst) => {
          const [a, b, c] = [`a${first}`, `b${second}`, `c${fresh}`]
          const before = { primary: a, secondary: b }
          const after = resetPrimary ? { primary: c, secondary: b } : { primary: a, secondary: c }
          const [box, ours] = receiverFirst ? [before, after] : [after, before]
          const bytes = Buffer.from('{}')
          const headers = headersOf(bytes, at(NOW), box.primary, box.secondary)
          expect(verify({ body: bytes, headers, keys: ours, now: NOW }).ok).toBe(true)
        },
      ),
    )
  })

  test('never throws, whatever the headers', () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.constantFrom(...Object.keys(headersOf(Buffer.of(1), 't', 'p', 's')), 'x'),
          fc.string(),
        ),
        fc.uint8Array(),
        (headers, bytes) => {
          expect(verify({ body: bytes, headers, keys: { primary: 'k' }, now: NOW }).ok).toBe(false)
        },
      ),
    )
  })
})

describe("agreement with the official SDK's validateMessage", () => {
  // The SDK reads the clock itself.
  beforeAll(() => void vi.useFakeTimers({ toFake: ['Date'], now: NOW }))
  afterAll(() => void vi.useRealTimers())

  const official = (bytes: Uint8Array, headers: Record<string, string>, primary: string, secondary: string) =>
    WebhooksManager.validateMessage(Buffer.from(bytes).toString(), headers, primary, {
      secondaryKey: secondary,
    })

  test('both accept and refuse the same deliveries of the past, whichever keys signed them', async () => {
    await fc.assert(
      fc.asyncProperty(
        body,
        fc.array(key, { minLength: 3, maxLength: 3 }).map(keys => keys.map((one, index) => `${index}${one}`)),
        fc.record({ primary: fc.nat(2), secondary: fc.nat(2) }),
        fc.oneof(fc.integer({ min: 5, max: 590 }), fc.integer({ min: 610, max: 100_000 })),
        async (bytes, keys, signedWith, ageSeconds) => {
          const [primary = '', secondary = ''] = keys
          // Crossed keys are where the two differ on purpose; see below.
          const by = (index: number, crossed: number) => keys[index === crossed ? 2 : index] ?? ''
          const headers = headersOf(
            bytes,
            at(NOW - ageSeconds * 1000),
            by(signedWith.primary, 1),
            by(signedWith.secondary, 0),
          )
          const ours = verify({ body: bytes, headers, keys: { primary, secondary }, now: NOW })
          expect(ours.ok).toBe(await official(bytes, headers, primary, secondary))
        },
      ),
    )
  })

  const bytes = Buffer.from('{}')
  const ours = (headers: Record<string, string>, keys = { primary: 'p', secondary: 's' }) =>
    verify({ body: bytes, headers, keys, now: NOW }).ok

  test('on purpose different: a clock of Box that runs ahead by less than a minute is fine with us', async () => {
    const headers = headersOf(bytes, at(NOW + 20_000), 'p', 's')
    expect([ours(headers), await official(bytes, headers, 'p', 's')]).toEqual([true, false])
  })

  test('on purpose different: a timestamp that is no date-time is refused by us', async () => {
    const headers = headersOf(bytes, 'zzz', 'p', 's')
    expect([ours(headers), await official(bytes, headers, 'p', 's')]).toEqual([false, true])
  })

  test('on purpose different: header names may be in any case at our front door', async () => {
    const headers = Object.fromEntries(
      Object.entries(headersOf(bytes, at(NOW), 'p', 's')).map(([name, value]) => [name.toUpperCase(), value]),
    )
    expect([ours(lowerCase(headers)), await official(bytes, headers, 'p', 's')]).toEqual([true, false])
  })

  test('on purpose different: swapped keys match with us', async () => {
    const headers = headersOf(bytes, at(NOW), 'p', 's')
    expect([
      ours(headers, { primary: 's', secondary: 'p' }),
      await official(bytes, headers, 's', 'p'),
    ]).toEqual([true, false])
  })
})
