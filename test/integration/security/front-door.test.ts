import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { connect } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { automation } from '../../../lib/automation/automation.ts'
import { WEBHOOK_PATH } from '../../../lib/ingest/ingest.ts'
import { decodeMessage } from '../../../lib/queue/message.ts'
import { samplePayload, wireBody } from '../../../local/box/events/payload.ts'
import { createGateway } from '../../../local/runtime/gateway.ts'
import { type Served, serve } from '../../../local/serve.ts'
import { useEmbedded } from '../../support/embedded.ts'
import { createEngine } from '../../support/engine.ts'
import { type Entered, enter, hmac, KEYS, NOW } from '../../thorough/fuzz/door.ts'

const BODY = wireBody(samplePayload('FILE.DOWNLOADED', { id: 'captured' }))

function headersOf(body: Uint8Array = BODY, timestamp = new Date(NOW).toISOString()): Record<string, string> {
  return {
    'box-delivery-id': 'd1',
    'box-delivery-timestamp': timestamp,
    'box-signature-version': '1',
    'box-signature-algorithm': 'HmacSHA256',
    'box-signature-primary': hmac(body, timestamp, KEYS.primary),
    'box-signature-secondary': hmac(body, timestamp, KEYS.secondary),
  }
}

const v2 = (headers: Readonly<Record<string, string>>, body: Uint8Array = BODY, path = WEBHOOK_PATH) => ({
  version: '2.0',
  rawPath: path,
  headers,
  requestContext: { stage: '$default', http: { method: 'POST', path } },
  body: Buffer.from(body).toString('base64'),
  isBase64Encoded: true,
})

const codeOf = async (event: unknown, now?: number): Promise<string> => (await enter(event, now)).answer.code

describe('headers that are smuggled in', () => {
  let served: Served
  let entered: Entered[] = []
  beforeAll(async () => {
    const invoke = async (event: unknown) => {
      const one = await enter(event)
      entered.push(one)
      return { statusCode: one.answer.status, body: one.answer.code }
    }
    served = await serve({ fetch: createGateway({ now: Date.now, invoke }), port: 0 })
  })
  afterAll(() => served.close())
  beforeEach(() => {
    entered = []
  })

  /** Writes a request byte by byte, past what any HTTP client would let through; the answer as it comes. */
  function raw(head: readonly string[], body: Uint8Array | string = BODY): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(served.port, '127.0.0.1')
      let heard = ''
      socket.setEncoding('latin1').on('data', chunk => {
        heard += chunk
        if (/\r\n\r\n[a-z_]+$|400 Bad Request/.test(heard)) socket.destroy()
      })
      socket.on('error', reject).on('close', () => resolve(heard))
      socket.setTimeout(10_000, () => socket.destroy())
      socket.write(
        [`POST ${WEBHOOK_PATH} HTTP/1.1`, 'host: localhost', 'connection: close', ...head, '', ''].join(
          '\r\n',
        ),
      )
      socket.write(body)
    })
  }
  const lines = (headers: Readonly<Record<string, string>>) =>
    Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  const length = `content-length: ${BODY.length}`

  test('as they should be they come in over a bare socket as well', async () => {
    expect(await raw([...lines(headersOf()), length])).toMatch(/202 .*accepted$/s)
  })

  test.each(['box-signature-version', 'box-signature-algorithm', 'box-delivery-timestamp'])(
    'a second %s, before or after, in this case or another, is a second value and no match',
    async name => {
      const extra = `${name.toUpperCase()}: ${name.endsWith('version') ? '2' : 'x'}`
      for (const head of [
        [extra, ...lines(headersOf()), length],
        [...lines(headersOf()), extra, length],
      ])
        expect(await raw(head)).toMatch(/401 /)
      expect(entered.every(({ queued }) => queued.length === 0)).toBe(true)
    },
  )

  test('a forged signature beside the genuine one is no match, in either order', async () => {
    const { 'box-signature-primary': genuine = '', 'box-signature-secondary': _, ...rest } = headersOf()
    for (const values of [
      [genuine, 'forged'],
      ['forged', genuine],
      [`${genuine},forged`],
      [`forged, ${genuine}`],
    ]) {
      const signatures = values.map(value => `Box-Signature-Primary: ${value}`)
      expect(await raw([...lines(rest), ...signatures, length])).toMatch(/401 .*signature_mismatch$/s)
    }
  })

  test('payload format 1.0’s lists count, not the single values beside them', async () => {
    const multi = Object.fromEntries(Object.entries(headersOf()).map(([name, value]) => [name, [value]]))
    const event = (multiValueHeaders: object) => ({
      path: WEBHOOK_PATH,
      httpMethod: 'POST',
      headers: headersOf(),
      multiValueHeaders,
      body: BODY.toString(),
    })
    expect(await codeOf(event(multi))).toBe('accepted')
    const twice = { ...multi, 'Box-Signature-Version': ['1'] }
    expect(await codeOf(event(twice))).toBe('version_unsupported')
    expect(await codeOf(event({}))).toBe('header_missing')
  })

  test.each([' 1', '1 ', '1\t', '01', '1.0', '١', '1\0', '1,1', '+1'])(
    'version %j is not 1',
    async version => {
      expect(await codeOf(v2({ ...headersOf(), 'box-signature-version': version }))).toBe(
        'version_unsupported',
      )
    },
  )

  test('a length beside transfer-encoding never gets a second request through', async () => {
    const smuggled = `0\r\n\r\nPOST ${WEBHOOK_PATH} HTTP/1.1\r\nhost: x\r\n\r\n`
    const head = [...lines(headersOf()), 'transfer-encoding: chunked', `content-length: ${smuggled.length}`]
    expect(await raw(head, smuggled)).toMatch(/^HTTP\/1\.1 400/)
    expect(entered).toEqual([])
  })

  test('a chunked body is the body', async () => {
    const chunked = `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`
    expect(await raw([...lines(headersOf()), 'transfer-encoding: chunked'], chunked)).toMatch(/202 /)
  })

  test('a header folded over two lines is refused', async () => {
    const folded = lines(headersOf()).map(line =>
      line.replace('box-signature-version: 1', 'box-signature-version:\r\n 1'),
    )
    expect(await raw([...folded, length])).toMatch(/^HTTP\/1\.1 400/)
    expect(entered).toEqual([])
  })
})

describe('a captured delivery that is replayed', () => {
  const embedded = useEmbedded()

  test('within the window is accepted, and takes effect once', async () => {
    const runs: string[] = []
    const counting = automation({
      name: 'counting',
      on: 'FILE.DOWNLOADED',
      watch: { folder: '100001' },
      run: ({ event }) => void runs.push(event.id),
    })
    const engine = await createEngine(embedded, [counting])
    for (const deliveryId of ['d1', 'd2', 'd3']) {
      const { answer, queued } = await enter(
        v2({ ...headersOf(), 'box-delivery-id': deliveryId }),
        NOW + 600_000,
      )
      expect(answer.status).toBe(202)
      for (const message of queued) await engine.sendBody(decodeMessage(message).message.body, deliveryId)
    }
    expect(await engine.work()).toMatchObject({ received: 3, batchItemFailures: [] })
    expect(runs).toEqual(['captured'])
  })

  test('after the window is refused', async () => {
    expect(await codeOf(v2(headersOf()), NOW + 600_001)).toBe('timestamp_too_old')
    expect(await codeOf(v2(headersOf()), NOW + 30 * 86_400_000)).toBe('timestamp_too_old')
  })

  test('with a fresh timestamp is refused, for the signature is over the timestamp', async () => {
    const later = NOW + 3_600_000
    const headers = { ...headersOf(), 'box-delivery-timestamp': new Date(later).toISOString() }
    expect(await codeOf(v2(headers), later)).toBe('signature_mismatch')
    const sameTime = { ...headersOf(), 'box-delivery-timestamp': '2026-11-23T11:00:00+01:00' }
    expect(await codeOf(v2(sameTime))).toBe('signature_mismatch')
  })

  test('with the border between body and timestamp moved is refused, though the signature fits', async () => {
    const timestamp = new Date(NOW).toISOString()
    const whole = Buffer.concat([BODY, Buffer.from(timestamp)])
    for (let shift = -BODY.length + 1; shift < timestamp.length; shift += 1) {
      if (shift === 0) continue
      const [body, moved] = [whole.subarray(0, BODY.length + shift), whole.subarray(BODY.length + shift)]
      const headers: Record<string, string> = {
        ...headersOf(),
        'box-delivery-timestamp': moved.toString(),
      }
      expect(hmac(body, moved.toString(), KEYS.primary)).toBe(headers['box-signature-primary'])
      expect(await codeOf(v2(headers, body))).toBe('timestamp_invalid')
    }
    // A body that ends in digits lends them to the year, which has just four.
    const digits = Buffer.concat([BODY, Buffer.from('1')])
    const lent = { ...headersOf(digits), 'box-delivery-timestamp': `1${timestamp}` }
    expect(await codeOf(v2(lent))).toBe('timestamp_invalid')
  })
})

describe('comparing signatures', () => {
  /**
   * A measured time would say more about the machine. What leaks is work that depends on the secret, so that is counted: the
   * same comparisons, each over the whole length and by timingSafeEqual, wherever a forgery first differs and whichever fits.
   */
  test('takes the same comparisons in constant time, wherever a forgery differs', async () => {
    const compare = vi.spyOn(crypto, 'timingSafeEqual')
    onTestFinished(() => {
      compare.mockRestore()
      syncBuiltinESMExports()
    })
    syncBuiltinESMExports()
    const genuine = headersOf()
    const lengths = async (primary: string): Promise<number[]> => {
      compare.mockClear()
      await enter(v2({ ...genuine, 'box-signature-primary': primary }))
      return compare.mock.calls.map(([left]) => left.byteLength)
    }
    const fits = genuine['box-signature-primary'] ?? ''
    const flip = (at: number) => fits.slice(0, at) + (fits[at] === 'A' ? 'B' : 'A') + fits.slice(at + 1)
    for (const primary of [fits, flip(0), flip(20), flip(41), `${'A'.repeat(43)}=`])
      expect(await lengths(primary)).toEqual([32, 32, 32, 32])
    // What is not the base64 of 32 bytes is compared with nothing, and the other signature still with both keys.
    for (const primary of [fits.slice(0, -1), `${fits} `, 'A'.repeat(44), 'x'])
      expect(await lengths(primary)).toEqual([32, 32])
  })
})

describe('routes', () => {
  test.each([
    '/box/webhook/',
    '/box/webhook/..',
    '/box/webhook/../webhook',
    '//box/webhook',
    '/box//webhook',
    '/./box/webhook',
    '/x/../box/webhook',
    '/$default/box/webhook',
    '/x/box/webhook',
    '/box%2fwebhook',
    '/box/%77ebhook',
    '/BOX/webhook',
    '/box/webhook;x=1',
    '/box/webhook\0',
    '/box\\webhook',
    '/etc/passwd',
    '',
  ])('%j is not the webhook’s, however well the delivery is signed', async path => {
    expect(await codeOf(v2(headersOf(), BODY, path))).toBe('route_not_found')
  })

  test('a stage’s name is taken off once', async () => {
    const staged = (rawPath: string) => ({
      ...v2(headersOf(), BODY, rawPath),
      requestContext: { stage: 'prod', http: { method: 'POST' } },
    })
    expect(await codeOf(staged('/prod/box/webhook'))).toBe('accepted')
    expect(await codeOf(staged('/prod/prod/box/webhook'))).toBe('route_not_found')
  })
})
