import assert from 'node:assert/strict'
import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { marshall } from '@aws-sdk/util-dynamodb'
import { targetText } from '../../../lib/event/target.ts'
import { LeaseLost, type Ledger } from '../../../lib/ledger/ledger.ts'
import { type EventRecord, readRecord } from '../../../lib/ledger/record.ts'

/** DynamoDB's bounds: of a partition key, and of an item, in bytes. */
const KEY_BYTES_MAX = 2048
const ITEM_BYTES_MAX = 400 * 1024

/** The ledger's promises kept in memory: items as DynamoDB would hold them, refused by an assertion where it would refuse. */
export function memoryLedger(): Ledger {
  const items = new Map<string, Record<string, AttributeValue>>()
  const keep = (record: EventRecord) => {
    const { targets, ...rest } = record
    const item = marshall(
      { ...rest, ...(targets ? { targets: targets.map(targetText) } : {}) },
      { removeUndefinedValues: true },
    )
    assert.ok(JSON.stringify(item).length <= ITEM_BYTES_MAX, 'DynamoDB takes the item')
    items.set(record.eventId, item)
  }
  const find = (eventId: string): EventRecord | undefined => {
    const bytes = Buffer.byteLength(eventId)
    assert.ok(bytes > 0 && bytes <= KEY_BYTES_MAX, 'DynamoDB takes the key')
    const item = items.get(eventId)
    return item && readRecord(item)
  }
  const held = (eventId: string, token: string): EventRecord => {
    const record = find(eventId)
    if (record?.leaseToken !== token) throw new LeaseLost(eventId)
    return { ...record, version: record.version + 1 }
  }
  return {
    read: async eventId => find(eventId),
    async open(event, { lease, ...claim }) {
      const before = find(event.eventId)
      if (before) return { claimed: before.leaseToken === lease.token, record: before }
      assert.ok(event.source !== '' && event.receivedAt !== '', 'DynamoDB takes the keys of the index')
      const record = { ...event, ...claim, version: 1, leaseToken: lease.token, leaseUntil: lease.until }
      keep(record)
      return { claimed: true, record }
    },
    async claim({ eventId, version }, { lease, runs, ...claim }) {
      const before = find(eventId)
      if (before?.version !== version) return before?.leaseToken === lease.token
      const leased = { version: version + 1, leaseToken: lease.token, leaseUntil: lease.until }
      keep({ ...before, ...claim, ...leased, runs: { ...before.runs, ...runs } })
      return true
    },
    async write(eventId, token, { runs, close }) {
      const record = held(eventId, token)
      const closed = close ? { status: close.status, ...(close.release ? { leaseUntil: 0 } : {}) } : {}
      keep({ ...record, ...closed, runs: { ...record.runs, ...runs } })
    },
    async keepStep(eventId, token, name, step, json) {
      const record = held(eventId, token)
      const run = record.runs[name]
      assert.ok(run, 'a step is kept in a run')
      keep({ ...record, runs: { ...record.runs, [name]: { ...run, steps: { ...run.steps, [step]: json } } } })
    },
    async drop(eventId, dropped) {
      const record = find(eventId)
      if (record) keep({ ...record, version: record.version + 1, dropped })
      return record !== undefined
    },
  }
}
