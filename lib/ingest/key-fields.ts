import { createHmac } from 'node:crypto'
import type { KeyName, SignatureKeys, SignedWith } from './signature.ts'

/** What the log says of the keys of a delivery: which signed it, and which the front door had at that time. */
export type KeyFields = {
  /** The key that let it pass. */
  readonly key: KeyName
  /** Of the primary and of the secondary header: the id of the key, `unknown`, or `-` where there is no signature. */
  readonly signedWith: string
  /** The ids of the primary and of the secondary key that were held; `-` for none. */
  readonly keysHeld: string
}

/** Which keys a log line tells of: ids by header, and by the place in the secret. */
export type KeysSeen = {
  readonly signed: Readonly<Record<KeyName, string | undefined>>
  readonly held: Readonly<Record<KeyName, string | undefined>>
}

/** In place of an id: signed with a key that is not ours. */
export const UNKNOWN_KEY = 'unknown'

const NONE = '-'

/**
 * A key's id: eight hexadecimal digits that are the same wherever the key is, and of which nobody can make the key. It may be shown and
 * logged.
 */
export const keyId = (key: string): string =>
  createHmac('sha256', key).update('boxhooks key id').digest('hex').slice(0, 8)

/** The ids of keys, made once per keys that were fetched, and not with each delivery. */
export function keyIds(keys: SignatureKeys): Readonly<Record<KeyName, string | undefined>> {
  const known = made.get(keys)
  if (known) return known
  const idOf = (key: string | undefined): string | undefined => (key ? keyId(key) : undefined)
  const ids = { primary: idOf(keys.primary), secondary: idOf(keys.secondary) }
  made.set(keys, ids)
  return ids
}

const made = new WeakMap<SignatureKeys, Readonly<Record<KeyName, string | undefined>>>()

/** Says of a delivery that has passed what {@link readKeyFields} reads. */
export function keyFields(
  { key, signedWith }: { readonly key: KeyName; readonly signedWith: SignedWith },
  keys: SignatureKeys,
): KeyFields {
  const ids = keyIds(keys)
  const told = (header: KeyName): string => {
    const by = signedWith[header]
    if (by === 'absent') return NONE
    return by === 'unknown' ? UNKNOWN_KEY : (ids[by] ?? UNKNOWN_KEY)
  }
  return {
    key,
    signedWith: `${told('primary')} ${told('secondary')}`,
    keysHeld: `${ids.primary ?? NONE} ${ids.secondary ?? NONE}`,
  }
}

/** Reads what {@link keyFields} has written. @returns undefined where a line tells nothing of it, as those of older versions */
export function readKeyFields(line: Readonly<Record<string, unknown>>): KeysSeen | undefined {
  const signed = pairIn(line.signedWith)
  const held = pairIn(line.keysHeld)
  return signed && held && { signed, held }
}

function pairIn(text: unknown): Readonly<Record<KeyName, string | undefined>> | undefined {
  const [, primary, secondary] = typeof text === 'string' ? (PAIR.exec(text) ?? []) : []
  if (primary === undefined || secondary === undefined) return undefined
  const id = (told: string): string | undefined => (told === NONE ? undefined : told)
  return { primary: id(primary), secondary: id(secondary) }
}

const PAIR = /^([0-9a-f]{8}|unknown|-) ([0-9a-f]{8}|unknown|-)$/
