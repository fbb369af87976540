import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { ROOT } from '../../../infra/build/bundle.ts'
import { automation } from '../../../lib/automation/automation.ts'
import type { BoxEvent } from '../../../lib/event/event.ts'
import { parseKeys } from '../../../lib/ingest/signature-keys.ts'
import { readRecord } from '../../../lib/ledger/record.ts'
import {
  describeBody,
  encodedBytes,
  encodeMessage,
  MESSAGE_BYTES_FIRST_MAX,
} from '../../../lib/queue/message.ts'
import { samplePayload } from '../../../local/box/events/payload.ts'
import { useEmbedded } from '../../support/embedded.ts'
import { createEngine } from '../../support/engine.ts'
import { enter, hmac, KEYS, NOW } from '../../thorough/fuzz/door.ts'

/** Lets a signed body through the front door. */
async function deliver(body: Uint8Array, headers: Readonly<Record<string, string>> = {}) {
  const timestamp = new Date(NOW).toISOString()
  return enter({
    rawPath: '/box/webhook',
    headers: {
      'box-delivery-id': 'd1',
      'box-delivery-timestamp': timestamp,
      'box-signature-version': '1',
      'box-signature-algorithm': 'HmacSHA256',
      'box-signature-primary': hmac(body, timestamp, KEYS.primary),
      ...headers,
    },
    requestContext: { stage: '$default', http: { method: 'POST' } },
    body: Buffer.from(body).toString('base64'),
    isBase64Encoded: true,
  })
}

const codeOf = async (body: Uint8Array): Promise<string> => (await deliver(body)).answer.code

describe('large bodies', () => {
  const bytesOnQueue = (body: Uint8Array): number =>
    encodedBytes(
      encodeMessage({
        ...describeBody(body),
        deliveryId: 'd1',
        receivedAt: new Date(NOW).toISOString(),
        origin: 'webhook',
        body,
      }),
    )

  test('a text of just the size that the queue takes is taken, and one byte more is not', async () => {
    const text = (length: number) => Buffer.from(`{"id":"1","x":"${'x'.repeat(length)}"}`)
    const fits = MESSAGE_BYTES_FIRST_MAX - bytesOnQueue(text(0))
    expect(bytesOnQueue(text(fits))).toBe(MESSAGE_BYTES_FIRST_MAX)
    expect([await codeOf(text(fits)), await codeOf(text(fits + 1))]).toEqual(['accepted', 'body_too_large'])
  })

  test('bytes that travel as base64 count as what they become', async () => {
    const bytes = (count: number) => Buffer.alloc(count, 0xff)
    const room = MESSAGE_BYTES_FIRST_MAX - (bytesOnQueue(bytes(3)) - 4)
    const fits = Math.floor(room / 4) * 3
    expect([await codeOf(bytes(fits)), await codeOf(bytes(fits + 3))]).toEqual(['accepted', 'body_too_large'])
  })
})

describe('JSON that is a bomb', () => {
  const embedded = useEmbedded()

  const DEEP = 100_000
  test.each([
    ['lists in lists', `${'['.repeat(DEEP)}${']'.repeat(DEEP)}`],
    ['lists without an end', '['.repeat(DEEP)],
    ['objects in objects', `${'{"id":'.repeat(DEEP)}1${'}'.repeat(DEEP)}`],
    [
      'an event with lists in lists',
      `{"id":"deep","trigger":"FILE.LOCKED","source":{"type":"file","id":"1","x":${'['.repeat(DEEP)}${']'.repeat(DEEP)}}}`,
    ],
    ['a very long number', `{"id":${'9'.repeat(DEEP)},"size":${'9'.repeat(DEEP)}}`],
    ['very many fields', `{${Array.from({ length: DEEP }, (_, index) => `"${index}":0`).join()}}`],
  ])('of %s is accepted and ends as a dead letter, whole', async (_, text) => {
    const body = Buffer.from(text)
    const { answer, queued } = await deliver(body)
    expect(answer.code).toBe('accepted')
    expect(queued).toHaveLength(1)
    const engine = await createEngine(embedded, [])
    await engine.sendBody(body)
    expect(await engine.work()).toMatchObject({ received: 1, batchItemFailures: [] })
    expect(await engine.deadLetters()).toMatchObject([{ code: 'event_unreadable' }])
  })

  test('unsigned is not even read: a bomb and a text are refused alike', async () => {
    const { answer } = await deliver(Buffer.from('['.repeat(DEEP)), { 'box-signature-primary': 'x' })
    expect(answer.code).toBe('signature_mismatch')
  })
})

describe('names of prototypes', () => {
  const embedded = useEmbedded()

  test('in bodies, headers, attributes, secrets and items change nothing for anybody', async () => {
    const before = [Object, Array, String, Function].map(({ prototype }) =>
      Object.getOwnPropertyNames(prototype).join(),
    )
    const evil =
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"prototype":{"polluted":1}}'
    const payload = JSON.stringify(samplePayload('FILE.LOCKED', { id: '__proto__' }))
    const within = payload.replace('"source":{', `"source":${evil.slice(0, -1)},`)
    const body = Buffer.from(`${within.slice(0, -1)},${evil.slice(1)}`)
    const seen: BoxEvent[] = []
    const engine = await createEngine(embedded, [
      automation({
        name: 'seeing',
        on: 'FILE.LOCKED',
        watch: { folder: '100001' },
        run: ({ event }) => void seen.push(event),
      }),
    ])
    const headers = Object.fromEntries([
      ['__proto__', 'x'],
      ['constructor', 'x'],
    ])
    expect((await deliver(body, headers)).answer.code).toBe('accepted')
    await engine.sendBody(body)
    expect((await engine.work()).batchItemFailures).toEqual([])
    expect(seen).toMatchObject([{ id: '__proto__', trigger: 'FILE.LOCKED' }])
    // Also what merges it into something else stays clean.
    expect(Object.hasOwn(seen[0]?.source ?? {}, '__proto__')).toBe(false)
    expect(await engine.record('__proto__')).toMatchObject({ status: 'done' })
    expect(parseKeys(evil)).toEqual({})
    readRecord({ runs: { M: JSON.parse('{"__proto__":{"M":{"polluted":{"S":"1"}}}}') } })
    expect(Reflect.get({}, 'polluted')).toBeUndefined()
    expect(
      [Object, Array, String, Function].map(({ prototype }) => Object.getOwnPropertyNames(prototype).join()),
    ).toEqual(before)
  })
})

describe('regular expressions', () => {
  /** Those that only ever read what the automations' author wrote, while packaging. */
  const AUTHORS = ['automation/automation.ts']
  const folder = join(ROOT, 'lib')
  const regexes = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.ts') && !AUTHORS.includes(file))
    .flatMap(file => {
      const code = readFileSync(join(folder, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
      const found = code.matchAll(
        /(?<=(?:[=(,:!&|?>]|return)\s*)\/(?![/*])((?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n])+)\/([a-z]*)/g,
      )
      return [...found].map(
        ([text, source = '', flags = '']) => [file, text, new RegExp(source, flags)] as const,
      )
    })

  const LENGTH = 100_000
  const pieces = ['a', '0', 'A', '-', '_', '.', ' ', '"', '\n', '9-', 'a.', '$', '1:', '\ud83d', 'é']
  const starts = ['', '"', 'file_', 'folder:', '2026-11-23T10:00:00.', 'Connection timeout after ']
  const attacks = starts.flatMap(start =>
    pieces.flatMap(piece => ['', '!', '"'].map(end => start + piece.repeat(LENGTH / piece.length) + end)),
  )

  test('are found', () => {
    expect(regexes.map(([file]) => basename(file))).toEqual(
      expect.arrayContaining(['timestamp.ts', 'message.ts', 'event.ts', 'box-answer.ts', 'target.ts']),
    )
  })

  const search = (regex: RegExp, milliseconds: number) => () =>
    runInNewContext(
      'for (const text of attacks) text.search(regex)',
      { attacks, regex },
      { timeout: milliseconds },
    )

  test('that go back over what they have read would be found out', () => {
    for (const slow of [/^(a+)+$/, /a*b/]) expect(search(slow, 300)).toThrow('timed out')
  })

  // A hundred thousand characters take a linear search a millisecond, and a quadratic one a minute.
  test.each(regexes)('%s: %s takes no longer than its input is', (_, __, regex) => {
    expect(search(regex, 15_000)).not.toThrow()
  })
})
