import { mapSignatures } from '../delivery.ts'
import { FORGERY, requirements } from '../requirement.ts'

const WHOLE = {
  means:
    'Texts that Box never sends pass as its signature; nobody can forge with them as long as the digest is compared.',
  mend: 'Compare the texts of the signatures as wholes: decoders of base64 overlook what they do not know.',
} as const

/** Texts that come close to a right signature. */
export const encodedSignatures = requirements('forgery', FORGERY, [
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
    ...WHOLE,
    expect: 'refused',
    requests: kit => [mapSignatures(kit.genuine(), right => `${right}AAAA`)],
  },
  {
    name: 'unpadded',
    level: 'should',
    says: 'A right signature without its padding is refused.',
    ...WHOLE,
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
    name: 'base64url',
    level: 'should',
    says: 'A right signature in base64url is refused.',
    ...WHOLE,
    expect: 'refused',
    requests: kit => [
      mapSignatures(kit.genuine(), right => Buffer.from(right, 'base64').toString('base64url')),
    ],
  },
])
