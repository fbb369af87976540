import { expect, test } from 'vitest'
import { once } from '../../../lib/base/once.ts'

test('what is asked for at the same time and later is made once', async () => {
  let made = 0
  const get = once(async () => {
    made += 1
    return { made }
  })
  expect(made).toBe(0)
  const [first, second] = await Promise.all([get(), get()])
  expect(second).toBe(first)
  expect(await get()).toBe(first)
  expect(made).toBe(1)
})

test('what could not be made is made anew for the next who asks, whether it was thrown or rejected', async () => {
  const fails = [
    () => {
      throw new Error('thrown')
    },
    () => Promise.reject(new Error('rejected')),
    () => 'made',
  ]
  const get = once(() => fails.shift()?.())
  await expect(get()).rejects.toThrow('thrown')
  await expect(get()).rejects.toThrow('rejected')
  expect(await get()).toBe('made')
})
