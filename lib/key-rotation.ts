import { type KeysSeen, keyIds } from './ingest/key-fields.ts'
import type { KeyName } from './ingest/signature.ts'
import { type KeyRotation, type KeySecret, OTHER } from './key-secret.ts'
import { type KeyTraffic, type Tally, together } from './key-traffic.ts'

/** What is to be done next in a rotation, by what the traffic says. */
export type RotationStep =
  /** Nothing has shown yet that deliveries could stand on the other key alone. */
  | { readonly kind: 'unproven'; readonly slot: KeyName }
  /** The key is to be reset in the Developer Console and stored; `isReset` where Box signs with one that is not stored. */
  | { readonly kind: 'reset'; readonly slot: KeyName; readonly isReset: boolean }
  /** The other key was reset instead, before one was stored. */
  | { readonly kind: 'turned'; readonly slot: KeyName }
  | {
      readonly kind: 'wait'
      readonly slot: KeyName
      /** Deliveries signed with the new key. */
      readonly seen: number
      /** Deliveries that were not, although the new key was at hand. */
      readonly against: number
      /** Deliveries at instances that have not fetched the new key yet. */
      readonly early: number
      /** From when on the new key may be relied upon, in milliseconds since the epoch, if nothing comes in between. */
      readonly readyAt: number
    }
  /** The new key may be relied upon. */
  | { readonly kind: 'ready'; readonly slot: KeyName; readonly seen: number }
  /** The new key is the other one's: that was reset. */
  | { readonly kind: 'crossed'; readonly slot: KeyName }
  /** The new key is not what Box signs with; `refused` deliveries since then show that the other one is not either. */
  | { readonly kind: 'wrong'; readonly slot: KeyName; readonly refused: number }

/**
 * How long a new key is watched before the next may be reset, in milliseconds: for as long as a delivery that the old key signed
 * may still come in. Ingest's own cache takes 10 s at most, after which a mismatch fetches the keys anew.
 */
export const SETTLE_MS = 600_000

/** The least that can be waited: how long ingest may keep to keys that it has just fetched, and a little more. */
export const SETTLE_MS_MIN = 11_000

/**
 * How long a key that was withdrawn may still be accepted, in milliseconds: as long as ingest keeps to keys that it has fetched. So
 * long the last new key is watched, upon which nothing is to follow.
 */
const RETIRED_MS = 300_000

/** How long deliveries may go against a new key before it counts as wrong: some were signed before it was there. */
const GRACE_MS = 60_000

/**
 * Says what the next step of a rotation is. The rule behind it: a key is replaced only while the other is known to be both what Box
 * signs with and what every instance of ingest would find, so that no delivery is refused at any moment.
 * @param now milliseconds since the epoch
 * @returns undefined where no rotation is under way
 */
export function nextStep(
  { keys, rotation }: KeySecret,
  traffic: KeyTraffic,
  now: number,
  settleMs = SETTLE_MS,
): RotationStep | undefined {
  if (!rotation) return undefined
  return rotation.phase === 'reset'
    ? resetStep(keyIds(keys), rotation, traffic)
    : seenStep(keyIds(keys), rotation, traffic, now, settleMs)
}

type Ids = KeysSeen['held']

function resetStep(ids: Ids, { todo: [slot], relied }: KeyRotation, traffic: KeyTraffic): RotationStep {
  const other = OTHER[slot]
  const latest = latestWith(ids, traffic)
  if (latest && !isSignedBy(latest, ids[other])) return { kind: 'turned', slot }
  if (!latest && (ids[other] === undefined || relied !== ids[other])) return { kind: 'unproven', slot }
  return { kind: 'reset', slot, isReset: latest !== undefined && !isSignedBy(latest, ids[slot]) }
}

function seenStep(
  ids: Ids,
  { todo: [slot, next], since }: KeyRotation,
  { accepted, refused, unavailable }: KeyTraffic,
  now: number,
  settleMaxMs: number,
): RotationStep {
  const settleMs = next === undefined ? Math.min(settleMaxMs, RETIRED_MS) : settleMaxMs
  const [id, other] = [ids[slot], OTHER[slot]]
  const storedAt = Date.parse(since)
  const knowing = accepted.filter(({ held }) => held.primary === id || held.secondary === id)
  const seen = together(knowing.filter(({ signed }) => signed[slot] === id))
  const against = together(knowing.filter(({ signed }) => signed[slot] !== id))
  if (knowing.some(({ signed }) => signed[other] === id)) return { kind: 'crossed', slot }
  const graceMs = Math.min(GRACE_MS, settleMs)
  const isRefused = refused.lastAt > Math.max(storedAt, against.lastAt)
  if (seen.count === 0 && (isRefused || against.lastAt >= storedAt + graceMs))
    return { kind: 'wrong', slot, refused: isRefused ? refused.count : 0 }
  const readyAt = Math.max(storedAt, against.lastAt, unavailable.lastAt) + settleMs
  if (seen.count > 0 && now >= readyAt) return { kind: 'ready', slot, seen: seen.count }
  const early = together(accepted.filter(one => one.lastAt >= storedAt && !knowing.includes(one))).count
  return { kind: 'wait', slot, seen: seen.count, against: against.count, early, readyAt }
}

export type Beginning = {
  /** The secret with the keys the way round that Box has them. */
  readonly secret: KeySecret
  /** Which key is replaced first, and which then. */
  readonly todo: KeyRotation['todo']
  /** When it can begin, in milliseconds since the epoch: a key that is relied upon has to have been stored for a while. */
  readonly from: number
}

/**
 * Chooses which key is replaced first: never the only one that deliveries are seen to be signed with.
 * @param options.only the one that is to be replaced; both by default
 * @param options.storedAt since when the keys are stored of which the secret does not tell it, in milliseconds since the epoch
 * @returns undefined where the traffic does not show that deliveries could stand on the key that stays
 */
export function beginning(
  secret: KeySecret,
  traffic: KeyTraffic,
  options: { readonly only?: KeyName | undefined; readonly storedAt: number; readonly settleMs: number },
): Beginning | undefined {
  const { only, settleMs } = options
  const { primary, secondary } = secret.keys
  const ids = keyIds(secret.keys)
  const latest = latestWith(ids, traffic)
  if (!latest) return undefined
  const crossed = isCrossed(secret, traffic)
  /** Where the secret has what Box has under a name. */
  const place = (name: KeyName): KeyName => (crossed ? OTHER[name] : name)
  const firsts: readonly KeyName[] = only ? [only] : ['secondary', 'primary']
  const first = firsts.find(name => isSignedBy(latest, ids[place(OTHER[name])]))
  if (first === undefined) return undefined
  const told = secret.storedAt[ids[place(OTHER[first])] ?? '']
  return {
    secret: crossed ? { ...secret, keys: { primary: secondary, secondary: primary } } : secret,
    todo: only ? [first] : [first, OTHER[first]],
    from: (told === undefined ? options.storedAt : Date.parse(told)) + settleMs,
  }
}

/** Whether the keys are stored the other way round than Box has them, which ingest takes as well. */
export function isCrossed({ keys }: KeySecret, traffic: KeyTraffic): boolean {
  const ids = keyIds(keys)
  const { signed } = latestWith(ids, traffic) ?? {}
  const crossed = (one: KeyName) => ids[one] !== undefined && signed?.[OTHER[one]] === ids[one]
  return crossed('primary') || crossed('secondary')
}

/** The latest deliveries at instances that have the keys that are stored now. */
export function latestWith(
  ids: Ids,
  { accepted }: Pick<KeyTraffic, 'accepted'>,
): (KeysSeen & Tally) | undefined {
  const current = accepted.filter(
    ({ held }) => held.primary === ids.primary && held.secondary === ids.secondary,
  )
  return current.sort((one, other) => other.lastAt - one.lastAt)[0]
}

const isSignedBy = ({ signed }: KeysSeen, id: string | undefined): boolean =>
  id !== undefined && (signed.primary === id || signed.secondary === id)
