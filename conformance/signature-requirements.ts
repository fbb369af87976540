import { sign } from '../lib/signature.ts'
import {
  ALGORITHM,
  type Delivery,
  headerOf,
  hmac,
  type Kit,
  SIGNATURES,
  signedOtherwise,
  TIMESTAMP,
  VERSION,
  withHeaders,
} from './delivery.ts'
import { MEND, requirements } from './requirement.ts'

const FORGED = 'A key of the attacker’s own'
const mapSignatures = (delivery: Delivery, change: (signature: string) => string): Delivery =>
  withHeaders(delivery, {
    [SIGNATURES.primary]: change(headerOf(delivery, SIGNATURES.primary)),
    [SIGNATURES.secondary]: change(headerOf(delivery, SIGNATURES.secondary) || 'x'),
  })
const withBody = (delivery: Delivery, body: Uint8Array): Delivery => ({ ...delivery, body })
const serialisedAgain = (body: Uint8Array): string => JSON.stringify(JSON.parse(Buffer.from(body).toString()))

/** @see https://developer.box.com/guides/webhooks/v2/signatures-v2/ */
export const genuineSignatures = requirements(
  'signature',
  'Accept a delivery when either key matches: compute base64(HMAC-SHA256(key, body bytes, then the text of the timestamp header)) for each.',
  [
    {
      name: 'genuine',
      says: 'A delivery that is signed as Box signs it is accepted.',
      expect: 'accepted',
      requests: kit => [kit.genuine()],
    },
    {
      name: 'primary-only',
      says: 'A delivery that has just the primary signature is accepted: Box sends one where there is one key.',
      expect: 'accepted',
      requests: kit => [kit.genuine({ keys: { primary: kit.primary } })],
    },
    {
      name: 'secondary-only',
      says: 'A delivery that has just the secondary signature is accepted.',
      needs: 'secondary',
      expect: 'accepted',
      requests: kit => [kit.genuine({ keys: { secondary: kit.needSecondary() } })],
    },
    {
      name: 'new-secondary',
      says: 'While the secondary key is changed the primary one suffices.',
      expect: 'accepted',
      requests: kit => [kit.genuine({ keys: { primary: kit.primary, secondary: 'a key not stored yet' } })],
    },
    {
      name: 'new-primary',
      says: 'While the primary key is changed the secondary one suffices.',
      needs: 'secondary',
      expect: 'accepted',
      requests: kit => [
        kit.genuine({ keys: { primary: 'a key not stored yet', secondary: kit.needSecondary() } }),
      ],
    },
    {
      name: 'keys-swapped',
      level: 'should',
      says: 'A delivery is accepted where the receiver has stored its two keys the wrong way round.',
      needs: 'secondary',
      expect: 'accepted',
      requests: kit => [kit.genuine({ keys: { primary: kit.needSecondary(), secondary: kit.primary } })],
    },
  ],
)

const FORGERY =
  'Refuse with 401 or 403 unless one signature matches exactly; compare whole values, in constant time, and treat a missing header as no match.'

const WHOLE =
  'Compare the texts of the signatures as wholes: decoders of base64 overlook what they do not know.'

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
    mend: MEND.bytes,
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
    mend: MEND.bytes,
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
    name: 'truncated',
    says: 'The beginning of a right signature is refused.',
    expect: 'refused',
    requests: kit => [1, 10, 40].map(length => mapSignatures(kit.genuine(), right => right.slice(0, length))),
  },
  {
    name: 'extended',
    level: 'should',
    says: 'A right signature with more after it is refused.',
    mend: WHOLE,
    expect: 'refused',
    requests: kit => [mapSignatures(kit.genuine(), right => `${right}AAAA`)],
  },
  {
    name: 'unpadded',
    level: 'should',
    says: 'A right signature without its padding is refused.',
    mend: WHOLE,
    expect: 'refused',
    requests: kit => [mapSignatures(kit.genuine(), right => right.replaceAll('=', ''))],
  },
  {
    name: 'hex',
    says: 'A signature in hexadecimal is refused: Box writes base64.',
    expect: 'refused',
    requests: kit => [mapSignatures(kit.genuine(), right => Buffer.from(right, 'base64').toString('hex'))],
  },
  {
    name: 'lower-case',
    says: 'A signature in lower case is refused: base64 is not.',
    expect: 'refused',
    requests: kit => [mapSignatures(kit.genuine(), right => right.toLowerCase())],
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
])

const DECLARED =
  'Refuse a signature that declares another version than 1 or another algorithm than HmacSHA256.'
const changed = (kit: Kit, name: string, value: string | undefined) => [
  withHeaders(kit.genuine(), { [name]: value }),
]

export const declaredSignatures = requirements('declared', DECLARED, [
  {
    name: 'algorithm-other',
    level: 'should',
    says: 'A delivery that declares another algorithm is refused.',
    expect: 'refused',
    requests: kit => changed(kit, ALGORITHM, 'HmacSHA1'),
  },
  {
    name: 'algorithm-missing',
    level: 'should',
    says: 'A delivery that declares no algorithm is refused.',
    expect: 'refused',
    requests: kit => changed(kit, ALGORITHM, undefined),
  },
  {
    name: 'version-other',
    level: 'should',
    says: 'A delivery that declares another version is refused.',
    expect: 'refused',
    requests: kit => changed(kit, VERSION, '2'),
  },
  {
    name: 'version-missing',
    level: 'should',
    says: 'A delivery that declares no version is refused.',
    expect: 'refused',
    requests: kit => changed(kit, VERSION, undefined),
  },
  {
    name: 'algorithm-twice',
    level: 'should',
    says: 'A delivery that declares two algorithms is refused.',
    expect: 'refused',
    requests: kit => {
      const delivery = kit.genuine()
      return [{ ...delivery, headers: [...delivery.headers, [ALGORITHM, 'none']] }]
    },
  },
])
