import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { isObject, parseObject } from '../../../lib/base/json.ts'
import { type Served, serve } from '../../../local/serve.ts'
import { type Deployed, startDenying, startDeployed } from '../../support/deployed.ts'
import { useEmbedded } from '../../support/embedded.ts'
import { browserAbsent, launchBrowser, openPage } from '../../support/page.ts'
import { runSpawned, type Spawned, spawnCommand } from '../../support/spawn.ts'

const GROUP = '/aws/lambda/boxhooks-prod'

const aws = useEmbedded()
let stage: Deployed
let logs: Served
/** Group → lines that CloudWatch has. */
let lines: Map<string, { eventId: string; timestamp: number; message: string }[]>
/** Every operation that was called on the stand-in for CloudWatch Logs. */
const operations = new Set<string>()

beforeAll(async () => {
  ;[stage, logs] = await Promise.all([startDeployed(aws), serve({ fetch: answerLogs, port: 0 })])
})
afterAll(() => Promise.all([stage.close(), logs.close()]))
beforeEach(() => {
  lines = new Map()
})

/** CloudWatch Logs, as far as it is asked. */
async function answerLogs(request: Request): Promise<Response> {
  operations.add(request.headers.get('x-amz-target') ?? '')
  const { logGroupName, startTime } = parseObject(await request.text()) ?? {}
  const found = lines.get(String(logGroupName)) ?? []
  const events = found.filter(({ timestamp }) => timestamp >= Number(startTime))
  return Response.json(
    { events, searchedLogStreams: [] },
    { headers: { 'content-type': 'application/x-amz-json-1.1' } },
  )
}

function logged(fn: string, event: string, fields: object): void {
  const timestamp = Date.now()
  const message = JSON.stringify({ time: new Date(timestamp).toISOString(), level: 'info', event, ...fields })
  const group = lines.get(`${GROUP}-${fn}`) ?? []
  lines.set(`${GROUP}-${fn}`, [
    ...group,
    { eventId: `${fn}-${group.length}`, timestamp, message: `${message}\n` },
  ])
}

/** Puts an event into the ledger as automate does. */
async function recorded(eventId: string, status: 'done' | 'dead'): Promise<void> {
  const event = {
    eventId,
    deliveryId: 'd',
    trigger: 'FILE.DOWNLOADED',
    source: 'file:1',
    receivedAt: new Date().toISOString(),
    origin: 'webhook',
    payload: gzipSync(JSON.stringify({ id: eventId, trigger: 'FILE.DOWNLOADED' })),
  }
  await stage.ledger.open(event, { lease: { token: 't', until: 0 }, status, redrives: 0, runs: {} })
}

const environment = (more: Record<string, string> = {}) => ({
  ...stage.env,
  AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: logs.url,
  ...more,
})

type Inspecting = {
  readonly running: Spawned
  /** The address that the command has printed. */
  readonly printed: string
  /** Asks as the browser does that has opened the printed address. */
  ask(
    path: string,
    init?: { method?: string; body?: string; headers?: Record<string, string> },
  ): Promise<Response>
  get(path: string): Promise<unknown>
}

/** Starts the command and waits until it serves. */
async function inspecting(env = environment()): Promise<Inspecting> {
  const running = spawnCommand(['inspect', '--stage', 'prod', '--port', '0'], { env })
  await expect.poll(() => running.printed.out, { timeout: 20_000 }).toContain('read-only')
  const [printed = '', url = ''] = /(http:\/\/localhost:\d+)\/\S*/.exec(running.printed.out) ?? []
  const opened = await fetch(printed, { redirect: 'manual' })
  const [cookie = ''] = (opened.headers.get('set-cookie') ?? '').split(';')
  const ask: Inspecting['ask'] = (path, init = {}) =>
    fetch(`${url}${path}`, { ...init, headers: { cookie, ...init.headers } })
  return { running, printed, ask, get: async path => (await ask(path)).json() }
}

describe('inspect', () => {
  test('shows a deployed stage’s deliveries, runs, ends, refusals and queues, and goes on as more happens', async () => {
    logged('ingest', 'delivery_accepted', {
      eventId: 'one',
      deliveryId: 'd1',
      trigger: 'FILE.DOWNLOADED',
      key: 'primary',
    })
    logged('automate', 'run_started', { eventId: 'one', automation: 'a', attempt: 1 })
    logged('automate', 'event_finished', { eventId: 'one', trigger: 'FILE.DOWNLOADED', status: 'done' })
    logged('ingest', 'delivery_refused', { status: 401, code: 'signature_mismatch' })
    await recorded('one', 'done')
    await recorded('older', 'dead')
    const { running, get } = await inspecting()
    expect(await get('/_local/about')).toMatchObject({
      stage: 'prod',
      readOnly: true,
      region: 'eu-central-1',
    })
    const byId = async () => {
      const events = await get('/_local/events')
      return Object.fromEntries(
        (Array.isArray(events) ? events : []).map(event => [event.eventId, event.status]),
      )
    }
    await expect
      .poll(byId, { timeout: 10_000 })
      .toMatchObject({ one: 'done', older: 'dead', 'refused ingest-1': 'refused' })
    expect(await get('/_local/events/one')).toMatchObject({
      trigger: 'FILE.DOWNLOADED',
      deliveries: [
        { deliveryId: 'd1', status: 202, verdict: [{ ok: true, text: 'passed with the primary key' }] },
      ],
      record: { status: 'done', source: 'file:1' },
      payload: expect.stringContaining('"id":"one"'),
    })
    expect(await get('/_local/queues')).toEqual({
      queue: { waiting: 0, inFlight: 0, delayed: 0 },
      deadLetters: { waiting: 0, inFlight: 0, delayed: 0 },
    })
    expect(await get('/_local/dead-letters')).toMatchObject([{ eventId: 'older' }])
    logged('ingest', 'delivery_accepted', {
      eventId: 'two',
      deliveryId: 'd2',
      trigger: 'FILE.LOCKED',
      key: 'secondary',
    })
    await expect.poll(byId, { timeout: 10_000 }).toMatchObject({ two: 'queued' })
    running.child.kill('SIGINT')
    expect(await running.ended).toMatchObject({ code: 0, err: '' })
    expect([...operations]).toEqual(['Logs_20140328.FilterLogEvents'])
  }, 40_000)

  test.skipIf(browserAbsent)(
    'in the browser: an event with its life, check and record, and nothing that could change a stage',
    async () => {
      const event = { eventId: 'seen', trigger: 'FILE.DOWNLOADED' }
      logged('ingest', 'delivery_accepted', { ...event, deliveryId: 'd9', key: 'secondary' })
      logged('automate', 'run_started', { ...event, automation: 'a', attempt: 1 })
      logged('automate', 'run_done', { ...event, automation: 'a', ms: 12 })
      logged('automate', 'event_finished', { ...event, status: 'done' })
      await recorded('seen', 'done')
      const { running, printed } = await inspecting()
      const browser = await launchBrowser()
      try {
        const errors: string[] = []
        const page = await openPage(browser, { url: printed }, errors)
        await page.locator('#state', { hasText: 'stage prod, eu-central-1, read-only' }).waitFor()
        await page.locator('.row', { hasText: 'FILE.DOWNLOADED' }).filter({ hasText: 'done' }).first().click()
        await page.locator('#timeline li', { hasText: 'verified with the secondary key' }).waitFor()
        await page.locator('#timeline li', { hasText: 'run done after 12 ms' }).waitFor()
        await page.locator('#deliveries summary').first().click()
        await page.locator('.verdict', { hasText: 'passed with the secondary key' }).waitFor()
        await page.locator('#record summary').click()
        await page.locator('#record', { hasText: '"source": "file:1"' }).waitFor()
        expect(
          await page.getByRole('navigation', { name: 'Views' }).getByRole('link').allTextContents(),
        ).toEqual(['Deliveries', 'Queue'])
        expect(await page.locator('.box, .promises, .start, #event-actions button').count()).toBe(0)
        for (const width of [1280, 390]) {
          await page.setViewportSize({ width, height: 900 })
          expect(
            await page.evaluate('document.documentElement.scrollWidth - innerWidth'),
          ).toBeLessThanOrEqual(0)
        }
        expect(errors).toEqual([])
      } finally {
        await browser.close()
        running.child.kill('SIGINT')
        await running.ended
      }
    },
    120_000,
  )

  test('changes nothing: no action is there, and the page is for this machine only', async () => {
    const { running, printed, ask } = await inspecting()
    for (const action of ['replay', 'redrive', 'burst'])
      expect((await ask(`/_local/actions/${action}`, { method: 'POST', body: '{}' })).status).toBe(404)
    expect((await ask('/_local/box')).status).toBe(404)
    const foreign = await ask('/_local/events', { headers: { origin: 'https://evil.example' } })
    expect(foreign.status).toBe(403)
    expect((await fetch(new URL('/_local/events', printed))).status, 'without the printed token').toBe(401)
    running.child.kill('SIGINT')
    await running.ended
  }, 40_000)

  test('goes on without what it may not read, and names the right that is missing', async () => {
    const denying = await startDenying()
    await recorded('known', 'done')
    const { running, get } = await inspecting(environment({ AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: denying.url }))
    await expect
      .poll(() => running.printed.err, { timeout: 20_000 })
      .toContain('logs:FilterLogEvents on /aws/lambda/boxhooks-prod-ingest')
    const problems = async () => {
      const about = await get('/_local/about')
      return isObject(about) ? about.problems : undefined
    }
    await expect
      .poll(problems, { timeout: 10_000 })
      .toEqual(expect.arrayContaining([expect.stringContaining('logs:FilterLogEvents')]))
    await expect
      .poll(async () => JSON.stringify(await get('/_local/events')), { timeout: 10_000 })
      .toContain('"known"')
    running.child.kill('SIGINT')
    await running.ended
    await denying.close()
  }, 40_000)

  test.each([
    [['--stage', 'nowhere'], 1, 'There is no stack boxhooks-nowhere in eu-central-1. Deploy the stage first'],
    [['--stage', 'denied'], 1, 'needs the right cloudformation:DescribeStacks'],
    [['--stage', 'old'], 1, 'has no output QueueUrl. Deploy the stage again'],
    [['--stage', 'a b'], 2, 'letters, digits and hyphens, beginning with a letter'],
    [['--stage', 'prod', '--since', 'yesterday'], 2, 'It must be an age such as 90s, 30m, 2h or 3d'],
    [[], 2, '--stage'],
  ])('%j exits with %i and says what to do', async (args, exitCode, message) => {
    const { code, out, err } = await runSpawned(['inspect', ...args], { env: environment() })
    expect({ code, out }).toEqual({ code: exitCode, out: '' })
    expect(err).toContain(message)
    expect(err).not.toContain('    at ')
  })
})
