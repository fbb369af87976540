import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  decodeMessage,
  describeBody,
  encodedBytes,
  encodeMessage,
  type Failure,
  type Message,
  type Replay,
} from '../../../lib/queue/message.ts'
import { createQueue } from '../../../lib/queue/queue.ts'
import { anyCharacter } from '../../support/any-character.ts'

const message = (change: Partial<Message> = {}): Message => ({
  eventId: 'e1',
  deliveryId: 'd1',
  trigger: 'FILE.DOWNLOADED',
  receivedAt: '2026-11-23T10:00:00.000Z',
  origin: 'webhook',
  webhookId: '53',
  body: Buffer.from('{"id":"e1","trigger":"FILE.DOWNLOADED","webhook":{"id":"53"}}'),
  ...change,
})

/** What SQS says it accepts in a body or an attribute. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: this is the set of characters that SQS documents
const ACCEPTED = /^[\u0009\u000a\u000d\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]+$/u

describe('the message form', () => {
  test('carries any bytes, through characters that SQS accepts', () => {
    const anyBody = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 3000 }),
      fc.string({ unit: anyCharacter, minLength: 1 }).map(text => Buffer.from(text)),
      fc.json().map(text => Buffer.from(text)),
    )
    fc.assert(
      fc.property(
        anyBody,
        fc.string({ unit: anyCharacter }),
        fc.string({ unit: anyCharacter }),
        (body, deliveryId, text) => {
          const failure: Failure = { code: 'x', message: text, at: '', redrives: 1, automations: [] }
          const replay: Replay = { runs: [{ name: text, redrives: 2 }], redrives: 1, only: [text] }
          const encoded = encodeMessage(message({ body, deliveryId, failure, replay, ...describeBody(body) }))
          for (const part of [encoded.body, ...Object.values(encoded.attributes)])
            expect(part).toMatch(ACCEPTED)
          expect(encoded.groupId).toMatch(/^[!-~]{1,128}$/)
          expect(Object.keys(encoded.attributes).length).toBeLessThanOrEqual(10)
          const decoded = decodeMessage(encoded)
          expect(decoded.ok).toBe(true)
          expect(Buffer.from(decoded.message.body).equals(Buffer.from(body))).toBe(true)
          expect(decoded.message.failure).toEqual(failure)
          expect(decoded.message.replay).toEqual(replay)
        },
      ),
    )
  })

  test('a body that SQS can carry stays readable as it is', () => {
    const body = Buffer.from('{"name":"\\ud83d\\ude00 \\/ 日本"}')
    expect(encodeMessage(message({ body })).body).toBe(body.toString())
  })

  test('a byte order mark survives', () => {
    const body = Buffer.from('\ufeff{}')
    expect(Buffer.from(decodeMessage(encodeMessage(message({ body }))).message.body).equals(body)).toBe(true)
  })

  test('everything else comes back as it went in', () => {
    const failure: Failure = {
      code: 'box_not_found',
      message: 'gone',
      at: '2026-11-23T10:00:00.000Z',
      redrives: 0,
      automations: [{ name: 'a', code: 'box_not_found', message: 'gone', attempts: 3, redrives: 1 }],
    }
    expect(decodeMessage(encodeMessage(message({ failure })))).toEqual({
      ok: true,
      message: message({ failure }),
    })
  })

  test.each(['', 'x', '[]', '{"runs":7,"only":"a"}'])('a replay of %j asks for nothing', replay => {
    const { attributes, ...rest } = encodeMessage(message())
    const read = decodeMessage({ ...rest, attributes: { ...attributes, replay } })
    expect(read.ok).toBe(true)
    expect(read.message.replay?.runs ?? []).toEqual([])
  })

  test('goes to SQS with a group per webhook, so that no target can starve another', async () => {
    const commands: { input: object }[] = []
    const sqs = { send: async (command: { input: object }) => void commands.push(command) }
    await createQueue(sqs, 'https://queue').send(message())
    expect(commands).toMatchObject([
      {
        input: {
          QueueUrl: 'https://queue',
          MessageGroupId: '53',
          MessageAttributes: { eventId: { DataType: 'String', StringValue: 'e1' } },
        },
      },
    ])
  })

  test('the size counts what SQS counts', () => {
    const encoded = { body: 'é', attributes: { ab: 'cd' }, groupId: '1' }
    expect(encodedBytes(encoded)).toBe(2 + 2 + 6 + 2)
  })
})

describe('describing a body', () => {
  test('takes event id, trigger and webhook from it', () => {
    expect(describeBody(message().body)).toEqual({
      eventId: 'e1',
      trigger: 'FILE.DOWNLOADED',
      webhookId: '53',
    })
  })

  test('a body without an id, or one that is no JSON, gets an id that stays the same', () => {
    for (const text of [
      '{}',
      '[]',
      'null',
      '{"id":""}',
      '{"id":"ä"}',
      `{"id":"${'x'.repeat(129)}"}`,
      '\u0000',
    ])
      expect(describeBody(Buffer.from(text))).toEqual({
        eventId: expect.stringMatching(/^sha256-[0-9a-f]{64}$/),
        trigger: 'unknown',
        webhookId: 'unknown',
      })
    expect(describeBody(Buffer.from('{}')).eventId).toBe(describeBody(Buffer.from('{}')).eventId)
    expect(describeBody(Buffer.from('{}')).eventId).not.toBe(describeBody(Buffer.from('{ }')).eventId)
  })
})

describe('a message that this version did not write', () => {
  test('comes back whole, with what to do about it', () => {
    const newer = decodeMessage({
      body: '{"id":"7"}',
      attributes: { messageFormat: 'v9.zstd', eventId: 'e7' },
    })
    expect(newer).toMatchObject({ ok: false, reason: expect.stringContaining('v9.zstd') })
    const foreign = decodeMessage({ body: 'hello', attributes: {} })
    expect(foreign).toMatchObject({ ok: false, reason: expect.stringContaining('messageFormat') })
    expect(Buffer.from(foreign.message.body).toString()).toBe('hello')
  })

  test('travels on as it came, with what a newer version wrote beside it', () => {
    const attributes = { messageFormat: 'v9.zstd', eventId: 'e7', traceparent: '00-1', tenant: 't' }
    const { message: read } = decodeMessage({ body: 'x', attributes })
    const failure: Failure = { code: 'c', message: 'm', at: '', redrives: 0, automations: [] }
    const again = encodeMessage({ ...read, failure })
    expect(again.body).toBe('x')
    expect(again.attributes).toMatchObject(attributes)
    expect(decodeMessage(again).message).toMatchObject({ eventId: 'e7', failure })
  })

  test('leaves room for its failure among the ten attributes that SQS takes', () => {
    const many = Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`a${index}`, 'x']))
    const { message: read } = decodeMessage({ body: 'x', attributes: many })
    const failure: Failure = { code: 'c', message: '', at: '', redrives: 0, automations: [] }
    const { attributes } = encodeMessage({ ...read, failure })
    expect(Object.keys(attributes)).toHaveLength(10)
    expect(attributes).toHaveProperty('failure')
  })

  test.each(['not base64!', 'aGk', 'aGk=x', '='])('%j is no base64, so it is kept as it is', body => {
    const decoded = decodeMessage({ body, attributes: { messageFormat: 'v1.base64', eventId: 'e1' } })
    expect(decoded).toMatchObject({ ok: false, reason: expect.stringContaining('no base64') })
    expect(encodeMessage(decoded.message)).toMatchObject({
      body,
      attributes: { messageFormat: 'v1.base64', eventId: 'e1' },
    })
  })

  test('with an event id that the ledger could not take gets the one of its body', () => {
    for (const eventId of ['x'.repeat(3000), 'ä', 'a b', ''])
      expect(
        decodeMessage({ body: '{"id":"e1"}', attributes: { messageFormat: 'v1.text', eventId } }).message
          .eventId,
      ).toBe('e1')
  })

  test('without a time it could be read by keeps one event id, however often it is sent on', () => {
    const body = '{"type":"webhook_event","trigger":"NO_ACTIVE_SESSION","source":{"type":"file","id":"1"}}'
    const { message: read } = decodeMessage({ body, attributes: { eventId: 'not an id' } })
    expect(decodeMessage(encodeMessage(read)).message.eventId).toBe(read.eventId)
  })

  test('never throws', () => {
    const names = [
      'messageFormat',
      'eventId',
      'receivedAt',
      'origin',
      'failure',
      'replay',
      'deliveryId',
      'trigger',
    ]
    const value = fc.oneof(
      fc.constantFrom('v1.text', 'v1.base64', '{"automations":[1,{}]}', '{"runs":[1,{}],"only":[1]}'),
      fc.json(),
      fc.string(),
    )
    fc.assert(
      fc.property(fc.string(), fc.dictionary(fc.constantFrom(...names), value), (body, attributes) => {
        const { message: read } = decodeMessage({ body, attributes })
        expect(read.eventId).not.toBe('')
        expect(Number.isNaN(Date.parse(read.receivedAt))).toBe(false)
      }),
    )
  })
})
