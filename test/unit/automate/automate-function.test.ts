import fc from 'fast-check'
import { expect, test } from 'vitest'
import { automateFunction } from '../../../lib/automate/automate-function.ts'
import { systemClock } from '../../../lib/base/clock.ts'

/** Lets a function without an environment, which can do nothing, say of its batch what it can. */
async function failedLines(
  event: unknown,
): Promise<{ readonly thrown: unknown; readonly lines: readonly unknown[] }> {
  const lines: unknown[] = []
  const none = () => {
    throw new Error('This test has no AWS.')
  }
  const handler = automateFunction({
    automations: [],
    env: {},
    clock: systemClock,
    random: () => 0.5,
    newToken: () => 't',
    write: line => lines.push(JSON.parse(line)),
    dynamodb: none,
    secretsManager: none,
    sqs: none,
    connectBox: none,
  })
  const context = { getRemainingTimeInMillis: () => 60_000 }
  const thrown: unknown = await Reflect.apply(handler, undefined, [event, context]).then(
    () => undefined,
    (error: unknown) => error,
  )
  return { thrown, lines }
}

const record = { messageId: 'm', messageAttributes: { eventId: { dataType: 'String', stringValue: 'e1' } } }

test('a batch that could not be begun is told of by its events, also where a record lacks its attributes', async () => {
  const { lines, thrown } = await failedLines({ Records: [record, { messageId: 'm2' }] })
  expect(thrown).toMatchObject({ name: 'ConfigError' })
  expect(lines).toMatchObject([
    { event: 'batch_failed', error: 'ConfigError', eventId: 'e1' },
    { event: 'batch_failed', error: 'ConfigError' },
  ])
})

test('whatever the function is invoked with, what went wrong is what it tells and throws', async () => {
  const part = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constant(record))
  const event = fc.oneof(part, fc.record({ Records: fc.oneof(part, fc.array(part, { maxLength: 3 })) }))
  await fc.assert(
    fc.asyncProperty(event, async one => {
      const { lines, thrown } = await failedLines(one)
      expect(thrown).toMatchObject({ name: 'ConfigError' })
      expect(lines.length).toBeGreaterThan(0)
      for (const line of lines) expect(line).toMatchObject({ event: 'batch_failed', error: 'ConfigError' })
    }),
    { seed: 16 },
  )
})
