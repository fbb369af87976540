import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'

/**
 * Starts something before the tests of a file, or of the describe block around the call, and stops it after them.
 * @param span 'test' starts and stops it for each test
 * @returns what is started, which may be kept at once and used from the first hook on
 */
export function useStarted<T extends object>(
  start: () => Promise<T>,
  stop: (started: T) => Promise<unknown>,
  span: 'all' | 'test' = 'all',
): T {
  const [before, after] = span === 'all' ? [beforeAll, afterAll] : [beforeEach, afterEach]
  let started: T | undefined
  before(async () => {
    started = await start()
  })
  after(async () => {
    if (started) await stop(started)
  })
  return new Proxy<T>(Object.create(null), {
    get(_, key) {
      if (!started) throw new Error(`${String(key)} is not there before the hooks of the tests have run.`)
      const value: unknown = Reflect.get(started, key)
      // A method may use private fields, which a proxy does not have.
      return typeof value === 'function' ? value.bind(started) : value
    },
  })
}
