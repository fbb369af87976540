import type { Delivery, Expectation, Kit } from './delivery.ts'

/** One thing that a receiver of Box's webhooks must or should do, and the requests that show whether it does. */
export type Requirement = {
  /** Stable: reports of two runs can be compared by it. */
  readonly id: string
  readonly level: 'must' | 'should'
  /** The requirement as a sentence. */
  readonly says: string
  /** What to do about a receiver that does not keep to it. */
  readonly mend: string
  readonly expect: Expectation
  /** Present where the requests can't be made without the secondary key. */
  readonly needs?: 'secondary'
  /** Sends the requests all at once instead of one after the other. */
  readonly together?: true
  /** How long each answer may take, in milliseconds; half a minute, as Box waits, by default. */
  readonly withinMs?: number
  /** A further look at an answer's text: says what is wrong with it, or nothing. */
  readonly inspect?: (text: string, delivery: Delivery, kit: Kit) => string | undefined
  readonly requests: (kit: Kit) => readonly Delivery[]
}

const BYTES =
  'Verify over the bytes as they came over the wire, before anything parses them, and never over JSON serialised again.'

/** Requirements of one concern, with what they have in common. */
export const requirements = (
  group: string,
  mend: string,
  list: readonly (Omit<Requirement, 'id' | 'level' | 'mend'> &
    Partial<Pick<Requirement, 'level' | 'mend'>> & { readonly name: string })[],
): Requirement[] =>
  list.map(({ name, ...rest }) => ({ level: 'must', mend, ...rest, id: `${group}.${name}` }))

export const MEND = { bytes: BYTES } as const
