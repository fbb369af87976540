import { PutItemCommand } from '@aws-sdk/client-dynamodb'
import { beforeEach, describe, expect, test } from 'vitest'
import { idText } from '../../lib/event-body.ts'
import { changeRecord, createWebhookRecord, WEBHOOK_RECORD_KEY } from '../../lib/webhook-record.ts'
import { useEmbedded } from '../support/embedded.ts'

const embedded = useEmbedded()
beforeEach(() => embedded.remove(WEBHOOK_RECORD_KEY))

const recorded = (id: string, webhookId?: string) => ({
  target: { type: 'folder', id } as const,
  address: 'https://hooks.example.com/box/webhook',
  ...(webhookId ? { webhookId } : {}),
})
const fresh = () => createWebhookRecord(embedded)

describe('the record of webhooks', () => {
  test('is kept as it was written, for good', async () => {
    const record = fresh()
    expect(await record.read()).toBeUndefined()
    expect(await record.write([recorded('1', '7'), recorded('2')], 0)).toBe(true)
    expect(await record.read()).toEqual({ version: 1, webhooks: [recorded('1', '7'), recorded('2')] })
    expect(await embedded.item(WEBHOOK_RECORD_KEY)).not.toHaveProperty('expiresAt')
  })

  test('takes a change only from whoever has read the latest', async () => {
    const record = fresh()
    const answers = await Promise.all(['1', '2', '3'].map(id => record.write([recorded(id)], 0)))
    expect(answers.filter(Boolean)).toHaveLength(1)
    expect(await record.write([], 0)).toBe(false)
    expect(await record.write([], 1)).toBe(true)
  })

  test('keeps what many add at the same time', async () => {
    const record = fresh()
    const nothing = { version: 0, webhooks: [] }
    const add = (id: string) => changeRecord(record, nothing, known => [...known, recorded(id)])
    await Promise.all(['1', '2', '3', '4'].map(add))
    const ids = (await record.read())?.webhooks.map(({ target }) => target.id)
    expect(ids?.sort()).toEqual(['1', '2', '3', '4'])
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
      version: 0,
      webhooks: [{ target: { type: 'folder', id: '1' }, address: 'https://a.example' }],
    })
    expect(await record.write([], 0)).toBe(true)
  })
})
