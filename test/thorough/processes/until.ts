import { setTimeout as delay } from 'node:timers/promises'

const POLL_MS = 20

/**
 * Waits for a condition.
 * @param what what is waited for, to be named where it does not come
 * @throws Error after `ms` milliseconds
 */
export async function until(
  what: string,
  ms: number,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = Date.now() + ms
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`Waited ${ms} ms in vain until ${what}.`)
    await delay(POLL_MS)
  }
}
