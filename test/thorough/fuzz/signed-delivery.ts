import assert from 'node:assert/strict'
import fc from 'fast-check'
import { WEBHOOK_PATH } from '../../../lib/ingest/ingest.ts'
import { decodeMessage } from '../../../lib/queue/message.ts'
import { asyncBoundary } from './boundary.ts'
import { checkAnswer, checkRefusal, type Entered, enter, hmac, KEYS, NOW } from './door.ts'
import { eventBody } from './payloads.ts'
import { oracleTimestamp } from './timestamp.ts'

/** A request on its way to the front door, before API Gateway makes an event of it. */
type Request = {
  method: string
  path: string
  body: Buffer
  headers: [name: string, value: string][]
}

type Signing = { readonly key: string; readonly ageSeconds: number }

function signed(body: Buffer, { key, ageSeconds }: Signing): Request {
  const timestamp = new Date(NOW - ageSeconds * 1000).toISOString()
  return {
    method: 'POST',
    path: WEBHOOK_PATH,
    body,
    headers: [
      ['box-delivery-id', 'd1'],
      ['box-delivery-timestamp', timestamp],
      ['box-signature-version', '1'],
      ['box-signature-algorithm', 'HmacSHA256'],
      ['box-signature-primary', hmac(body, timestamp, key)],
      ['box-signature-secondary', hmac(body, timestamp, KEYS.secondary)],
    ],
  }
}

/** What is done to a genuine delivery on its way; `other` is a second genuine one. */
type Mutation = (request: Request, other: Request) => void

type Rewrite = (body: Buffer, other: Buffer) => Buffer

const at = <T>(list: readonly T[], index: number): T | undefined => list[index % Math.max(1, list.length)]
const index = fc.nat(7)
const position = fc.nat(400)

const onBody = fc
  .oneof(
    fc.tuple(position, fc.integer({ min: 1, max: 255 })).map(
      ([where, mask]): Rewrite =>
        before => {
          const body = Buffer.from(before)
          const byte = where % Math.max(1, body.length)
          body[byte] = (body[byte] ?? 0) ^ mask
          return body
        },
    ),
    position.map(
      (length): Rewrite =>
        body =>
          body.subarray(0, length),
    ),
    fc.uint8Array({ maxLength: 4 }).map(
      (more): Rewrite =>
        body =>
          Buffer.concat([body, more]),
    ),
    position.map(
      (cut): Rewrite =>
        (body, other) =>
          Buffer.concat([body.subarray(0, cut), other.subarray(cut)]),
    ),
    fc.constantFrom<Rewrite>(
      (_, other) => other,
      body => Buffer.from(body.toString('latin1')),
      body => Buffer.from(body.toString('base64')),
      body => Buffer.from(`\ufeff${body}`),
      body => Buffer.from(`${body}\n`),
      body => Buffer.from(body.toString().replaceAll('\\/', '/')),
      body => Buffer.from(body.toString().normalize('NFD')),
    ),
  )
  .map(
    (rewrite): Mutation =>
      (request, other) => {
        request.body = rewrite(request.body, other.body)
      },
  )

/** The signature is over body ‖ timestamp, so what is taken from one and given to the other leaves it as it was. */
const onBoundary = fc.integer({ min: -12, max: 24 }).map(
  (shift): Mutation =>
    request => {
      const timestamp = request.headers.find(([name]) => name === 'box-delivery-timestamp')
      if (!timestamp) return
      const whole = Buffer.concat([request.body, Buffer.from(timestamp[1])])
      const cut = Math.max(0, request.body.length + shift)
      request.body = whole.subarray(0, cut)
      timestamp[1] = whole.subarray(cut).toString('latin1')
    },
)

const value = fc.oneof(
  fc.string(),
  fc.constantFrom('', '1', '1,1', ' 1', '2', 'HmacSHA256', 'hmacsha256', 'HmacSHA1', 'none', 'undefined'),
)
const name = fc.constantFrom(
  '__proto__',
  'constructor',
  'x',
  'box-signature',
  'box-signature-primary ',
  'cookie',
)

const onHeaders = fc.oneof(
  index.map(
    (which): Mutation =>
      request =>
        void request.headers.splice(which, 1),
  ),
  fc.tuple(index, value).map(
    ([which, text]): Mutation =>
      request => {
        const header = at(request.headers, which)
        if (header) header[1] = text
      },
  ),
  fc
    .tuple(index, fc.option(value, { nil: undefined }), fc.boolean())
    .map(([which, text, first]): Mutation => {
      return request => {
        const [again = 'x', same = ''] = at(request.headers, which) ?? []
        request.headers[first ? 'unshift' : 'push']([again.toUpperCase(), text ?? same])
      }
    }),
  fc.tuple(index, fc.nat(2)).map(
    ([which, how]): Mutation =>
      request => {
        const header = at(request.headers, which)
        if (header)
          header[0] = how === 0 ? header[0].toUpperCase() : how === 1 ? `${header[0]} ` : `x-${header[0]}`
      },
  ),
  fc.tuple(index, fc.constantFrom(' ', '\t', '\0', ',', '=')).map(
    ([which, pad]): Mutation =>
      request => {
        const header = at(request.headers, which)
        if (header) header[1] += pad
      },
  ),
  fc.tuple(index, index).map(
    ([from, to]): Mutation =>
      (request, other) => {
        const [mine, theirs] = [at(request.headers, from), at(other.headers, to)]
        if (mine && theirs) mine[1] = theirs[1]
      },
  ),
  fc.tuple(name, value).map(
    ([added, text]): Mutation =>
      request =>
        void request.headers.push([added, text]),
  ),
)

const onRoute = fc
  .tuple(
    fc.constantFrom('POST', 'GET', 'post', 'PUT'),
    fc.constantFrom(WEBHOOK_PATH, '/box/webhook/', '/box/webhook/..', '/BOX/WEBHOOK', '/box%2fwebhook'),
  )
  .map(
    ([method, path]): Mutation =>
      request =>
        Object.assign(request, { method, path }),
  )

const mutation = fc.oneof(
  { weight: 4, arbitrary: onBody },
  { weight: 5, arbitrary: onHeaders },
  { weight: 2, arbitrary: onBoundary },
  { weight: 1, arbitrary: onRoute },
)

type Rendering = { readonly format: '1.0' | '2.0'; readonly base64: boolean }

/** The event that API Gateway makes of a request; names keep their case, as a caller other than HTTP could send them. */
function rendered({ method, path, body, headers }: Request, { format, base64 }: Rendering): object {
  const event = { body: body.toString(base64 ? 'base64' : 'utf8'), isBase64Encoded: base64 }
  const multi = Object.create(null)
  for (const [header, text] of headers) multi[header] = [...(multi[header] ?? []), text]
  if (format === '1.0')
    return { ...event, path, httpMethod: method, headers: {}, multiValueHeaders: { ...multi } }
  const joined = Object.entries<string[]>(multi).map(([header, texts]) => [header, texts.join(',')])
  const http = { method, path }
  return {
    ...event,
    rawPath: path,
    headers: Object.fromEntries(joined),
    requestContext: { http, stage: '$default' },
  }
}

/** Whether a request is exactly a delivery that Box signed with one of the keys at an acceptable time. */
function isGenuine(request: Request, body: Buffer): boolean {
  const only = (wanted: string): string => {
    const found = request.headers.filter(([header]) => header.toLowerCase() === wanted)
    return found.length === 1 ? (found[0]?.[1] ?? '') : ''
  }
  const timestamp = only('box-delivery-timestamp')
  const sentAt = oracleTimestamp(timestamp)
  const signatures = [only('box-signature-primary'), only('box-signature-secondary')]
  const expected = Object.values(KEYS).map(key => hmac(body, timestamp, key))
  return (
    request.path === WEBHOOK_PATH &&
    request.method === 'POST' &&
    body.length > 0 &&
    hasDeliveryId(request) &&
    only('box-signature-version') === '1' &&
    only('box-signature-algorithm') === 'HmacSHA256' &&
    signatures.some(signature => expected.includes(signature)) &&
    sentAt !== undefined &&
    NOW - sentAt <= 600_000 &&
    sentAt - NOW <= 60_000
  )
}

/** It is not signed, so any text counts; two headers that are empty are a comma when they are joined. */
function hasDeliveryId({ headers }: Request): boolean {
  const ids = headers.filter(([header]) => header.toLowerCase() === 'box-delivery-id')
  return ids.map(([, text]) => text).join(',') !== ''
}

function checkQueued({ queued: [message] }: Entered, body: Buffer): void {
  assert.ok(message)
  const decoded = decodeMessage(message)
  assert.ok(decoded.ok)
  assert.ok(body.equals(decoded.message.body), 'the bytes on the queue are those that were signed')
}

const signing = fc.record({
  key: fc.oneof(
    { weight: 6, arbitrary: fc.constant(KEYS.primary) },
    fc.constantFrom(KEYS.secondary, 'another'),
  ),
  ageSeconds: fc.oneof(
    { weight: 6, arbitrary: fc.nat(600) },
    fc.constantFrom(0, 600, 600.001, 601, -60, -60.001, 1e6),
  ),
})

/** Genuine deliveries, bent in up to three ways: accepted exactly where nothing that counts was bent. */
export const signedDeliveries = asyncBoundary(
  'signed-deliveries',
  { weight: 24, quickCases: 2500 },
  fc.record({
    body: eventBody,
    otherBody: eventBody,
    signing,
    mutations: fc.array(mutation, { maxLength: 3 }),
    rendering: fc.record({ format: fc.constantFrom('1.0' as const, '2.0' as const), base64: fc.boolean() }),
  }),
  async one => {
    const request = signed(one.body, one.signing)
    const other = signed(one.otherBody, { key: KEYS.primary, ageSeconds: 30 })
    for (const mutate of one.mutations) mutate(request, other)
    const entered = await enter(rendered(request, one.rendering))
    const arrived = one.rendering.base64 ? request.body : Buffer.from(request.body.toString())
    if (!isGenuine(request, arrived)) return checkRefusal(entered)
    checkAnswer(entered)
    assert.equal(entered.answer.status, 202)
    checkQueued(entered, arrived)
  },
)
