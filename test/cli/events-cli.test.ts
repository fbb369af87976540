import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { isObject } from '../../lib/base/json.ts'
import { createLedger, type NewEvent } from '../../lib/ledger/ledger.ts'
import { type EventStatus, FRESH_RUN, type RunRecord } from '../../lib/ledger/record.ts'
import { type Served, serve } from '../../local/serve.ts'
import { type CommandOptions, runCommand, startCommand } from '../support/command.ts'
import { startDenying } from '../support/deployed.ts'
import { type LogGroups, startLogGroups } from '../support/log-groups.ts'
import { automationCode, type ScratchProject, scratchProject } from '../support/scratch-project.ts'
import { useStage } from '../support/stage.ts'

const UNSHARES = 'unshare'
const ARCHIVES = 'archive'

const at = useStage()
let project: ScratchProject
let logs: LogGroups
let denying: Served
beforeAll(async () => {
  ;[project, denying] = await Promise.all([scratchProject(), startDenying()])
  const watch = "watch: { folder: '${FOLDER_ID}' }, settings: { FOLDER_ID: 'the folder' }"
  for (const [name, on] of [
    [UNSHARES, 'FILE.DOWNLOADED'],
    [ARCHIVES, 'FILE.UPLOADED'],
  ] as const)
    await project.write(`automations/${name}.ts`, automationCode(name, `on: '${on}', ${watch}`))
})
afterAll(() => Promise.all([project.remove(), denying.close()]))
beforeEach(async () => {
  logs = await startLogGroups()
  return () => logs.served.close()
})

type Known = Partial<NewEvent> & {
  readonly status?: EventStatus
  readonly runs?: Readonly<Record<string, RunRecord>>
  readonly agoMs?: number
  readonly leaseUntil?: number
}

async function put({
  status = 'done',
  runs = {},
  agoMs = 60_000,
  leaseUntil = 0,
  ...event
}: Known): Promise<void> {
  const eventId = event.eventId ?? 'e'
  const known = {
    eventId,
    deliveryId: `d-${eventId}`,
    trigger: 'FILE.DOWNLOADED',
    source: 'file:1',
    origin: 'webhook',
    receivedAt: new Date(Date.now() - agoMs).toISOString(),
    payload: gzipSync(JSON.stringify({ id: eventId, trigger: 'FILE.DOWNLOADED', name: 'secret.pdf' })),
  }
  const claim = { lease: { token: 't', until: leaseUntil }, status, redrives: 0, runs }
  const { dynamodb, table } = at.aws
  const ledger = createLedger({ dynamodb, table, now: Date.now })
  await ledger.open({ ...known, ...event }, { ...claim, targets: [{ type: 'folder', id: '100001' }] })
}

const done = { ...FRESH_RUN, status: 'done', attempts: 1, startedAt: 1, finishedAt: Date.now() } as const
const failed = {
  ...FRESH_RUN,
  status: 'failed',
  attempts: 3,
  error: { code: 'box_forbidden', message: 'Box says no.' },
} as const

const environment = (more: Record<string, string> = {}) => ({
  ...at.stage.env,
  AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: logs.served.url,
  AWS_ENDPOINT_URL_LAMBDA: denying.url,
  ...more,
})
const run = (args: readonly string[], options: CommandOptions = {}) =>
  runCommand(args, { env: environment(), project: project.folder, ...options })
const prod = (...args: string[]) => run([...args, '--stage', 'prod'])

const idsIn = (json: string): unknown[] => {
  const events: unknown = JSON.parse(json)
  return Array.isArray(events) ? events.map(one => (isObject(one) ? one.eventId : undefined)) : []
}

describe('boxhooks events list', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    await put({ eventId: 'l-1', source: 'file:11', agoMs: 600_000, runs: { a: done, b: done } })
    await put({ eventId: 'l-2', source: 'folder:11', agoMs: 500_000, status: 'dead', runs: { a: failed } })
    await put({ eventId: 'l-3', source: 'file:12', agoMs: 400_000, trigger: 'FILE.LOCKED' })
    await put({ eventId: 'l-4', source: 'file:13', agoMs: 3 * 86_400_000 })
    const nextAt = Date.now() + 600_000
    await put({ eventId: 'l-5', agoMs: 300_000, status: 'open', runs: { b: { ...FRESH_RUN, nextAt } } })
  })

  test('shows what the ledger has of the last hour, the newest first, without bodies', async () => {
    const { code, out, err } = await prod('events', 'list')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    const rows = out
      .trimEnd()
      .split('\n')
      .map(line => line.split(/ {2,}/))
    expect(rows[0]).toEqual(['RECEIVED', 'EVENT', 'TRIGGER', 'ITEM', 'STATUS', 'RUNS'])
    expect(rows.slice(1).map(([, ...rest]) => rest)).toEqual([
      ['l-5', 'FILE.DOWNLOADED', 'file:1', 'waiting', expect.stringMatching(/^b waiting \d+m$/)],
      ['l-3', 'FILE.LOCKED', 'file:12', 'done', 'none'],
      ['l-2', 'FILE.DOWNLOADED', 'folder:11', 'dead', 'a failed (box_forbidden)'],
      ['l-1', 'FILE.DOWNLOADED', 'file:11', 'done', 'a done, b done'],
    ])
    const json = await prod('events', 'list', '--json')
    expect(idsIn(json.out)).toEqual(['l-5', 'l-3', 'l-2', 'l-1'])
    expect(json.out).not.toContain('payload')
  })

  test.each<[string[], string[]]>([
    [['--trigger', 'FILE.LOCKED'], ['l-3']],
    [
      ['--item', '11'],
      ['l-2', 'l-1'],
    ],
    [['--item', 'file:11'], ['l-1']],
    [['--automation', 'a', '--status', 'done'], ['l-1']],
    [
      ['--status', 'dead', '--status', 'waiting'],
      ['l-5', 'l-2'],
    ],
    [['--since', '4d', '--until', '1d'], ['l-4']],
  ])('%j finds %j', async (args, ids) => {
    expect(idsIn((await prod('events', 'list', '--json', ...args)).out)).toEqual(ids)
  })

  test('says that there are more, that nothing fits, and that there is nothing', async () => {
    const few = await prod('events', 'list', '--limit', '2', '--json')
    expect(idsIn(few.out)).toEqual(['l-5', 'l-3'])
    expect(few).toMatchObject({ code: 0, err: expect.stringContaining('more than the 2 that are listed') })
    const unfit = await prod('events', 'list', '--automation', 'aa')
    expect(unfit).toMatchObject({ code: 0, out: expect.stringContaining('4 were read') })
    expect(unfit.out).toContain('None of them has a run of aa. Did you mean a')
    const none = await prod('events', 'list', '--item', 'file:404')
    expect(none).toMatchObject({ code: 0, out: expect.stringContaining('no event about file:404 since') })
    expect(none.out).toContain('npx boxhooks why file:404 --stage prod')
    expect(await prod('events', 'list', '--until', '30d', '--since', '31d', '--json')).toMatchObject({
      code: 0,
      out: '[]\n',
    })
  })

  test.each([
    [['--trigger', 'FILE.DOWNLOAD'], 'Did you mean FILE.DOWNLOADED'],
    [['--status', 'broken'], 'It must be one of'],
    [['--item', 'x y'], 'It must be file:ID'],
    [['--since', 'yesterday'], 'It must be an age such as 90s'],
    [['--since', '1h', '--until', '2h'], '--since must be before --until'],
  ])('%j says what would be right', async (args, told) => {
    expect(await prod('events', 'list', ...args)).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringContaining(told),
    })
  })
})

describe('boxhooks events show', { timeout: 120_000 }, () => {
  test('tells the whole story from the ledger and the logs, by the event’s id or a delivery’s', async () => {
    const at = Date.now() - 50_000
    await put({
      eventId: 's-1',
      status: 'dead',
      runs: { [ARCHIVES]: { ...failed, steps: { copied: '{"id":"5"}' } } },
    })
    logs.put('ingest', 'delivery_accepted', { eventId: 's-1', deliveryId: 'd-s-1', key: 'primary' }, at)
    logs.put('automate', 'run_started', { eventId: 's-1', automation: ARCHIVES, attempt: 3 }, at + 200)
    const call = { method: 'PUT', path: '/2.0/files/1', status: 403, ms: 12 }
    logs.put('automate', 'box_call', { eventId: 's-1', automation: ARCHIVES, ...call }, at + 400)
    logs.put('automate', 'run_started', { eventId: 'another', automation: ARCHIVES }, at + 500)
    logs.put('automate', 'event_dead_lettered', { eventId: 's-1', code: 'box_forbidden' }, at + 600)
    logs.put(
      'ingest',
      'delivery_accepted',
      { eventId: 's-1', deliveryId: 'd-again', key: 'secondary' },
      at + 900,
    )
    logs.put('automate', 'event_duplicate', { eventId: 's-1' }, at + 1000)
    const { code, out, err } = await prod('events', 'show', 's-1')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    for (const told of [
      /status +dead/,
      /about +folder:100001/,
      /archive +failed +3 +0 +0 .*copied \(10\)/,
      /archive: box_forbidden: Box says no\./,
      /\+0 ms +ingest +delivery d-s-1 accepted, signed with the primary key/,
      /\+200 ms +archive +run started, attempt 3/,
      /\+400 ms +archive +PUT \/2\.0\/files\/1 → 403, 12 ms/,
      /\+600 ms +queue +put on the dead-letter queue \(box_forbidden\)/,
      /\+900 ms +ingest +delivery d-again accepted, signed with the secondary key/,
      /\+1\.0 s +queue +event duplicate/,
      /npx boxhooks dlq redrive s-1 --stage prod/,
    ])
      expect(out).toMatch(told)
    expect(out).not.toContain('secret.pdf')
    const byDelivery = await prod('events', 'show', 'd-again', '--json')
    expect(JSON.parse(byDelivery.out)).toMatchObject({
      eventId: 's-1',
      deliveryId: 'd-again',
      record: { status: 'dead', runs: { [ARCHIVES]: { steps: [{ name: 'copied', characters: 10 }] } } },
      problems: [],
    })
    const withBody = await prod('events', 'show', 's-1', '--payload', '--json')
    expect(JSON.parse(withBody.out)).toMatchObject({ payload: { id: 's-1', name: 'secret.pdf' } })
  })

  test('of an event on the queue says that no worker has claimed it', async () => {
    logs.put('ingest', 'delivery_accepted', { eventId: 's-2', deliveryId: 'd', key: 'primary' })
    const { code, out } = await prod('events', 'show', 's-2')
    expect({ code, out }).toMatchObject({
      code: 0,
      out: expect.stringContaining('no worker has claimed it yet'),
    })
  })

  test('goes on with the ledger alone where the logs are gone or may not be read, and says so', async () => {
    await put({ eventId: 's-3', runs: { a: done } })
    expect((await prod('events', 'show', 's-3')).out).toContain('The logs have no line about it')
    const env = environment({ AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: denying.url })
    const { code, out } = await run(['events', 'show', 's-3', '--stage', 'prod'], { env })
    expect(code).toBe(0)
    expect(out).toContain('delivery d-s-3 received')
    expect(out).toContain(
      'your user or role needs the right logs:FilterLogEvents on /aws/lambda/boxhooks-prod-',
    )
  })

  test('of what nobody knows says so, and ends with 1', async () => {
    expect(await prod('events', 'show', 'nowhere')).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('no record of event nowhere, and the logs since'),
    })
  })
})

describe('boxhooks why', { timeout: 120_000 }, () => {
  test('answers from the ledger and the logs what became of each automation', async () => {
    await put({ eventId: 'w-1', source: 'file:77', runs: { [UNSHARES]: done } })
    await put({
      eventId: 'w-2',
      source: 'file:77',
      trigger: 'FILE.UPLOADED',
      status: 'dead',
      runs: { [ARCHIVES]: failed },
    })
    for (const deliveryId of ['d1', 'd2'])
      logs.put('ingest', 'delivery_accepted', { eventId: 'w-1', deliveryId, key: 'primary' })
    const { code, out } = await prod('why', 'https://app.box.com/file/77')
    expect(code).toBe(0)
    expect(out).toContain('file:77 in stage prod: 2 events')
    expect(out).toMatch(/unshare: done\n.*w-1.*delivered the event 2 times/)
    expect(out).toMatch(
      /archive: failed permanently\n.*box_forbidden: Box says no\.\n.*dlq redrive w-2 --stage prod/,
    )
    const json = await prod('why', '77', ARCHIVES, '--json')
    expect(JSON.parse(json.out)).toMatchObject({
      item: { type: 'file', id: '77' },
      answers: [{ automation: ARCHIVES, verdict: 'dead', eventId: 'w-2' }],
    })
  })

  test('says what it could not learn, and which right that takes', async () => {
    const { code, out } = await prod('why', 'file:4040', UNSHARES)
    expect(code).toBe(0)
    expect(out).toMatch(/No event (of its triggers|about it) arrived/)
    expect(out).toMatch(/FOLDER_ID|lambda:InvokeFunction on boxhooks-prod-reconcile/)
  })

  test('wants an automation and an item that there can be', async () => {
    expect(await prod('why', '4040', 'archve')).toMatchObject({
      code: 1,
      err: expect.stringContaining('Did you mean archive'),
    })
    expect(await prod('why', 'https://app.box.com/s/abc')).toMatchObject({
      code: 2,
      err: expect.stringContaining('A shared link names no item.'),
    })
    await put({ eventId: 'w-3', source: 'file:78' })
    await put({ eventId: 'w-4', source: 'folder:78' })
    expect(await prod('why', '78')).toMatchObject({
      code: 1,
      err: expect.stringContaining('Specify file:78 or folder:78.'),
    })
  })
})

describe('each of these commands', { timeout: 120_000 }, () => {
  const COMMANDS: readonly [string, ...string[]][] = [
    ['events', 'list'],
    ['events', 'show', 'e'],
    ['why', 'file:1'],
  ]

  test.each(COMMANDS)('%s %s at the wrong stage says what to do', async (...args) => {
    for (const [place, told, exitCode] of [
      [
        ['--stage', 'nowhere'],
        'There is no stack boxhooks-nowhere in eu-central-1. Deploy the stage first',
        1,
      ],
      [['--stage', 'denied'], 'needs the right cloudformation:DescribeStacks', 1],
      [[], '--stage NAME', 2],
    ] as const) {
      const { code, out, err } = await run([...args, ...place])
      expect({ code, out }).toEqual({ code: exitCode, out: '' })
      expect(err).toContain(told)
      expect(err).not.toContain('    at ')
    }
  })

  test.each(COMMANDS)('%s %s without the right for the ledger names the right', async (...args) => {
    const env = environment({ AWS_ENDPOINT_URL_DYNAMODB: denying.url })
    const { code, err } = await run([...args, '--stage', 'prod'], { env })
    expect(code).toBe(1)
    expect(err).toMatch(/your user or role needs the right dynamodb:(Query|GetItem)/)
  })

  test.each(COMMANDS)('%s %s that is interrupted ends at once, with 130', async (...args) => {
    await put({ eventId: 'e', source: 'file:1' })
    let asked = 0
    const stopping = Promise.withResolvers<void>()
    const hanging = await serve({
      fetch: async request => {
        asked += 1
        await stopping.promise
        return fetch(`${at.stage.env.AWS_ENDPOINT_URL_DYNAMODB}/`, {
          method: 'POST',
          headers: request.headers,
          body: await request.text(),
        })
      },
      port: 0,
    })
    const service = args[1] === 'list' ? 'AWS_ENDPOINT_URL_DYNAMODB' : 'AWS_ENDPOINT_URL_CLOUDWATCH_LOGS'
    const running = startCommand([...args, '--stage', 'prod'], {
      env: environment({ [service]: hanging.url }),
      project: project.folder,
    })
    await expect.poll(() => asked, { timeout: 30_000 }).toBeGreaterThan(0)
    running.interrupt()
    await expect.poll(() => running.printed.err, { timeout: 30_000 }).toContain('Stopping.')
    // The list waits for DynamoDB's answer, the others for no answer of the logs.
    if (args[1] === 'list') stopping.resolve()
    const { code, out, err } = await running.ended
    expect(code).toBe(130)
    expect(err).toContain('Stopping.')
    expect(err).not.toContain('    at ')
    expect(out).not.toContain('"eventId"')
    await hanging.close()
  })
})
