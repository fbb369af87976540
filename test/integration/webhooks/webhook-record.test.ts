import { PutItemCommand } from '@aws-sdk/client-dynamodb'
import { beforeEach, describe, expect, test } from 'vitest'
import { idText } from '../../../lib/event/event-body.ts'
import {
  changeRecord,
  createWebhookRecord,
  NO_RECORD,
  WEBHOOK_RECORD_KEY,
} from '../../../lib/webhooks/webhook-record.ts'
import { useEmbedded } from '../../support/embedded.ts'

const embedded = useEmbedded()
beforeEach(() => embedded.remove(WEBHOOK_RECORD_KEY))

const recorded = (id: string, webhookId?: string) => ({
  target: { type: 'folder', id } as const,
  address: 'https://hooks.example.com/box/webhook',
  ...(webhookId ? { webhookId } : {}),
})
const fresh = () => createWebhookRecord(embedded, Date.now)

describe('the record of webhooks', () => {
  test('is kept as it was written, for good', async () => {
    const record = fresh()
    expect(await record.read()).toBeUndefined()
    const written = await record.write([recorded('1', '7'), recorded('2')], NO_RECORD)
    expect(written).toEqual({ version: 1, webhooks: [recorded('1', '7'), recorded('2')], gone: [] })
    expect(await record.read()).toEqual(written)
    expect(await embedded.item(WEBHOOK_RECORD_KEY)).not.toHaveProperty('expiresAt')
  })

  test('takes a change only from whoever has read the latest', async () => {
    const record = fresh()
    const answers = await Promise.all(['1', '2', '3'].map(id => record.write([recorded(id)], NO_RECORD)))
    expect(answers.filter(Boolean)).toHaveLength(1)
    expect(await record.write([], NO_RECORD)).toBeUndefined()
    expect(await record.write([], { ...NO_RECORD, version: 1 })).toBeDefined()
  })

  test('keeps what many add at the same time', async () => {
    const record = fresh()
    const add = (id: string) => changeRecord(record, NO_RECORD, known => [...known, recorded(id)])
    await Promise.all(['1', '2', '3', '4'].map(add))
    const ids = (await record.read())?.webhooks.map(({ target }) => target.id)
    expect(ids?.sort()).toEqual(['1', '2', '3', '4'])
  })

  test('remembers for 35 days which target a webhook had that is gone, or has another', async () => {
    let now = Date.parse('2026-11-23T10:00:00Z')
    const record = createWebhookRecord(embedded, () => now)
    const first = await changeRecord(record, NO_RECORD, () => [recorded('1', '7'), recorded('2', '8')])
    const gone = { webhookId: '7', target: { type: 'folder', id: '1' }, at: now }
    const second = await changeRecord(record, first, () => [recorded('2', '8')])
    expect(second.gone).toEqual([gone])
    now += 34 * 86_400_000
    const third = await changeRecord(record, second, () => [recorded('3', '8')])
    const moved = { webhookId: '8', target: { type: 'folder', id: '2' }, at: now }
    expect((await record.read())?.gone).toEqual([moved, gone])
    now += 2 * 86_400_000
    const last = await changeRecord(record, third, () => [recorded('3', '8'), recorded('4')])
    expect([last.gone, (await record.read())?.gone]).toEqual([[moved], [moved]])
  })

  test('has a key that no event can have', () => {
    expect(idText(WEBHOOK_RECORD_KEY)).toBeUndefined()
  })

  test('that cannot be understood, in part or as a whole, can be read and replaced', async () => {
    const item = {
      eventId: { S: WEBHOOK_RECORD_KEY },
      webhooks: {
        L: [{ S: 'x' }, { M: { target: { S: 'folder:1' }, address: { S: 'https://a.example' } } }],
      },
    }
    await embedded.dynamodb.send(new PutItemCommand({ TableName: embedded.table, Item: item }))
    const record = fresh()
    expect(await record.read()).toEqual({
      ...NO_RECORD,
      webhooks: [{ target: { type: 'folder', id: '1' }, address: 'https://a.example' }],
    })
    expect(await record.write([], NO_RECORD)).toBeDefined()
  })
})
