import { expect, test } from 'vitest'
import { diagnose, REPAIR_BYTES_MAX } from '../../../cli/verify/diagnose.ts'
import { repairBody } from '../../../cli/verify/repair-body.ts'
import { AT, BOUNDS, genuine } from '../../support/manglings.ts'

const KEYS = { primary: 'another-0123456789', secondary: 'yet-another-0123456789' }

/** Bodies as large as the bound allows, each bad for something that reads them. */
const HOSTILE: Readonly<Record<string, Buffer>> = {
  'a string of slashes': Buffer.from(JSON.stringify('/'.repeat(REPAIR_BYTES_MAX - 2))),
  'a string of escapes': Buffer.from(JSON.stringify('"'.repeat(REPAIR_BYTES_MAX / 2 - 1))),
  'a string beyond ASCII': Buffer.from(JSON.stringify('é'.repeat(REPAIR_BYTES_MAX / 2 - 1))),
  'white space': Buffer.from(`${' '.repeat(REPAIR_BYTES_MAX - 1)}x`),
  'lists within lists': Buffer.from('['.repeat(REPAIR_BYTES_MAX / 2) + ']'.repeat(REPAIR_BYTES_MAX / 2)),
  backslashes: Buffer.from(`"${'\\'.repeat(REPAIR_BYTES_MAX - 1)}`),
  'almost base64': Buffer.from(`${'A'.repeat(REPAIR_BYTES_MAX - 1)}!`),
}

test.each(Object.entries(HOSTILE))(
  'verify diagnoses %s of 4 MiB in a few seconds',
  {
    timeout: 120_000,
  },
  (_, body) => {
    const { request } = genuine(Buffer.from('{}'), KEYS)
    const start = process.cpuUsage()
    expect(diagnose({ ...request, body, keys: KEYS, at: AT, ...BOUNDS }).causes).not.toEqual([])
    const { user, system } = process.cpuUsage(start)
    expect((user + system) / 1e6).toBeLessThan(10)
  },
)

test.each(Object.entries(HOSTILE))('the repairs of %s are at most ten times its size', (_, body) => {
  const sizes = [...repairBody(body)].map(({ bytes }) => bytes.length)
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(10 * REPAIR_BYTES_MAX)
})
