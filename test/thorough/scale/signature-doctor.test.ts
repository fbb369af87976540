import { expect, test } from 'vitest'
import { bodyForms } from '../../../lib/doctor/body-forms.ts'
import { diagnose } from '../../../lib/doctor/signature-doctor.ts'
import { wireBody } from '../../../local/box/events/payload.ts'
import { AT, genuine } from '../../support/manglings.ts'

const KEYS = { primary: 'canary-primary-0123456789', secondary: 'canary-secondary-0123456789' }

test('the signature doctor examines a megabyte in a few seconds, whatever is the matter with it', {
  timeout: 120_000,
}, () => {
  const large = wireBody({ type: 'webhook_event', text: 'ä/ö "x" '.repeat(50_000) })
  expect(large.length).toBeGreaterThan(1_000_000)
  const request = genuine(large, KEYS).request
  const again = Buffer.from(JSON.stringify(JSON.parse(large.toString())))
  for (const [body, keys] of [
    [again, KEYS],
    [again, { primary: 'another-0123456789', secondary: 'yet-another-0123456789' }],
    [Buffer.from(large.toString('base64')), { primary: 'another-0123456789' }],
  ] as const) {
    const start = process.cpuUsage()
    expect(diagnose({ ...request, body }, { keys, at: AT }).causes).not.toEqual([])
    const { user, system } = process.cpuUsage(start)
    expect((user + system) / 1e6).toBeLessThan(6)
  }
})

test('what may have been signed is bounded in size, whatever comes', () => {
  const bomb = bodyForms(Buffer.alloc(3 * 1024 * 1024, 'ab\r\n'))
  expect(bomb.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBeLessThanOrEqual(48 * 1024 * 1024)
})
