import { ingest } from '../../lib/ingest/ingest.ts'
import type { KeyName, SignatureKeys } from '../../lib/ingest/signature.ts'
import { createKeyring } from '../../lib/ingest/signature-keys.ts'
import { beginning, nextStep, type RotationStep, SETTLE_MS } from '../../lib/key-rotation.ts'
import {
  begun,
  type KeySecret,
  keySecretText,
  movedOver,
  OTHER,
  promoted,
  readKeySecret,
  stored,
  takenBack,
  turned,
} from '../../lib/key-secret.ts'
import { createKeyTraffic } from '../../lib/key-traffic.ts'
import { createLog } from '../../lib/log/log.ts'
import { countedIds } from './counted-ids.ts'
import { deliveryOf } from './deliveries.ts'

export type Mistake = 'none' | 'other key reset' | 'wrong key entered'

/** What can happen next. */
export type Happening =
  | { readonly kind: 'advance'; readonly seconds: number }
  /** Box sends a delivery, which arrives after a while at one of the instances. */
  | { readonly kind: 'send'; readonly delaySeconds: number; readonly instance: number }
  /** Somebody runs the command as far as it comes at once, with a mistake or without. */
  | { readonly kind: 'operate'; readonly mistake: Mistake }
  /** The function's instances are started anew. */
  | { readonly kind: 'restart'; readonly instance: number }
  /** Secrets Manager is not to be reached, or is again. */
  | { readonly kind: 'outage'; readonly on: boolean }

/** What a wrong guide would do otherwise. */
export type Guide = {
  /** What it makes of a step. */
  readonly bend?: (step: RotationStep) => RotationStep
  readonly settleMs?: number
  /** Whether it tells the operator to reset both keys at once. */
  readonly resetsBoth?: boolean
}

export type Outcome = {
  readonly statuses: readonly number[]
  readonly isOver: boolean
  readonly ours: SignatureKeys
  readonly box: SignatureKeys
  readonly rotations: number
}

const START = Date.parse('2026-11-23T10:00:00Z')
const INSTANCES = 3

/**
 * Plays a rotation: Box, which signs with two keys, instances of ingest with their caches, deliveries that take up to ten minutes, and
 * operators who keep nothing in mind but the key that Box shows them. At the end calm is restored, and an operator goes on to the end.
 */
export async function play(happenings: readonly Happening[], guide: Guide = {}): Promise<Outcome> {
  const { settleMs = SETTLE_MS, bend = step => step, resetsBoth = false } = guide
  let now = START
  let made = 0
  const fresh = (): string => {
    made += 1
    return `key-${made}-0123456789abcdef`
  }
  let box: Record<KeyName, string> = { primary: fresh(), secondary: fresh() }
  let secret = keySecretText({ keys: { ...box }, storedAt: {} })
  let isDown = false
  let rotations = 0
  /** What the Developer Console has generated and nobody has stored yet. */
  let generated: string | undefined
  const seen = createKeyTraffic()
  const newId = countedIds('delivery')
  const statuses: number[] = []
  const underWay: { readonly at: number; readonly arrive: () => Promise<void> }[] = []

  const readSecret = async () => {
    if (isDown) throw new Error('connect ECONNREFUSED')
    return secret
  }
  const start = () => createKeyring({ readSecret, now: () => now })
  const keyrings = Array.from({ length: INSTANCES }, start)
  const log = createLog({ now: () => now, write: line => seen.take(line, now) })

  const send = (delaySeconds: number, instance: number): void => {
    const delivery = deliveryOf(box, now, newId())
    underWay.push({
      at: now + delaySeconds * 1000,
      async arrive() {
        const keyring = keyrings[instance % INSTANCES] ?? start()
        const queue = { send: async () => {} }
        const { status } = await ingest(delivery, { keyring, queue, log, now: () => now })
        statuses.push(status)
      },
    })
  }
  const advance = async (ms: number): Promise<void> => {
    const until = now + ms
    for (;;) {
      const due = underWay.filter(({ at }) => at <= until).sort((one, other) => one.at - other.at)[0]
      if (!due) break
      underWay.splice(underWay.indexOf(due), 1)
      now = Math.max(now, due.at)
      await due.arrive()
    }
    now = until
  }
  const reset = (name: KeyName): void => {
    generated = fresh()
    box = { ...box, [name]: generated }
  }
  /** What the command would store now; undefined where it would only wait, or where the operator is at the Developer Console. */
  const decided = (mistake: Mistake): KeySecret | undefined => {
    const before = readKeySecret(secret)
    if (!before.rotation) {
      const found = beginning(before, seen.traffic, { storedAt: START - SETTLE_MS, settleMs })
      if (!found || found.from > now) return undefined
      rotations += 1
      return begun(found.secret, { by: 'test', todo: found.todo, at: now })
    }
    const found = nextStep(before, seen.traffic, now, settleMs)
    const step = found && bend(found)
    switch (step?.kind) {
      case 'turned':
        return turned(before, now)
      case 'crossed':
        return movedOver(before)
      case 'wrong':
        return takenBack(before, now)
      case 'ready':
        generated = undefined
        return promoted(before, now)
      case 'reset': {
        if (generated !== undefined) return stored(before, entered(step.slot, generated, mistake), now)
        if (resetsBoth) reset(OTHER[step.slot])
        reset(mistake === 'other key reset' ? OTHER[step.slot] : step.slot)
        return undefined
      }
      default:
        return undefined
    }
  }
  /** Whoever has reset the other key and enters a wrong one as well has made two mistakes. */
  const entered = (slot: KeyName, key: string, mistake: Mistake): string =>
    mistake === 'wrong key entered' && box[slot] === key ? fresh() : key
  const operate = (mistake: Mistake): void => {
    const next = isDown ? undefined : decided(mistake)
    if (next) secret = keySecretText(next)
  }

  for (const happening of happenings) {
    if (happening.kind === 'advance') await advance(happening.seconds * 1000)
    if (happening.kind === 'send') send(happening.delaySeconds, happening.instance)
    if (happening.kind === 'operate') operate(happening.mistake)
    if (happening.kind === 'restart') keyrings[happening.instance % INSTANCES] = start()
    if (happening.kind === 'outage') isDown = happening.on
  }
  isDown = false
  for (let round = 0; round < 60 && (rotations === 0 || readKeySecret(secret).rotation); round += 1) {
    send(0, round)
    await advance(130_000)
    operate('none')
  }
  await advance(600_000)
  const { keys, rotation } = readKeySecret(secret)
  return { statuses, isOver: rotation === undefined, ours: keys, box, rotations }
}
