import { describe, expect, test } from 'vitest'
import { type Automation, automation, skip } from '../../../lib/automation/automation.ts'
import { PermanentError } from '../../../lib/base/errors.ts'
import { createLog } from '../../../lib/log/log.ts'
import { useEmbedded } from '../../support/embedded.ts'
import { type EmittedMetric, metricsIn } from '../../support/emf.ts'
import { createEngine, NOW, type WorkOptions } from '../../support/engine.ts'

const embedded = useEmbedded()

const declare = (run: Automation['run'], extra: Pick<Automation, 'when'> = {}) =>
  automation({ name: 'one', on: 'FILE.DOWNLOADED', watch: { folder: '100001' }, run, ...extra })

/** An engine whose lines are read for their metrics. */
async function measured(automations: readonly Automation[]) {
  const engine = await createEngine(embedded, automations)
  const lines: string[] = []
  const { now } = engine.clock
  const log = createLog({
    now,
    write: line => lines.push(line),
    level: 'error',
    metrics: { namespace: 'boxhooks/test', which: 'all' },
  })
  const emitted = (): EmittedMetric[] => lines.flatMap(line => metricsIn(line, now()))
  return {
    engine,
    work: (parts: WorkOptions['parts'] = {}) => engine.work({ parts: { ...parts, log } }),
    valuesOf: (name: string) => emitted().flatMap(one => (one.name === name ? [one.value] : [])),
    /** How often an attempt at the automation `one` ended how. */
    runs() {
      const counts: Record<string, number> = {}
      for (const { name, dimensions, value } of emitted())
        if (name === 'Runs')
          counts[dimensions.outcome ?? ''] = (counts[dimensions.outcome ?? ''] ?? 0) + value
      return counts
    },
  }
}

describe('runs are counted once for each attempt, however it ends', () => {
  test('retried, then done, with the delay between and the time from Box to the end', async () => {
    const { engine, work, runs, valuesOf } = await measured([
      declare(({ attempt }) => {
        if (attempt === 1) throw new Error('not yet')
      }),
    ])
    await engine.send('FILE.DOWNLOADED', { createdAt: new Date(NOW - 3000).toISOString() })
    await work()
    expect(runs()).toEqual({ retried: 1 })
    engine.clock.advance(60_000)
    await engine.reveal()
    await work()
    expect(runs()).toEqual({ retried: 1, done: 1 })
    expect(valuesOf('RetryDelay')).toEqual([3])
    expect(valuesOf('EndToEndLatency')).toEqual([63_000])
  })

  test('a repeated delivery is counted as such, and its event’s run and latency not again', async () => {
    const { engine, work, runs, valuesOf } = await measured([declare(() => {})])
    for (const deliveryId of ['d1', 'd2', 'd3']) {
      await engine.send('FILE.DOWNLOADED', { id: 'measured-thrice', deliveryId })
      await work()
    }
    expect([runs(), valuesOf('EventsDeduplicated')]).toEqual([{ done: 1 }, [1, 1]])
    expect(valuesOf('EndToEndLatency')).toHaveLength(1)
  })

  test('a run whose dead letter can’t be sent at first fails once', async () => {
    const { engine, work, runs, valuesOf } = await measured([
      declare(() => {
        throw new PermanentError('no')
      }),
    ])
    await engine.send('FILE.DOWNLOADED')
    await work({ deadLetters: { send: () => Promise.reject(new Error('down')) } })
    engine.clock.advance(3_600_000)
    await engine.reveal()
    await work()
    expect(await engine.deadLetters()).toHaveLength(1)
    expect([runs(), valuesOf('EndToEndLatency')]).toEqual([{ failed: 1 }, []])
  })

  test('one that its automation’s filter leaves alone is skipped, and says so', async () => {
    const { engine, work, runs } = await measured([declare(() => {}, { when: () => skip('not this one') })])
    await engine.send('FILE.DOWNLOADED')
    await work()
    expect(runs()).toEqual({ skipped: 1 })
  })

  test('a redrive runs again, which counts, but not as how long an event takes', async () => {
    let broken = true
    const { engine, work, runs, valuesOf } = await measured([
      declare(() => {
        if (broken) throw new PermanentError('no')
      }),
    ])
    await engine.send('FILE.DOWNLOADED')
    await work()
    broken = false
    await engine.redrive()
    await work()
    expect([runs(), valuesOf('EndToEndLatency')]).toEqual([{ failed: 1, done: 1 }, []])
  })
})
