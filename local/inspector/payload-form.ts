import type { Json } from '../../lib/automation/automation.ts'
import { isObject, parseObject } from '../../lib/base/json.ts'

export type JsonObject = { readonly [name: string]: Json }

/** One value of a payload as a form asks for it. */
export type PayloadField = {
  /** The names and positions that lead to it. */
  readonly path: readonly string[]
  readonly kind: 'text' | 'number' | 'flag' | 'time' | 'choice' | 'list'
  readonly value: Json
  /** Whether an empty field is null, for Box sends null there where nothing is. */
  readonly nullable: boolean
  readonly options: readonly string[]
}

/** What was put into a field: the value, or why it is none. */
export type FieldInput =
  | { readonly ok: true; readonly value: Json }
  | { readonly ok: false; readonly problem: string }

/** What Box's API description lets a field of a source be. */
const CHOICES: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  file: { item_status: ['active', 'trashed', 'deleted'] },
  folder: { item_status: ['active', 'trashed', 'deleted'] },
  collaboration: {
    status: ['accepted', 'pending', 'rejected'],
    role: ['editor', 'viewer', 'previewer', 'uploader', 'previewer uploader', 'viewer uploader', 'co-owner'],
  },
  task_assignment: { resolution_state: ['completed', 'incomplete', 'approved', 'rejected'] },
}
const ACCESS = ['open', 'company', 'collaborators']

/** What a form does not ask for: it says what kind of thing something is. */
const FIXED: ReadonlySet<string> = new Set(['type', 'trigger'])

/** Reads a payload; undefined where it is no object of JSON. Never throws. */
export function readPayload(text: string): JsonObject | undefined {
  const value = parseObject(text)
  return isJson(value) && isGroupOfNames(value) ? value : undefined
}

const isJson = (value: unknown): value is Json =>
  value === null ||
  ['string', 'number', 'boolean'].includes(typeof value) ||
  (Array.isArray(value) ? value.every(isJson) : isObject(value) && Object.values(value).every(isJson))

const isGroupOfNames = (value: Json): value is JsonObject => isObject(value)

/**
 * The fields of a payload, each with its kind, in the payload's own order. Of a list it is the items; an empty one is asked for
 * as a whole. Pure.
 * @param template what the payload was before it was changed: where it has null, an empty field is null
 */
export function fieldsOf(payload: JsonObject, template: JsonObject = payload): readonly PayloadField[] {
  const { source: about = null } = payload
  const source = isGroupOfNames(about) ? String(about.type) : ''
  const fields: PayloadField[] = []
  const walk = (value: Json, path: readonly string[]): void => {
    const name = path.at(-1) ?? ''
    if (isGroup(value)) for (const [key, inner] of Object.entries(value)) walk(inner, [...path, key])
    else if (!FIXED.has(name)) fields.push(fieldOf(value, path, valueAt(template, path), source))
  }
  walk(payload, [])
  return fields
}

/** What has fields of its own: an object, or a list that is not empty. */
const isGroup = (value: Json): value is JsonObject | readonly Json[] =>
  typeof value === 'object' && value !== null && Object.keys(value).length > 0

function fieldOf(
  value: Json,
  path: readonly string[],
  usual: Json | undefined,
  source: string,
): PayloadField {
  const name = path.at(-1) ?? ''
  const nullable = value === null || usual === null
  const inSource = path[0] === 'source' && path.length === 2
  const known = (inSource ? CHOICES[source]?.[name] : undefined) ?? (name === 'access' ? ACCESS : [])
  const field = { path, value, nullable, options: known }
  if (typeof value === 'object' && value !== null) return { ...field, kind: 'list' }
  if (typeof value === 'boolean') return { ...field, kind: 'flag' }
  if (typeof value === 'number') return { ...field, kind: 'number' }
  if (known.length > 0) return { ...field, kind: 'choice' }
  return { ...field, kind: name.endsWith('_at') ? 'time' : 'text' }
}

function valueAt(from: JsonObject, path: readonly string[]): Json | undefined {
  let value: Json | undefined = from
  for (const name of path) value = innerOf(value, name)
  return value
}

function innerOf(value: Json, name: string): Json | undefined {
  if (Array.isArray(value)) return value[Number(name)]
  return isGroupOfNames(value) && Object.hasOwn(value, name) ? value[name] : undefined
}

/** Reads what was put into a field. Never throws. */
export function readField(
  { kind, nullable }: Pick<PayloadField, 'kind' | 'nullable'>,
  text: string,
): FieldInput {
  if (nullable && text.trim() === '') return { ok: true, value: null }
  if (kind === 'flag') return { ok: true, value: text === 'true' }
  if (kind === 'number') {
    const value = Number(text)
    if (text.trim() !== '' && Number.isFinite(value)) return { ok: true, value }
    return { ok: false, problem: 'It must be a number.' }
  }
  if (kind === 'time' && !RFC_3339.test(text))
    return { ok: false, problem: 'It must be a time such as 2026-11-23T10:00:00-07:00.' }
  if (kind === 'list') return readJson(text)
  return { ok: true, value: text }
}

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/

function readJson(text: string): FieldInput {
  try {
    return { ok: true, value: JSON.parse(text) }
  } catch {
    return { ok: false, problem: 'It must be a list or an object in JSON.' }
  }
}

/** The payload with one value changed; everything else, and the order of all, stays. Pure. */
export function withField(payload: JsonObject, path: readonly string[], value: Json): JsonObject {
  const [name, ...rest] = path
  if (name === undefined || !Object.hasOwn(payload, name)) return payload
  return { ...payload, [name]: changed(payload[name] ?? null, rest, value) }
}

function changed(before: Json, path: readonly string[], value: Json): Json {
  const [name] = path
  if (name === undefined) return value
  if (Array.isArray(before))
    return before.map((item, index) => (String(index) === name ? changed(item, path.slice(1), value) : item))
  return isGroupOfNames(before) ? withField(before, path, value) : before
}
