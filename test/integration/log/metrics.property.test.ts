import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { automationLog } from '../../../lib/automation/automation-log.ts'
import { createLog, type LogFields, type LogLevel } from '../../../lib/log/log.ts'
import { METRICS, type MetricName } from '../../../lib/log/metrics.ts'
import { redact } from '../../../lib/log/redaction.ts'
import { anyCharacter } from '../../support/any-character.ts'
import { metricsIn } from '../../support/emf.ts'
import { runs } from '../../support/seed.ts'

const NOW = Date.parse('2026-11-23T10:00:00Z')
const NAMES = Object.keys(METRICS).filter((name): name is MetricName => Object.hasOwn(METRICS, name))
const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: anyCharacter }),
  fc.constantFrom('done', 'x'.repeat(3000)),
)
const scalar = fc.oneof(text, fc.double(), fc.boolean(), fc.constant(null), fc.constant(undefined))
const fields: fc.Arbitrary<LogFields> = fc.dictionary(
  fc.oneof(fc.constantFrom('code', 'automation', 'outcome', 'eventId', '_aws', ...NAMES), fc.string()),
  scalar,
)
const measures = fc.dictionary(fc.constantFrom(...NAMES), fc.oneof(fc.double(), fc.integer()))
const which = fc.constantFrom('all' as const, 'alarms' as const)
const redaction = fc.constantFrom(redact, undefined)

/** A log, and the lines that it has written. */
function logOf(options: {
  which?: 'all' | 'alarms'
  level?: LogLevel
  redaction?: typeof redact | undefined
}) {
  const lines: string[] = []
  const { which = 'all', level = 'info' } = options
  const log = createLog({
    now: () => NOW + 0.5,
    write: line => lines.push(line),
    level,
    metrics: { namespace: 'boxhooks/test', which },
    redaction: options.redaction,
  })
  return { log, lines, emitted: () => lines.flatMap(line => metricsIn(line, NOW)) }
}

describe('metrics in log lines', () => {
  test('whatever is logged and measured, every line is one object of JSON in the embedded metric format', () => {
    fc.assert(
      fc.property(
        fields,
        fields,
        measures,
        fc.constantFrom(...LEVELS),
        which,
        redaction,
        (context, own, measured, level, kinds, hiding) => {
          const { log, emitted } = logOf({ which: kinds, level: 'debug', redaction: hiding })
          const { _aws: _, ...clean } = own
          const { _aws: __, ...cleanContext } = context
          log.with(cleanContext)[level]('something', clean, measured)
          const told = { ...cleanContext, ...clean }
          for (const { name, value, dimensions, unit } of emitted()) {
            const info = NAMES.includes(name as MetricName) ? METRICS[name as MetricName] : undefined
            expect(info?.unit).toBe(unit)
            expect(Object.keys(dimensions)).toEqual(info?.dimensions)
            if (!hiding)
              expect(dimensions).toEqual(
                Object.fromEntries(Object.keys(dimensions).map(key => [key, told[key]])),
              )
            expect(value).toBe((measured[name as MetricName] ?? 0) + 0)
          }
        },
      ),
      runs(300),
    )
  })

  test('every metric comes through once, with its unit and its dimensions', () => {
    const { log, emitted } = logOf({})
    const values = Object.fromEntries(NAMES.map((name, index) => [name, index + 1]))
    log.info('all', { code: 'c', automation: 'a', outcome: 'done' }, values)
    const found = emitted()
    expect(found.map(({ name }) => name).sort()).toEqual([...NAMES].sort())
    for (const { name, value, namespace } of found)
      expect([namespace, value]).toEqual(['boxhooks/test', values[name]])
    expect(found.find(({ name }) => name === 'Runs')?.dimensions).toEqual({
      automation: 'a',
      outcome: 'done',
    })
  })

  test('what an automation logs is JSON without metrics, and never hides whose line it is', () => {
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withNullPrototype: true }),
        fc.anything(),
        redaction,
        (message, given, hiding) => {
          const { log, lines, emitted } = logOf({ redaction: hiding })
          const own = automationLog(log.with({ eventId: 'event-1', automation: 'mine' }))
          Reflect.apply(own.info, undefined, [message, given])
          expect(lines).toHaveLength(1)
          expect(emitted()).toEqual([])
          expect(JSON.parse(lines[0] ?? '')).toMatchObject({
            event: 'automation_log',
            level: 'info',
            eventId: 'event-1',
            automation: 'mine',
          })
        },
      ),
    )
    const { log, lines } = logOf({})
    const circular: Record<string, unknown> = {}
    circular.self = circular
    const hostile = {
      toJSON: () => {
        throw new Error('no')
      },
      toString: () => {
        throw new Error('no')
      },
    }
    const many = {
      _aws: '{}',
      eventId: 'forged',
      time: 'never',
      big: 10n,
      circular,
      hostile,
      long: 'x'.repeat(200_000),
    }
    Reflect.apply(automationLog(log.with({ eventId: 'e' })).warn, undefined, ['hello', many])
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      eventId: 'e',
      message: 'hello',
      _aws_: '{}',
      eventId_: 'forged',
      time_: 'never',
      big: '10',
    })
    expect(metricsIn(lines[0] ?? '', NOW)).toEqual([])
  })

  test('a line that measures is written whatever the level, so that no alarm rests on how much is logged', () => {
    const { log, lines } = logOf({ level: 'error' })
    log.info('delivery_accepted', {}, { DeliveriesAccepted: 1 })
    log.info('nothing measured')
    log.info(
      'nothing that is a number',
      {},
      { RetryDelay: Number.NaN, BoxThrottles: Number.POSITIVE_INFINITY },
    )
    expect(lines).toHaveLength(1)
  })

  test('with `alarms` only what an alarm rests on is written, and without a namespace nothing', () => {
    const values = Object.fromEntries(NAMES.map(name => [name, 1]))
    const { log, emitted } = logOf({ which: 'alarms' })
    log.info('all', { code: 'c', automation: 'a', outcome: 'done' }, values)
    expect(
      emitted()
        .map(({ name }) => name)
        .sort(),
    ).toEqual([
      'DeliveriesAccepted',
      'DeliveriesTooOld',
      'DeliveriesUnverified',
      'RunsAwaitingAuth',
      'RunsWaitingLong',
      'WebhooksInConflict',
      'WebhooksMissing',
    ])
    const lines: string[] = []
    createLog({ now: () => NOW, write: line => lines.push(line) }).info('all', {}, values)
    expect(lines).toEqual([`{"time":"2026-11-23T10:00:00.000Z","level":"info","event":"all"}`])
  })
})
