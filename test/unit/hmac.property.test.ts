import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hmacKey, hmacOf } from '../../lib/hmac.ts'
import { anyCharacter } from '../support/any-character.ts'
import { runs } from '../support/seed.ts'

const expected = (key: string, bytes: Uint8Array, text: string) =>
  createHmac('sha256', key).update(bytes).update(text).digest('base64')

/** Keys of any length, longer than a block of SHA-256 too, and texts with characters of one to four bytes and halves of some. */
const anyKey = fc.oneof(
  fc.string({ unit: anyCharacter, maxLength: 300 }),
  fc.integer({ min: 60, max: 68 }).map(length => 'k'.repeat(length)),
)
const anyText = fc.oneof(
  fc.string({ unit: anyCharacter, maxLength: 200 }),
  fc.constant('\ud800'),
  fc.constant(''),
)
const anyBytes = fc.uint8Array({ maxLength: 5000, size: 'max' })

test('an HMAC is the one that Node makes, whatever the key, the bytes and the text', () => {
  fc.assert(
    fc.property(anyKey, anyBytes, anyText, (key, bytes, text) => {
      expect(hmacOf(bytes, text)?.(hmacKey(key))).toBe(expected(key, bytes, text))
    }),
    runs(500),
  )
})

test('keys and messages leave nothing behind: each of a row is authenticated as if it were alone', () => {
  const row = fc.array(fc.tuple(fc.nat(2), anyBytes, anyText), { minLength: 2, maxLength: 20 })
  const keys = ['one', 'two '.repeat(30), '']
  const ready = keys.map(hmacKey)
  fc.assert(
    fc.property(row, messages => {
      for (const [first, bytes, text] of messages) {
        const sign = hmacOf(bytes, text)
        for (const at of [first, (first + 1) % keys.length, first])
          expect(sign?.(ready[at] ?? hmacKey(''))).toBe(expected(keys[at] ?? '', bytes, text))
      }
    }),
  )
})

test('the longest message that is taken is authenticated rightly, and the next longer one is not taken', () => {
  const longest = Buffer.alloc(32_768 - 3, 'x')
  expect(hmacOf(longest, 'é')?.(hmacKey('key'))).toBe(expected('key', longest, 'é'))
  expect(hmacOf(Buffer.alloc(longest.length + 1), 'é')).toBeUndefined()
})
