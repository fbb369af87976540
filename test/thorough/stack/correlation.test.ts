import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { bundle, ROOT } from '../../../infra/build/bundle.ts'
import { isObject, parseObject } from '../../../lib/base/json.ts'
import { encodeMessage } from '../../../lib/queue/message.ts'
import { createLambda } from '../../../local/runtime/lambda.ts'
import type { Stack } from '../../../local/stack.ts'
import { boxEvent, signedDelivery } from '../../kit.ts'
import { type EmittedMetric, metricsIn } from '../../support/emf.ts'
import { packagedLocal } from '../../support/packaged.ts'
import { startTestStack } from '../../support/stack.ts'

/** An author's code that tells its log, and its errors, all that it should not. */
const TALKATIVE = `import { automation, PermanentError } from 'boxhooks'
export default automation({ name: 'talkative', on: 'FILE.DOWNLOADED', watch: { folder: '\${REVIEW_FOLDER_ID}' },
  retry: { baseSeconds: 1, capSeconds: 1 },
  async run({ event, box, log, step }) {
    const { id, name, shared_link: link } = event.source
    log.info('working on ' + name, { name, url: link?.url, login: event.createdBy?.login, eventId: 'mine' })
    log.warn('sent with Authorization: Bearer s3cr3tTokenOfNobody01234', { code: 'jane.doe@private.example' })
    await step('look', async () => (await box.files.getFileById(id)).id ?? '')
    if (name?.includes('doomed')) throw new PermanentError('cannot publish ' + name)
    await box.files.updateFileById(id, { requestBody: { description: name } })
  },
})
`
const FILTERING = `import { automation, skip } from 'boxhooks'
export default automation({ name: 'filtering', on: 'FILE.DOWNLOADED', watch: { folder: '\${REVIEW_FOLDER_ID}' },
  when: event => skip('not for ' + event.source.name), run() {} })
`

const NAME = 'Q3 Müller offer.pdf'

type Heard = { readonly fn: string; readonly text: string; readonly line: Record<string, unknown> }

let stack: Stack
let folder: string
const heard: Heard[] = []
beforeAll(async () => {
  folder = await mkdtemp(join(ROOT, '.boxhooks', 'correlation-'))
  const automationsDir = join(folder, 'automations')
  await mkdir(automationsDir)
  await writeFile(join(automationsDir, 'talkative.ts'), TALKATIVE)
  await writeFile(join(automationsDir, 'filtering.ts'), FILTERING)
  const { manifest } = await bundle({ outDir: folder, automationsDir })
  stack = await startTestStack({ packaged: await withoutDetails() })
  const line = stack.journal.line
  vi.spyOn(stack.journal, 'line').mockImplementation((fn, text) => {
    heard.push({ fn, text, line: parseObject(text) ?? {} })
    return line(fn, text)
  })
  await stack.replace(folder, manifest)
}, 100_000)
afterAll(async () => {
  await stack.stop()
  await rm(folder, { recursive: true, force: true })
})

/** The local stage as any other is by default: its logs tell no names. */
async function withoutDetails() {
  const packaged = await packagedLocal()
  const template = structuredClone(packaged.template)
  for (const id of ['AutomateLambdaFunction', 'ReconcileLambdaFunction']) {
    const environment = template.Resources[id]?.Properties.Environment
    const variables = isObject(environment) ? environment.Variables : undefined
    if (!isObject(variables)) throw new Error(`${id} has no environment.`)
    expect(variables.LOG_DETAILS).toBe('true')
    variables.LOG_DETAILS = 'false'
  }
  return { ...packaged, template }
}

/** All that a filter for an event's id finds in the log groups, in the order in which it was written. */
const storyOf = (eventId: string) => heard.filter(({ line }) => line.eventId === eventId)
const eventsOf = (eventId: string) => storyOf(eventId).map(({ line }) => line.event)
const finished = (eventId: string) =>
  expect.poll(() => eventsOf(eventId), { timeout: 45_000 }).toContain('event_finished')

/** Lets a file with a shared link be downloaded, and says which event that was. */
function download(name: string): string {
  const { content } = stack.box
  const { id } = content.uploadFile({ parentId: '100001', name, content: 'x' })
  content.updateFile(id, { sharedLink: { access: 'open' } })
  content.downloadFile(id)
  const event = stack.box.sent.findLast(({ trigger }) => trigger === 'FILE.DOWNLOADED')
  return event?.eventId ?? ''
}

const emitted = (): EmittedMetric[] =>
  heard.filter(({ text }) => text.startsWith('{')).flatMap(({ text }) => metricsIn(text, Date.now()))
const sumOf = (name: string, dimensions: Record<string, string> = {}): number =>
  emitted()
    .filter(one => one.name === name && JSON.stringify(one.dimensions) === JSON.stringify(dimensions))
    .reduce((sum, { value }) => sum + value, 0)

describe('one id, from the delivery to the call to Box', { timeout: 100_000 }, () => {
  test('finds the whole story of an event: throttled, tried again, done, and delivered once more', async () => {
    stack.box.faults.push({ method: 'PUT', times: 1, status: 429, retryAfterSeconds: 1 })
    const eventId = download(NAME)
    await finished(eventId)
    await stack.box.deliverAgain(eventId)
    await expect.poll(() => eventsOf(eventId), { timeout: 45_000 }).toContain('event_duplicate')
    const told = storyOf(eventId).map(({ line: { event, method, path, status } }) =>
      event === 'box_call' ? `${method} ${String(path).replace(/\d+$/, 'ID')} ${status}` : event,
    )
    expect(told).toEqual([
      'delivery_accepted',
      'run_skipped',
      'run_started',
      'automation_log',
      'automation_log',
      'GET /2.0/files/ID 200',
      'PUT /2.0/files/ID 429',
      'run_threw',
      'run_retrying',
      'run_started',
      'automation_log',
      'automation_log',
      'PUT /2.0/files/ID 200',
      'run_done',
      'event_finished',
      'delivery_accepted',
      'event_duplicate',
    ])
    const lines = storyOf(eventId)
    for (const { line } of lines.filter(one => one.fn === 'ingest'))
      expect(line).toMatchObject({ requestId: expect.any(String), deliveryId: expect.any(String) })
    for (const { line } of lines.filter(one => one.fn === 'automate'))
      expect(line).toMatchObject({ messageId: expect.any(String) })
    for (const { line } of lines.filter(one => one.line.event === 'box_call'))
      expect(line.boxRequestId).toMatch(/^[\w-]{8,64}$/)
  })

  test('of an event that is given up, to its dead letter', async () => {
    const eventId = download(`doomed ${NAME}`)
    await finished(eventId)
    expect(eventsOf(eventId).slice(-3)).toEqual(['run_failed', 'event_dead_lettered', 'event_finished'])
  })

  test('of a webhook that Box has deleted, to its being made anew by another function', async () => {
    const [webhook] = [...stack.box.webhooks.all.values()]
    await stack.box.cleanUp(webhook?.id ?? '')
    const deleted = stack.box.sent.findLast(({ trigger }) => trigger === 'WEBHOOK.DELETED')
    const eventId = deleted?.eventId ?? ''
    await expect.poll(() => eventsOf(eventId), { timeout: 45_000 }).toContain('webhooks_reconciled')
    const mending = storyOf(eventId).filter(({ fn }) => fn === 'reconcile')
    expect(mending[0]?.line).toMatchObject({ event: 'reconcile_asked', webhookId: webhook?.id })
    const told = mending.map(({ line }) => line.event)
    expect(told).toEqual(expect.arrayContaining(['box_call', 'webhook_action', 'webhooks_reconciled']))
    expect(new Set(mending.map(({ line }) => line.requestId)).size).toBe(1)
  })

  test('and of what was refused, the ids of the request and of the delivery, where they are such', async () => {
    const { body, headers } = signedDelivery(boxEvent('FILE.LOCKED'), { primary: 'forged', secondary: 'x' })
    const post = (deliveryId: string) =>
      fetch(stack.webhookUrl, {
        method: 'POST',
        headers: { ...headers, 'box-delivery-id': deliveryId },
        body: Uint8Array.from(body),
      })
    await post('0b3d4e2a-0000-4000-8000-000000000001')
    await post('jane.doe@private.example')
    const refused = () => heard.filter(({ line }) => line.event === 'delivery_refused')
    await expect.poll(refused, { timeout: 45_000 }).toHaveLength(2)
    const [plain, strange] = refused()
    expect(plain?.line).toMatchObject({
      code: 'signature_mismatch',
      deliveryId: '0b3d4e2a-0000-4000-8000-000000000001',
      requestId: expect.stringMatching(/^[\w=-]+$/),
    })
    expect(strange?.line).not.toHaveProperty('deliveryId')
    for (const { line } of refused()) expect(line).not.toHaveProperty('eventId')
  })

  test('every other line has its event’s id, is of reconcile’s own schedule, or of the token that all runs share', () => {
    const without = heard.filter(({ line }) => line.eventId === undefined && line.path !== '/oauth2/token')
    for (const { fn, line } of without) {
      expect([fn, line.event]).toEqual([fn === 'reconcile' ? fn : 'ingest', line.event])
      if (fn === 'ingest') expect(line.event).toBe('delivery_refused')
      expect(line).toHaveProperty('requestId')
    }
  })

  test('no line tells a name, an address, a link or a token, in whatever field', () => {
    expect(heard.length).toBeGreaterThan(30)
    for (const { text } of heard)
      expect(text).not.toMatch(/M(ü|\\u00fc)ller|offer|jane|private\.example|s3cr3t|box\.com\/s\/|@/i)
    const said = heard.filter(({ line }) => line.event === 'automation_log').map(({ line }) => line)
    expect(said[0]).toMatchObject({
      message: 'working on [name]',
      name: '[name]',
      url: '[link]',
      eventId_: 'mine',
    })
    expect(said[1]).toMatchObject({ message: 'sent with Authorization: Bearer [token]', code: '[email]' })
    const failed = heard.find(({ line }) => line.event === 'run_failed')?.line
    expect(failed).toMatchObject({ code: 'permanent', message: 'cannot publish [name]' })
  })

  test('the metrics in them are right, under retries and repeated deliveries', () => {
    const deliveries = heard.filter(({ line }) => line.event === 'delivery_accepted').length
    expect(sumOf('DeliveriesAccepted')).toBe(deliveries)
    expect(sumOf('DeliveriesUnverified')).toBe(2)
    expect(sumOf('DeliveriesRefused', { code: 'signature_mismatch' })).toBe(2)
    expect(sumOf('EventsDeduplicated')).toBe(1)
    expect(sumOf('BoxThrottles')).toBe(1)
    const runs = (automation: string, outcome: string) => sumOf('Runs', { automation, outcome })
    const outcomes = ['done', 'retried', 'failed', 'skipped']
    expect(outcomes.map(outcome => runs('talkative', outcome))).toEqual([1, 1, 1, 0])
    expect(outcomes.map(outcome => runs('filtering', outcome))).toEqual([0, 0, 0, 2])
    expect(runs('reconcile-webhooks', 'done')).toBe(1)
    expect(sumOf('RetryDelay', { automation: 'talkative' })).toBeGreaterThanOrEqual(1)
    // One for what was done; what was given up says nothing of how long it takes.
    const done = heard.filter(({ line }) => line.event === 'event_finished' && line.status === 'done')
    expect(emitted().filter(({ name }) => name === 'EndToEndLatency')).toHaveLength(done.length)
    expect(sumOf('WebhooksMissing')).toBe(0)
    for (const { namespace } of emitted()) expect(namespace).toBe('boxhooks/local')
  })
})

test('a stage that opts in sees names and links in its logs', { timeout: 60_000 }, async () => {
  const lines: string[] = []
  const automate = createLambda({
    name: 'automate',
    bundle: join(folder, 'automate', 'index.mjs'),
    timeoutMs: 20_000,
    env: { ...stack.env, ...stack.aws.env, BOX_API_URL: 'http://127.0.0.1:9', LOG_DETAILS: 'true' },
    onLine: line => lines.push(line),
  })
  const { body } = signedDelivery(boxEvent('FILE.DOWNLOADED', { id: 'detailed', source: { name: NAME } }), {})
  const encoded = encodeMessage({
    eventId: 'detailed',
    deliveryId: 'd',
    trigger: 'FILE.DOWNLOADED',
    receivedAt: new Date().toISOString(),
    origin: 'webhook',
    webhookId: '1',
    body,
  })
  const attribute = (stringValue: string) => ({ dataType: 'String', stringValue })
  await automate.invoke({
    Records: [
      {
        messageId: 'm',
        receiptHandle: 'r',
        body: encoded.body,
        attributes: { MessageGroupId: encoded.groupId },
        messageAttributes: Object.fromEntries(
          Object.entries(encoded.attributes).map(([name, value]) => [name, attribute(value)]),
        ),
      },
    ],
  })
  await automate.close()
  expect(lines.join('\n')).toContain(`working on ${NAME}`)
})
