import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ROOT } from '../../../infra/build/bundle.ts'
import { TRIGGERS, type Trigger, triggerOf } from '../../../lib/event/event.ts'
import type { WireObject, WireValue } from '../../../local/box/events/shapes.ts'
import { PROVENANCES, parseShapes, SHAPES, type Shape, shapesOf } from '../../../local/box/events/shapes.ts'

const triggers = Object.keys(TRIGGERS).filter((name): name is Trigger => Object.hasOwn(TRIGGERS, name))

/** Every text of a payload, and its numbers, by the field that holds them. */
function* leaves(value: WireValue, field = ''): Generator<{ field: string; value: string | number }> {
  if (typeof value === 'string' || typeof value === 'number') yield { field, value }
  if (typeof value !== 'object' || value === null) return
  for (const [name, inner] of Object.entries(value)) yield* leaves(inner, Array.isArray(value) ? field : name)
}

const keysOf = (value: WireValue): string[] =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value) : []

describe('the corpus of payloads', () => {
  test('has a shape for each trigger, and no line twice', () => {
    expect(triggers.filter(trigger => shapesOf(trigger).length === 0)).toEqual([])
    expect(triggers).toHaveLength(47)
    expect(new Set(SHAPES.map(shape => JSON.stringify(shape))).size).toBe(SHAPES.length)
  })

  test('names a trigger in either of Box’s spellings in the payload', () => {
    for (const { trigger, payload } of SHAPES) expect(triggerOf(String(payload.trigger))).toBe(trigger)
  })

  test('begins each trigger with a whole shape, as every capture is', () => {
    const partial = triggers.filter(trigger => {
      const missing = [
        'type',
        'id',
        'created_at',
        'trigger',
        'webhook',
        'created_by',
        'source',
        'additional_info',
      ]
      return !missing.every(field => keysOf(shapesOf(trigger)[0]?.payload).includes(field))
    })
    // Box's guide shows only a part of the one, and says of the other that its payload is not full.
    expect(partial).toEqual(['WEBHOOK.DELETED', 'NO_ACTIVE_SESSION'])
  })

  test('begins each trigger with what is captured, where something is', () => {
    for (const trigger of triggers) {
      const [first, ...others] = shapesOf(trigger)
      if (others.some(({ provenance }) => provenance === 'captured'))
        expect(first?.provenance).toBe('captured')
    }
  })

  test('guesses first only where nobody has shown a whole payload', () => {
    const guessed = triggers.filter(trigger => shapesOf(trigger)[0]?.provenance === 'guess')
    expect(guessed).toEqual([
      'SIGN_REQUEST.DECLINED',
      'SIGN_REQUEST.EXPIRED',
      'SIGN_REQUEST.SIGNER_EMAIL_BOUNCED',
      'SIGN_REQUEST.SIGN_SIGNER_SIGNED',
      'SIGN_REQUEST.SIGN_DOCUMENT_CREATED',
      'SIGN_REQUEST.SIGN_ERROR_FINALIZING',
      'DOCGEN_DOCUMENT_GENERATION_STARTED',
      'DOCGEN_DOCUMENT_GENERATION_SUCCEEDED',
      'DOCGEN_DOCUMENT_GENERATION_FAILED',
      'NO_ACTIVE_SESSION',
    ])
  })

  test('names no person, account or place that exists', () => {
    for (const { payload } of SHAPES)
      for (const { field, value } of leaves(payload)) {
        if (String(value).includes('@')) expect(value).toMatch(/@(\w+\.)?(example\.com|\w+\.example)$/)
        if (String(value).includes('://'))
          expect(value).toMatch(/^https:\/\/app\.box\.com\/(s|shared\/static)\/example/)
        // Box's own ids have ten digits and more by now; those that are invented here have fewer.
        if (field === 'id' && /^\d+$/.test(String(value))) expect(String(value).length).toBeLessThan(9)
      }
  })

  test('is documented: docs/payloads.md has every source, and counts the shapes of each trigger', () => {
    const docs = readFileSync(join(ROOT, 'docs/payloads.md'), 'utf8')
    for (const { source, provenance } of SHAPES)
      if (provenance !== 'guess')
        for (const one of source.split('; ')) expect(docs).toContain(one.replace(/ \(.*\)$/, ''))
    for (const trigger of triggers)
      expect(docs).toContain(`| \`${trigger}\` | ${counts(shapesOf(trigger))} |`)
    expect(docs).toContain(counts(SHAPES))
  })
})

/** How many shapes there are of each provenance: `captured 2 · consumer 1`. */
const counts = (shapes: readonly Shape[]): string =>
  PROVENANCES.map(one => [one, shapes.filter(({ provenance }) => provenance === one).length] as const)
    .filter(([, count]) => count > 0)
    .map(([one, count]) => `${one} ${count}`)
    .join(' · ')

describe('reading a corpus', () => {
  const line: WireObject = {
    trigger: 'FILE.LOCKED',
    provenance: 'guess',
    source: 'no reason',
    date: '2026',
    payload: { trigger: 'FILE.LOCKED' },
  }
  const read = (change: WireObject) => parseShapes(`${JSON.stringify({ ...line, ...change })}\n`)

  test('gives back the shape', () => {
    expect(read({})).toEqual([line])
  })

  test.each([
    [{ trigger: 'FILE.MENDED' }, 'Line 1 of the corpus: trigger must be one of Box’s triggers'],
    [{ provenance: 'rumour' }, 'Line 1 of the corpus: provenance must be one of captured, consumer,'],
    [{ source: ' ' }, 'Line 1 of the corpus: source must be a text'],
    [{ date: 'last year' }, 'Line 1 of the corpus: date must be a year, a month, a day or undated'],
    [{ payload: [] }, 'Line 1 of the corpus: payload must be a JSON object'],
    [{ comment: '' }, 'Line 1 of the corpus: comment is not a field'],
  ])('refuses %j', (change, message) => {
    expect(() => read(change)).toThrow(message)
  })

  test('refuses what is no JSON', () => {
    expect(() => parseShapes('{"trigger"\n')).toThrow('Line 1 of the corpus')
  })
})
