import { keyIds } from '../../lib/ingest/key-fields.ts'
import type { KeyName } from '../../lib/ingest/signature.ts'
import type { KeyRotation } from '../../lib/key-secret.ts'
import { type KeyTraffic, together } from '../../lib/key-traffic.ts'
import type { StageRef as Place } from '../stage/stage-ref.ts'
import { type KeyFinding, keyFindings } from './key-findings.ts'
import type { StageKeys, StoredKeys } from './stage-keys.ts'

/** What is known of one of the two keys; times are RFC 3339. */
type KeyLine = {
  readonly name: KeyName
  /** Its id; null where none is stored. */
  readonly id: string | null
  readonly storedAt: string | null
  /** Whether it may have been stored before that time, because it was not stored by this command. */
  readonly storedBefore: boolean
  /** When a delivery came in that was signed with it; null for none. */
  readonly lastSeenAt: string | null
  /** How many deliveries were signed with it. */
  readonly seen: number
}

export type KeyStatus = {
  /** From when on deliveries were looked at, as RFC 3339. */
  readonly since: string
  /** How many deliveries were accepted since. */
  readonly deliveries: number
  /** How many were refused because no key fitted. */
  readonly refused: number
  readonly keys: readonly KeyLine[]
  /** The rotation that is under way. */
  readonly rotation: Omit<KeyRotation, 'replaced'> | null
  readonly findings: readonly KeyFinding[]
}

export type KeyStatusOptions = {
  readonly place: Place
  /** How far to look back, in milliseconds. */
  readonly sinceMs: number
  /** How many deliveries are enough: the look back ends where there are so many. */
  readonly enough: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/**
 * Finds out how the signature keys of a place stand: since when each is stored, when it was last seen in traffic, and whether Box
 * signs with one that is not stored.
 * @throws AwsUnreachable, CommandError
 */
export async function readKeyStatus(keys: StageKeys, options: KeyStatusOptions): Promise<KeyStatus> {
  const stored = await keys.read()
  const { traffic, since } = await lookBack(keys, options)
  return keyStatus(stored, traffic, { since, place: options.place })
}

/** Looks back a little first, and further only where too few deliveries came in, for a busy stage writes many lines. */
export async function lookBack(
  keys: Pick<StageKeys, 'watch'>,
  { sinceMs, enough, now }: Pick<KeyStatusOptions, 'sinceMs' | 'enough' | 'now'>,
): Promise<{ readonly traffic: KeyTraffic; readonly since: number }> {
  const spans = [...LOOKS_MS.filter(ms => ms < sinceMs), sinceMs]
  for (const ms of spans) {
    const since = now() - ms
    const traffic = await keys.watch(since).read()
    if (ms === sinceMs || together(traffic.accepted).count >= enough) return { traffic, since }
  }
  throw new Error('There is no span to look back.')
}

const LOOKS_MS = [60_000, 600_000]

/** Judges what was read. */
function keyStatus(
  { secret, at }: Pick<StoredKeys, 'secret' | 'at'>,
  traffic: KeyTraffic,
  { since, place }: { readonly since: number; readonly place: Place },
): KeyStatus {
  const ids = keyIds(secret.keys)
  const lines = (['primary', 'secondary'] as const).map((name): KeyLine => {
    const id = ids[name]
    if (id === undefined)
      return { name, id: null, storedAt: null, storedBefore: false, lastSeenAt: null, seen: 0 }
    const told = secret.storedAt[id]
    const { count: seen, lastAt } = together(
      traffic.accepted.filter(({ signed }) => signed.primary === id || signed.secondary === id),
    )
    const storedAt = told ?? new Date(at).toISOString()
    return { name, id, storedAt, storedBefore: told === undefined, lastSeenAt: timeOf(lastAt), seen }
  })
  const { replaced: _, ...rotation } = secret.rotation ?? {}
  return {
    since: new Date(since).toISOString(),
    deliveries: together(traffic.accepted).count + traffic.untold.count,
    refused: traffic.refused.count,
    keys: lines,
    rotation: 'todo' in rotation ? rotation : null,
    findings: keyFindings(secret, traffic, place),
  }
}

const timeOf = (ms: number): string | null => (Number.isFinite(ms) ? new Date(ms).toISOString() : null)
