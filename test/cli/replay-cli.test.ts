import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { NewEvent } from '../../lib/ledger.ts'
import { decodeMessage } from '../../lib/message.ts'
import { FRESH_RUN, type RunRecord } from '../../lib/record.ts'
import { type PayloadOverrides, wireBody } from '../../local/box/payload.ts'
import { type Stack, startStack } from '../../local/stack.ts'
import { boxEvent } from '../kit.ts'
import { runCommand, runInterrupted } from '../support/command.ts'
import { type Deployed, startDenying, startDeployed } from '../support/deployed.ts'
import { type Embedded, startEmbedded } from '../support/embedded.ts'
import { packagedLocal } from '../support/packaged.ts'
import { onlySamples } from '../support/samples.ts'
import { type ScratchClone, scratchClone } from '../support/scratch-clone.ts'

let aws: Embedded
let stage: Deployed
beforeAll(async () => {
  aws = await startEmbedded()
})
afterAll(() => aws.stop())
beforeEach(async () => {
  stage = await startDeployed(aws)
  return () => stage.close()
})

const REMOVES = 'remove-shared-link-after-download'
const done = { ...FRESH_RUN, status: 'done', attempts: 1 } as const
const failed = {
  ...FRESH_RUN,
  status: 'failed',
  attempts: 3,
  error: { code: 'box_forbidden', message: 'Box says no.' },
} as const
const skipped = { ...FRESH_RUN, status: 'skipped', reason: 'why not' } as const

type Recorded = PayloadOverrides & {
  readonly trigger?: string
  readonly id: string
  readonly runs?: Readonly<Record<string, RunRecord>>
  readonly targetId?: string
  readonly withoutPayload?: boolean
}

/** Puts an event into the ledger of the deployed stage. */
async function record({ trigger = 'FILE.DOWNLOADED', id, runs = {}, ...more }: Recorded): Promise<void> {
  const { targetId = '555', withoutPayload, ...overrides } = more
  const payload = gzipSync(wireBody(boxEvent(trigger, { ...overrides, id })))
  const event: NewEvent = {
    eventId: id,
    deliveryId: 'd1',
    trigger,
    source: 'file:1',
    receivedAt: '2026-11-22T10:00:00.000Z',
    origin: 'webhook',
    ...(withoutPayload ? {} : { payload }),
  }
  const status = Object.values(runs).some(run => run.status === 'failed') ? 'dead' : 'done'
  const claim = { lease: { token: 't', until: 0 }, status, redrives: 0, runs } as const
  await stage.ledger.open(event, { ...claim, targets: [{ type: 'folder', id: targetId }] })
}

const prod = (...args: string[]) => runCommand(['replay', ...args, '--stage', 'prod'], { env: stage.env })
const queued = async () =>
  (await aws.messages(stage.queueUrl)).ready.map(({ body, messageAttributes }) => {
    const texts = Object.entries(messageAttributes).map(([name, { StringValue }]) => [name, StringValue])
    return decodeMessage({ body, attributes: Object.fromEntries(texts) }).message
  })

describe('boxhooks replay', { timeout: 60_000 }, () => {
  test('puts the stored event on the queue, and says what runs again and what does not', async () => {
    await record({ id: 'plain', runs: { a: done, b: failed, c: skipped } })
    const { code, out, err } = await prod('plain')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out.split('\n')).toEqual([
      'FILE.DOWNLOADED plain in stage prod',
      '  runs again  b (failed), c (skipped)',
      '  left alone  a (done)',
      'What is done runs again only with --force.',
      'Automations deployed since start as well, where the event concerns them.',
      'The event is on the queue.',
      '',
    ])
    const replay = {
      runs: [
        { name: 'b', redrives: 0 },
        { name: 'c', redrives: 0 },
      ],
      redrives: 0,
    }
    expect(await queued()).toMatchObject([{ eventId: 'plain', deliveryId: 'd1', replay }])
  })

  test('for one automation, as JSON, names that alone', async () => {
    await record({ id: 'one', runs: { a: failed, b: failed } })
    const { code, out } = await prod('one', '--automation', 'b', '--json')
    expect({ code, told: JSON.parse(out) }).toEqual({
      code: 0,
      told: {
        sent: true,
        eventId: 'one',
        trigger: 'FILE.DOWNLOADED',
        takenBack: [{ name: 'b', status: 'failed' }],
        left: [{ name: 'a', status: 'failed' }],
      },
    })
    expect(await queued()).toMatchObject([{ replay: { only: ['b'] } }])
    expect((await prod('one', '--automation', 'new')).out).toContain('new has no run at this event yet')
  })

  test('with --force shows what it would repeat, and does nothing where nobody says yes', async () => {
    await record({ id: 'forced', runs: { a: done } })
    const asked = await prod('forced', '--force')
    expect(asked).toMatchObject({ code: 1, out: '', err: expect.stringContaining('runs again  a (done)') })
    expect(asked.err).toContain('add --yes')
    expect(await prod('forced', '--force', '--dry-run')).toMatchObject({
      code: 0,
      out: expect.stringContaining('runs again  a (done)'),
    })
    expect(await queued()).toEqual([])
    expect(await prod('forced', '--force', '--yes')).toMatchObject({ code: 0 })
    expect(await queued()).toMatchObject([{ replay: { runs: [{ name: 'a', redrives: 0 }] } }])
  })

  test('of what can’t be replayed says why', async () => {
    await record({ id: 'too-large', runs: { a: failed }, withoutPayload: true })
    for (const [id, told] of [
      ['nowhere', 'The ledger has no record of event nowhere.'],
      ['too-large', 'but not its payload'],
      ['a b', 'without a space'],
    ] as const) {
      const { code, out, err } = await prod(id)
      expect({ code, out }).toEqual({ code: 1, out: '' })
      expect(err).toContain(told)
      expect(err).not.toContain('    at ')
    }
  })

  test('at the wrong stage, or without the right, says what to do', async () => {
    await record({ id: 'refused', runs: { a: failed } })
    const denying = await startDenying()
    const at = (place: string[], env: Record<string, string> = {}) =>
      runCommand(['replay', 'refused', ...place], { env: { ...stage.env, ...env } })
    for (const [ended, told] of [
      [at(['--stage', 'nowhere']), 'There is no stack boxhooks-nowhere'],
      [at(['--stage', 'old']), 'has no output QueueUrl'],
      [at(['--stage', 'denied']), 'the right cloudformation:DescribeStacks'],
      [at(['--stage', 'prod'], { AWS_ENDPOINT_URL_DYNAMODB: denying.url }), 'the right dynamodb:GetItem'],
      [at(['--stage', 'prod'], { AWS_ENDPOINT_URL_SQS: denying.url }), 'the right sqs:SendMessage'],
      [at(['--local', '--port', '9']), 'No local stack answers on port 9'],
      [at(['--stage', 'prod', '--to-local', '--port', '9']), 'No local stack answers on port 9'],
      [at(['--stage', 'prod', '--watch', 'folder:1']), '--watch is for --to-local'],
      [at(['--stage', 'prod', '--to-local', '--as-test']), 'cannot be used with'],
      [at([]), '--stage NAME'],
    ] as const) {
      const { code, out, err } = await ended
      expect({ code, out }).toEqual({ code: 1, out: '' })
      expect(err).toContain(told)
    }
    await denying.close()
  })

  test('interrupted before the event is on the queue, ends at once and has put nothing there; again, it does', async () => {
    await record({ id: 'interrupted', runs: { a: failed } })
    const interrupted = await runInterrupted(
      ['replay', 'interrupted', '--stage', 'prod'],
      stage.env,
      'AWS_ENDPOINT_URL_SQS',
    )
    expect(interrupted).toMatchObject({ out: '', err: '', by: 'SIGINT' })
    expect(await queued()).toEqual([])
    expect((await stage.ledger.read('interrupted'))?.runs.a?.status).toBe('failed')
    expect(await prod('interrupted')).toMatchObject({ code: 0 })
    expect(await queued()).toMatchObject([{ eventId: 'interrupted' }])
  })
})

describe('with the local stack', { timeout: 120_000 }, () => {
  let stack: Stack
  let removeSamples: () => Promise<void>
  beforeAll(async () => {
    stack = await startStack({ port: 0, packaged: await packagedLocal() })
    removeSamples = await onlySamples(stack)
  })
  afterAll(async () => {
    await stack.stop()
    await removeSamples()
  })
  const port = () => new URL(stack.url).port
  const local = (...args: string[]) => runCommand(['replay', ...args, '--local', '--port', port()])
  const toLocal = (...args: string[]) => prod(...args, '--to-local', '--port', port())
  const statusOf = async (eventId: string) => (await stack.ledger.read(eventId))?.status

  test('boxhooks replay --local runs an event of the local stack again, by force what is done', async () => {
    const { content } = stack.box
    const { id } = content.uploadFile({ parentId: '100001', name: 'offer.pdf', content: 'x' })
    content.updateFile(id, { sharedLink: { access: 'open' } })
    content.downloadFile(id)
    const eventId = stack.box.sent.findLast(({ trigger }) => trigger === 'FILE.DOWNLOADED')?.eventId ?? ''
    await expect.poll(() => statusOf(eventId), { timeout: 20_000 }).toBe('done')
    content.updateFile(id, { sharedLink: { access: 'open' } })
    expect(await local(eventId)).toMatchObject({
      code: 0,
      out: expect.stringContaining('runs again  nothing'),
    })
    expect(content.file(id).sharedLink).toBeDefined()
    expect(await local(eventId, '--force', '--yes')).toMatchObject({ code: 0 })
    await expect.poll(() => content.file(id).sharedLink, { timeout: 20_000 }).toBeUndefined()
    await expect.poll(() => statusOf(eventId), { timeout: 20_000 }).toBe('done')
    expect((await stack.ledger.read(eventId))?.runs[REMOVES]).toMatchObject({ attempts: 1, redrives: 1 })
  })

  test('--to-local runs an event of a stage there, in place of the folder that the stage watches, as often as asked', async () => {
    const source = {
      id: '777',
      path_collection: { total_count: 1, entries: [{ type: 'folder', id: '555', name: 'Review' }] },
      parent: { type: 'folder', id: '555', name: 'Review' },
    }
    await record({ id: 'from-prod', runs: { [REMOVES]: done }, source, webhookId: '99' })
    for (const redrives of [0, 1]) {
      const { code, out, err } = await toLocal('from-prod')
      expect({ code, err }).toEqual({ code: 0, err: '' })
      expect(out).toMatch(new RegExp(`${REMOVES} +done +1`))
      expect((await stack.ledger.read('from-prod'))?.runs[REMOVES]).toMatchObject({
        status: 'done',
        redrives,
      })
    }
    expect(await queued()).toEqual([])
    const { out } = await toLocal('from-prod', '--automation', REMOVES, '--json')
    expect(JSON.parse(out)).toMatchObject({ status: 'done', runs: [{ name: REMOVES, status: 'done' }] })
  })

  test('--to-local says so where nothing here would run, or it is not plain in whose place', async () => {
    await record({ id: 'locked', trigger: 'FILE.LOCKED' })
    expect(await toLocal('locked')).toMatchObject({
      code: 1,
      err: expect.stringContaining('No automation of the local stack subscribes to FILE.LOCKED'),
    })
    await record({ id: 'elsewhere' })
    expect(await toLocal('elsewhere', '--watch', 'folder:9')).toMatchObject({
      code: 1,
      err: expect.stringContaining('Say with --watch in whose place it is: folder:100001'),
    })
    expect(await toLocal('nowhere')).toMatchObject({ code: 1, err: expect.stringContaining('no record') })
  })
})

describe('boxhooks replay --as-test', { timeout: 120_000 }, () => {
  let clone: ScratchClone
  beforeAll(async () => {
    clone = await scratchClone()
  })
  afterAll(() => clone.remove())
  const asTest = (...args: string[]) =>
    clone.boxhooksWith(stage.env, 'replay', ...args, '--as-test', '--stage', 'prod')
  const written = (out: string): { fixture: string; test: string } => JSON.parse(out)

  test.each([
    ['archive-uploads', 'FILE.UPLOADED', done, 'is done with'],
    [REMOVES, 'FILE.DOWNLOADED', failed, 'is done with'],
    ['remove-outside-collaborators', 'COLLABORATION.CREATED', skipped, 'leaves alone'],
  ])(
    'writes an event of %s as a fixture without names, and a test that runs',
    async (name, trigger, run, what) => {
      const canary = 'Canary contract of Mallory.pdf'
      const person = { type: 'user', id: '33224412', name: 'Mallory Canary', login: 'mallory@canary.example' }
      const source =
        trigger === 'COLLABORATION.CREATED'
          ? { accessible_by: { type: 'group', id: '5', name: 'Canary group' } }
          : {
              name: canary,
              owned_by: person,
              path_collection: {
                total_count: 1,
                entries: [{ type: 'folder', id: '555', name: 'Canary folder' }],
              },
              parent: { type: 'folder', id: '555', name: 'Canary folder' },
            }
      await record({ id: `canary-event-${name}`, trigger, source, createdBy: person, runs: { [name]: run } })
      const { code, out, err } = await asTest(`canary-event-${name}`, '--json')
      expect({ code, err }).toEqual({ code: 0, err: '' })
      const files = written(out)
      const [fixture, code_] = await Promise.all(
        [files.fixture, files.test].map(file => readFile(join(clone.folder, file), 'utf8')),
      )
      expect(`${fixture}${code_}`).not.toMatch(/canary(?!-event)|mallory|33224412|\b555\b/i)
      expect(await clone.tool('biome', 'check', '--error-on-warnings', files.test)).toMatchObject({ code: 0 })
      expect(await clone.tool('tsc', '--noEmit')).toEqual({ code: 0, out: '', err: '' })
      expect(await clone.tests(files.test)).toMatchObject({
        code: 0,
        out: expect.stringContaining(`${name} ${what} a recorded event`),
      })
    },
  )

  test('says what comes next, and never writes over a file', async () => {
    await record({ id: 'again', runs: { [REMOVES]: done } })
    const first = await asTest('again')
    expect(first).toMatchObject({
      code: 0,
      out: expect.stringContaining('Read the fixture before you commit it'),
    })
    expect(await asTest('again')).toMatchObject({
      code: 1,
      err: expect.stringContaining('Nothing was written'),
    })
  })

  test('wants to know which automation, where that is not plain', async () => {
    await record({ id: 'several', runs: { a: done, b: done } })
    await record({ id: 'none' })
    for (const [args, told] of [
      [
        ['several'],
        'Several automations ran at this event. Say with --automation which one is to be tested: a, b.',
      ],
      [['none'], 'No automation ran at this event.'],
      [['several', '--automation', 'a'], 'No file in automations/ declares a. There are archive-uploads'],
    ] as const)
      expect(await asTest(...args)).toMatchObject({ code: 1, out: '', err: expect.stringContaining(told) })
  })
})
