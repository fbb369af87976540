import type { Clock } from '../../../lib/base/clock.ts'

/** What Box does only at times. All of it is off by default, and can be changed while the emulated Box runs. */
export type Conditions = {
  /**
   * For how long new content can't be downloaded, in milliseconds: Box answers 202 with `retry-after` meanwhile.
   * @see https://developer.box.com/guides/downloads/file/
   */
  contentDelayMs: number
  /**
   * How long a change takes, in milliseconds. Meanwhile Box refuses what gets in its way: see OngoingChanges.
   * @see https://developer.box.com/guides/api-calls/permissions-and-errors/common-errors/ (409)
   */
  changeMs: number
  /** How long the answer of the token endpoint takes, in milliseconds. */
  tokenDelayMs: number
  /** How long a token lives, in seconds: its `expires_in`. */
  tokenLifeSeconds: number
}

/** Box on a usual day. A token lives for an hour, as Box's guide on tokens has it. */
export const USUAL: Readonly<Conditions> = {
  contentDelayMs: 0,
  changeMs: 0,
  tokenDelayMs: 0,
  tokenLifeSeconds: 3600,
}

/** Waits a number of milliseconds, or until the emulated Box is closed. */
export async function pause(clock: Clock, ms: number, closing: AbortSignal): Promise<void> {
  if (ms <= 0 || closing.aborted) return
  const { promise, resolve } = Promise.withResolvers<void>()
  const cancel = clock.after(ms, resolve)
  const stop = () => {
    cancel()
    resolve()
  }
  closing.addEventListener('abort', stop, { once: true })
  await promise
  closing.removeEventListener('abort', stop)
}
