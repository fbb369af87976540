import { parseObject } from './base/json.ts'
import { type KeysSeen, readKeyFields } from './ingest/key-fields.ts'

/** How often something was seen, and when, in milliseconds since the epoch. */
export type Tally = { readonly count: number; readonly firstAt: number; readonly lastAt: number }

/** What ingest's log says of signature keys: few numbers, however many deliveries there were. */
export type KeyTraffic = {
  /** Accepted deliveries, those together that were signed with the same keys while the same keys were held. */
  readonly accepted: readonly (KeysSeen & Tally)[]
  /** Accepted deliveries of which the log does not tell the keys: ingest is of an older version. */
  readonly untold: Tally
  /** Deliveries that none of the keys fitted. */
  readonly refused: Tally
  /** How often ingest could not read the keys. */
  readonly unavailable: Tally
}

/** Sums up what ingest writes, line by line. */
export type KeyTrafficLog = {
  /**
   * @param text a line of ingest's log
   * @param at when CloudWatch has it from, in milliseconds since the epoch
   */
  take(text: string, at: number): void
  readonly traffic: KeyTraffic
}

/** The events of ingest's log that are looked at. */
export const KEY_EVENTS = ['delivery_accepted', 'delivery_refused', 'signature_keys_unavailable'] as const

const NEVER: Tally = { count: 0, firstAt: Number.POSITIVE_INFINITY, lastAt: Number.NEGATIVE_INFINITY }

export function createKeyTraffic(): KeyTrafficLog {
  const accepted = new Map<string, KeysSeen & Tally>()
  let untold = NEVER
  let refused = NEVER
  let unavailable = NEVER
  return {
    take(text, at) {
      const line = parseObject(text)
      if (!line) return
      if (line.event === 'signature_keys_unavailable') unavailable = counted(unavailable, at)
      if (line.event === 'delivery_refused' && line.code === 'signature_mismatch')
        refused = counted(refused, at)
      if (line.event !== 'delivery_accepted' || line.origin === 'v1') return
      const seen = readKeyFields(line)
      if (!seen) {
        untold = counted(untold, at)
        return
      }
      const id = `${line.signedWith} ${line.keysHeld}`
      accepted.set(id, { ...seen, ...counted(accepted.get(id) ?? NEVER, at) })
    },
    get traffic() {
      return { accepted: [...accepted.values()], untold, refused, unavailable }
    },
  }
}

const counted = ({ count, firstAt, lastAt }: Tally, at: number): Tally => ({
  count: count + 1,
  firstAt: Math.min(firstAt, at),
  lastAt: Math.max(lastAt, at),
})

/** Adds tallies up. */
export const together = (tallies: readonly Tally[]): Tally =>
  tallies.reduce(
    (sum, { count, firstAt, lastAt }) => ({
      count: sum.count + count,
      firstAt: Math.min(sum.firstAt, firstAt),
      lastAt: Math.max(sum.lastAt, lastAt),
    }),
    NEVER,
  )
