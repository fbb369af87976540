import { setTimeout as delay } from 'node:timers/promises'
import { systemClock } from '../../../lib/base/clock.ts'

/** How long anything may take, in milliseconds, before it counts as not happening. */
const PATIENCE_MS = 30_000

/** The automation of the repository, which the stack runs. */
export const AUTOMATION = 'remove-shared-link-after-download'

/** The keys and the application of the emulated Box. */
export const KEYS = { primary: 'moto-primary-key', secondary: 'moto-secondary-key' }
export const BOX_APP = { clientId: 'local-client', clientSecret: 'local-secret', enterpriseId: '1' }

/** What is undone when all is over, the last first. */
export const undo: (() => Promise<unknown>)[] = []

/** Tells what has been shown. */
export function say(what: string): void {
  console.log(`✔ ${what}`)
}

/**
 * Waits until something holds.
 * @throws Error where it does not in time
 */
export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = systemClock.now() + PATIENCE_MS
  while (!(await holds())) {
    if (systemClock.now() > deadline) throw new Error(`It did not happen that ${what}.`)
    await delay(100)
  }
}
