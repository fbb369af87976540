import { expect, test } from 'vitest'
import { ingestFunction } from '../../../lib/ingest/ingest-function.ts'
import { createEmulatedBox } from '../../../local/box/emulated-box.ts'
import type { Attempt } from '../../../local/box/events/delivery.ts'
import { createGateway } from '../../../local/runtime/gateway.ts'
import { countedIds } from '../../support/counted-ids.ts'
import { metricsIn } from '../../support/emf.ts'
import { manualClock } from '../../support/manual-clock.ts'

const KEYS = { primary: 'primary-key', secondary: 'secondary-key' }
const START = Date.parse('2026-11-23T10:00:00Z')
const TWENTY_MINUTES = 1200

/** Box delivers to a front door whose queue is away, and again after twenty minutes, when it is back. */
async function redelivered(options: { keepFirstTimestamp: boolean; env?: Record<string, string> }) {
  const clock = manualClock(START)
  const lines: string[] = []
  const queued: string[] = []
  let queueIsAway = true
  const handler = ingestFunction({
    env: {
      QUEUE_URL: 'https://sqs.example/queue',
      SIGNATURE_KEYS_SECRET_ID: 'keys',
      METRICS_NAMESPACE: 'boxhooks/test',
      ...options.env,
    },
    now: clock.now,
    write: line => lines.push(line),
    aws: {
      getSecretText: async () => JSON.stringify(KEYS),
      sendMessage: async ({ MessageBody }) => {
        if (queueIsAway) throw new Error('The queue is away.')
        queued.push(MessageBody)
      },
    },
  })
  const attempts: Attempt[] = []
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const box = createEmulatedBox({
    clock,
    newId: countedIds('id'),
    keys: KEYS,
    fetch: createGateway({
      now: clock.now,
      onAnswer: () => {},
      invoke: async event => Reflect.apply(handler, undefined, [event, {}]),
    }),
    retrySeconds: [TWENTY_MINUTES],
    keepFirstTimestamp: options.keepFirstTimestamp,
    onAttempt(attempt) {
      attempts.push(attempt)
      ;(attempts.length === 1 ? first : second).resolve()
    },
  })
  const { id } = box.content.createFolder({ parentId: '0', name: 'Watched' })
  const address = 'http://localhost/box/webhook'
  box.webhooks.create({ target: { type: 'folder', id }, address, triggers: ['FILE.UPLOADED'] })
  box.content.uploadFile({ parentId: id, name: 'contract.pdf', content: 'x' })
  await first.promise
  queueIsAway = false
  clock.advance(TWENTY_MINUTES * 1000)
  await second.promise
  const metrics = lines.flatMap(line => metricsIn(line, clock.now()))
  return {
    answers: attempts.map(({ status, answer }) => `${status} ${JSON.parse(answer).code}`),
    queued,
    refusals: lines.map(line => JSON.parse(line)).filter(({ event }) => event === 'delivery_refused'),
    sumOf: (name: string) => metrics.reduce((sum, one) => (one.name === name ? sum + one.value : sum), 0),
  }
}

test('a redelivery with the first timestamp, twenty minutes later, is refused and counted apart from forgeries', async () => {
  const { answers, queued, refusals, sumOf } = await redelivered({ keepFirstTimestamp: true })
  expect(answers).toEqual(['503 queue_unavailable', '401 timestamp_too_old'])
  expect(queued).toEqual([])
  expect(refusals).toMatchObject([{ code: 'timestamp_too_old', ageSeconds: TWENTY_MINUTES }])
  expect([sumOf('DeliveriesTooOld'), sumOf('DeliveriesUnverified')]).toEqual([1, 0])
})

test('a redelivery with the first timestamp is accepted where the stage accepts deliveries of 150 minutes', async () => {
  const env = { SIGNATURE_AGE_MAX_SECONDS: '9000' }
  const { answers, queued, sumOf } = await redelivered({ keepFirstTimestamp: true, env })
  expect(answers).toEqual(['503 queue_unavailable', '202 accepted'])
  expect(queued).toHaveLength(1)
  expect([sumOf('DeliveriesTooOld'), sumOf('DeliveriesUnverified')]).toEqual([0, 0])
})

test('a redelivery with a timestamp of its own is accepted however late it is', async () => {
  const { answers } = await redelivered({ keepFirstTimestamp: false })
  expect(answers).toEqual(['503 queue_unavailable', '202 accepted'])
})

test.each(['59', '10801', '600.5', '-600'])(
  'ingest refuses to accept deliveries of up to %s seconds',
  async seconds => {
    const { answers } = await redelivered({
      keepFirstTimestamp: false,
      env: { SIGNATURE_AGE_MAX_SECONDS: seconds },
    })
    expect(answers).toEqual(['503 internal_error', '503 internal_error'])
  },
)
