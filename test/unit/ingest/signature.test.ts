import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseTimestamp } from '../../../lib/base/timestamp.ts'
import { sign, type VerifyInput, verify } from '../../../lib/ingest/signature.ts'
import { signatureVectors } from '../../support/vectors.ts'

const { primaryKey, secondaryKey, vectors } = signatureVectors(
  readFileSync(new URL('../../fixtures/signature-vectors.json', import.meta.url), 'utf8'),
)
const keys = { primary: primaryKey, secondary: secondaryKey }

const TIMESTAMP = '2026-11-23T10:00:00Z'
const NOW = Date.parse(TIMESTAMP)
const BODY = Buffer.from('{"id":"1"}')

/** A delivery that passes, to bend one thing at a time. */
function delivery(
  bent: Partial<VerifyInput> & { change?: Record<string, string | undefined> } = {},
): VerifyInput {
  const timestamp = bent.change?.['box-delivery-timestamp'] ?? TIMESTAMP
  const headers = {
    'box-delivery-id': 'd1',
    'box-delivery-timestamp': timestamp,
    'box-signature-version': '1',
    'box-signature-algorithm': 'HmacSHA256',
    'box-signature-primary': sign(BODY, timestamp, primaryKey),
    'box-signature-secondary': sign(BODY, timestamp, secondaryKey),
    ...bent.change,
  }
  return { body: BODY, headers, keys, now: NOW, ...bent }
}

describe("Box's official vectors", () => {
  test.each(vectors)('$name is signed as Box signs it, and passes', ({ body, headers }) => {
    const timestamp = headers['box-delivery-timestamp'] ?? ''
    const bytes = Buffer.from(body)
    expect(sign(bytes, timestamp, primaryKey)).toBe(headers['box-signature-primary'])
    expect(sign(bytes, timestamp, secondaryKey)).toBe(headers['box-signature-secondary'])
    const now = Date.parse(timestamp)
    expect(verify({ body: bytes, headers, keys, now })).toEqual({
      ok: true,
      key: 'primary',
      signedWith: { primary: 'primary', secondary: 'secondary' },
      header: 'primary',
      ageSeconds: 0,
    })
  })
})

describe('keys', () => {
  const primaryOnly = { 'box-signature-secondary': undefined }
  const secondaryOnly = { 'box-signature-primary': undefined }

  test('one of the two signatures is enough', () => {
    expect(verify(delivery({ change: primaryOnly }))).toMatchObject({ ok: true, key: 'primary' })
    expect(verify(delivery({ change: secondaryOnly }))).toMatchObject({ ok: true, key: 'secondary' })
  })

  test('one of the two keys is enough', () => {
    expect(verify(delivery({ keys: { primary: primaryKey } }))).toMatchObject({ ok: true, key: 'primary' })
    expect(verify(delivery({ keys: { secondary: secondaryKey } }))).toMatchObject({
      ok: true,
      key: 'secondary',
    })
  })

  test('a key matches under the other header as well, as happens when the two are swapped', () => {
    const swapped = { primary: secondaryKey, secondary: primaryKey }
    expect(verify(delivery({ keys: swapped, change: primaryOnly }))).toMatchObject({
      ok: true,
      key: 'secondary',
      header: 'primary',
    })
  })

  test('without a key everything is refused', () => {
    for (const none of [{}, { primary: '' }, { primary: undefined, secondary: '' }])
      expect(verify(delivery({ keys: none }))).toEqual({ ok: false, rule: 'no_key' })
  })

  test('with other keys the delivery is refused', () => {
    const other = { primary: 'other', secondary: 'another' }
    expect(verify(delivery({ keys: other }))).toEqual({ ok: false, rule: 'signature_mismatch' })
  })

  const bits = (text: string): string => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
    return `${text.slice(0, 42)}${alphabet[alphabet.indexOf(text[42] ?? '') + 1]}=`
  }
  test.each<[string, (right: string) => string]>([
    ['without padding', right => right.slice(0, -1)],
    ['with more padding', right => `${right}=`],
    ['with stray bits before the padding', bits],
    ['in the alphabet for addresses', right => Buffer.from(right, 'base64').toString('base64url')],
    ['in that alphabet, padded', right => right.replaceAll('+', '-').replaceAll('/', '_')],
    ['in hexadecimal', right => Buffer.from(right, 'base64').toString('hex')],
    ['in lower case', right => right.toLowerCase()],
    ['after a space', right => ` ${right}`],
    ['before a line feed', right => `${right}\n`],
    ['around a space', right => `${right.slice(0, 20)} ${right.slice(20)}`],
    ['before more text', right => `${right}AAAA`],
    ['of 31 bytes', right => Buffer.from(right, 'base64').subarray(0, 31).toString('base64')],
    ['encoded twice', right => Buffer.from(right).toString('base64')],
    ['twice', right => `${right},${right}`],
  ])('a right signature %s is no match', (_, write) => {
    // Signed so that the signature has both characters that the alphabet for addresses replaces.
    const timestamp = Array.from({ length: 1000 }, (_, ms) => new Date(NOW + ms).toISOString()).find(time =>
      /(?=.*\+).*\//.test(sign(BODY, time, primaryKey)),
    )
    const right = sign(BODY, timestamp ?? '', primaryKey)
    const change = {
      'box-delivery-timestamp': timestamp,
      'box-signature-primary': right,
      'box-signature-secondary': undefined,
    }
    expect(verify(delivery({ change }))).toMatchObject({ ok: true })
    const written = { ...change, 'box-signature-primary': write(right) }
    expect(verify(delivery({ change: written }))).toEqual({ ok: false, rule: 'signature_mismatch' })
  })
})

describe('headers', () => {
  test.each([
    'box-delivery-id',
    'box-delivery-timestamp',
    'box-signature-version',
    'box-signature-algorithm',
  ])('%s is needed', name => {
    expect(verify(delivery({ change: { [name]: undefined } }))).toEqual({
      ok: false,
      rule: 'header_missing',
      header: name,
    })
  })

  test('a signature is needed', () => {
    const change = { 'box-signature-primary': undefined, 'box-signature-secondary': undefined }
    expect(verify(delivery({ change }))).toMatchObject({ rule: 'header_missing' })
  })

  test('only version 1 and HmacSHA256 are known', () => {
    expect(verify(delivery({ change: { 'box-signature-version': '2' } }))).toMatchObject({
      rule: 'version_unsupported',
    })
    expect(verify(delivery({ change: { 'box-signature-algorithm': 'HmacSHA1' } }))).toMatchObject({
      rule: 'algorithm_unsupported',
    })
  })
})

describe('age', () => {
  test.each([
    [0, true],
    [600, true],
    [600.001, 'timestamp_too_old'],
    [-60, true],
    [-60.001, 'timestamp_in_future'],
  ])('a delivery %s s old: %s', (ageSeconds, expected) => {
    const verdict = verify(delivery({ now: NOW + ageSeconds * 1000 }))
    expect(verdict.ok || verdict.rule).toBe(expected)
  })

  test('both bounds can be set', () => {
    const strict = { ageMaxSeconds: 5, skewMaxSeconds: 0 }
    expect(verify(delivery({ now: NOW + 6000, ...strict }))).toMatchObject({ rule: 'timestamp_too_old' })
    expect(verify(delivery({ now: NOW - 1000, ...strict }))).toMatchObject({ rule: 'timestamp_in_future' })
  })

  test('a correctly signed timestamp that is no date-time is refused', () => {
    expect(verify(delivery({ change: { 'box-delivery-timestamp': 'zzz' } }))).toEqual({
      ok: false,
      rule: 'timestamp_invalid',
    })
  })

  test('a forged delivery is called forged, however old it claims to be', () => {
    expect(verify(delivery({ now: NOW + 1e9, keys: { primary: 'other' } }))).toMatchObject({
      rule: 'signature_mismatch',
    })
  })
})

describe('RFC 3339', () => {
  test.each([
    ['2016-07-11T10:10:33-07:00', '2016-07-11T17:10:33.000Z'],
    ['2020-02-29t23:59:59.5z', '2020-02-29T23:59:59.500Z'],
    ['2020-01-01T00:00:00+05:30', '2019-12-31T18:30:00.000Z'],
    ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000Z'],
    ['2020-01-01T00:00:00.99999999999999999999Z', '2020-01-01T00:00:00.999Z'],
  ])('%s is %s', (text, iso) => {
    expect(new Date(parseTimestamp(text) ?? Number.NaN).toISOString()).toBe(iso)
  })

  test.each([
    '',
    'zzz',
    '2020-01-01',
    '2020-01-01T00:00:00',
    '2020-01-01 00:00:00Z',
    '2021-02-29T00:00:00Z',
    '2020-00-10T00:00:00Z',
    '2020-13-01T00:00:00Z',
    '2020-01-01T24:00:00Z',
    '2020-01-01T00:60:00Z',
    '2020-01-01T00:00:00+24:00',
    '1577836800',
    'Wed, 01 Jan 2020 00:00:00 GMT',
    ' 2020-01-01T00:00:00Z',
  ])('%j is none', text => {
    expect(parseTimestamp(text)).toBeUndefined()
  })
})
