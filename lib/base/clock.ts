/** Time as the engine sees it, so that a test or a simulation can drive it. */
export type Clock = {
  /** Milliseconds since the epoch. */
  now(): number
  /** Calls back once after a number of milliseconds; the returned function cancels it. */
  after(ms: number, callback: () => void): () => void
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, callback) {
    // A time that is over by now is due at once; Node would warn of it.
    const timer = setTimeout(callback, Math.max(0, ms))
    return () => clearTimeout(timer)
  },
}
