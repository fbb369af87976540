import { createHash } from 'node:crypto'
import type { Trigger } from '../../lib/event.ts'
import { isObject } from '../../lib/json.ts'
import type { Item, ItemReference, User } from './items.ts'
import type { WireObject, WireValue } from './payload.ts'
import { BoxRefusal, invalidParameter, notFound } from './refusal.ts'
import type { Tree } from './tree.ts'
import { wireMini } from './wire.ts'

/** Which instance on an item is meant: its template, in the scope `global` or `enterprise_1`. */
export type TemplateReference = { readonly scope: string; readonly template: string }

export type MetadataState = TemplateReference & {
  readonly id: string
  readonly item: ItemReference
  readonly values: Readonly<Record<string, WireValue>>
  readonly version: number
}

/** One operation of a JSON patch, on a field of the instance. */
export type MetadataOperation = {
  readonly op: string
  /** `/field`. */
  readonly path: string
  readonly value?: WireValue
}

/** The metadata on files and folders. Templates are not checked: any name is one, with any fields. */
export class Metadata {
  readonly all = new Map<string, MetadataState>()
  readonly #tree: Tree

  constructor(tree: Tree) {
    this.#tree = tree
  }

  get(item: ItemReference, reference: TemplateReference): MetadataState {
    this.#tree.item(item)
    const found = this.all.get(keyOf(item, reference))
    if (!found) throw new BoxRefusal(404, 'instance_not_found', 'Instance does not exist')
    return found
  }

  byId(id: string): MetadataState {
    const found = [...this.all.values()].find(one => one.id === id)
    if (!found) throw notFound('metadata', id)
    return found
  }

  of(item: ItemReference): MetadataState[] {
    const { type, id } = this.#tree.item(item)
    return [...this.all.values()].filter(one => one.item.type === type && one.item.id === id)
  }

  create(
    item: ItemReference,
    reference: TemplateReference,
    values: Readonly<Record<string, unknown>>,
    by = this.#tree.owner,
  ): MetadataState {
    this.#tree.item(item)
    const key = keyOf(item, reference)
    if (this.all.has(key)) throw new BoxRefusal(409, 'tuple_already_exists', 'Tuple already exists')
    const made: MetadataState = {
      ...reference,
      id: uuidOf(`${key} ${this.#tree.newId()}`),
      item: { type: item.type, id: item.id },
      values: checkedValues(values),
      version: 0,
    }
    this.all.set(key, made)
    this.#happens('METADATA_INSTANCE.CREATED', made, by)
    return made
  }

  /**
   * Changes fields as a JSON patch says; all of it or nothing.
   * @see https://developer.box.com/reference/put-files-id-metadata-id-id/
   */
  update(
    item: ItemReference,
    reference: TemplateReference,
    operations: readonly MetadataOperation[],
    by = this.#tree.owner,
  ): MetadataState {
    const before = this.get(item, reference)
    const values = operations.reduce(patched, before.values)
    const changed = { ...before, values, version: before.version + 1 }
    this.all.set(keyOf(item, reference), changed)
    this.#happens('METADATA_INSTANCE.UPDATED', changed, by)
    return changed
  }

  delete(item: ItemReference, reference: TemplateReference, by = this.#tree.owner): void {
    const instance = this.get(item, reference)
    this.all.delete(keyOf(item, reference))
    this.#happens('METADATA_INSTANCE.DELETED', instance, by)
  }

  /** An instance as Box's API shows it. */
  wire({ scope, template, id, item, values, version }: MetadataState): WireObject {
    return {
      ...values,
      $id: id,
      $type: typeOf(scope, template),
      $parent: `${item.type}_${item.id}`,
      $template: template,
      $scope: scope,
      $version: version,
      $typeVersion: 0,
      $canEdit: true,
    }
  }

  /** Webhooks name id and type without the dollar that the API has. */
  #happens(trigger: Trigger, state: MetadataState, by: User): void {
    const { $id: id, $type: type, $canEdit, ...fields } = this.wire(state)
    const item: Item = this.#tree.item(state.item)
    this.#tree.tell({
      trigger,
      path: this.#tree.pathOf(item),
      source: { id, type, ...fields },
      item: wireMini(item),
      by,
    })
  }
}

const keyOf = ({ type, id }: ItemReference, { scope, template }: TemplateReference): string =>
  `${type} ${id} ${scope} ${template}`

const typeOf = (scope: string, template: string): string => `${template}-${uuidOf(`${scope} ${template}`)}`

/** A UUID that the same text always has. */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex')
  return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-4$3-a$4-$5')
}

/** Fields hold text, numbers or lists of texts; names with a dollar are Box's own. */
function checkedValues(values: Readonly<Record<string, unknown>>): Readonly<Record<string, WireValue>> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      if (name.startsWith('$')) throw invalidParameter(name, `'${name}' can’t be set`)
      return [name, checkedValue(name, value)]
    }),
  )
}

function checkedValue(name: string, value: unknown): WireValue {
  if (typeof value === 'string' || typeof value === 'number') return value
  if (Array.isArray(value) && value.every(one => typeof one === 'string')) return value
  throw invalidParameter(name, `'${name}' must be a text, a number or a list of texts`)
}

function patched(
  values: Readonly<Record<string, WireValue>>,
  { op, path, value }: MetadataOperation,
): Readonly<Record<string, WireValue>> {
  const [, name] = /^\/([^/$][^/]*)$/.exec(path) ?? []
  if (name === undefined) throw invalidParameter('path', `'${path}' is no path to a field`)
  const there = Object.hasOwn(values, name)
  if (op === 'add') return { ...values, [name]: checkedValue(name, value) }
  if (!there) throw invalidParameter('path', `There is no field '${name}'`)
  if (op === 'replace') return { ...values, [name]: checkedValue(name, value) }
  if (op === 'test' && JSON.stringify(values[name]) === JSON.stringify(value)) return values
  if (op === 'test') throw invalidParameter('value', `The field '${name}' has another value`)
  if (op !== 'remove') throw invalidParameter('op', `'${op}' is no operation`)
  const { [name]: _, ...rest } = values
  return rest
}

/** Reads a JSON patch from a body. */
export function operationsIn(body: unknown): readonly MetadataOperation[] {
  if (!Array.isArray(body)) throw invalidParameter('body', 'The body must be a list of operations')
  return body.map((operation: unknown) => {
    const { op, path, value } = isObject(operation) ? operation : {}
    if (typeof op !== 'string' || typeof path !== 'string')
      throw invalidParameter('op', 'An operation has an op and a path')
    return { op, path, ...(value === undefined ? {} : { value: checkedValue(path, value) }) }
  })
}
