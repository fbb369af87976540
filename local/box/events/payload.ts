import { triggerOf } from '../../../lib/event/event.ts'
import {
  isWireObject,
  PROVENANCES,
  type Provenance,
  type Shape,
  shapesOf,
  type WireObject,
  type WireValue,
} from './shapes.ts'

/** What of an event matters to whoever makes it; everything else is as the shape has it. */
export type PayloadOverrides = {
  readonly id?: string
  readonly createdAt?: string
  readonly webhookId?: string
  readonly createdBy?: WireObject
  /** Laid over the shape's source, field by field. */
  readonly source?: WireObject
  readonly additionalInfo?: WireObject
  /** How the shape must be known. Without it, the trigger's first shape is taken, whose evidence is the best. */
  readonly shape?: Provenance
}

/**
 * The shape in which Box sends a trigger, as far as it is known.
 * @param name a trigger in either of Box's spellings; of any other, a file's shape is taken
 * @throws Error where no shape of the trigger is known in this way
 */
export function shapeOf(name: string, provenance?: Provenance): Shape {
  const shapes = shapesOf(triggerOf(name) ?? 'FILE.UPLOADED')
  const fitting = provenance === undefined ? shapes : shapes.filter(shape => shape.provenance === provenance)
  const found = fitting.find(({ payload }) => payload.trigger === name) ?? fitting[0]
  if (found) return found
  const known = PROVENANCES.filter(one => shapes.some(shape => shape.provenance === one)).join(', ')
  throw new Error(
    `No shape of ${name} is known as ${provenance}, only as ${known}. Ask for one of these; docs/payloads.md has them all.`,
  )
}

/**
 * Builds the payload of an event: the shape that Box sends, with what matters laid over it. The same call gives the same
 * payload.
 * @param trigger any trigger, also one that Box does not have
 * @throws Error where no shape of the trigger is known as `overrides.shape` says
 */
export function samplePayload(trigger: string, overrides: PayloadOverrides = {}): WireObject {
  const { id, createdAt, webhookId, createdBy, source, additionalInfo, shape } = overrides
  const { payload } = shapeOf(trigger, shape)
  const { source: usual, additional_info: info } = payload
  return {
    ...filled(payload, {
      ...(triggerOf(trigger) ? {} : { trigger }),
      ...(id === undefined ? {} : { id }),
      ...(createdAt === undefined ? {} : { created_at: createdAt }),
      ...(webhookId === undefined ? {} : { webhook: { id: webhookId } }),
      ...(createdBy === undefined ? {} : { created_by: createdBy }),
    }),
    ...(source ? { source: merged(isWireObject(usual) ? usual : {}, source) } : {}),
    ...(additionalInfo ? { additional_info: merged(isWireObject(info) ? info : {}, additionalInfo) } : {}),
  }
}

/**
 * Fills facts into a shape: the fields are the shape's, none more and none less, in its order. Where the shape has null, any
 * fact goes; a list has as many entries as its fact.
 */
export function filled(shape: WireObject, facts: WireObject): WireObject {
  return Object.fromEntries(
    Object.entries(shape).map(([name, usual]) => [name, filledValue(usual, facts[name])]),
  )
}

function filledValue(usual: WireValue, fact: WireValue): WireValue {
  if (fact === undefined) return usual
  if (usual === null || fact === null) return fact
  if (isWireObject(usual)) return isWireObject(fact) ? filled(usual, fact) : usual
  if (Array.isArray(usual)) return Array.isArray(fact) ? filledList(usual, fact) : usual
  if (typeof usual === 'number' && typeof fact === 'string') return Number(fact)
  return typeof fact === 'object' ? usual : fact
}

/** Each entry of a list has the form of the list's first, where that has fields. */
function filledList([form]: readonly WireValue[], facts: readonly WireValue[]): readonly WireValue[] {
  return isWireObject(form) ? facts.filter(isWireObject).map(fact => filled(form, fact)) : facts
}

function merged(under: WireObject, over: WireObject): WireObject {
  const result: Record<string, WireValue> = { ...under }
  for (const [field, value] of Object.entries(over)) {
    const below = result[field]
    result[field] = isWireObject(value) && isWireObject(below) ? merged(below, value) : value
  }
  return result
}

/**
 * Serialises as Box does: no spaces, every character outside ASCII as `\uXXXX` in lower case, and `/` as `\/`. Its
 * signatures are over exactly these bytes.
 */
export function wireBody(payload: WireObject): Buffer {
  const json = JSON.stringify(payload)
    .replaceAll('/', '\\/')
    .replace(/[\u007f-\uffff]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return Buffer.from(json, 'latin1')
}
