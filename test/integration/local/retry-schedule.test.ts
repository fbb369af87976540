import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startSecrets } from '../../../local/aws/secrets.ts'
import { createEmulatedBox } from '../../../local/box/emulated-box.ts'
import { type Attempt, RETRY_CURVES } from '../../../local/box/events/delivery.ts'
import { createGateway } from '../../../local/runtime/gateway.ts'
import { type Handler, loadHandler } from '../../../local/runtime/handler.ts'
import { countedIds } from '../../support/counted-ids.ts'
import { useEmbedded } from '../../support/embedded.ts'
import { type ManualClock, manualClock } from '../../support/manual-clock.ts'
import { builtBundle } from '../../support/packaged.ts'
import { useStarted } from '../../support/started.ts'

const KEYS = { primary: 'primary-key', secondary: 'secondary-key' }
const START = Date.parse('2026-11-23T10:00:00Z')

/** Box's clock, which is the bundle's as well; it doesn't move of itself. */
let clock: ManualClock = manualClock(START)
const aws = useEmbedded()
const secrets = useStarted(
  () => startSecrets({ keys: JSON.stringify(KEYS) }, {}),
  started => started.stop(),
)
let ingest: Handler
beforeAll(async () => {
  // The bundle reads the process's environment with its first request.
  vi.stubEnv('QUEUE_URL', `${aws.sqsUrl}/000000000000/events`)
  vi.stubEnv('SIGNATURE_KEYS_SECRET_ID', 'keys')
  vi.stubEnv('AWS_ENDPOINT_URL_SQS', aws.sqsUrl)
  vi.stubEnv('AWS_ENDPOINT_URL_SECRETS_MANAGER', secrets.url)
  vi.stubEnv('AWS_REGION', 'eu-central-1')
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'x')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'x')
  // The bundle takes the function that tells the time when it is loaded.
  vi.spyOn(Date, 'now').mockImplementation(() => clock.now())
  ingest = await loadHandler(await builtBundle('ingest'))
  vi.spyOn(process.stdout, 'write').mockReturnValue(true)
})
afterAll(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

/** An emulated Box before the front door and the bundle of ingest, whose queue is not there. */
function deployment(curve: keyof typeof RETRY_CURVES) {
  clock = manualClock(START)
  const attempts: Attempt[] = []
  let heard = () => {}
  const gateway = createGateway({
    now: clock.now,
    onAnswer: () => {},
    async invoke(event) {
      const invocation = { requestId: 'request', functionName: 'ingest', memoryMb: 512 }
      const result = await ingest({ ...invocation, event, deadline: clock.now() + 10_000 })
      if (!result.ok) throw new Error(result.message)
      return result.value
    },
  })
  const box = createEmulatedBox({
    clock,
    newId: countedIds('id'),
    keys: KEYS,
    fetch: gateway,
    retrySeconds: RETRY_CURVES[curve],
    onAttempt(attempt) {
      attempts.push(attempt)
      heard()
    },
  })
  const { id } = box.content.createFolder({ parentId: '0', name: 'Watched' })
  const address = 'http://localhost/box/webhook'
  box.webhooks.create({ target: { type: 'folder', id }, address, triggers: ['FILE.UPLOADED'] })
  /** Lets an attempt begin and waits for its end. */
  const attempt = async (begin: () => unknown): Promise<void> => {
    const ended = new Promise<void>(resolve => {
      heard = resolve
    })
    begin()
    await ended
  }
  return {
    attempts,
    upload: () => attempt(() => box.content.uploadFile({ parentId: id, name: 'contract.pdf', content: 'x' })),
    /** Goes to the next retry, if Box plans one; the time between takes none. */
    async retry(): Promise<boolean> {
      if (attempts.at(-1)?.nextAttemptAt === undefined) return false
      await attempt(() => clock.advanceToNext())
      return true
    },
  }
}

test.each([
  ['current', 12],
  ['former', 10],
] as const)(
  'Box’s %s schedule of %i retries over two hours, at an endpoint that always fails',
  async (curve, retries) => {
    const { attempts, upload, retry } = deployment(curve)
    await upload()
    while (await retry());
    expect(attempts.map(({ status }) => status)).toEqual(Array(retries + 1).fill(503))
    expect(attempts.every(({ answer }) => answer.includes('queue_unavailable'))).toBe(true)
    expect(attempts.at(-1)?.sentAt).toBe(START + 7_200_000)
    expect(new Set(attempts.map(({ deliveryId }) => deliveryId)).size).toBe(retries + 1)
    expect(new Set(attempts.map(({ eventId }) => eventId)).size).toBe(1)
  },
)

test('an endpoint that is mended two hours late still gets the event, with the last retry', async () => {
  const { attempts, upload, retry } = deployment('current')
  await upload()
  while (attempts.length < RETRY_CURVES.current.length) await retry()
  await aws.createQueue('events', {})
  while (await retry());
  expect(attempts.map(({ status }) => status)).toEqual([...Array(12).fill(503), 202])
  const [message, ...more] = Object.values((await aws.messages('events')).ready)
  expect(more).toEqual([])
  expect(JSON.stringify(message)).toContain(attempts[0]?.eventId)
})
