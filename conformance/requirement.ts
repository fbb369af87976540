import type { Delivery, Expectation, Kit } from './delivery.ts'
import type { Answered } from './send.ts'

/** What a report says about a requirement that does not hold. */
export type Advice = {
  /** Where the requirement comes from. */
  readonly source: string
  /** What follows for whoever runs the receiver. */
  readonly means: string
  /** What to do about it. */
  readonly mend: string
}

/** One thing that a receiver of Box's webhooks must or should do, and the requests that show whether it does. */
export type Requirement = Advice & {
  /** Stable: reports of two runs can be compared by it. */
  readonly id: string
  readonly level: 'must' | 'should'
  /** The requirement as a sentence. */
  readonly says: string
  readonly expect: Expectation
  /** Present where the requests can't be made without that key. */
  readonly needs?: 'secondary' | 'retired'
  /** How the requests go: one after the other on connections of their own by default. */
  readonly way?: 'together' | 'on one connection'
  /** How long each answer may take, in milliseconds; half a minute, as Box waits, by default. */
  readonly withinMs?: number
  /** A further look at an answer: says what is wrong with it, or nothing. */
  readonly inspect?: (answer: Answered, delivery: Delivery, kit: Kit) => string | undefined
  readonly requests: (kit: Kit) => readonly Delivery[]
}

/** Requirements of one concern, with what they have in common. */
export const requirements = (
  group: string,
  advice: Advice,
  list: readonly (Omit<Requirement, 'id' | 'level' | keyof Advice> &
    Partial<Pick<Requirement, 'level' | keyof Advice>> & { readonly name: string })[],
): Requirement[] =>
  list.map(({ name, ...rest }) => ({ level: 'must', ...advice, ...rest, id: `${group}.${name}` }))

/** Where requirements come from. */
export const SOURCES = {
  deliveries: 'https://developer.box.com/guides/webhooks/v2/',
  signatures: 'https://developer.box.com/guides/webhooks/v2/signatures-v2/',
  triggers: 'https://developer.box.com/guides/webhooks/triggers/',
  limitations: 'https://developer.box.com/guides/webhooks/v2/limitations-v2/',
  deletion: 'https://developer.box.com/guides/webhooks/v2/delete-v2/',
  hmac: 'https://www.rfc-editor.org/rfc/rfc2104',
  dateTime: 'https://www.rfc-editor.org/rfc/rfc3339#section-5.6',
  json: 'https://www.rfc-editor.org/rfc/rfc8259',
  http: 'https://www.rfc-editor.org/rfc/rfc9110',
  connections: 'https://www.rfc-editor.org/rfc/rfc9112',
} as const

/** What goes wrong wherever something else than the bytes is verified. */
export const BYTES = {
  means: 'Genuine deliveries are refused: it is not their bytes that are verified.',
  mend: 'Verify over the bytes as they came over the wire, before anything parses them, and never over JSON serialised again.',
} as const

/** What goes wrong wherever what nobody signed is taken. */
export const FORGERY = {
  source: SOURCES.signatures,
  means: 'Whoever learns the address can make events up, or change them on their way.',
  mend: 'Refuse with 401 or 403 unless one signature matches exactly; compare whole values, in constant time, and treat a missing header as no match.',
} as const
