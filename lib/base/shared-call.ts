type UnderWay<R> = {
  readonly result: Promise<R>
  readonly stop: AbortController
  waiting: number
}

/**
 * A call that is made once for all who want its result at the same time. Who stops waiting does not stop it for the others;
 * once none waits any more, its signal aborts.
 */
export class SharedCall<R> {
  #underWay: UnderWay<R> | undefined

  /**
   * Waits for the call that is under way, or makes it.
   * @param signal ends the waiting of this caller alone
   * @throws the signal's reason once it has aborted, and what the call throws
   */
  async join(signal: AbortSignal | undefined, make: (signal: AbortSignal) => Promise<R>): Promise<R> {
    signal?.throwIfAborted()
    this.#underWay ??= this.#begin(make)
    const call = this.#underWay
    call.waiting += 1
    try {
      return await (signal ? unlessAborted(call.result, signal) : call.result)
    } finally {
      call.waiting -= 1
      if (call.waiting === 0) {
        this.#forget(call)
        call.stop.abort()
      }
    }
  }

  #begin(make: (signal: AbortSignal) => Promise<R>): UnderWay<R> {
    const stop = new AbortController()
    const call = { result: make(stop.signal), stop, waiting: 0 }
    const over = () => this.#forget(call)
    call.result.then(over, over)
    return call
  }

  #forget(call: UnderWay<R>): void {
    if (this.#underWay === call) this.#underWay = undefined
  }
}

function unlessAborted<R>(result: Promise<R>, signal: AbortSignal): Promise<R> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const stop = () => reject(signal.reason)
  signal.addEventListener('abort', stop, { once: true })
  return Promise.race([result, aborted]).finally(() => signal.removeEventListener('abort', stop))
}
