import { describe, expect, test } from 'vitest'
import { automation } from '../../../lib/automation/automation.ts'
import { AutomationError, RetryLater } from '../../../lib/base/errors.ts'
import { DEFAULT_RETRY } from '../../../lib/base/retry.ts'
import type { RunRecord } from '../../../lib/ledger/record.ts'
import { createLog } from '../../../lib/log/log.ts'
import { useEmbedded } from '../../support/embedded.ts'
import { metricsIn } from '../../support/emf.ts'
import { createEngine } from '../../support/engine.ts'

const embedded = useEmbedded()

const HOUR = 3_600_000
const DAY = 24 * HOUR

const refused = () =>
  new AutomationError({ class: 'auth', code: 'box_auth', message: 'Box refused the credentials.' })

/** One event whose automation throws what it is given, attempt after attempt, each when it is due. */
async function waitingRun(thrown: () => Error | undefined) {
  const made = automation({
    name: 'one',
    on: 'FILE.DOWNLOADED',
    watch: { folder: '100001' },
    run() {
      const error = thrown()
      if (error) throw error
    },
  })
  const engine = await createEngine(embedded, [made])
  const eventId = await engine.send('FILE.DOWNLOADED')
  const begunAt = engine.clock.now()
  const lines: string[] = []
  const metrics = { namespace: 'boxhooks/test', which: 'alarms' } as const
  const log = createLog({ now: engine.clock.now, write: line => lines.push(line), metrics })
  const runRecord = async (): Promise<RunRecord | undefined> => (await engine.record(eventId))?.runs.one
  return {
    engine,
    runRecord,
    elapsed: () => engine.clock.now() - begunAt,
    linesOf: (event: string) => lines.map(line => JSON.parse(line)).filter(line => line.event === event),
    measured: (name: string) =>
      lines.flatMap(line => metricsIn(line, engine.clock.now())).filter(one => one.name === name).length,
    /** Makes one attempt, and goes on to when the next is due, or so long. */
    async attempt(leastMs = 0) {
      await engine.work({ parts: { log } })
      const { nextAt } = (await runRecord()) ?? {}
      if (nextAt !== undefined) engine.clock.advance(Math.max(nextAt - engine.clock.now(), leastMs))
      await engine.reveal()
    },
  }
}

describe('credentials that Box refuses', () => {
  test('are waited out for a day without a counted attempt, seen by a metric, and then given up', async () => {
    const { runRecord, elapsed, attempt, engine, measured } = await waitingRun(refused)
    for (let hour = 0; hour < 24; hour += 4) {
      await attempt(4 * HOUR)
      expect(await runRecord()).toMatchObject({ status: 'pending', attempts: 0 })
    }
    expect(measured('RunsAwaitingAuth')).toBe(6)
    for (let rest = 0; rest < DEFAULT_RETRY.attempts; rest += 1) await attempt()
    expect(elapsed()).toBeLessThan(1.5 * DAY)
    expect(await engine.deadLetters()).toMatchObject([{ code: 'box_auth' }])
    expect(await runRecord()).toMatchObject({ status: 'failed', attempts: DEFAULT_RETRY.attempts })
    expect(await runRecord()).not.toHaveProperty('waitingSince')
  })

  test('that are repaired within the day cost no attempt', async () => {
    let repaired = false
    const { runRecord, attempt } = await waitingRun(() => (repaired ? undefined : refused()))
    await attempt(20 * HOUR)
    await attempt()
    repaired = true
    await attempt()
    expect(await runRecord()).toMatchObject({ status: 'done', attempts: 1 })
    expect(await runRecord()).not.toHaveProperty('waitingSince')
  })

  test('get their day also after the run has put itself off for longer', async () => {
    const errors = [new RetryLater(100_000, 'not now'), refused(), refused(), refused()]
    const { runRecord, attempt } = await waitingRun(() => errors.shift())
    await attempt()
    for (let time = 0; time < 3; time += 1) {
      await attempt()
      expect(await runRecord()).toMatchObject({ attempts: 0, refusedSince: expect.any(Number) })
    }
  })

  test('begin a day of their own after an attempt that counted', async () => {
    const errors = [refused(), new Error('another'), refused()]
    const { runRecord, attempt, engine } = await waitingRun(() => errors.shift())
    await attempt()
    expect(await runRecord()).toMatchObject({ waitingSince: expect.any(Number), attempts: 0 })
    await attempt()
    expect(await runRecord()).toMatchObject({ attempts: 1, throttles: 0 })
    expect(await runRecord()).not.toHaveProperty('waitingSince')
    const now = engine.clock.now()
    await attempt()
    expect(await runRecord()).toMatchObject({ attempts: 1, throttles: 1, waitingSince: now })
  })
})

test('a run that puts itself off for ever is reported once it has waited for more than seven days', async () => {
  const { attempt, elapsed, linesOf, measured, engine } = await waitingRun(
    () => new RetryLater(86_400, 'busy'),
  )
  while (elapsed() < 7 * DAY) await attempt()
  expect(linesOf('run_waiting_long')).toEqual([])
  await attempt()
  expect(linesOf('run_waiting_long')).toMatchObject([
    { level: 'warn', automation: 'one', code: 'retry_later', waitedMs: expect.any(Number) },
  ])
  expect(linesOf('run_waiting_long')[0]?.waitedMs).toBeGreaterThan(7 * DAY)
  expect(measured('RunsWaitingLong')).toBe(1)
  expect(await engine.deadLetters()).toEqual([])
})
