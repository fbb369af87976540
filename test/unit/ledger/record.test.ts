import { describe, expect, test } from 'vitest'
import { readRecord } from '../../../lib/ledger/record.ts'

describe('an item that this version did not write', () => {
  test('is read where a number is larger than JavaScript counts exactly', () => {
    const { version, leaseUntil } = readRecord({
      version: { N: '1E+125' },
      leaseUntil: { N: '9'.repeat(38) },
    })
    expect([version, leaseUntil]).toEqual([1e125, 1e38])
  })

  test('is read where a target is no text, or nothing that has one', () => {
    const odd = { M: JSON.parse('{"__proto__":{"B":[]}}') }
    const { targets } = readRecord({
      targets: { L: [{ S: 'folder:7' }, { N: '1' }, { L: [odd] }, { S: 'x' }] },
    })
    expect(targets).toEqual([{ type: 'folder', id: '7' }])
  })

  test('gets nothing from an attribute named like a prototype', () => {
    const item = JSON.parse('{"__proto__":{"M":{"status":{"S":"done"},"leaseToken":{"S":"t"}}}}')
    expect(readRecord(item)).toMatchObject({ status: 'open', leaseToken: '' })
  })
})
