import {
  type AttributeValue,
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import { ServiceRefusal } from './network.ts'

type Item = Record<string, AttributeValue>

/**
 * DynamoDB takes no item larger than this, in bytes; names of attributes count.
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
 */
export const ITEM_BYTES_MAX = 409_600

export type TableOptions = {
  /** Seconds since the epoch, for the expiry of items. */
  readonly now?: () => number
  /** Told of each item as it stands after a write, and before it. */
  readonly onWrite?: (key: string, after: Item, before: Item | undefined) => void
  /** Told of the size of each item that is to be written, in bytes, before it is refused for it. */
  readonly onSize?: (key: string, bytes: number) => void
}

/**
 * One DynamoDB table whose items have one key, as far as the ledger asks of it: whole puts, conditional updates of paths,
 * consistent reads, its indexes by time, and expiry by the attribute `expiresAt`.
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html
 */
export class Table {
  readonly items = new Map<string, Item>()
  readonly #key: string
  readonly #options: TableOptions

  constructor(key: string, options: TableOptions = {}) {
    this.#key = key
    this.#options = options
  }

  /** @throws what DynamoDB's client throws at such a command */
  send(command: unknown): object {
    if (command instanceof GetItemCommand) return this.#get(command.input)
    if (command instanceof PutItemCommand) return this.#put(command.input)
    if (command instanceof UpdateItemCommand) return this.#update(command.input)
    if (command instanceof BatchGetItemCommand) return this.#batchGet(command.input)
    if (command instanceof QueryCommand) return this.#query(command.input)
    throw new ServiceRefusal('UnknownOperationException', `The model has no such command.`, false)
  }

  /** An item as it is kept; for those who look on. */
  peek(key: string): Item | undefined {
    const item = this.items.get(key)
    const expiresAt = Number(item?.expiresAt?.N ?? Number.POSITIVE_INFINITY)
    if (item && this.#options.now && expiresAt < this.#options.now()) {
      this.items.delete(key)
      return undefined
    }
    return item
  }

  #get({ Key }: GetItemCommand['input']): object {
    const item = this.peek(this.#keyOf(Key))
    return item ? { Item: item } : {}
  }

  #batchGet({ RequestItems = {} }: BatchGetItemCommand['input']): object {
    const tables = Object.entries(RequestItems).map(([table, { Keys = [] }]) => [
      table,
      Keys.map(key => this.peek(this.#keyOf(key))).filter(item => item !== undefined),
    ])
    return { Responses: Object.fromEntries(tables), UnprocessedKeys: {} }
  }

  /** Reads an index: one key, and times of `receivedAt` from and to. */
  #query({ ExpressionAttributeNames, ExpressionAttributeValues }: QueryCommand['input']): object {
    const name = ExpressionAttributeNames?.['#key'] ?? ''
    const { ':key': key, ':from': from, ':to': to } = ExpressionAttributeValues ?? {}
    const items = [...this.items.keys()].map(one => this.peek(one)).filter(item => item !== undefined)
    const isAsked = (item: Item): boolean => {
      const at = item.receivedAt?.S ?? ''
      return item[name]?.S === key?.S && at >= (from?.S ?? '') && at <= (to?.S ?? '')
    }
    return { Items: items.filter(isAsked) }
  }

  #put(input: PutItemCommand['input']): object {
    const key = this.#keyOf(input.Item)
    const old = this.peek(key)
    this.#check(input, old)
    this.#keep(key, input.Item ?? {}, old, 'Item size has exceeded the maximum allowed size')
    return {}
  }

  #update(input: UpdateItemCommand['input']): object {
    const key = this.#keyOf(input.Key)
    const old = this.peek(key)
    const { UpdateExpression = '' } = input
    const [, text] = /^SET (.+)$/s.exec(UpdateExpression) ?? []
    if (text === undefined) throw invalid(`UpdateExpression: the model has no ${UpdateExpression}`)
    const sets = text.split(', ').map(set => {
      const [left = '', right = ''] = set.split(' = ')
      return { path: pathOf(left, input), right }
    })
    refuseOverlaps(sets.map(({ path }) => path))
    this.#check(input, old)
    // All right-hand sides are worked out on the item as it was.
    const changes = sets.map(({ path, right }) => [path, this.#valueOf(right, input, old ?? {})] as const)
    this.#keep(
      key,
      changes.reduce((item, [path, value]) => withPath(item, path, value), old ?? input.Key ?? {}),
      old,
      'Item size to update has exceeded the maximum allowed size',
    )
    return {}
  }

  #keep(key: string, item: Item, before: Item | undefined, tooLarge: string): void {
    const bytes = itemBytes(item)
    this.#options.onSize?.(key, bytes)
    if (bytes > ITEM_BYTES_MAX) throw invalid(tooLarge)
    this.items.set(key, item)
    this.#options.onWrite?.(key, item, before)
  }

  #check(input: Conditional, old: Item | undefined): void {
    const condition = input.ConditionExpression
    if (!condition || holds(condition, input, old)) return
    throw new ConditionalCheckFailedException({
      $metadata: {},
      message: 'The conditional request failed',
      ...(old && input.ReturnValuesOnConditionCheckFailure === 'ALL_OLD' ? { Item: old } : {}),
    })
  }

  #valueOf(right: string, input: Conditional, old: Item): AttributeValue {
    const [, summand, addend] = /^(\S+) \+ (\S+)$/.exec(right) ?? []
    if (!summand || !addend) return valueNamed(right, input)
    const base = getPath(old, pathOf(summand, input))
    const plus = valueNamed(addend, input)
    if (base?.N === undefined)
      throw invalid('The provided expression refers to an attribute that does not exist in the item')
    return { N: String(Number(base.N) + Number(plus.N)) }
  }

  #keyOf(item: Item | undefined): string {
    const key = item?.[this.#key]?.S
    if (!key) throw invalid('One or more parameter values were invalid: Missing the key')
    return key
  }
}

type Conditional = {
  readonly ConditionExpression?: string | undefined
  readonly ExpressionAttributeNames?: Record<string, string> | undefined
  readonly ExpressionAttributeValues?: Record<string, AttributeValue> | undefined
  readonly ReturnValuesOnConditionCheckFailure?: string | undefined
}

const invalid = (message: string): ServiceRefusal => new ServiceRefusal('ValidationException', message, false)

function holds(condition: string, input: Conditional, old: Item | undefined): boolean {
  if (condition.includes(' OR ')) return condition.split(' OR ').some(one => holds(one, input, old))
  const [, absent] = /^attribute_not_exists\(([^)]+)\)$/.exec(condition) ?? []
  if (absent) return getPath(old ?? {}, pathOf(absent, input)) === undefined
  const [, left, right] = /^(\S+) = (\S+)$/.exec(condition) ?? []
  if (!left || !right) throw invalid(`ConditionExpression: the model has no ${condition}`)
  const actual = getPath(old ?? {}, pathOf(left, input))
  return actual !== undefined && JSON.stringify(actual) === JSON.stringify(valueNamed(right, input))
}

function pathOf(text: string, { ExpressionAttributeNames: names = {} }: Conditional): string[] {
  return text.split('.').map(part => {
    const name = part.startsWith('#') ? names[part] : part
    if (name === undefined)
      throw invalid(`An expression attribute name used in the document path is not defined`)
    return name
  })
}

function valueNamed(name: string, { ExpressionAttributeValues: values = {} }: Conditional): AttributeValue {
  const value = values[name]
  if (!value) throw invalid('An expression attribute value used in expression is not defined')
  return value
}

function getPath(item: Item, path: readonly string[]): AttributeValue | undefined {
  let map: Item | undefined = item
  let value: AttributeValue | undefined
  for (const name of path) {
    value = map && Object.hasOwn(map, name) ? map[name] : undefined
    map = value?.M
  }
  return value
}

/** The item with another value at a path; items are never changed, so whoever holds one can keep it. */
function withPath(item: Item, [name = '', ...rest]: readonly string[], value: AttributeValue): Item {
  if (rest.length === 0) return { ...item, [name]: value }
  const below = Object.hasOwn(item, name) ? item[name]?.M : undefined
  if (!below) throw invalid('The document path provided in the update expression is invalid for update')
  return { ...item, [name]: { M: withPath(below, rest, value) } }
}

function refuseOverlaps(paths: readonly (readonly string[])[]): void {
  for (const [index, one] of paths.entries())
    for (const other of paths.slice(index + 1))
      if (one.every((name, at) => at >= other.length || name === other[at]))
        throw invalid('Invalid UpdateExpression: Two document paths overlap with each other')
}

/**
 * The size of an item as DynamoDB counts it, in bytes: names and texts in UTF-8, a byte for two digits of a number and one
 * more, three for a list or a map and one for each of its elements.
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
 */
export function itemBytes(item: Item): number {
  let bytes = 0
  for (const [name, value] of Object.entries(item)) bytes += Buffer.byteLength(name) + valueBytes(value)
  return bytes
}

function valueBytes(value: AttributeValue): number {
  if (value.S !== undefined) return Buffer.byteLength(value.S)
  if (value.N !== undefined) return 1 + Math.ceil(significantDigits(value.N) / 2)
  if (value.B !== undefined) return value.B.length
  if (value.M !== undefined) return 3 + Object.keys(value.M).length + itemBytes(value.M)
  if (value.L !== undefined) return value.L.reduce((sum, one) => sum + 1 + valueBytes(one), 3)
  return 1
}

/** Zeroes at either end are not kept. */
const significantDigits = (number: string): number =>
  number
    .replace(/e.*$/i, '')
    .replace(/[^\d]/g, '')
    .replace(/^0+|0+$/g, '').length
