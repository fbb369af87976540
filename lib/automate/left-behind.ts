/** How long code that was left behind is reckoned with after its function's time, in milliseconds. */
const RECKONED_MS = 300_000

/** How long an event may take to come back once nothing is left behind any more, in milliseconds. */
const COMES_MS_MAX = 60_000

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
  /**
   * Reserves the process for an event that must be alone, unless another event has it. The reservation ends by itself
   * where the event does not come: code is reckoned with for a time only.
   * @param now milliseconds since the epoch
   */
  reserve(eventId: string, now: number): void
  /**
   * Returns the only event that the process may begin; undefined where it may begin any.
   * @param now milliseconds since the epoch
   */
  reservedFor(now: number): string | undefined
  /** Ends the reservation. */
  release(): void
}

export function createLeftBehind(): LeftBehind {
  const untils = new Map<Promise<unknown>, number>()
  let reservation: { readonly eventId: string; readonly until: number } | undefined
  const reservedFor = (now: number): string | undefined =>
    reservation && now < reservation.until ? reservation.eventId : undefined
  return {
    add(ended, deadline) {
      untils.set(ended, deadline + RECKONED_MS)
      void ended.then(() => untils.delete(ended))
    },
    isEmpty: now => [...untils.values()].every(until => until < now),
    reserve(eventId, now) {
      if ((reservedFor(now) ?? eventId) !== eventId) return
      reservation = { eventId, until: Math.max(now, ...untils.values()) + COMES_MS_MAX }
    },
    reservedFor,
    release() {
      reservation = undefined
    },
  }
}
