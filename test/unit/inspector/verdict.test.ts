import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sign, verify } from '../../../lib/ingest/signature.ts'
import { explain, type VerdictStep } from '../../../local/inspector/verdict.ts'

const KEYS = { primary: 'primary-key', secondary: 'secondary-key' }
const AT = '2026-11-23T10:00:00+00:00'
const NOW = Date.parse(AT) + 2500
const BODY = Buffer.from('{"id":"e"}')

const headers = (fields: Record<string, string | undefined> = {}) => ({
  'box-delivery-id': 'd',
  'box-delivery-timestamp': AT,
  'box-signature-version': '1',
  'box-signature-algorithm': 'HmacSHA256',
  'box-signature-primary': sign(BODY, AT, KEYS.primary),
  'box-signature-secondary': sign(BODY, AT, KEYS.secondary),
  ...fields,
})

const judged = (fields: Record<string, string | undefined> = {}, more: object = {}) =>
  explain({ body: BODY, headers: headers(fields), keys: KEYS, receivedAt: NOW, ...more })

const step = (steps: readonly VerdictStep[], rule: string) => steps.find(one => one.rule === rule)

describe('a delivery’s check, step by step', () => {
  test('says which key each signature matches, and how old the delivery was', () => {
    expect(judged()).toEqual([
      { rule: 'headers', ok: true, text: 'all there' },
      { rule: 'version', ok: true, text: '1' },
      { rule: 'algorithm', ok: true, text: 'HmacSHA256' },
      { rule: 'primary', ok: true, text: 'matches our primary key' },
      { rule: 'secondary', ok: true, text: 'matches our secondary key' },
      { rule: 'age', ok: true, text: '2.5 s old, of at most 600' },
      { rule: 'verdict', ok: true, text: 'passed with the primary key' },
    ])
  })

  test('judges the age by what the stage accepts', () => {
    const later = { receivedAt: NOW + 1_200_000 }
    expect(step(judged({}, later), 'age')).toMatchObject({ ok: false, text: '1202.5 s old, of at most 600' })
    expect(step(judged({}, { ...later, ageMaxSeconds: 9000 }), 'age')).toMatchObject({
      ok: true,
      text: '1202.5 s old, of at most 9000',
    })
    expect(step(judged({}, { ...later, ageMaxSeconds: 9000 }), 'verdict')?.ok).toBe(true)
  })

  test('tells keys that are swapped, one that is not sent, and one that matches nothing', () => {
    const swapped = judged({}, { keys: { primary: KEYS.secondary, secondary: KEYS.primary } })
    expect(step(swapped, 'primary')?.text).toBe('matches our secondary key')
    expect(step(judged({ 'box-signature-secondary': undefined }), 'secondary')).toMatchObject({
      ok: undefined,
      text: 'not sent',
    })
    const forged = judged({ 'box-signature-primary': 'x', 'box-signature-secondary': 'y' })
    expect(step(forged, 'primary')).toMatchObject({ ok: false })
    expect(step(forged, 'verdict')).toEqual({
      rule: 'verdict',
      ok: false,
      text: 'refused: signature_mismatch',
    })
  })

  test('names what is missing, and an age that is out of bounds', () => {
    expect(judged({ 'box-delivery-id': undefined })[0]?.text).toBe('box-delivery-id is missing')
    expect(step(judged({}, { receivedAt: NOW + 700_000 }), 'age')).toMatchObject({ ok: false })
    expect(step(judged({}, { receivedAt: NOW - 100_000 }), 'age')?.text).toBe(
      '97.5 s in the future, of at most 60',
    )
    expect(step(judged({ 'box-delivery-timestamp': 'soon' }), 'age')?.text).toBe('"soon" is no time')
    expect(judged({}, { keys: {} })[0]?.text).toBe('no signature key is stored here')
  })

  test('comes to ingest’s verdict whatever came, and shows no key', () => {
    const text = fc.option(fc.constantFrom('', '1', 'HmacSHA256', AT, 'x', sign(BODY, AT, KEYS.primary)), {
      nil: undefined,
    })
    const names = Object.keys(headers())
    fc.assert(
      fc.property(
        fc.subarray(names),
        text,
        fc.integer({ min: -900_000, max: 900_000 }),
        (changed, value, ms) => {
          const given = headers(Object.fromEntries(changed.map(name => [name, value])))
          const input = { body: BODY, headers: given, keys: KEYS, receivedAt: NOW + ms }
          const steps = explain(input)
          const verdict = verify({ ...input, now: input.receivedAt })
          expect(steps.at(-1)?.ok).toBe(verdict.ok)
          if (verdict.ok) expect(steps.every(({ ok }) => ok !== false || changed.length > 0)).toBe(true)
          else expect(steps.some(({ ok, rule }) => ok === false && rule !== 'verdict')).toBe(true)
          expect(JSON.stringify(steps)).not.toMatch(/(primary|secondary)-key/)
        },
      ),
    )
  })
})
