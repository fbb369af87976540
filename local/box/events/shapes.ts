import { readFileSync } from 'node:fs'
import { isObject, parseObject } from '../../../lib/base/json.ts'
import { isTrigger, type Trigger } from '../../../lib/event/event.ts'

/** JSON on its way to the wire. */
export type WireObject = { readonly [field: string]: WireValue }
export type WireValue = string | number | boolean | null | undefined | readonly WireValue[] | WireObject

/**
 * How a shape is known, the strongest evidence first: somebody's log of a delivery, the code of a receiver, Box's guides,
 * Box's API description, or nothing at all.
 */
export const PROVENANCES = ['captured', 'consumer', 'guide', 'schema', 'guess'] as const

export type Provenance = (typeof PROVENANCES)[number]

/** One payload of a trigger with invented values: its fields and their nesting are what the source shows. */
export type Shape = {
  readonly trigger: Trigger
  readonly provenance: Provenance
  /** A URL, a repository and path, or the reason for a guess. docs/payloads.md lists them all. */
  readonly source: string
  /** Of the evidence: a year, a month or a day; `undated` where the source has none. */
  readonly date: string
  readonly payload: WireObject
}

/**
 * Reads a corpus: one shape a line, in JSON.
 * @throws Error that names the line and what is wrong with it
 */
export function parseShapes(lines: string): readonly Shape[] {
  return lines
    .split('\n')
    .filter(line => line !== '')
    .map((line, index) => {
      const shape = parseShape(line)
      if (typeof shape === 'string') throw new Error(`Line ${index + 1} of the corpus: ${shape}`)
      return shape
    })
}

/** @returns the shape, or what the line must be and is not */
function parseShape(line: string): Shape | string {
  const { trigger, provenance, source, date, payload, ...rest } = parseObject(line) ?? {}
  const known = PROVENANCES.find(one => one === provenance)
  if (typeof trigger !== 'string' || !isTrigger(trigger)) return 'trigger must be one of Box’s triggers'
  if (known === undefined) return `provenance must be one of ${PROVENANCES.join(', ')}`
  if (typeof source !== 'string' || source.trim() === '') return 'source must be a text'
  if (typeof date !== 'string' || !/^(\d{4}(-\d\d(-\d\d)?)?|undated)$/.test(date))
    return 'date must be a year, a month, a day or undated'
  if (!isWireObject(payload)) return 'payload must be a JSON object'
  const [other] = Object.keys(rest)
  return other === undefined
    ? { trigger, provenance: known, source, date, payload }
    : `${other} is not a field`
}

const isWireValue = (value: unknown): value is WireValue =>
  value === null ||
  ['string', 'number', 'boolean'].includes(typeof value) ||
  (Array.isArray(value) ? value.every(isWireValue) : isWireObject(value))

/** Whether something is an object as JSON has them. */
export const isWireObject = (value: unknown): value is WireObject =>
  isObject(value) && Object.values(value).every(isWireValue)

/** What Box sends, as far as it is known: the shapes of all triggers. */
export const SHAPES: readonly Shape[] = parseShapes(
  readFileSync(new URL('payloads.jsonl', import.meta.url), 'utf8'),
)

/** The shapes of a trigger. The first is whole, and is what this project sends where no other is asked for. */
export const shapesOf = (trigger: Trigger): readonly Shape[] =>
  SHAPES.filter(shape => shape.trigger === trigger)
