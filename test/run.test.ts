import { expect, test } from 'vitest'
import { automation, bindSettings } from '../lib/automation.ts'
import { createBoxConnection } from '../lib/box.ts'
import { parseEvent } from '../lib/event.ts'
import { createLog } from '../lib/log.ts'
import { FRESH_RUN } from '../lib/record.ts'
import { attemptRun } from '../lib/run.ts'
import { samplePayload, wireBody } from '../local/box/payload.ts'
import { manualClock } from './manual-clock.ts'

const NOW = Date.parse('2026-11-23T10:00:00Z')

test('a process that was frozen past its time starts no step and calls no Box, although no timer has fired yet', async () => {
  const clock = manualClock(NOW)
  const log = createLog({ now: clock.now, write: () => {} })
  const parsed = parseEvent(wireBody(samplePayload('FILE.DOWNLOADED')), { eventId: 'event-1' })
  if (!parsed.ok) throw new Error(parsed.reason.message)
  let calls = 0
  const connection = createBoxConnection({
    secretsManager: { send: async () => ({ $metadata: {}, SecretString: SECRET }) },
    secretId: 'box-app',
    apiUrl: 'http://box.test',
    now: clock.now,
    log,
    network: {
      async fetch() {
        calls += 1
        throw new Error('Box must not be called.')
      },
    },
  })
  const refusals: unknown[] = []
  const refused = (thrown: unknown) => void refusals.push(thrown)
  const [bound] = bindSettings(
    [
      automation({
        name: 'frozen',
        on: 'FILE.DOWNLOADED',
        watch: { folder: '100001' },
        async run({ box, step, signal }) {
          clock.skip(60_000)
          expect(signal.aborted).toBe(false)
          await step('late', () => 'done').catch(refused)
          await box.files.deleteFileById('1').catch(refused)
        },
      }),
    ],
    {},
  )
  if (!bound) throw new Error('There is no automation.')
  const kept: string[] = []
  await attemptRun({
    bound,
    event: parsed.event,
    run: { ...FRESH_RUN, attempts: 1 },
    deadline: NOW + 30_000,
    clock,
    log,
    box: connection.box,
    keepStep: async name => void kept.push(name),
  })
  expect({ calls, kept, refusals: refusals.length }).toEqual({ calls: 0, kept: [], refusals: 2 })
})

const SECRET = '{"clientId":"a","clientSecret":"b","enterpriseId":"1"}'
