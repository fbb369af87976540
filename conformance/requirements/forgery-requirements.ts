import { createHash } from 'node:crypto'
import { sign } from '../../lib/ingest/signature.ts'
import {
  ALGORITHM,
  type Delivery,
  headerOf,
  hmac,
  mapSignatures,
  SIGNATURES,
  signedOtherwise,
  TIMESTAMP,
  withHeaders,
} from '../delivery.ts'
import { BYTES, FORGERY, requirements, SOURCES } from '../requirement.ts'

const FORGED = 'A key of the attacker’s own'
const withBody = (delivery: Delivery, body: Uint8Array): Delivery => ({ ...delivery, body })
const serialisedAgain = (body: Uint8Array): string => JSON.stringify(JSON.parse(Buffer.from(body).toString()))

export const forgedSignatures = requirements('forgery', FORGERY, [
  {
    name: 'no-signature',
    says: 'A request without a signature is refused.',
    expect: 'refused',
    requests: kit => [kit.genuine({ keys: {} })],
  },
  {
    name: 'no-box-headers',
    says: 'A request without any of Box’s headers is refused.',
    expect: 'refused',
    requests: kit => [{ ...kit.genuine(), headers: [['Content-Type', 'application/json']] }],
  },
  {
    name: 'empty-signature',
    says: 'Empty signatures are refused.',
    expect: 'refused',
    requests: kit => [mapSignatures(kit.genuine(), () => '')],
  },
  {
    name: 'other-key',
    says: 'A delivery signed with another key is refused.',
    expect: 'refused',
    requests: kit => [kit.genuine({ keys: { primary: FORGED, secondary: FORGED } })],
  },
  {
    name: 'empty-key',
    says: 'A delivery signed with an empty key is refused.',
    mend: 'A key that is not set must close the door, not become the empty key.',
    expect: 'refused',
    requests: kit => [kit.genuine({ keys: { primary: '', secondary: '' } })],
  },
  {
    name: 'undefined-key',
    says: 'A delivery signed with the words undefined, null or None is refused.',
    mend: 'A key that is not set must close the door, not become the text of a missing value.',
    expect: 'refused',
    requests: kit =>
      ['undefined', 'null', 'None'].map(key => kit.genuine({ keys: { primary: key, secondary: key } })),
  },
  {
    name: 'body-altered',
    says: 'A body with one byte changed is refused.',
    expect: 'refused',
    requests: kit => {
      const delivery = kit.genuine()
      const body = Uint8Array.from(delivery.body)
      const at = Buffer.from(body).lastIndexOf('0')
      body[at] = '1'.charCodeAt(0)
      return [withBody(delivery, body)]
    },
  },
  {
    name: 'body-extended',
    says: 'A body with white space added at its end is refused.',
    mend: BYTES.mend,
    expect: 'refused',
    requests: kit => {
      const delivery = kit.genuine()
      return [withBody(delivery, Buffer.concat([delivery.body, Buffer.from('\n')]))]
    },
  },
  {
    name: 'body-exchanged',
    says: 'The headers of one delivery do not carry another’s body.',
    expect: 'refused',
    requests: kit => [withBody(kit.genuine(), kit.genuine({ trigger: 'FILE.DELETED' }).body)],
  },
  {
    name: 'reserialised',
    says: 'A signature over the body parsed and serialised again is refused: Box signs the bytes.',
    mend: BYTES.mend,
    expect: 'refused',
    requests: kit => [
      signedOtherwise(kit.genuine({ overrides: { source: { name: 'a/b é' } } }), kit, (key, body, time) =>
        hmac('sha256', key, serialisedAgain(body), time),
      ),
    ],
  },
  {
    name: 'timestamp-altered',
    says: 'A timestamp that is not the signed one is refused.',
    expect: 'refused',
    requests: kit => [withHeaders(kit.genuine(), { [TIMESTAMP]: new Date(kit.now() - 5000).toISOString() })],
  },
  {
    name: 'without-timestamp',
    says: 'A signature over the body alone is refused.',
    expect: 'refused',
    requests: kit => [signedOtherwise(kit.genuine(), kit, (key, body) => hmac('sha256', key, body))],
  },
  {
    name: 'timestamp-first',
    says: 'A signature over the timestamp followed by the body is refused.',
    expect: 'refused',
    requests: kit => [
      signedOtherwise(kit.genuine(), kit, (key, body, time) => hmac('sha256', key, time, body)),
    ],
  },
  {
    name: 'sha1',
    says: 'A signature with SHA-1 is refused.',
    expect: 'refused',
    requests: kit => [
      signedOtherwise(kit.genuine(), kit, (key, body, time) => hmac('sha1', key, body, time)),
    ],
  },
  {
    name: 'sha512',
    says: 'A signature with SHA-512 is refused.',
    expect: 'refused',
    requests: kit => [
      signedOtherwise(kit.genuine(), kit, (key, body, time) => hmac('sha512', key, body, time)),
    ],
  },
  {
    name: 'key-as-signature',
    says: 'The words of a header name, true and * are no signatures.',
    expect: 'refused',
    requests: kit => ['true', '*', 'HmacSHA256'].map(text => mapSignatures(kit.genuine(), () => text)),
  },
  {
    name: 'repeated-header',
    says: 'Two forged signatures in one repeated header are refused.',
    expect: 'refused',
    requests: kit => {
      const delivery = kit.genuine({ keys: { primary: FORGED } })
      const again = [SIGNATURES.primary, sign(delivery.body, headerOf(delivery, TIMESTAMP), '')] as const
      return [{ ...delivery, headers: [...delivery.headers, again] }]
    },
  },
  {
    name: 'retired-key',
    says: 'A delivery signed with a key that was withdrawn is refused.',
    means: 'Changing keys does not end the use of one that has leaked.',
    mend: 'Forget a key when another takes its place; a cache may keep it for some minutes.',
    needs: 'retired',
    expect: 'refused',
    requests: kit => [
      kit.genuine({ keys: { primary: kit.need('retired'), secondary: kit.need('retired') } }),
    ],
  },
  {
    name: 'without-key',
    says: 'A SHA-256 digest that needs no key is refused.',
    source: SOURCES.hmac,
    expect: 'refused',
    requests: kit => [
      signedOtherwise(kit.genuine(), kit, (_, body, time) =>
        createHash('sha256').update(body).update(time).digest('base64'),
      ),
    ],
  },
  {
    name: 'algorithm-none',
    says: 'A request that declares no algorithm to be its algorithm is refused.',
    mend: 'Use SHA-256 whatever a request declares.',
    expect: 'refused',
    requests: kit =>
      ['', 'none'].map(text =>
        withHeaders(
          mapSignatures(kit.genuine(), () => text),
          { [ALGORITHM]: 'none' },
        ),
      ),
  },
  {
    name: 'escaped-again',
    level: 'should',
    says: 'A body whose signature fits only when its characters are escaped again is refused.',
    means: 'What is verified is not what came. The two say the same, so that nobody can forge with it.',
    mend: BYTES.mend,
    expect: 'refused',
    requests: kit => {
      const delivery = kit.genuine({ overrides: { source: { name: 'a/b é' } } })
      const plain = Buffer.from(delivery.body).toString().replaceAll('\\/', '/').replaceAll('\\u00e9', 'é')
      return [withBody(delivery, Buffer.from(plain))]
    },
  },
  {
    name: 'beside-genuine',
    level: 'should',
    says: 'A forged signature beside the right one, in a header that comes twice or in one with a comma, is refused.',
    means: 'Which of two signatures counts depends on who reads, a proxy or the receiver.',
    mend: 'Take a header that comes twice, or has a comma, for a wrong signature.',
    expect: 'refused',
    requests: kit => {
      const right = kit.genuine({ keys: { primary: kit.primary } })
      const forged = [SIGNATURES.primary, sign(right.body, headerOf(right, TIMESTAMP), FORGED)] as const
      const [, text] = forged
      return [
        { ...right, headers: [forged, ...right.headers] },
        { ...right, headers: [...right.headers, forged] },
        withHeaders(right, { [SIGNATURES.primary]: `${headerOf(right, SIGNATURES.primary)},${text}` }),
      ]
    },
  },
  {
    name: 'known-delivery',
    says: 'Another body under the headers of a delivery that was accepted is refused.',
    means: 'A known delivery id passes unverified, and anybody can choose one.',
    mend: 'Verify each request; no verdict may be remembered by what the request itself names.',
    expect: 'refused',
    requests: kit => {
      const known = kit.genuine()
      return [{ ...known, expect: 'accepted' }, withBody(known, kit.genuine().body)]
    },
  },
  {
    name: 'lock-out',
    says: 'After ten forgeries genuine deliveries are accepted as before.',
    means: 'Anybody can keep Box out by sending rubbish.',
    mend: 'Do not block senders for wrong signatures; limit the rate of all requests instead.',
    expect: 'accepted',
    requests: kit => [
      ...Array.from({ length: 10 }, () => ({
        ...kit.genuine({ keys: { primary: FORGED } }),
        expect: 'refused or throttled' as const,
      })),
      kit.genuine(),
    ],
  },
  {
    name: 'status',
    level: 'should',
    says: 'The status of a refused forgery is 401 or 403.',
    means: 'In logs and alarms a forgery looks like a mistake of somebody’s.',
    mend: 'Answer 401 where no signature fits.',
    source: SOURCES.http,
    expect: 'refused',
    requests: kit => [kit.genuine({ keys: { primary: FORGED, secondary: FORGED } })],
    inspect: ({ status }) => (status === 401 || status === 403 ? undefined : `it is ${status}`),
  },
])
