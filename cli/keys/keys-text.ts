import { keyIds } from '../../lib/ingest/key-fields.ts'
import type { KeyName } from '../../lib/ingest/signature.ts'
import type { RotationStep } from '../../lib/key-rotation.ts'
import { type KeyRotation, type KeySecret, OTHER } from '../../lib/key-secret.ts'
import {
  type StageRef as Place,
  formatStageFlags as placeFlags,
  formatStage as placeText,
} from '../stage/stage-ref.ts'
import { count } from '../terminal/progress.ts'

/** What is about to be done. */
export const beginText = ({ todo }: Pick<KeyRotation, 'todo'>, place: Place): string =>
  `Begun: ${todo.length === 1 ? `the ${todo[0]} key of ${placeText(place)} is replaced` : `both keys of ${placeText(place)} are replaced, the ${todo[0]} one first`}. Leave at any time; ${goOnText(place)} goes on.`

/** What is to be done now to get a new key. */
export function resetText(
  place: Place,
  { todo }: Pick<KeyRotation, 'todo'>,
  { isReset }: { readonly isReset: boolean },
): string {
  const [slot, next] = todo
  const which = next === undefined ? 'The last key' : 'The first of two keys'
  const lines = [
    `${which}: the ${slot} one.`,
    ...('stage' in place
      ? [
          `  1. In Box's Developer Console open the app, then Webhooks, Manage signature keys, and reset the ${slot.toUpperCase()} key.`,
          `     Leave the ${OTHER[slot]} one alone: deliveries stand on it until the new one has been seen at work.`,
          '  2. Copy the new key and enter it here. Nothing of it is shown.',
        ]
      : [
          `  1. Here the emulated Box stands in for Box's Developer Console. Reset the ${slot.toUpperCase()} key in it:`,
          `       curl -s http://localhost:${place.port}/_local/actions/reset-key -d '{"key":"${slot}"}'`,
          '  2. Copy what stands after "key" in the answer and enter it here. Nothing of it is shown.',
        ]),
  ]
  return isReset
    ? [
        ...lines,
        `Box signs with a ${slot} key that is not stored here, so that one has been reset already: copy what is there.`,
      ].join('\n')
    : lines.join('\n')
}

/** How far the watching has come. */
export function waitText(step: Extract<RotationStep, { kind: 'wait' }>, now: number): string {
  const { slot, seen, against, early, readyAt } = step
  const told = [
    `${count(seen)} ${seen === 1 ? 'delivery' : 'deliveries'} signed with the new ${slot} key`,
    ...(against > 0 ? [`${count(against)} not (yet)`] : []),
    ...(early > 0 ? [`${count(early)} where the new key was not fetched yet`] : []),
  ]
  return `${told.join(', ')}; ${seen === 0 ? 'waiting for the first' : `${spanText((readyAt - now) / 1000)} to go`}`
}

/** How traffic can be caused where there is none. */
export const trafficHint = (place: Place): string =>
  'stage' in place
    ? `To cause a delivery, do something that an automation listens for, such as uploading a file into a watched folder (npx boxhooks automations --stage ${place.stage} lists them).`
    : `To cause a delivery, download contract.pdf on the page: http://localhost:${place.port}`

export const crossedText = (slot: KeyName): string =>
  `The new key signs the ${OTHER[slot]} header: the ${OTHER[slot]} key was reset instead of the ${slot} one. No delivery was refused. It is stored as ${OTHER[slot]} now, and the ${slot} key that it had replaced is back; that one comes next.`

export const turnedText = (slot: KeyName): string =>
  `Box signs with a ${OTHER[slot]} key that is not stored here: the ${OTHER[slot]} key was reset instead of the ${slot} one. No delivery was refused, since the ${slot} key still fits. So the ${OTHER[slot]} key comes first.`

export function wrongText({ slot, refused }: Extract<RotationStep, { kind: 'wrong' }>): string {
  const told =
    refused > 0
      ? `and the ${OTHER[slot]} key does not fit them either, so they were refused (${count(refused)}). What was stored before is back. Box delivers again what was refused, for about two hours.`
      : `It was taken out again; no delivery was refused, since the ${OTHER[slot]} key fits.`
  return `Box does not sign with the key that was entered: since it is stored, deliveries have come in that it does not fit. ${told} Usual causes: it was not copied whole, the key of another app was copied, the key was not reset, or reset twice.`
}

export function readyText({ keys }: KeySecret, rotation: KeyRotation, seen: number): string {
  const [slot, next] = rotation.todo
  const fresh = `the new ${slot} key ${keyIds(keys)[slot] ?? ''}`
  const shown = `${count(seen)} ${seen === 1 ? 'delivery' : 'deliveries'} signed with it`
  return next === undefined
    ? `Retired: ${fresh} is in use (${shown}), and what it replaced is accepted nowhere any more.`
    : `Promoted: ${fresh} is in use (${shown}), and deliveries can stand on it alone. The ${next} key can be reset.`
}

/** Some time to come, as people read it. */
export const spanText = (seconds: number): string =>
  seconds < 120 ? `${Math.max(0, Math.ceil(seconds))} s` : `${Math.ceil(seconds / 60)} min`

/** The command that goes on. */
export const goOnText = (place: Place): string => `npx boxhooks keys rotate ${placeFlags(place)}`
