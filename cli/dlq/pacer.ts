import { setTimeout as delay } from 'node:timers/promises'

/** Waits until it is one's turn. */
export type Pacer = () => Promise<void>

/**
 * Lets so many through a second, at even distances and without catching up on time that was lost.
 * @param perSecond above 0
 * @param signal ends every wait at once
 */
export function createPacer(perSecond: number, signal: AbortSignal): Pacer {
  let next = 0
  return async () => {
    const now = performance.now()
    const turn = Math.max(now, next)
    next = turn + 1000 / perSecond
    if (turn <= now || signal.aborted) return
    await delay(turn - now, undefined, { signal }).catch(() => {})
  }
}
