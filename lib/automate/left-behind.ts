/** How long code that was left behind is reckoned with after its function's time, in milliseconds. */
const RECKONED_MS = 300_000

/** The runs of a process whose code went on when it was told to stop: nothing is alone beside them. */
export type LeftBehind = {
  /**
   * Adds a run.
   * @param ended resolves when its code has ended, if it ever does
   * @param deadline of its function, in milliseconds since the epoch
   */
  add(ended: Promise<unknown>, deadline: number): void
  /** @param now milliseconds since the epoch */
  isEmpty(now: number): boolean
  /** Asks that the process begin nothing until this is empty, so that it becomes empty. */
  drain(): void
  /**
   * Says whether the process must begin nothing. It ends by itself: code is reckoned with for a time only.
   * @param now milliseconds since the epoch
   */
  isDraining(now: number): boolean
}

export function createLeftBehind(): LeftBehind {
  const untils = new Map<Promise<unknown>, number>()
  let draining = false
  const isEmpty = (now: number): boolean => [...untils.values()].every(until => until < now)
  return {
    add(ended, deadline) {
      untils.set(ended, deadline + RECKONED_MS)
      void ended.then(() => untils.delete(ended))
    },
    isEmpty,
    drain() {
      draining = true
    },
    isDraining(now) {
      draining &&= !isEmpty(now)
      return draining
    },
  }
}
