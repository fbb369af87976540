import type { KeyName } from '../../lib/ingest/signature.ts'
import { nextStep } from '../../lib/key-rotation.ts'
import { ended, type KeySecret, movedOver, OTHER, takenBack } from '../../lib/key-secret.ts'
import { type StageRef as Place, formatStage as placeText } from '../stage/stage-ref.ts'
import { confirm } from '../terminal/confirm.ts'
import type { Shell } from '../terminal/shell.ts'
import { goOnText } from './keys-text.ts'
import type { StageKeys } from './stage-keys.ts'

/**
 * Ends the rotation that is under way, so that deliveries pass as they do at this moment. What was reset at Box stays reset: a new key
 * is kept where nothing speaks against it, and goes where the traffic shows that it belongs.
 * @throws CommandError, KeysChanged, AwsUnreachable
 */
export async function abort(
  shell: Shell,
  keys: StageKeys,
  options: {
    readonly place: Place
    readonly yes?: boolean
    readonly say: (text: string) => Promise<unknown>
  },
): Promise<void> {
  const { place, say } = options
  const before = await keys.read()
  const { rotation } = before.secret
  if (!rotation) {
    await say(`No rotation of ${placeText(place)} is under way; nothing was changed.`)
    return
  }
  const now = shell.now()
  const traffic = await keys.watch(now - BACK_MS).read()
  const step = nextStep(before.secret, traffic, now)
  const [slot] = rotation.todo
  const outcome = outcomeOf(step?.kind, before.secret, slot, now)
  await say(`${outcome.text}\n${standsText(step, slot, place)}`)
  if (!options.yes)
    await confirm(shell, 'End the rotation?', 'Nobody is there to ask, so nothing was changed. Say --yes.')
  await keys.write(before, ended(outcome.secret))
  await say('Ended.')
}

const BACK_MS = 3_600_000

type Outcome = { readonly secret: KeySecret; readonly text: string }

function outcomeOf(kind: string | undefined, secret: KeySecret, slot: KeyName, now: number): Outcome {
  if (kind === 'crossed')
    return {
      secret: movedOver(secret),
      text: `The new key is kept as ${OTHER[slot]}, for that one was reset, and the ${slot} key before is put back.`,
    }
  if (kind === 'wrong')
    return {
      secret: takenBack(secret, now),
      text: `Box does not sign with the new ${slot} key that is stored, so the one before is put back.`,
    }
  if (secret.rotation?.phase === 'seen') return { secret, text: `The new ${slot} key stays stored.` }
  return { secret, text: 'Both keys stay as they are stored.' }
}

/** Says what is left to be done by hand. */
function standsText(step: ReturnType<typeof nextStep>, slot: KeyName, place: Place): string {
  if (step?.kind === 'reset' && step.isReset)
    return `But Box signs with a ${slot} key that is not stored here. Deliveries stand on the ${OTHER[slot]} key alone, until ${goOnText(place)} --only ${slot} stores it.`
  if (step?.kind === 'turned')
    return `But Box signs with a ${OTHER[slot]} key that is not stored here. Deliveries stand on the ${slot} key alone, until ${goOnText(place)} --only ${OTHER[slot]} stores it.`
  return "Deliveries go on passing. What was reset in the Developer Console can't be taken back there."
}
