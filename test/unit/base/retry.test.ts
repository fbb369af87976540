import { createServer, get } from 'node:http'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AutomationError, classify, PermanentError, RetryLater } from '../../../lib/base/errors.ts'
import { backoffSeconds, DEFAULT_RETRY, decideRetry } from '../../../lib/base/retry.ts'

const failure = (kind: 'throttled' | 'transient' | 'auth' | 'permanent', retryAfterSeconds?: number) => ({
  class: kind,
  code: 'network' as const,
  message: 'm',
  ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
})
/** An error that is its own cause. */
function circle(): Error {
  const error = new TypeError('x')
  error.cause = error
  return error
}
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

describe('the retry policy', () => {
  test('backoff is full jitter: anywhere from 0 to the bound, which doubles up to the cap', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2000 }), random, (attempts, draw) => {
        const bound = Math.min(DEFAULT_RETRY.capSeconds, DEFAULT_RETRY.baseSeconds * 2 ** (attempts - 1))
        expect(backoffSeconds(DEFAULT_RETRY, attempts, () => draw)).toBeCloseTo(draw * bound, 6)
      }),
    )
  })

  test('by default outlasts the two hours in which Box redelivers, in 19 of 20 outages by half an hour', () => {
    const minutesWaited = (next: () => number): number => {
      let seconds = 0
      for (let attempt = 1; attempt < DEFAULT_RETRY.attempts; attempt += 1)
        seconds += backoffSeconds(DEFAULT_RETRY, attempt, next)
      return seconds / 60
    }
    let state = 17
    const next = () => {
      state = (state * 48_271) % 2_147_483_647
      return state / 2_147_483_647
    }
    const waits = Array.from({ length: 20_000 }, () => minutesWaited(next)).sort((one, other) => one - other)
    const percentile = (part: number) => Math.round(waits[Math.floor(part * waits.length)] ?? 0)
    expect(percentile(0.05)).toBeGreaterThan(150)
    // The figures that lib/base/retry.ts and the docs give.
    expect(percentile(0.05) / 60).toBeCloseTo(2.9, 1)
    expect(percentile(0.5) / 60).toBeCloseTo(4.2, 1)
    expect(percentile(0.95) / 60).toBeCloseTo(5.5, 1)
    expect(minutesWaited(() => 1) / 60).toBeCloseTo(8.4, 1)
  })

  test('a wait that Box asks for is kept to, never shortened, and never counts, however often', () => {
    fc.assert(
      fc.property(fc.nat(86_400), fc.nat(10_000), random, (asked, throttles, draw) => {
        const decision = decideRetry({
          failure: failure('throttled', asked),
          policy: DEFAULT_RETRY,
          attempts: DEFAULT_RETRY.attempts + throttles,
          throttles,
          random: () => draw,
        })
        if (decision.kind !== 'retry') throw new Error('gave up')
        expect(decision.counts).toBe(false)
        expect(decision.delaySeconds).toBeGreaterThanOrEqual(asked)
        expect(decision.delaySeconds).toBeLessThanOrEqual(asked + 60)
      }),
    )
  })

  test('a throttle that names no time backs off by itself', () => {
    const decision = decideRetry({
      failure: failure('throttled'),
      policy: DEFAULT_RETRY,
      attempts: 1,
      throttles: 2,
      random: () => 0.5,
    })
    expect(decision).toMatchObject({ kind: 'retry', counts: false })
  })

  test('a permanent failure is given up at once, others when attempts are used up', () => {
    const base = { policy: DEFAULT_RETRY, throttles: 0, random: () => 0 }
    expect(decideRetry({ ...base, failure: failure('permanent'), attempts: 1 })).toEqual({ kind: 'give-up' })
    const transient = { ...base, failure: failure('transient') }
    expect(decideRetry({ ...transient, attempts: 17 })).toMatchObject({ counts: true })
    expect(decideRetry({ ...transient, attempts: 18 })).toEqual({ kind: 'give-up' })
  })

  test('refused credentials are waited out for a day, a quarter of an hour at most at a time, and count from then on', () => {
    const refused = { failure: failure('auth'), policy: DEFAULT_RETRY, random: () => 0.999 }
    fc.assert(
      fc.property(fc.nat(86_399_999), fc.nat(10_000), fc.nat(1000), (refusedMs, throttles, attempts) => {
        const decision = decideRetry({ ...refused, attempts, throttles, refusedMs })
        if (decision.kind !== 'retry') throw new Error('gave up')
        expect(decision.counts).toBe(false)
        expect(decision.delaySeconds).toBeLessThanOrEqual(900)
      }),
    )
    const afterADay = { ...refused, throttles: 200, refusedMs: 86_400_000 }
    expect(decideRetry({ ...afterADay, attempts: 17 })).toMatchObject({ kind: 'retry', counts: true })
    expect(decideRetry({ ...afterADay, attempts: 18 })).toEqual({ kind: 'give-up' })
  })

  test('a policy of short waits waits no longer for credentials than it says', () => {
    const policy = { attempts: 1, baseSeconds: 1, capSeconds: 2 }
    const decision = decideRetry({
      failure: failure('auth'),
      policy,
      attempts: 1,
      throttles: 30,
      random: () => 0.5,
    })
    expect(decision).toEqual({ kind: 'retry', delaySeconds: 1, counts: false })
  })
})

describe('what an automation throws', () => {
  test('an error that says how to treat it is taken at its word', () => {
    expect(classify(new PermanentError('no'))).toMatchObject({ class: 'permanent', message: 'no' })
    expect(classify(new RetryLater(7, 'busy'))).toMatchObject({ class: 'throttled', retryAfterSeconds: 7 })
    expect(classify(new AutomationError(failure('auth')))).toMatchObject({ class: 'auth' })
  })

  test('a programming error is not retried; a network fault in the guise of one is', async () => {
    expect(classify(new TypeError("Cannot read properties of undefined (reading 'id')"))).toMatchObject({
      class: 'permanent',
      code: 'automation_bug',
    })
    const fault = await fetch('http://127.0.0.1:1').catch((error: unknown) => error)
    expect(classify(fault)).toMatchObject({ class: 'transient', code: 'network' })
  })

  test('a connection that is cut while an answer comes is a network fault', async () => {
    const server = createServer((_, response) => {
      response.writeHead(200, { 'content-length': '100' })
      response.write('half')
      setImmediate(() => response.destroy())
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const url = `http://127.0.0.1:${address instanceof Object ? address.port : 0}`
    const byFetch = await fetch(url)
      .then(response => response.text())
      .catch((error: unknown) => error)
    expect(byFetch).toMatchObject({ name: 'TypeError', message: 'terminated' })
    const byHttp = await new Promise<unknown>((resolve, reject) =>
      get(url, response => {
        response.on('error', resolve).on('end', () => reject(new Error('The answer was whole.')))
        response.resume()
      }).on('error', reject),
    )
    server.close()
    for (const thrown of [byFetch, byHttp])
      expect(classify(thrown)).toMatchObject({ class: 'transient', code: 'network' })
  })

  test('a call that is given up after a time is a network fault', async () => {
    const server = createServer(() => {})
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const url = `http://127.0.0.1:${address instanceof Object ? address.port : 0}`
    const timedOut = await fetch(url, { signal: AbortSignal.timeout(1) }).catch((error: unknown) => error)
    const aborted = await fetch(url, { signal: AbortSignal.abort() }).catch((error: unknown) => error)
    server.closeAllConnections()
    server.close()
    for (const thrown of [timedOut, aborted])
      expect(classify(thrown)).toMatchObject({ class: 'transient', code: 'network' })
  })

  const coded = (code: string, error: Error = new Error(code)) => Object.assign(error, { code })
  test.each<[string, unknown]>([
    ['by node:http', coded('ECONNRESET')],
    [
      'by a library that wraps it',
      new TypeError('oops', { cause: new Error('x', { cause: coded('EPIPE') }) }),
    ],
    ['by an address that none answers at', coded('ECONNREFUSED', new AggregateError([coded('ETIMEDOUT')]))],
    [
      'for each of several',
      new AggregateError([coded('EAI_AGAIN'), coded('UND_ERR_SOCKET', new TypeError('t'))]),
    ],
    ['by a stream that ends early', coded('ERR_STREAM_PREMATURE_CLOSE')],
  ])('a network fault is known where it is reported %s', (_, thrown) => {
    expect(classify(thrown)).toMatchObject({ class: 'transient', code: 'network' })
  })

  test('an answer of another system that is not JSON is retried', async () => {
    const page = new Response('<html>502 Bad Gateway</html>', { status: 502 })
    const thrown = await page.json().catch((error: unknown) => error)
    expect(thrown).toBeInstanceOf(SyntaxError)
    expect(classify(thrown)).toMatchObject({ class: 'transient', code: 'automation_threw' })
  })

  test.each<[string, unknown]>([
    ['a URL that is none', coded('ERR_INVALID_URL', new TypeError('Invalid URL'))],
    ['a body that is read twice', new TypeError('Body is unusable: Body has already been read')],
    ['an argument that undici refuses', new TypeError('x', { cause: coded('UND_ERR_INVALID_ARG') })],
    ['a file that is not there', new TypeError('x', { cause: coded('ENOENT') })],
    ['a name that is not declared', new ReferenceError('x is not defined')],
    ['a circle of causes', circle()],
  ])('%s is a bug, though it comes from a call', (_, thrown) => {
    expect(classify(thrown)).toMatchObject({ class: 'permanent', code: 'automation_bug' })
  })

  test('anything else is retried, and anything at all can be thrown', () => {
    expect(classify(new Error('hm'))).toMatchObject({ class: 'transient', code: 'automation_threw' })
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true }), thrown => {
        expect(classify(thrown).message.length).toBeLessThanOrEqual(1001)
      }),
    )
  })
})
