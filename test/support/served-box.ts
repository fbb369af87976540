import { BoxClient } from 'box-node-sdk'
import { BoxCcgAuth, CcgConfig } from 'box-node-sdk/box'
import { type Authentication, BaseUrls, BoxRetryStrategy, NetworkSession } from 'box-node-sdk/networking'
import { createEmulatedBox, type EmulatedBox } from '../../local/box/emulated-box.ts'
import type { ApiCall } from '../../local/box/routes/api.ts'
import { serve } from '../../local/serve.ts'
import { countedIds } from './counted-ids.ts'
import { type ManualClock, manualClock } from './manual-clock.ts'

/** The emulated Box on HTTP, under a clock of the test's own. Its deliveries are all taken. */
export type ServedBox = {
  readonly clock: ManualClock
  readonly box: EmulatedBox
  readonly url: string
  /** Every call to its API so far. */
  readonly calls: readonly ApiCall[]
  close(): Promise<void>
}

/** The credentials that the emulated Box takes. */
export const CLIENT = { clientId: 'local-client', clientSecret: 'local-secret', enterpriseId: '1' }

/** @param now milliseconds since the epoch, at which the clock starts */
export async function serveBox(now: number): Promise<ServedBox> {
  const clock = manualClock(now)
  const calls: ApiCall[] = []
  const box = createEmulatedBox({
    clock,
    newId: countedIds('id'),
    keys: {},
    fetch: async () => new Response(null, { status: 202 }),
    onCall: call => void calls.push(call),
  })
  const served = await serve({ fetch: box.fetch, port: 0 })
  return {
    clock,
    box,
    url: served.url,
    calls,
    async close() {
      await box.close()
      await served.close()
    },
  }
}

/** Makes a client of the official SDK, its own retries off. */
export function sdkClient(
  url: string,
  auth: Authentication = new BoxCcgAuth({ config: new CcgConfig(CLIENT) }),
): BoxClient {
  const baseUrls = new BaseUrls({ baseUrl: url, uploadUrl: `${url}/api`, oauth2Url: `${url}/oauth2` })
  const retryStrategy = new BoxRetryStrategy({ maxAttempts: 1 })
  return new BoxClient({ auth, networkSession: new NetworkSession({ baseUrls, retryStrategy }) })
}
