import { DELIVERY_ID, type Delivery, headerOf, type Kit, SIGNATURES, withHeaders } from './delivery.ts'
import { MEND, requirements } from './requirement.ts'

const HTTP =
  'Read the method, headers and body as HTTP has them: names in any case and order, the body with or without a length.'
const RETRY =
  'Answer every validly signed delivery with 2xx, and recognise a repeated event by the id in its body: BOX-DELIVERY-ID changes each time.'
const QUIET =
  'Answer with a code and a sentence of your own; put no header, key, body or stack trace into it.'

const renamed = (delivery: Delivery, name: (name: string) => string): Delivery => ({
  ...delivery,
  headers: delivery.headers.map(([one, value]) => [name(one), value]),
})
const titled = (name: string): string =>
  name.toLowerCase().replace(/(^|-)[a-z]/g, letter => letter.toUpperCase())
/** The same event in a new delivery, as Box makes it when it tries again. */
const again = (kit: Kit, { body }: Delivery): Delivery => kit.genuine({ body })

export const http = requirements('http', HTTP, [
  {
    name: 'header-case',
    says: 'Header names count in upper, lower and mixed case.',
    expect: 'accepted',
    requests: kit => [
      renamed(kit.genuine(), name => name.toLowerCase()),
      renamed(kit.genuine(), name => name.toUpperCase()),
      renamed(kit.genuine(), titled),
    ],
  },
  {
    name: 'header-order',
    says: 'Headers count in any order, with others among them.',
    expect: 'accepted',
    requests: kit => {
      const delivery = kit.genuine()
      return [{ ...delivery, headers: [['X-Forwarded-For', '192.0.2.1'], ...delivery.headers.toReversed()] }]
    },
  },
  {
    name: 'content-type',
    says: 'A delivery is accepted whatever follows application/json in its content type.',
    mend: MEND.bytes,
    expect: 'accepted',
    requests: kit =>
      ['application/json', 'application/json;charset=UTF-8'].map(type =>
        withHeaders(kit.genuine(), { 'Content-Type': type }),
      ),
  },
  {
    name: 'content-type-other',
    level: 'should',
    says: 'A delivery is accepted with another content type or none: its signature says what it is.',
    mend: MEND.bytes,
    expect: 'accepted',
    requests: kit =>
      ['text/plain', 'application/octet-stream', undefined].map(type =>
        withHeaders(kit.genuine(), { 'Content-Type': type }),
      ),
  },
  {
    name: 'chunked',
    says: 'A body that comes in chunks is accepted.',
    expect: 'accepted',
    requests: kit => [{ ...kit.genuine(), chunked: true }],
  },
  {
    name: 'slow',
    says: 'A body whose second half comes a while later is accepted.',
    expect: 'accepted',
    requests: kit => [{ ...kit.genuine(), pauseMs: 300 }],
  },
  {
    name: 'method-get',
    says: 'GET is no delivery: it gets neither 2xx nor 5xx.',
    mend: 'Answer other methods than POST with 405 (or 404).',
    expect: 'refused',
    requests: kit => [{ ...kit.genuine(), method: 'GET', body: new Uint8Array() }],
  },
  {
    name: 'method-other',
    says: 'PUT, PATCH and DELETE are no deliveries, however well they are signed.',
    mend: 'Answer other methods than POST with 405 (or 404).',
    expect: 'refused',
    requests: kit => ['PUT', 'PATCH', 'DELETE'].map(method => ({ ...kit.genuine(), method })),
  },
  {
    name: 'method-options',
    level: 'should',
    says: 'HEAD and OPTIONS do not make the receiver fail.',
    mend: 'Answer other methods than POST with 405 (or 404).',
    expect: 'handled',
    requests: kit =>
      ['HEAD', 'OPTIONS'].map(method => ({ ...kit.genuine(), method, body: new Uint8Array() })),
  },
])

/** @see https://developer.box.com/guides/webhooks/v2/ */
export const retries = requirements('retry', RETRY, [
  {
    name: 'new-delivery-id',
    says: 'An event that Box delivers again, under a new delivery id and signature, is accepted again.',
    expect: 'accepted',
    requests: kit => {
      const first = kit.genuine()
      return [first, again(kit, first), again(kit, first)]
    },
  },
  {
    name: 'at-once',
    says: 'One event delivered several times at the same moment is accepted each time.',
    together: true,
    expect: 'accepted',
    requests: kit => {
      const first = kit.genuine()
      return [first, again(kit, first), again(kit, first), again(kit, first)]
    },
  },
  {
    name: 'same-delivery',
    says: 'The very same request, sent again inside ten minutes, does not make the receiver fail.',
    expect: 'handled',
    requests: kit => {
      const first = kit.genuine()
      return [first, first]
    },
  },
  {
    name: 'after-forgery',
    says: 'A forgery that carries an event’s id first does not keep the genuine one out.',
    mend: 'Remember ids only of what was verified, and never by the delivery id, which is not signed.',
    expect: 'accepted',
    requests: kit => {
      const genuine = kit.genuine()
      const forged = kit.genuine({ body: genuine.body, keys: { primary: 'forged' } })
      const sameId = { [DELIVERY_ID]: headerOf(genuine, DELIVERY_ID) }
      return [{ ...withHeaders(forged, sameId), expect: 'refused' }, genuine]
    },
  },
])

const FAST = 'Put the delivery aside (on a queue) and answer; do the work afterwards. Box waits 30 seconds.'

export const timing = requirements('timing', FAST, [
  {
    name: 'thirty-seconds',
    says: 'A delivery is answered within the 30 seconds that Box waits.',
    expect: 'accepted',
    withinMs: 30_000,
    requests: kit => [kit.genuine()],
  },
  {
    name: 'five-seconds',
    level: 'should',
    says: 'A delivery is answered within five seconds.',
    expect: 'accepted',
    withinMs: 5000,
    requests: kit => [kit.genuine(), kit.genuine({ trigger: 'FILE.UPLOADED' })],
  },
  {
    name: 'burst',
    says: 'Twenty deliveries at once are all accepted in time.',
    together: true,
    expect: 'accepted',
    requests: kit => Array.from({ length: 20 }, () => kit.genuine()),
  },
  {
    name: 'forged-burst',
    says: 'Twenty forgeries at once are all refused.',
    together: true,
    expect: 'refused',
    requests: kit => Array.from({ length: 20 }, () => kit.genuine({ keys: { primary: 'forged' } })),
  },
])

export const privacy = requirements('privacy', QUIET, [
  {
    name: 'refusal',
    says: 'A refusal tells neither a key, nor a right or given signature, nor anything of the body.',
    expect: 'refused',
    requests: kit => [kit.genuine({ overrides: { source: { name: MARK } }, keys: { primary: 'forged' } })],
    inspect: (text, delivery, kit) => {
      const right = headerOf(
        kit.genuine({ body: delivery.body, timestamp: headerOf(delivery, 'BOX-DELIVERY-TIMESTAMP') }),
        SIGNATURES.primary,
      )
      const secrets: readonly (readonly [string, string | undefined])[] = [
        ['the primary key', kit.primary],
        ['the secondary key', kit.secondary],
        ['the right signature', right],
        ['the given signature', headerOf(delivery, SIGNATURES.primary)],
        ['the body', MARK],
      ]
      const [told] = secrets.find(([, secret]) => secret && text.includes(secret)) ?? []
      return told && `the answer tells ${told}`
    },
  },
  {
    name: 'stack-trace',
    says: 'No answer to a broken request has a stack trace in it.',
    expect: 'handled',
    requests: kit => [
      kit.genuine({ body: '{"id":' }),
      { ...kit.genuine({ body: '{"id":' }), headers: [['Content-Type', 'application/json']] },
      kit.genuine({ timestamp: 'x' }),
    ],
    inspect: text =>
      /\n\s+at .+:\d+:\d+|Traceback \(most recent/.test(text) ? 'the answer has a stack trace' : undefined,
  },
])

const MARK = 'conformance-marker-of-a-file-name'
