import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createLog, holdBack, type Log, logSample } from '../../../lib/log/log.ts'

describe('a sample of events', () => {
  test('is the part that was asked for, within what chance allows', () => {
    const ids = Array.from({ length: 20_000 }, (_, index) => `event-${index}`)
    for (const rate of [0.01, 0.1, 0.5, 0.9]) {
      const part = ids.filter(logSample(rate)).length / ids.length
      // Six standard deviations.
      expect(Math.abs(part - rate)).toBeLessThan(6 * Math.sqrt((rate * (1 - rate)) / ids.length))
    }
  })

  test('is the same for every function, none at 0, all at 1, and grows with the rate', () => {
    fc.assert(
      fc.property(fc.string(), fc.double({ min: 0, max: 1, noNaN: true }), (id, rate) => {
        expect(logSample(rate)(id)).toBe(logSample(rate)(id))
        expect(logSample(0)(id)).toBe(false)
        expect(logSample(1)(id)).toBe(true)
        if (logSample(rate)(id)) expect(logSample(Math.min(1, rate + 0.1))(id)).toBe(true)
      }),
    )
  })
})

describe('a log that holds back', () => {
  const write = (work: (log: Log) => void): string[] => {
    const lines: string[] = []
    const log = createLog({ now: () => 0, write: line => lines.push(JSON.parse(line).event), level: 'debug' })
    work(log.held())
    return lines
  }

  test('writes nothing while nothing is wrong', () => {
    expect(
      write(log => {
        log.info('run_started')
        log.with({ automation: 'a' }).info('run_done')
        log.debug('detail')
      }),
    ).toEqual([])
  })

  test('writes all, in order, once there is something to warn of, and everything after it', () => {
    expect(
      write(log => {
        log.info('run_started')
        log.with({ automation: 'a' }).warn('run_retrying')
        log.info('event_waiting')
        log.error('run_failed')
      }),
    ).toEqual(['run_started', 'run_retrying', 'event_waiting', 'run_failed'])
  })

  test('never holds back a line that carries metrics', () => {
    const lines: string[] = []
    const held = holdBack(line => lines.push(line))
    held('told', 'info')
    held('measured', 'info', true)
    expect(lines).toEqual(['measured'])
  })

  test('keeps the order of what trouble lets go, whatever comes', () => {
    const levels = fc.constantFrom('debug', 'info', 'warn', 'error')
    fc.assert(
      fc.property(fc.array(levels), all => {
        const lines: string[] = []
        const held = holdBack(line => lines.push(line))
        for (const [index, level] of all.entries()) held(String(index), level)
        const trouble = all.some(level => level === 'warn' || level === 'error')
        expect(lines).toEqual(trouble ? all.map((_, index) => String(index)) : [])
      }),
    )
  })
})
