import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'

/** What a worker with so little memory answers; it dies where that is not enough. */
const answers = (data: { megabytes: number; key: string; count: number }): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const script = new URL('large-deliveries.ts', import.meta.url)
    const worker = new Worker(script, { workerData: data, resourceLimits: { maxOldGenerationSizeMb: 96 } })
    worker.once('message', resolve).once('error', reject)
  })

test.each([
  [6, 'genuine', 'body_too_large'],
  [6, 'forged', 'signature_mismatch'],
  [10, 'genuine', 'body_too_large'],
  [10, 'forged', 'signature_mismatch'],
])(
  'deliveries of %i MB, %s, many in a row, are refused within 96 MB of heap',
  async (megabytes, key, code) => {
    expect(await answers({ megabytes, key, count: 8 })).toEqual(new Array(8).fill(code))
  },
)
