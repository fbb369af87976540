import type { Clock } from '../../lib/base/clock.ts'

/** A clock that stands still until it is moved; what is due by then is called back, in order. */
export type ManualClock = Clock & {
  advance(ms: number): void
  /** Moves without calling anything back, as for a process that is frozen or dead. */
  skip(ms: number): void
  /** Moves to the next thing that is due; false where nothing is. */
  advanceToNext(): boolean
}

export function manualClock(start: number): ManualClock {
  let now = start
  let timers: { at: number; callback: () => void }[] = []
  const nextDue = (until: number) => timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0]
  const fire = (timer: { at: number; callback: () => void }) => {
    timers = timers.filter(one => one !== timer)
    now = Math.max(now, timer.at)
    timer.callback()
  }
  return {
    now: () => now,
    after(ms, callback) {
      const timer = { at: now + ms, callback }
      timers.push(timer)
      return () => {
        timers = timers.filter(one => one !== timer)
      }
    },
    advance(ms) {
      const until = now + ms
      for (let timer = nextDue(until); timer; timer = nextDue(until)) fire(timer)
      now = until
    },
    skip(ms) {
      now += ms
    },
    advanceToNext() {
      const timer = nextDue(Number.POSITIVE_INFINITY)
      if (timer) fire(timer)
      return timer !== undefined
    },
  }
}
