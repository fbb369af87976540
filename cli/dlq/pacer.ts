import type { Shell } from '../terminal/shell.ts'

/** Waits until it is one's turn. */
export type Pacer = () => Promise<void>

/**
 * Lets so many through a second, at even distances and without catching up on time that was lost.
 * @param perSecond above 0
 * @param signal ends every wait at once
 */
export function createPacer(
  { now, sleep }: Pick<Shell, 'now' | 'sleep'>,
  perSecond: number,
  signal: AbortSignal,
): Pacer {
  const intervalMs = 1000 / perSecond
  let last = Number.NEGATIVE_INFINITY
  let next = last
  return async () => {
    const begun = now()
    // The clock was set back: what was planned by it would be a long wait.
    if (begun < last) next = begun
    last = begun
    const turn = Math.max(begun, next)
    next = turn + intervalMs
    if (turn > begun && !signal.aborted) await sleep(turn - begun, signal)
  }
}
