/** The steps and Box calls that a run has begun and that have not ended. */
export type UnderWay = {
  /** Their names, as an author wrote them; the oldest first. */
  readonly names: readonly string[]
  /**
   * Follows a call to its end.
   * @returns what the author awaits; where nothing does, its rejection counts as unhandled
   */
  follow<R>(name: string, call: Promise<R>): Promise<R>
  /** Waits until nothing is under way; what begins after that is not followed any more. */
  close(): Promise<void>
  readonly closed: boolean
}

export function createUnderWay(): UnderWay {
  const calls = new Map<object, { readonly name: string; readonly end: Promise<unknown> }>()
  let closed = false
  return {
    get closed() {
      return closed
    },
    get names() {
      return [...calls.values()].map(({ name }) => name)
    },
    follow(name, call) {
      const key = {}
      const followed = call.finally(() => calls.delete(key))
      calls.set(key, { name, end: call })
      return followed
    },
    async close() {
      while (calls.size > 0) await Promise.allSettled([...calls.values()].map(({ end }) => end))
      closed = true
    },
  }
}

/**
 * Wraps a client so that each of its calls is followed, those of a client that it makes for another user as well.
 * @param name what an author calls the client
 */
export function followCalls<C extends object>(
  client: C,
  name: string,
  { follow }: Pick<UnderWay, 'follow'>,
): C {
  const within = (value: unknown, path: string): unknown =>
    value instanceof Object && !(value instanceof Promise) ? followCalls(value, path, { follow }) : value
  return new Proxy(client, {
    get: (target, property) => within(Reflect.get(target, property), `${name}.${String(property)}`),
    apply(target, self, args) {
      const fn: unknown = target
      const made: unknown = typeof fn === 'function' ? Reflect.apply(fn, self, args) : undefined
      return made instanceof Promise ? follow(`${name}()`, made) : within(made, `${name}()`)
    },
  })
}

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
