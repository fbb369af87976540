import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { parseEvent } from '../../../lib/event/event.ts'
import { readBody } from '../../../lib/event/event-body.ts'
import { decodeMessage, describeBody, encodeMessage } from '../../../lib/queue/message.ts'

const BOM = Buffer.from([0xef, 0xbb, 0xbf])
const event = (id: string) =>
  Buffer.from(`{"id":${id},"trigger":"FILE.LOCKED","webhook":{"id":53},"created_at":"2026-11-23T10:00:00Z"}`)

describe('ingest and automate read the same event', () => {
  test.each([
    ['whose id is a text', event('"e-1"'), 'e-1'],
    ['whose id is a number', event('17'), '17'],
    ['whose id is a number with a fraction', event('1.0'), '1.0'],
    [
      'whose id has more digits than JavaScript counts',
      event('12345678901234567890'),
      '12345678901234567890',
    ],
    ['whose id has an exponent', event('1e400'), '1e400'],
    ['whose id is below zero', event('-0'), '-0'],
    ['with a byte order mark', Buffer.concat([BOM, event('"bom-1"')]), 'bom-1'],
    [
      'in Latin-1',
      Buffer.from('{"id":"l-1","trigger":"FILE.LOCKED","name":"Café","webhook":{"id":"53"}}', 'latin1'),
      'l-1',
    ],
    [
      'whose key is escaped',
      Buffer.from('{"i\\u0064":7.0,"trigger":"FILE.LOCKED","webhook":{"id":"53"}}'),
      '7.0',
    ],
    [
      'with two ids, of which the last counts',
      Buffer.from('{"id":"1","id":"2","trigger":"FILE.LOCKED","webhook":{"id":"53"}}'),
      '2',
    ],
    [
      'that is long',
      Buffer.from(`{"id":3.50,"trigger":"FILE.LOCKED","webhook":{"id":"53"},"x":"${'x'.repeat(9000)}"}`),
      '3.50',
    ],
  ])('%s', (_, body, id) => {
    const described = describeBody(body)
    expect(described).toEqual({ eventId: id, trigger: 'FILE.LOCKED', webhookId: '53' })
    const encoded = encodeMessage({ ...described, deliveryId: 'd', receivedAt: '', origin: 'webhook', body })
    const { message } = decodeMessage(encoded)
    expect(message.eventId).toBe(id)
    expect(parseEvent(message.body, message)).toMatchObject({
      event: { id, triggerName: 'FILE.LOCKED', webhook: { id: '53' } },
    })
    expect(parseEvent(body)).toMatchObject({ event: { id } })
  })

  test.each(['"ä"', '""', 'null', '{}', 'true', `"${'x'.repeat(129)}"`])('whose id %s is not one', id => {
    const body = event(id)
    const { eventId } = describeBody(body)
    expect(eventId).toMatch(/^sha256-[0-9a-f]{64}$/)
    expect(parseEvent(body)).toMatchObject({ event: { id: eventId } })
  })

  test('whose trigger no queue carries', () => {
    const body = Buffer.from('{"id":"1","trigger":"FILE.\\u0000\\ud83d"}')
    expect(describeBody(body).trigger).toBe('FILE.\ufffd\ufffd')
    expect(parseEvent(body)).toMatchObject({
      event: { trigger: 'UNKNOWN', triggerName: 'FILE.\ufffd\ufffd' },
    })
  })

  test('that is nested without end, and so is not one', () => {
    const body = Buffer.from(
      `{"id":"1","trigger":"FILE.LOCKED","x":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
    )
    expect(describeBody(body).trigger).toBe('unknown')
    expect(parseEvent(body)).toMatchObject({ ok: false })
  })
})

describe('an event that has neither an id nor a time', () => {
  const ended = Buffer.from('{"type":"webhook_event","webhook":{"id":"53"},"trigger":"NO_ACTIVE_SESSION"}')
  const idAt = (sentAt?: string) => readBody(ended, sentAt).eventId

  test('is the same when Box redelivers it, which it does for two hours', () => {
    expect(idAt('2026-11-23T10:05:00Z')).toBe(idAt('2026-11-23T10:00:00Z'))
    expect(idAt('2026-11-23T11:59:59Z')).toBe(idAt('2026-11-23T10:00:00Z'))
    expect(idAt('2026-11-23T03:00:00-07:00')).toBe(idAt('2026-11-23T10:00:00Z'))
  })

  test('is another when the session ends again later', () => {
    const later = ['2026-11-23T12:00:00Z', '2026-11-23T22:00:00Z', '2026-12-20T10:00:00Z'].map(idAt)
    expect(new Set([idAt('2026-11-23T10:00:00Z'), ...later]).size).toBe(4)
  })

  test('goes by its bytes where nobody knows when it was sent', () => {
    expect(idAt()).toBe(`sha256-${createHash('sha256').update(ended).digest('hex')}`)
    expect(idAt('yesterday')).toBe(idAt())
  })

  test('goes by its bytes where it has a time, whenever it comes', () => {
    const timed = Buffer.from('{"trigger":"NO_ACTIVE_SESSION","created_at":"2026-11-23T10:00:00Z"}')
    expect(readBody(timed, '2026-11-23T10:00:00Z').eventId).toBe(
      readBody(timed, '2026-12-23T10:00:00Z').eventId,
    )
  })

  test('goes by its bytes where it is not an event at all, so that it is one dead letter', () => {
    const other = Buffer.from('{"hello":"world"}')
    expect(readBody(other, '2026-11-23T10:00:00Z').eventId).toBe(
      readBody(other, '2026-12-23T10:00:00Z').eventId,
    )
  })
})
