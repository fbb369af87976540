import { ALGORITHM, type Delivery, type Kit, SIGNATURES, VERSION, withHeaders } from '../delivery.ts'
import { requirements, SOURCES } from '../requirement.ts'

export const genuineSignatures = requirements(
  'signature',
  {
    source: SOURCES.signatures,
    means: 'Genuine deliveries are refused, and Box gives each of them up after about two hours.',
    mend: 'Accept a delivery when either key matches: compute base64(HMAC-SHA256(key, body bytes, then the text of the timestamp header)) for each.',
  },
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
      requests: kit => [kit.genuine({ keys: { secondary: kit.need('secondary') } })],
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
        kit.genuine({ keys: { primary: 'a key not stored yet', secondary: kit.need('secondary') } }),
      ],
    },
    {
      name: 'keys-swapped',
      level: 'should',
      says: 'A delivery is accepted where the receiver has stored its two keys the wrong way round.',
      needs: 'secondary',
      expect: 'accepted',
      requests: kit => [kit.genuine({ keys: { primary: kit.need('secondary'), secondary: kit.primary } })],
    },
    {
      name: 'keys-in-turn',
      says: 'Deliveries that one key signed and deliveries that the other did are accepted in turn.',
      needs: 'secondary',
      expect: 'accepted',
      requests: kit =>
        [{ primary: kit.primary }, { secondary: kit.need('secondary') }, { primary: kit.primary }].map(keys =>
          kit.genuine({ keys }),
        ),
    },
    {
      name: 'empty-secondary',
      level: 'should',
      says: 'A delivery whose secondary signature is empty is accepted for its primary one.',
      expect: 'accepted',
      requests: kit => {
        const delivery = kit.genuine({ keys: { primary: kit.primary } })
        return [{ ...delivery, headers: [...delivery.headers, [SIGNATURES.secondary, '']] }]
      },
    },
  ],
)

const DECLARED = {
  source: SOURCES.deliveries,
  means: 'Should Box ever sign in another way, its deliveries will be judged by rules that are not theirs.',
  mend: 'Refuse a signature that declares another version than 1 or another algorithm than HmacSHA256.',
} as const
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
    requests: kit => twice(kit, ALGORITHM, 'none'),
  },
  {
    name: 'version-twice',
    level: 'should',
    says: 'A delivery that declares two versions is refused.',
    expect: 'refused',
    requests: kit => twice(kit, VERSION, '2'),
  },
])

/** Which of two values counts depends on who reads, and so on the order. */
function twice(kit: Kit, name: string, value: string): Delivery[] {
  const delivery = kit.genuine()
  return [
    { ...delivery, headers: [...delivery.headers, [name, value]] },
    { ...delivery, headers: [[name, value], ...delivery.headers] },
  ]
}
