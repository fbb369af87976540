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
    const timer = setTimeout(callback, ms)
    return () => clearTimeout(timer)
  },
}
