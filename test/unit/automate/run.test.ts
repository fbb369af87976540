import type { NetworkClient } from 'box-node-sdk/networking'
import { expect, test } from 'vitest'
import { attemptRun, type RunOutcome } from '../../../lib/automate/run.ts'
import { automation, bindSettings } from '../../../lib/automation/automation.ts'
import { createBoxConnection } from '../../../lib/box/box.ts'
import { parseEvent } from '../../../lib/event/event.ts'
import { FRESH_RUN } from '../../../lib/ledger/record.ts'
import { recordRoom } from '../../../lib/ledger/record-room.ts'
import { createLog } from '../../../lib/log/log.ts'
import { samplePayload, wireBody } from '../../../local/box/events/payload.ts'
import { type ManualClock, manualClock } from '../../support/manual-clock.ts'

const NOW = Date.parse('2026-11-23T10:00:00Z')

/** Runs an automation whose time is 30 s; the network is Box. */
async function runOnce(
  clock: ManualClock,
  run: RunOf,
  network: NetworkClient,
): Promise<{ kept: readonly string[]; outcome: RunOutcome }> {
  const log = createLog({ now: clock.now, write: () => {} })
  const parsed = parseEvent(wireBody(samplePayload('FILE.DOWNLOADED')), { eventId: 'event-1' })
  const [bound] = bindSettings(
    [automation({ name: 'frozen', on: 'FILE.DOWNLOADED', watch: { folder: '100001' }, run })],
    {},
  )
  if (!parsed.ok || !bound) throw new Error('There is nothing to run.')
  const connection = createBoxConnection({
    secretsManager: () => ({ send: async () => ({ $metadata: {}, SecretString: SECRET }) }),
    secretId: 'box-app',
    apiUrl: 'http://box.test',
    now: clock.now,
    log,
    network,
  })
  const kept: string[] = []
  const { outcome } = await attemptRun({
    bound,
    event: parsed.event,
    run: { ...FRESH_RUN, attempts: 1 },
    deadline: NOW + 30_000,
    clock,
    log,
    box: connection.box,
    keepStep: async name => void kept.push(name),
    stepsBytes: recordRoom({}, 0).stepsBytes,
  })
  return { kept, outcome }
}

type RunOf = Parameters<typeof automation<'FILE.DOWNLOADED'>>[0]['run']

test('a process that was frozen past its time starts no step and calls no Box, although no timer has fired yet', async () => {
  const clock = manualClock(NOW)
  const refusals: unknown[] = []
  const refused = (thrown: unknown) => void refusals.push(thrown)
  let calls = 0
  const { kept } = await runOnce(
    clock,
    async ({ box, step, signal }) => {
      clock.skip(60_000)
      expect(signal.aborted).toBe(false)
      await step('late', () => 'done').catch(refused)
      await box.files.deleteFileById('1').catch(refused)
    },
    {
      async fetch() {
        calls += 1
        throw new Error('Box must not be called.')
      },
    },
  )
  expect({ calls, kept, refusals: refusals.length }).toEqual({ calls: 0, kept: [], refusals: 2 })
})

test('a process that was frozen while it got its token makes no call with it', async () => {
  const clock = manualClock(NOW)
  const urls: string[] = []
  await runOnce(clock, ({ box }) => box.files.deleteFileById('1'), {
    async fetch({ url }) {
      urls.push(url)
      clock.skip(60_000)
      const data = { access_token: 'token', expires_in: 3600, token_type: 'bearer' }
      return { status: 200, headers: {}, url, data }
    },
  })
  expect(urls).toEqual(['http://box.test/oauth2/token'])
})

test('a run whose time is over before it begins does not begin, and that is no attempt', async () => {
  const clock = manualClock(NOW + 30_000)
  let begun = false
  const begin = () => {
    begun = true
  }
  const { outcome } = await runOnce(clock, begin, {
    fetch: () => Promise.reject(new Error('Not to be called.')),
  })
  expect(begun).toBe(false)
  expect(outcome).toMatchObject({ kind: 'failed', failure: { class: 'throttled', retryAfterSeconds: 1 } })
})

const SECRET = '{"clientId":"a","clientSecret":"b","enterpriseId":"1"}'
