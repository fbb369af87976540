import { DELIVERY_ID, type Delivery, withHeaders } from '../delivery.ts'
import { BYTES, requirements, SOURCES } from '../requirement.ts'

const HTTP = {
  source: SOURCES.http,
  means: 'Behind another proxy, or with another client of Box’s, genuine deliveries are refused.',
  mend: 'Read the method, headers and body as HTTP has them: names in any case and order, the body with or without a length.',
} as const
const METHODS = {
  means: 'A look at the address passes for a delivery, or for a failure of the receiver.',
  mend: 'Answer other methods than POST with 405 (or 404).',
} as const

const renamed = (delivery: Delivery, name: (name: string) => string): Delivery => ({
  ...delivery,
  headers: delivery.headers.map(([one, value]) => [name(one), value]),
})
const titled = (name: string): string =>
  name.toLowerCase().replace(/(^|-)[a-z]/g, letter => letter.toUpperCase())
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
    name: 'user-agent',
    level: 'should',
    says: 'A delivery is accepted from another user agent or none.',
    means: 'Deliveries fail as soon as Box’s client has another version.',
    mend: 'Leave the user agent out of account: anybody can send it.',
    expect: 'accepted',
    requests: kit =>
      ['Box-WH-Client/9.9', undefined].map(agent => withHeaders(kit.genuine(), { 'User-Agent': agent })),
  },
  {
    name: 'delivery-id-missing',
    level: 'should',
    says: 'A delivery without a delivery id does not make the receiver fail.',
    means: 'A header that is not signed, and that anybody can leave out, makes the receiver fail.',
    mend: 'Treat the delivery id as text for logs, which may be absent.',
    expect: 'handled',
    requests: kit => [withHeaders(kit.genuine(), { [DELIVERY_ID]: undefined })],
  },
  {
    name: 'content-type',
    says: 'A delivery is accepted whatever follows application/json in its content type.',
    ...BYTES,
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
    ...BYTES,
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
    requests: kit => [{ ...kit.genuine(), pauseMs: 1000 }],
  },
  {
    name: 'one-connection',
    says: 'Deliveries that come on one connection, a refused one among them, are judged each for itself.',
    source: SOURCES.connections,
    means: 'What is left of one request spoils the next.',
    mend: 'Read each body to its end, or close the connection after the answer.',
    way: 'on one connection',
    expect: 'accepted',
    requests: kit => [
      kit.genuine(),
      { ...kit.genuine({ keys: { primary: 'forged' } }), expect: 'refused' },
      kit.genuine(),
    ],
  },
  {
    name: 'broken-off',
    says: 'After a sender has hung up in the middle of a body, deliveries are accepted as before.',
    source: SOURCES.connections,
    means: 'A connection that breaks stops the receiver.',
    mend: 'Handle the errors of the request’s stream.',
    expect: 'accepted',
    requests: kit => [{ ...kit.genuine(), breaksOff: true, expect: 'anything' }, kit.genuine()],
  },
  {
    name: 'method-get',
    says: 'GET is no delivery: it gets neither 2xx nor 5xx.',
    ...METHODS,
    expect: 'refused',
    requests: kit => [{ ...kit.genuine(), method: 'GET', body: new Uint8Array() }],
  },
  {
    name: 'method-other',
    says: 'PUT, PATCH and DELETE are no deliveries, however well they are signed.',
    ...METHODS,
    expect: 'refused',
    requests: kit => ['PUT', 'PATCH', 'DELETE'].map(method => ({ ...kit.genuine(), method })),
  },
  {
    name: 'method-options',
    level: 'should',
    says: 'HEAD and OPTIONS do not make the receiver fail.',
    ...METHODS,
    expect: 'handled',
    requests: kit =>
      ['HEAD', 'OPTIONS'].map(method => ({ ...kit.genuine(), method, body: new Uint8Array() })),
  },
])
