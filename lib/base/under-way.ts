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
