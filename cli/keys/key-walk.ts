import { keyId, keyIds } from '../../lib/ingest/key-fields.ts'
import type { KeyName } from '../../lib/ingest/signature.ts'
import { beginning, latestWith, nextStep, type RotationStep } from '../../lib/key-rotation.ts'
import {
  begun,
  type KeyRotation,
  type KeySecret,
  movedOver,
  OTHER,
  promoted,
  stored,
  takenBack,
  turned,
} from '../../lib/key-secret.ts'
import type { KeyTraffic } from '../../lib/key-traffic.ts'
import { type StageRef as Place, formatStage as placeText } from '../stage/stage-ref.ts'
import { CommandError } from '../terminal/command-error.ts'
import type { Shell } from '../terminal/shell.ts'
import { lookBack } from './key-status.ts'
import {
  beginText,
  crossedText,
  goOnText,
  readyText,
  resetText,
  spanText,
  turnedText,
  waitText,
  wrongText,
} from './keys-text.ts'
import { KeysChanged, type KeyWatch, type StageKeys, type StoredKeys } from './stage-keys.ts'
import type { WaitLine } from './wait-line.ts'

export type WalkParts = {
  readonly keys: StageKeys
  readonly place: Place
  readonly only?: KeyName | undefined
  /** Milliseconds. */
  readonly settleMs: number
  /** How long traffic is waited for, in milliseconds; 0 only looks once. */
  readonly timeoutMs: number
  /** How often the traffic is looked at, in milliseconds. */
  readonly lookMs: number
  readonly by: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly sleep: Shell['sleep']
  readonly signal: AbortSignal
  readonly say: (text: string) => Promise<unknown>
  readonly line: WaitLine
  /**
   * Gets the new key.
   * @returns undefined where nobody gives one now
   */
  readonly askKey: (slot: KeyName, secret: KeySecret) => Promise<string | undefined>
}

/**
 * Where a rotation was left: over, ended by somebody else, for the next key to be given, for traffic to come, or because somebody
 * stopped.
 */
export type WalkEnd = 'done' | 'ended' | 'key' | 'traffic' | 'stopped'

/** How often the same version may be found changed: Secrets Manager may show it for a while after it was changed. */
const REFUSALS_MAX = 5
const STUCK =
  'Secrets Manager refuses to put anything in the place of the signature keys, although nobody else changes them. Nothing was stored, and deliveries pass as before. See which of its versions has the label AWSCURRENT: aws secretsmanager list-secret-version-ids --secret-id with the stack’s output SignatureKeysSecretArn. Where none has it, store both keys anew: npx boxhooks secrets set signature-keys. Then repeat this command.'

/** How far back the traffic is looked at, in milliseconds: for what a key has done, and for whether one was reset. */
const BACK_MS = 3_600_000
const RESET_BACK_MS = 600_000

/**
 * Walks a rotation on from where it is, or begins one, until it is over or can't go on. Each step is one write to the secret, so the
 * walk can be cut off anywhere, and another takes it up.
 * @throws CommandError, AwsUnreachable
 */
export async function walkRotation(parts: WalkParts): Promise<WalkEnd> {
  const { keys, now, sleep, signal, line, say, lookMs } = parts
  let look: Look | undefined
  let before: StoredKeys | undefined
  /** The version in whose place nothing could be put, and how often. */
  let refused = { version: '', times: 0 }
  while (!signal.aborted) {
    try {
      before = await keys.read()
      const { rotation } = before.secret
      if (!rotation && look) return 'ended'
      if (!rotation) {
        if (!(await begin(parts, before))) return signal.aborted ? 'stopped' : 'traffic'
        continue
      }
      const phase = `${rotation.phase} ${rotation.todo[0]} ${rotation.since}`
      if (look?.phase !== phase) {
        line.end()
        look = { phase, watch: keys.watch(watchFrom(rotation, now())), since: now() }
      }
      const end = await goOn(parts, { before, rotation, look })
      if (end) return end
    } catch (error) {
      if (!(error instanceof KeysChanged)) throw error
      const version = before?.version ?? ''
      refused = { version, times: version === refused.version ? refused.times + 1 : 1 }
      if (refused.times === REFUSALS_MAX) throw new CommandError(STUCK)
      if (refused.times > 1) await sleep(lookMs, signal)
      else await say('Somebody else has changed the signature keys in the meantime; going on from there.')
    }
  }
  return 'stopped'
}

/** The traffic of one phase. */
type Look = {
  readonly phase: string
  readonly watch: KeyWatch
  /** Since when it is looked at, in milliseconds since the epoch. */
  readonly since: number
}

const watchFrom = ({ phase, since }: KeyRotation, now: number): number =>
  phase === 'seen' ? Math.max(Date.parse(since), now - BACK_MS) : now - RESET_BACK_MS

type Now = { readonly before: StoredKeys; readonly rotation: KeyRotation; readonly look: Look }

/** @returns where the walk ends for now; undefined where it goes on */
async function goOn(parts: WalkParts, { before, rotation, look }: Now): Promise<WalkEnd | undefined> {
  const { keys, place, now, say, line, settleMs, timeoutMs } = parts
  const { secret } = before
  const step = nextStep(secret, await look.watch.read(), now(), settleMs)
  if (!step) return 'ended'
  const change = changeBy(step, secret, rotation, now())
  if (change) {
    line.end()
    await keys.write(before, change.secret)
    await say(change.text)
    return change.secret.rotation ? undefined : 'done'
  }
  if (step.kind === 'reset') {
    await say(resetText(place, rotation, step))
    return storeNew(parts, step.slot, look.watch)
  }
  const text = step.kind === 'wait' ? waitText(step, now()) : UNPROVEN
  return wait(parts, text, look.since + timeoutMs + (step.kind === 'wait' ? settleMs : 0))
}

const UNPROVEN = 'Waiting for a delivery that shows which of the stored keys Box signs with'

type Change = { readonly secret: KeySecret; readonly text: string }

/** What follows from a step that needs nobody: the secret as it is to be, and what to say. */
function changeBy(
  step: RotationStep,
  secret: KeySecret,
  rotation: KeyRotation,
  at: number,
): Change | undefined {
  switch (step.kind) {
    case 'turned':
      return { secret: turned(secret, at), text: turnedText(step.slot) }
    case 'crossed':
      return { secret: movedOver(secret), text: crossedText(step.slot) }
    case 'wrong':
      return { secret: takenBack(secret, at), text: wrongText(step) }
    case 'ready':
      return { secret: promoted(secret, at), text: readyText(secret, rotation, step.seen) }
    default:
      return undefined
  }
}

/** Stores the new key, under the name of the one that was reset as far as the traffic tells by then. */
async function storeNew(parts: WalkParts, slot: KeyName, watch: KeyWatch): Promise<WalkEnd | undefined> {
  const { keys, now, say, settleMs, signal } = parts
  const key = await parts.askKey(slot, (await keys.read()).secret)
  if (key === undefined) return signal.aborted ? 'stopped' : 'key'
  const before = await keys.read()
  const step = nextStep(before.secret, await watch.read(), now(), settleMs)
  if (step?.kind !== 'reset' && step?.kind !== 'turned') throw new KeysChanged()
  const isTurned = step.kind === 'turned'
  if (isTurned) await say(turnedText(slot))
  const secret = stored(isTurned ? turned(before.secret, now()) : before.secret, key, now())
  await keys.write(before, secret)
  await say(`Stored as ${isTurned ? OTHER[slot] : slot}: key ${keyId(key)}. Nothing needs a restart.`)
  return undefined
}

/** Begins a rotation as soon as the traffic shows that it can. @returns whether it has begun */
async function begin(parts: WalkParts, before: StoredKeys): Promise<boolean> {
  const { keys, place, only, settleMs, by, now, say, line, signal } = parts
  const { primary, secondary } = before.secret.keys
  if (!primary && !secondary)
    throw new CommandError(
      `No signature key of ${placeText(place)} is stored yet, so there is none to be replaced. Store both first: npx boxhooks secrets set signature-keys`,
    )
  const until = now() + parts.timeoutMs
  while (!signal.aborted) {
    const { traffic } = await lookBack(keys, { sinceMs: BACK_MS, enough: 1, now })
    const found = beginning(before.secret, traffic, { only, storedAt: before.at, settleMs })
    if (found && found.from <= now()) {
      line.end()
      await keys.write(before, begun(found.secret, { by, todo: found.todo, at: now() }))
      await say(beginText(found, place))
      return true
    }
    if (!found) refuseToBegin(parts, traffic, before.secret)
    const text = found
      ? `A key was stored a short while ago; the rotation can begin in ${spanText((found.from - now()) / 1000)}`
      : UNPROVEN
    if (await wait(parts, text, found ? Math.max(until, found.from + parts.lookMs) : until)) return false
  }
  return false
}

/** Says why a rotation can't begin where waiting would not help. */
function refuseToBegin(
  { only, place }: WalkParts,
  { accepted, untold }: KeyTraffic,
  secret: KeySecret,
): void {
  if (only && latestWith(keyIds(secret.keys), { accepted }))
    throw new CommandError(
      `The ${only} key can't be replaced now: Box does not sign with the ${OTHER[only]} key that is stored, so every delivery would be refused from the reset on. Replace the ${OTHER[only]} key first: ${goOnText(place)} --only ${OTHER[only]}`,
    )
  if (accepted.length === 0 && untold.count > 0)
    throw new CommandError(
      `Deliveries come in, but ${placeText(place)} runs a version of boxhooks that does not log which key signed them, so a rotation can't be watched. Deploy it again first: npm run deploy`,
    )
}

/** @returns where the walk ends, if it has been waited for long enough */
async function wait(parts: WalkParts, text: string, until: number): Promise<WalkEnd | undefined> {
  const { line, now, sleep, signal, timeoutMs, lookMs } = parts
  line.tell(text)
  if (timeoutMs === 0 || now() >= until) {
    line.end()
    return 'traffic'
  }
  await sleep(lookMs, signal)
  if (signal.aborted) line.end()
  return undefined
}
