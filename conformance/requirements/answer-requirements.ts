import {
  DELIVERY_ID,
  type Delivery,
  headerOf,
  type Kit,
  SIGNATURES,
  TIMESTAMP,
  withHeaders,
} from '../delivery.ts'
import { requirements, SOURCES } from '../requirement.ts'

const RETRY = {
  source: SOURCES.deliveries,
  means: 'Box goes on delivering what the receiver has already, and counts its webhook as failing.',
  mend: 'Answer every validly signed delivery with 2xx, and recognise a repeated event by the id in its body: BOX-DELIVERY-ID changes each time.',
} as const
const QUIET = {
  source: SOURCES.signatures,
  means: 'Whoever sends a forgery is told what helps with the next one.',
  mend: 'Answer with a code and a sentence of your own; put no header, key, body or stack trace into it.',
} as const

/** The same event in a new delivery, as Box makes it when it tries again. */
const again = (kit: Kit, { body }: Delivery): Delivery => kit.genuine({ body })

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
    way: 'together',
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
    means: 'Whoever guesses or overhears an id keeps the genuine event out.',
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

const FAST = {
  source: SOURCES.deliveries,
  means: 'Box takes a late answer for a failure, and sends again what the receiver has already.',
  mend: 'Put the delivery aside (on a queue) and answer; do the work afterwards. Box waits 30 seconds.',
} as const

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
    way: 'together',
    expect: 'accepted',
    requests: kit => Array.from({ length: 20 }, () => kit.genuine()),
  },
  {
    name: 'forged-burst',
    says: 'Twenty forgeries at once are all refused.',
    way: 'together',
    means: 'Anybody can make the receiver fail by sending rubbish quickly.',
    mend: 'Verify before anything else is done. A limit of the rate (429) is welcome.',
    expect: 'refused or throttled',
    requests: kit => Array.from({ length: 20 }, () => kit.genuine({ keys: { primary: 'forged' } })),
  },
])

export const privacy = requirements('privacy', QUIET, [
  {
    name: 'refusal',
    says: 'A refusal tells neither a key, nor a right or given signature, nor anything of the body.',
    expect: 'refused',
    requests: kit => [kit.genuine({ overrides: { source: { name: MARK } }, keys: { primary: 'forged' } })],
    inspect: (answer, delivery, kit) => {
      const told = secrets(delivery, kit).find(
        ([, secret]) => secret && `${answer.headers}\n${answer.text}`.includes(secret),
      )
      return told && `the answer tells ${told[0]}`
    },
  },
  {
    name: 'stack-trace',
    says: 'No answer to a broken request has a stack trace in it.',
    means: 'Strangers learn how the receiver is made.',
    expect: 'handled',
    requests: kit => [
      kit.genuine({ body: '{"id":' }),
      { ...kit.genuine({ body: '{"id":' }), headers: [['Content-Type', 'application/json']] },
      kit.genuine({ timestamp: 'x' }),
    ],
    inspect: ({ text }) =>
      /\n\s+at .+:\d+:\d+|Traceback \(most recent/.test(text) ? 'the answer has a stack trace' : undefined,
  },
])

const MARK = 'conformance-marker-of-a-file-name'

/** What an answer to a forged delivery must not tell, each under its name. */
function secrets(delivery: Delivery, kit: Kit): readonly (readonly [string, string | undefined])[] {
  const right = kit.genuine({ body: delivery.body, timestamp: headerOf(delivery, TIMESTAMP) })
  const signatures = Object.values(SIGNATURES).map(name => headerOf(right, name))
  const hex = signatures.map(signature => Buffer.from(signature, 'base64').toString('hex'))
  return [
    ['the primary key', kit.primary],
    ['the secondary key', kit.secondary],
    ...[...signatures, ...hex].map(signature => ['a right signature', signature] as const),
    ['the given signature', headerOf(delivery, SIGNATURES.primary)],
    ['the body', MARK],
  ]
}
