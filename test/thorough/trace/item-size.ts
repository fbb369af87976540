import { isObject } from '../../../lib/json.ts'

/** An item or a value as DynamoDB's JSON has it, such as `{ "S": "text" }`. */
export type WireValue = Readonly<Record<string, unknown>>
export type WireItem = Readonly<Record<string, WireValue>>

/**
 * How many bytes an item has by DynamoDB's rules, which its prices go by: names and texts as UTF-8, a number a byte for
 * two digits and one more, a list or map three bytes, and one more for each element.
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
 */
export function itemBytes(item: WireItem): number {
  return sum(Object.entries(item).map(([name, value]) => Buffer.byteLength(name) + valueBytes(value)))
}

function valueBytes(value: WireValue): number {
  const [[type = '', inner] = []] = Object.entries(value)
  switch (type) {
    case 'S':
      return Buffer.byteLength(String(inner))
    case 'N':
      return numberBytes(String(inner))
    case 'B':
      return Buffer.from(String(inner), 'base64').length
    case 'BOOL':
    case 'NULL':
      return 1
    case 'L':
      return 3 + sum(valuesOf(inner).map(one => 1 + valueBytes(one)))
    case 'M':
      return (
        3 +
        sum(Object.entries(itemOf(inner)).map(([name, one]) => 1 + Buffer.byteLength(name) + valueBytes(one)))
      )
    default:
      throw new TypeError(`The ledger has no values of type ${type}.`)
  }
}

/** About a byte for two significant digits, one more, and one for a minus sign. */
function numberBytes(text: string): number {
  const digits = text
    .replace(/^-/, '')
    .replace('.', '')
    .replace(/^0+|0+$/g, '')
  return Math.ceil(digits.length / 2) + 1 + (text.startsWith('-') ? 1 : 0)
}

/** Reads an item from JSON. Throws where it is none. */
export function itemOf(value: unknown): WireItem {
  if (!isObject(value)) throw new TypeError('This is no item of DynamoDB.')
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, wireValueOf(one)]))
}

const valuesOf = (value: unknown): WireValue[] => (Array.isArray(value) ? value.map(wireValueOf) : [])

export function wireValueOf(value: unknown): WireValue {
  if (!isObject(value) || Object.keys(value).length !== 1)
    throw new TypeError('This is no value of DynamoDB.')
  return value
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0)

/** What a write of an item costs: a unit for each kilobyte begun. */
export const writeUnits = (bytes: number): number => Math.max(1, Math.ceil(bytes / 1024))

/** What a read costs: a unit for each four kilobytes begun, half of it where it need not be consistent. */
export const readUnits = (bytes: number, consistent: boolean): number =>
  Math.max(1, Math.ceil(bytes / 4096)) / (consistent ? 1 : 2)
