import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { systemClock } from '../../../lib/base/clock.ts'

test('what is due already is called back at once, and Node has nothing to warn of', async () => {
  const warnings: Error[] = []
  const onWarning = (warning: Error) => void warnings.push(warning)
  process.on('warning', onWarning)
  await new Promise<void>(resolve => void systemClock.after(-500, resolve))
  await setImmediate()
  process.off('warning', onWarning)
  expect(warnings).toEqual([])
})

test('what is cancelled is not called back', async () => {
  let called = false
  const cancel = systemClock.after(0, () => {
    called = true
  })
  cancel()
  await new Promise<void>(resolve => void systemClock.after(5, resolve))
  expect(called).toBe(false)
})
