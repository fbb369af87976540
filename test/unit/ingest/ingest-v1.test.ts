import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Delivery } from '../../../lib/ingest/delivery.ts'
import { ingestV1, isV1Path, V1_BYTES_MAX } from '../../../lib/ingest/ingest-v1.ts'
import type { SignatureKeys } from '../../../lib/ingest/signature.ts'
import { createKeyring } from '../../../lib/ingest/signature-keys.ts'
import { createLog } from '../../../lib/log/log.ts'
import type { Message } from '../../../lib/queue/message.ts'
import { MessageTooLarge } from '../../../lib/queue/message-sender.ts'
import { anyCharacter } from '../../support/any-character.ts'

const PRIMARY = 'canary-primary-token-0123456789abcdef'
const SECONDARY = 'canary-secondary-token-0123456789abcd'
const TELLS = 'event_type=downloaded&item_id=42&item_type=file&item_name=canary+name.pdf'

type Door = { readonly tokens?: SignatureKeys | 'unavailable'; readonly sqs?: Error }

/** The V1 route with tokens and a queue of the test's own. */
function door({ tokens = { primary: PRIMARY, secondary: SECONDARY }, sqs }: Door = {}) {
  const queued: Message[] = []
  const lines: string[] = []
  let stored = tokens
  let at = Date.parse('2026-11-23T10:00:00Z')
  const now = () => at
  const parts = {
    tokens: createKeyring({
      async readSecret() {
        if (stored === 'unavailable') throw new Error('Secrets Manager is down.')
        return JSON.stringify(stored)
      },
      now,
    }),
    names: {},
    queue: {
      async send(message: Message) {
        if (sqs) throw sqs
        queued.push(message)
      },
      async delay() {},
    },
    log: createLog({ now, write: line => lines.push(line), level: 'debug' }),
    now,
  }
  return {
    queued,
    lines,
    store(next: SignatureKeys) {
      stored = next
      at += 60_000
    },
    call: (more: Partial<Delivery> = {}, names = {}) =>
      ingestV1(
        { method: 'GET', path: '/box/v1', query: TELLS, headers: {}, body: new Uint8Array(), ...more },
        { ...parts, names },
      ),
  }
}

const form = (text: string) => ({ method: 'POST', query: '', body: Buffer.from(text) })

describe('the V1 route', () => {
  test.each([
    ['in the path', { path: `/box/v1/${PRIMARY}` }],
    ['in the path, the second one', { path: `/box/v1/${SECONDARY}` }],
    ['in the query', { query: `${TELLS}&token=${PRIMARY}` }],
    ['in a form', form(`token=${SECONDARY}&${TELLS}`)],
    ['in the query of a form', { ...form(TELLS), query: `token=${PRIMARY}` }],
    ['in a form at a path', { ...form(TELLS), path: `/box/v1/${PRIMARY}` }],
  ])('takes a callback with a token %s, and queues it without the token', async (_, delivery) => {
    const { call, queued, lines } = door()
    expect(await call(delivery)).toMatchObject({ status: 202, code: 'accepted' })
    expect(queued).toMatchObject([
      { trigger: 'FILE.DOWNLOADED', origin: 'v1', webhookId: 'v1', eventId: expect.stringMatching(/^v1-/) },
    ])
    const told = `${Buffer.from(queued[0]?.body ?? [])}${JSON.stringify({ ...queued[0], body: '' })}${lines.join('')}`
    expect(told).not.toMatch(/canary-(primary|secondary)/)
    expect(lines.join('')).not.toContain('canary name')
  })

  test('leaves a token out under whatever name it came', async () => {
    const { call, queued } = door()
    await call({ path: `/box/v1/${PRIMARY}`, query: `${TELLS}&other=${PRIMARY}&more=${SECONDARY}` })
    expect(Buffer.from(queued[0]?.body ?? []).toString()).not.toContain('canary-')
  })

  test.each([
    ['within a value', `item_name=x${PRIMARY}y`, 'item_name'],
    ['as a name', `${PRIMARY}=1`, '[token]'],
    ['within a name', `x.${SECONDARY}=1`, 'x.[token]'],
    ['twice in a value', `x=${PRIMARY},${SECONDARY}`, 'x'],
    ['in an address', `x=${encodeURIComponent(`https://x.example/?token=${PRIMARY}`)}`, 'x'],
    ['as the kind of event', `event_type=${PRIMARY}`, 'event_type'],
  ])('takes a token out %s, and keeps the rest', async (_, query, kept) => {
    const { call, queued, lines } = door()
    await call({ path: `/box/v1/${PRIMARY}`, query: `${TELLS}&${query}` })
    const body = Buffer.from(queued[0]?.body ?? []).toString()
    expect(JSON.parse(body).additional_info).toHaveProperty([kept])
    expect(`${body}${JSON.stringify(queued)}${lines.join('')}`).not.toMatch(/canary-(primary|secondary)/i)
  })

  test('takes out a token of which the other is a part', async () => {
    const longer = `${PRIMARY}-and-more`
    const { call, queued } = door({ tokens: { primary: PRIMARY, secondary: longer } })
    await call({ path: `/box/v1/${longer}`, query: `${TELLS}&x=${longer}` })
    expect(Buffer.from(queued[0]?.body ?? []).toString()).not.toContain('and-more')
  })

  test.each([
    ['no token', {}],
    ['another token', { path: `/box/v1/${'x'.repeat(40)}` }],
    ['a part of one', { path: `/box/v1/${PRIMARY.slice(0, -1)}` }],
    ['one and more', { query: `${TELLS}&token=${PRIMARY}x` }],
    ['one under another name', { query: `${TELLS}&secret=${PRIMARY}` }],
    ['one in another case', { path: `/box/v1/${PRIMARY.toUpperCase()}` }],
  ])('refuses %s, and says neither what came nor what is right', async (_, delivery) => {
    const { call, queued, lines } = door()
    const answer = await call(delivery)
    expect(answer).toMatchObject({ status: 401, code: 'v1_token_mismatch' })
    expect(queued).toEqual([])
    expect(JSON.stringify(answer) + lines.join('')).not.toContain('canary')
  })

  test('takes a token that was stored a moment ago, and not the one that it replaced', async () => {
    const { call, store } = door({ tokens: { primary: PRIMARY } })
    expect(await call({ path: `/box/v1/${PRIMARY}` })).toMatchObject({ status: 202 })
    store({ primary: SECONDARY })
    expect(await call({ path: `/box/v1/${SECONDARY}` })).toMatchObject({ status: 202 })
    expect(await call({ path: `/box/v1/${PRIMARY}` })).toMatchObject({ status: 401 })
  })

  test('stays closed while no usable token is stored, and while tokens can’t be read', async () => {
    for (const tokens of [
      {},
      { primary: '' },
      { primary: 'too-short' },
      { primary: 'has a space '.repeat(4) },
    ])
      expect(await door({ tokens }).call({ path: '/box/v1/too-short' })).toMatchObject({
        status: 503,
        code: 'v1_no_token',
      })
    expect(await door({ tokens: 'unavailable' }).call({ path: `/box/v1/${PRIMARY}` })).toMatchObject({
      status: 503,
      code: 'v1_tokens_unavailable',
    })
  })

  test('answers 2xx only once SQS has the event', async () => {
    const path = `/box/v1/${PRIMARY}`
    const { call, lines } = door({ sqs: new Error(`refused ${PRIMARY}`) })
    expect(await call({ path })).toMatchObject({ status: 503, code: 'queue_unavailable' })
    expect(lines.join('')).not.toContain('canary')
    expect(await door({ sqs: new MessageTooLarge(2 ** 21) }).call({ path })).toMatchObject({ status: 413 })
  })

  test('refuses other methods, what is too large, what has too many parameters, and what tells no event', async () => {
    const path = `/box/v1/${PRIMARY}`
    const { call, queued } = door()
    for (const method of ['PUT', 'DELETE', 'HEAD', 'OPTIONS', ''])
      expect(await call({ path, method })).toMatchObject({ status: 405, headers: { allow: 'GET, POST' } })
    expect(await call({ path, query: `${TELLS}&x=${'y'.repeat(V1_BYTES_MAX)}` })).toMatchObject({
      status: 413,
    })
    expect(await call({ path, ...form('x'.repeat(V1_BYTES_MAX + 1)) })).toMatchObject({ status: 413 })
    expect(await call({ path, query: `${TELLS}${'&x=y'.repeat(100)}` })).toMatchObject({ status: 413 })
    expect(await call({ path, query: 'item_id=42&item_type=file' })).toMatchObject({
      status: 400,
      code: 'v1_parameter_missing',
      message: expect.stringContaining('event_type'),
    })
    expect(queued).toEqual([])
  })

  test('knows the token and the fields by the names that the stage gives them', async () => {
    const { call, queued } = door()
    const names = { token: 'secret', item_id: 'file' }
    const query = `secret=${PRIMARY}&file=7&event_type=locked&item_type=file`
    expect(await call({ query }, names)).toMatchObject({ status: 202 })
    expect(queued).toMatchObject([{ trigger: 'FILE.LOCKED' }])
    expect(await call({ query: `token=${PRIMARY}&${TELLS}` }, names)).toMatchObject({ status: 401 })
  })

  test('without a token nothing passes, and nothing makes it fail', async () => {
    const { call, queued, lines } = door()
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('GET', 'POST', 'PUT'),
        fc.oneof(
          fc.constant('/box/v1'),
          fc.string().map(rest => `/box/v1/${rest}`),
        ),
        fc.string({ unit: anyCharacter }),
        fc.uint8Array({ maxLength: 300 }),
        async (method, path, query, body) => {
          const { status } = await call({ method, path, query, body })
          expect(status).toBeGreaterThanOrEqual(400)
          expect(status).toBeLessThan(500)
        },
      ),
      { numRuns: 100 },
    )
    expect(queued).toEqual([])
    expect(lines.join('')).not.toContain('canary')
  })

  test('with a token no parameters make it fail', async () => {
    const { call } = door()
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: anyCharacter }), fc.uint8Array(), async (query, body) => {
        const path = `/box/v1/${SECONDARY}`
        const { status } = await call({ method: 'POST', path, query: `${TELLS}&${query}`, body })
        expect([202, 413]).toContain(status)
      }),
      { numRuns: 100 },
    )
  })

  test('is /box/v1 and one token below it, and no other path', () => {
    for (const path of ['/box/v1', '/box/v1/abc']) expect(isV1Path(path)).toBe(true)
    for (const path of ['/box/v1/', '/box/v1/a/b', '/box/v11', '/box/webhook', '/x/box/v1', ''])
      expect(isV1Path(path)).toBe(false)
  })
})
