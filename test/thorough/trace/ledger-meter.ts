import { isDeepStrictEqual } from 'node:util'
import { isObject } from '../../../lib/json.ts'
import {
  itemBytes,
  itemOf,
  readUnits,
  type WireItem,
  type WireValue,
  wireValueOf,
  writeUnits,
} from './item-size.ts'

/** What DynamoDB bills for a request. */
export type Consumed = { readonly writeUnits: number; readonly readUnits: number }

/** An index of the table, all of whose projected attributes are keys. */
export type KeysOnlyIndex = { readonly keys: readonly string[] }

/**
 * Follows the ledger's items along the requests and their answers, and says what each request consumes: a write the size
 * of the item before or after it, whichever is larger, in units of 1 KB, and as much again for each index whose keys it
 * sets or changes.
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
 */
export class LedgerMeter {
  readonly #indexes: readonly KeysOnlyIndex[]
  readonly #items = new Map<string, WireItem>()

  constructor(indexes: readonly KeysOnlyIndex[]) {
    this.#indexes = indexes
  }

  /** @throws Error where the request is none that the engine makes */
  consume(operation: string, input: Readonly<Record<string, unknown>>, succeeded: boolean): Consumed {
    switch (operation) {
      case 'PutItem':
        return this.#write(itemOf(input.Item), succeeded)
      case 'UpdateItem': {
        const before = this.#items.get(keyOf(itemOf(input.Key)))
        // A condition that fails is billed as a write of what is there.
        return this.#write(
          succeeded ? updated(before ?? itemOf(input.Key), input) : itemOf(input.Key),
          succeeded,
        )
      }
      case 'GetItem': {
        const item = this.#items.get(keyOf(itemOf(input.Key)))
        const bytes = item ? itemBytes(item) : 0
        return { writeUnits: 0, readUnits: readUnits(bytes, input.ConsistentRead === true) }
      }
      default:
        throw new Error(`The ledger is not asked for ${operation}.`)
    }
  }

  /** What there is under the key of an item. */
  item(item: WireItem): WireItem | undefined {
    return this.#items.get(keyOf(item))
  }

  /** How many bytes an event's item has. */
  bytes(eventId: string): number {
    return itemBytes(this.#items.get(eventId) ?? {})
  }

  /** How many bytes an event's keys have in all indexes. */
  indexBytes(eventId: string): number {
    const item = this.#items.get(eventId) ?? {}
    return this.#indexes.reduce((sum, index) => sum + itemBytes(entry(item, index)), 0)
  }

  /** @throws Error where an item is not what DynamoDB has */
  check(eventId: string, stored: unknown): void {
    if (!isDeepStrictEqual(this.#items.get(eventId), itemOf(stored)))
      throw new Error(
        `The item of event ${eventId} was not followed right, so nothing that was measured counts.`,
      )
  }

  #write(item: WireItem, succeeded: boolean): Consumed {
    const key = keyOf(item)
    const before = this.#items.get(key)
    if (!succeeded) return { writeUnits: writeUnits(before ? itemBytes(before) : 0), readUnits: 0 }
    this.#items.set(key, item)
    const units = writeUnits(Math.max(itemBytes(item), before ? itemBytes(before) : 0))
    return { writeUnits: units + this.#indexUnits(item, before), readUnits: 0 }
  }

  #indexUnits(item: WireItem, before: WireItem | undefined): number {
    const touched = this.#indexes.filter(({ keys }) => {
      const has = (one: WireItem | undefined) =>
        one !== undefined && keys.every(key => one[key] !== undefined)
      if (!has(item)) return has(before)
      return !has(before) || keys.some(key => !isDeepStrictEqual(item[key], before?.[key]))
    })
    return touched.reduce((sum, index) => sum + writeUnits(itemBytes(entry(item, index))), 0)
  }
}

/** What an index has of an item: the keys of the table and its own. */
const entry = (item: WireItem, { keys }: KeysOnlyIndex): WireItem =>
  Object.fromEntries(['eventId', ...keys].flatMap(key => (item[key] ? [[key, item[key]]] : [])))

const keyOf = ({ eventId }: WireItem): string => String(eventId?.S)

/** Applies an update expression of the ledger's, such as `SET #n0 = :v0, #n1.#n2 = :v1, #n3 = #n3 + :v2`. */
function updated(item: WireItem, input: Readonly<Record<string, unknown>>): WireItem {
  const names = isObject(input.ExpressionAttributeNames) ? input.ExpressionAttributeNames : {}
  const values = itemOf(input.ExpressionAttributeValues)
  const [, sets = ''] = /^SET (.*)$/.exec(String(input.UpdateExpression)) ?? []
  return sets.split(', ').reduce((result, set) => {
    const [path = '', right = ''] = set.split(' = ')
    const [operand = '', added] = right.split(' + ')
    const parts = path.split('.').map(name => String(names[name]))
    const value = values[added ?? operand]
    if (!value) throw new Error(`This update can't be followed: ${set}`)
    const [name = ''] = parts
    const next = added === undefined ? value : { N: String(Number(item[name]?.N) + Number(value.N)) }
    return put(result, parts, next)
  }, item)
}

function put(item: WireItem, [name = '', ...rest]: readonly string[], value: WireValue): WireItem {
  if (rest.length === 0) return { ...item, [name]: value }
  const inner = wireValueOf(item[name])
  return { ...item, [name]: { M: put(itemOf(inner.M), rest, value) } }
}
