import { PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { describe, expect, test } from 'vitest'
import { ITEM_BYTES_MAX, itemBytes, Table } from './dynamodb.ts'

/** @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html */
describe('the size of an item', () => {
  test.each([
    ['a text in UTF-8, and its name', { nameü: { S: 'ü😀' } }, 6 + 6],
    ['a number by its significant digits', { n: { N: '1763892000000' } }, 1 + 1 + 4],
    ['zero', { n: { N: '0' } }, 1 + 1],
    ['a binary value by its bytes', { b: { B: new Uint8Array(7) } }, 1 + 7],
    ['a truth value', { t: { BOOL: true } }, 1 + 1],
    ['an empty map', { m: { M: {} } }, 1 + 3],
    ['a map with a byte for each element', { m: { M: { ab: { S: 'c' } } } }, 1 + 3 + 1 + 2 + 1],
    ['a list with a byte for each element', { l: { L: [{ S: 'ab' }, { S: 'c' }] } }, 1 + 3 + 2 + 3],
  ])('counts %s', (_, item, bytes) => {
    expect(itemBytes(item)).toBe(bytes)
  })
})

describe('an item of the largest size', () => {
  const room = ITEM_BYTES_MAX - itemBytes({ eventId: { S: '1' }, text: { S: '' } })
  const put = (table: Table, length: number) =>
    table.send(
      new PutItemCommand({
        TableName: 't',
        Item: { eventId: { S: '1' }, text: { S: 'x'.repeat(length) } },
      }),
    )

  test('is taken, and one byte more is refused', () => {
    const table = new Table('eventId')
    put(table, room)
    expect(() => put(table, room + 1)).toThrow('Item size has exceeded')
  })

  test('is not made larger by an update', () => {
    const table = new Table('eventId')
    put(table, room)
    const update = new UpdateItemCommand({
      TableName: 't',
      Key: { eventId: { S: '1' } },
      UpdateExpression: 'SET more = :more',
      ExpressionAttributeValues: { ':more': { S: '' } },
    })
    expect(() => table.send(update)).toThrow('Item size to update has exceeded')
    expect(table.items.get('1')).not.toHaveProperty('more')
  })
})
