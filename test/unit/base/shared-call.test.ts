import { expect, test, vi } from 'vitest'
import { SharedCall } from '../../../lib/base/shared-call.ts'

/** A call whose end the test decides. */
function held() {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const make = vi.fn((signal: AbortSignal) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    return promise
  })
  return { make, resolve, reject }
}

test('one call serves all who ask while it is under way, and the next asks again', async () => {
  const shared = new SharedCall<string>()
  const { make, resolve } = held()
  const both = [shared.join(undefined, make), shared.join(undefined, make)]
  resolve('result')
  expect(await Promise.all(both)).toEqual(['result', 'result'])
  expect(make).toHaveBeenCalledTimes(1)
  await shared.join(undefined, make)
  expect(make).toHaveBeenCalledTimes(2)
})

test('a failure reaches all who wait, and the next asks again', async () => {
  const shared = new SharedCall<string>()
  const { make, reject } = held()
  const both = [shared.join(undefined, make), shared.join(undefined, make)]
  reject(new Error('refused'))
  for (const one of both) await expect(one).rejects.toThrow('refused')
  expect(await shared.join(undefined, async () => 'again')).toBe('again')
})

test('who stops waiting leaves the call to the others, and the last ends it', async () => {
  const shared = new SharedCall<string>()
  const { make } = held()
  const stops = [new AbortController(), new AbortController()]
  const waiting = stops.map(({ signal }) => shared.join(signal, make))
  const [first, second] = waiting
  stops[0]?.abort(new Error('first'))
  await expect(first).rejects.toThrow('first')
  const [signal] = make.mock.calls[0] ?? []
  expect(signal?.aborted).toBe(false)
  stops[1]?.abort(new Error('second'))
  await expect(second).rejects.toThrow('second')
  expect(signal?.aborted).toBe(true)
  expect(await shared.join(undefined, async () => 'again')).toBe('again')
})

test('who has stopped already makes no call', async () => {
  const make = vi.fn(async () => 'result')
  await expect(new SharedCall<string>().join(AbortSignal.abort(), make)).rejects.toThrow()
  expect(make).not.toHaveBeenCalled()
})
