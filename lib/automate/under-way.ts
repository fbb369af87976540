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
