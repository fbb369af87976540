import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../../../lib/base/clock.ts'
import { createGateway } from '../../../local/runtime/gateway.ts'
import type { Lambda } from '../../../local/runtime/lambda.ts'
import { boxEvent, signedDelivery } from '../../kit.ts'
import { type Aws, boxhooks } from './aws.ts'
import { writeLogs } from './logs.ts'
import { KEYS, say, until } from './scene.ts'

/** Tells which keys are stored and sign deliveries, and replaces both as an operator does. */
export async function workOnKeys(aws: Aws, ingest: Lambda, folder: string): Promise<void> {
  assert.partialDeepStrictEqual(JSON.parse(await boxhooks(aws, 'keys', 'status', '--json')), {
    keys: [
      { name: 'primary', seen: 4 },
      { name: 'secondary', seen: 4 },
    ],
    rotation: null,
  })
  say('boxhooks keys status tells which keys sign deliveries, from the secret and the logs')

  const rotate = (...args: string[]) =>
    boxhooks(aws, 'keys', 'rotate', '--settle', '11s', '--no-wait', '--json', ...args)
  const next = async (...args: string[]): Promise<{ readonly key: string } | null> =>
    JSON.parse(await rotate(...args)).next
  const gateway = createGateway({ invoke: request => ingest.invoke(request), now: systemClock.now })
  const deliver = async (): Promise<void> => {
    // An instance that has the keys already would fetch the new ones only when it meets them; one that starts has them.
    await ingest.kill()
    const { body, headers } = signedDelivery(boxEvent('FILE.UPLOADED', { id: randomUUID() }), box)
    const request = { method: 'POST', body: Uint8Array.from(body), headers }
    await until('ingest accepts the delivery, as Box repeats it', async () => {
      const { status } = await gateway(new Request('https://moto.example/box/webhook', request))
      assert.ok(status === 202 || status === 503, `ingest answered ${status}`)
      return status === 202
    })
    await writeLogs(aws.logs)
  }
  let box = KEYS
  for (const key of ['secondary', 'primary'] as const) {
    assert.partialDeepStrictEqual(await next(), { key, action: 'reset-and-store' })
    box = { ...box, [key]: `moto-new-${key}-key` }
    const file = join(folder, key)
    await writeFile(file, box[key])
    assert.partialDeepStrictEqual(await next('--key-file', file), { key, action: 'wait-for-traffic' })
    await deliver()
    await until(`the new ${key} key is relied upon`, async () => (await next())?.key !== key)
  }
  assert.equal(JSON.parse(await boxhooks(aws, 'keys', 'status', '--json')).rotation, null)
  say('boxhooks keys rotate replaced both keys, one after the other, by what the logs say')
}
