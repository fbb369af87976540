/** A rejection that an automation's code leaves unhandled. */
export class StrayRejection extends Error {
  override readonly name = 'StrayRejection'
  /** Called with whether the function listens for such rejections. Where it does not, Node.js ends its process. */
  readonly unhandled: (isHeard: boolean) => void

  constructor(unhandled: (isHeard: boolean) => void) {
    super('Nothing awaits this.')
    this.unhandled = unhandled
  }
}

const EVENT = 'unhandledRejection'

/** Who listened before the simulation did: the test runner. */
const foreign = process.listeners(EVENT)

/**
 * Stands in for what the Lambda runtime does with unhandled rejections, while something is done: whether the function itself
 * listens decides what becomes of its process. Whatever else is rejected is still the test runner's.
 * @see https://nodejs.org/api/process.html#event-unhandledrejection
 */
export async function withStrayRejections<T>(work: () => Promise<T>): Promise<T> {
  const own = (reason: unknown, promise: Promise<unknown>) => {
    if (reason instanceof StrayRejection) {
      const others = process.listeners(EVENT)
      reason.unhandled(others.some(one => one !== own))
    } else if (foreign.length === 0) throw reason
    else for (const listener of foreign) listener.call(process, reason, promise)
  }
  for (const listener of foreign) process.off(EVENT, listener)
  process.on(EVENT, own)
  try {
    return await work()
  } finally {
    process.off(EVENT, own)
    for (const listener of foreign) process.on(EVENT, listener)
  }
}
