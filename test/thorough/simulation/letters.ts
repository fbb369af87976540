/** Counts dead letters, and how many of one failure there may be. */
export class Letters {
  readonly #sendsMax: number
  readonly #copies = new Map<string, number>()
  readonly #letters = new Map<string, number>()

  /** @param sendsMax how often a message can be sent for one that was asked for: an SDK tries again where an answer is lost */
  constructor(sendsMax: number) {
    this.#sendsMax = sendsMax
  }

  /** A message of an event was put on the queue. */
  queued(eventId: string): void {
    this.#copies.set(eventId, (this.#copies.get(eventId) ?? 0) + 1)
  }

  /**
   * Counts a letter.
   * @param failure what it is for; a run, or the event as a whole
   * @param disturbances how often a worker of the event was lost
   */
  count(
    eventId: string,
    failure: { readonly run: string | undefined; readonly redrives: number },
    disturbances: number,
  ): { readonly count: number; readonly most: number } {
    const key = `${eventId} ${failure.run ?? ''} ${failure.redrives}`
    const count = 1 + (this.#letters.get(key) ?? 0)
    this.#letters.set(key, count)
    // Nothing holds a lease on what can't be read, so two copies can meet.
    const once = failure.run === undefined ? 2 * (this.#copies.get(eventId) ?? 0) : 1
    return { count, most: (once + disturbances) * this.#sendsMax }
  }
}
