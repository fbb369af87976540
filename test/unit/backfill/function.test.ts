import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { automation, bindSettings } from '../../../lib/automation/automation.ts'
import { targetsOf } from '../../../lib/automation/target.ts'
import { backfillFunction } from '../../../lib/backfill/backfill-function.ts'
import { isBackfillAnswer } from '../../../lib/backfill/backfill-request.ts'
import { BACKFILL_STATE_KEY } from '../../../lib/backfill/progress.ts'
import { isObject, parseObject } from '../../../lib/base/json.ts'
import { createBoxConnection } from '../../../lib/box/box.ts'
import { parseEvent, type Trigger } from '../../../lib/event/event.ts'
import { createLedger } from '../../../lib/ledger/ledger.ts'
import { createEmulatedBox, type EmulatedBox } from '../../../local/box/emulated-box.ts'
import { type Served, serve } from '../../../local/serve.ts'
import { countedIds } from '../../support/counted-ids.ts'
import { useEmbedded } from '../../support/embedded.ts'
import { type ManualClock, manualClock } from '../../support/manual-clock.ts'

const START = Date.parse('2026-11-23T10:00:00Z')
const HOUR = 3_600_000
const SECRET = JSON.stringify({ clientId: 'local-client', clientSecret: 'local-secret', enterpriseId: '1' })

const aws = useEmbedded()

let clock: ManualClock
let box: EmulatedBox
let served: Served
let queue: string
let queues = 0
beforeEach(async () => {
  clock = manualClock(START)
  box = createEmulatedBox({ clock, newId: countedIds('id'), keys: {}, fetch: async () => new Response(null) })
  served = await serve({ fetch: box.fetch, port: 0 })
  queues += 1
  queue = await aws.createQueue(`backfill-${queues}`, {})
  await aws.remove(BACKFILL_STATE_KEY)
})
afterEach(async () => {
  await box.close()
  await served.close()
})

const automations = (watch: Readonly<Record<string, string>>, on: readonly Trigger[] = ['FILE.DOWNLOADED']) =>
  Object.entries(watch).map(([name, folder]) => automation({ name, on, watch: { folder }, async run() {} }))

function lambda(watch: Readonly<Record<string, string>>, on?: readonly Trigger[]) {
  const handler = backfillFunction({
    automations: automations(watch, on),
    env: { QUEUE_URL: queue, LEDGER_TABLE: aws.table, BOX_APP_SECRET_ID: 'app', BOX_API_URL: served.url },
    clock,
    write: () => {},
    secretsManager: () => ({ send: async () => ({ $metadata: {}, SecretString: SECRET }) }),
    sqs: () => aws.sqs,
    dynamodb: () => aws.dynamodb,
    connectBox: createBoxConnection,
  })
  return async (request: Readonly<Record<string, unknown>>) => {
    const answer: unknown = await handler(request, { getRemainingTimeInMillis: () => 300_000 })
    if (!isBackfillAnswer(answer)) throw new Error('This is no answer.')
    return answer
  }
}

const SINCE = new Date(START).toISOString()
const run = { action: 'run', since: SINCE, stream: 'enterprise', queueMax: 100 }
const messages = async () => (await aws.messages(queue)).ready
const bodies = async () => (await messages()).map(({ body }) => parseObject(body) ?? {})
const folder = (name: string, parentId = '0') => box.content.createFolder({ parentId, name }).id
const file = (parentId: string, name = 'a.txt') => box.content.uploadFile({ parentId, name, content: 'x' }).id
const counts = (queued: number, more: Record<string, number> = {}) => ({
  read: queued,
  notCovered: 0,
  seen: 0,
  before: 0,
  queued,
  unclear: 0,
  ...more,
})

describe('what is queued', { timeout: 60_000 }, () => {
  test('has the events of the second that the span ends in, up to its end and no further', async () => {
    const review = folder('Review')
    const id = file(review)
    clock.advance(HOUR + 500)
    box.content.downloadFile(id)
    clock.advance(500)
    box.content.downloadFile(id)
    clock.advance(3 * HOUR)
    const ask = lambda({ mine: review })
    const until = new Date(START + HOUR + 900).toISOString()
    expect(await ask({ ...run, until })).toMatchObject({
      ok: true,
      report: { done: true, counts: { 'FILE.DOWNLOADED': counts(1) } },
    })
    expect((await bodies()).map(({ created_at }) => Date.parse(String(created_at)))).toEqual([START + HOUR])
  })

  test('is one of two alike events on either side of a border, of which a webhook brought one', async () => {
    const review = folder('Review')
    const id = file(review)
    for (let count = 0; count < 2; count += 1) {
      clock.advance(60_000)
      box.content.downloadFile(id)
    }
    const receivedAt = new Date(clock.now()).toISOString()
    const SECOND = 'the-second-download'
    const ledger = createLedger({ dynamodb: aws.dynamodb, table: aws.table, now: clock.now })
    await ledger.open(
      {
        eventId: SECOND,
        deliveryId: 'd',
        trigger: 'FILE.DOWNLOADED',
        source: `file:${id}`,
        receivedAt,
        origin: 'webhook',
      },
      {
        lease: { token: 't', until: 0 },
        status: 'done',
        redrives: 0,
        runs: {},
        targets: [{ type: 'folder', id: review }],
      },
    )
    clock.advance(3 * HOUR)
    const ask = lambda({ mine: review })
    const border = new Date(START + 90_000).toISOString()
    const figures = async (request: Readonly<Record<string, unknown>>) => {
      const answer = await ask(request)
      return answer.ok && answer.report?.counts['FILE.DOWNLOADED']
    }
    const seen = counts(0, { read: 1, seen: 1 })
    for (const action of ['count', 'run'])
      expect(await figures({ ...run, until: border, action })).toEqual(seen)
    for (const action of ['count', 'run'])
      expect(await figures({ ...run, since: border, action })).toEqual(counts(1))
    expect(await messages()).toHaveLength(1)
    // Files of other tests have the same ids.
    await aws.remove(SECOND)
  })

  test('is in the form of a webhook’s, says that it was back-filled, and is for the target that it names', async () => {
    const review = folder('Review')
    const id = file(folder('Inner', review))
    box.content.downloadFile(id)
    clock.advance(3 * HOUR)
    const ask = lambda({ mine: review })
    expect(await ask(run)).toMatchObject({
      ok: true,
      report: { done: true, queued: 1, counts: { 'FILE.DOWNLOADED': counts(1) } },
    })
    const [message] = await messages()
    expect(message?.messageAttributes.origin?.StringValue).toBe('backfill')
    const parsed = parseEvent(message?.body ?? '', { origin: 'backfill' })
    if (!parsed.ok) throw new Error(parsed.reason.message)
    const { event } = parsed
    expect(event).toMatchObject({
      id: expect.stringMatching(/^backfill-[0-9a-f]{40}$/),
      trigger: 'FILE.DOWNLOADED',
      createdAt: '2026-11-23T10:00:00+00:00',
      origin: 'backfill',
      createdBy: { type: 'user', id: box.content.owner.id },
      item: { type: 'file', id, name: 'a.txt' },
      source: { type: 'file', id, name: 'a.txt', sha1: expect.any(String), parent: { name: 'Inner' } },
      additionalInfo: {
        backfill: {
          event_type: 'DOWNLOAD',
          stream: 'enterprise',
          targets: [{ type: 'folder', id: review }],
        },
      },
    })
    const nobody = async () => {
      throw new Error('Box need not be asked.')
    }
    const bound = bindSettings(automations({ mine: review, other: '1' }), {})
    expect(await targetsOf(event, bound, nobody)).toEqual({
      known: true,
      targets: [{ type: 'folder', id: review }],
    })
  })

  test('is one event for all the watched targets that it lies below, as webhooks have it', async () => {
    const outer = folder('Outer')
    const inner = folder('Inner', outer)
    box.content.downloadFile(file(inner))
    clock.advance(3 * HOUR)
    await lambda({ outside: outer, inside: inner, elsewhere: folder('Elsewhere') })(run)
    const [body, ...others] = await bodies()
    expect(others).toEqual([])
    const targets = [outer, inner].map(id => ({ type: 'folder', id }))
    expect(body).toMatchObject({
      additional_info: { backfill: { targets: expect.arrayContaining(targets) } },
    })
  })

  test('lies where it lay then, though it was moved or trashed since; what is gone for good has what the log says', async () => {
    const review = folder('Review')
    const away = folder('Away')
    const [moved, trashed, purged] = [file(review, 'moved'), file(review, 'trashed'), file(review, 'purged')]
    for (const id of [moved, trashed, purged]) box.content.downloadFile(id)
    box.content.updateFile(moved, { parentId: away })
    box.content.trashFile(trashed)
    box.content.trashFile(purged)
    box.content.purge({ type: 'file', id: purged })
    clock.advance(3 * HOUR)
    await lambda({ mine: review })(run)
    const sources = (await bodies()).map(({ source }) => source).filter(isObject)
    expect(
      sources.map(({ id, name, parent, item_status: status }) => [
        id,
        name,
        isObject(parent) && parent.id,
        status,
      ]),
    ).toEqual(
      expect.arrayContaining([
        [moved, 'moved', review, 'active'],
        [trashed, 'trashed', review, 'trashed'],
        [purged, 'purged', review, 'deleted'],
      ]),
    )
  })

  test('is nothing where it can’t be told whether it was covered, and that is counted and named', async () => {
    const review = folder('Review')
    const gone = folder('Gone')
    box.content.downloadFile(file(gone))
    box.content.trashFolder(gone)
    box.content.purge({ type: 'folder', id: gone })
    box.content.downloadFile(file(folder('Elsewhere')))
    clock.advance(3 * HOUR)
    expect(await lambda({ mine: review })(run)).toMatchObject({
      report: {
        counts: { 'FILE.DOWNLOADED': counts(0, { read: 2, notCovered: 1, unclear: 1 }) },
        unclear: [
          {
            eventType: 'DOWNLOAD',
            createdAt: '2026-11-23T10:00:00+00:00',
            item: expect.stringMatching(/^file:/),
          },
        ],
      },
    })
    expect(await messages()).toEqual([])
  })

  test('is a move as an upload as well, and collaborations with whom they are', async () => {
    const review = folder('Review')
    const id = file(folder('Elsewhere'))
    box.content.updateFile(id, { parentId: review })
    box.content.addUser({ id: '20001', name: 'Ellis', login: 'ellis@elsewhere.example' })
    const { id: collaboration } = box.content.addCollaboration({
      item: { type: 'folder', id: review },
      login: 'ellis@elsewhere.example',
      role: 'editor',
    })
    clock.advance(3 * HOUR)
    const on = ['FILE.UPLOADED', 'FILE.MOVED', 'COLLABORATION.CREATED', 'FILE.DELETED'] as const
    expect(await lambda({ mine: review }, on)(run)).toMatchObject({
      report: { lost: [{ trigger: 'FILE.DELETED' }], queued: 3 },
    })
    const all = await bodies()
    expect(all.map(({ trigger }) => trigger).sort()).toEqual([
      'COLLABORATION.CREATED',
      'FILE.MOVED',
      'FILE.UPLOADED',
    ])
    expect(all.find(({ trigger }) => trigger === 'COLLABORATION.CREATED')?.source).toMatchObject({
      type: 'collaboration',
      id: collaboration,
      item: { type: 'folder', id: review },
      accessible_by: { login: 'ellis@elsewhere.example' },
      role: 'editor',
    })
  })
})

describe('the state', { timeout: 120_000 }, () => {
  test('lets two go on with one back-fill, and another begin only by force', async () => {
    const review = folder('Review')
    const id = file(review)
    for (let index = 0; index < 150; index += 1) box.content.downloadFile(id)
    clock.advance(3 * HOUR)
    const [one, other] = [lambda({ mine: review }), lambda({ mine: review })]
    const first = await one({ ...run, queueMax: 1 })
    const begunAt = first.ok ? first.report?.begunAt : undefined
    expect(first).toMatchObject({ report: { done: false, queued: 100 } })
    // What this back-fill has queued itself waits there now.
    expect(await other(run)).toMatchObject({ ok: false, error: { code: 'backfill_queue_busy' } })
    const [a, b] = await Promise.all([one({ ...run, begunAt }), other({ ...run, begunAt })])
    expect([a, b].every(({ ok }) => ok)).toBe(true)
    expect(await one({ action: 'status' })).toMatchObject({
      report: { begunAt, done: true, counts: { 'FILE.DOWNLOADED': counts(150) } },
    })
    const ids = (await bodies()).map(({ id }) => id)
    expect(new Set(ids).size).toBe(150)
    // What is done is not gone on with by whoever has begun it.
    expect(await one({ ...run, begunAt })).toMatchObject({ report: { done: true, queued: 0 } })
  })

  test('that is unfinished keeps others from beginning, unless they restart', async () => {
    const review = folder('Review')
    const id = file(review)
    for (let index = 0; index < 120; index += 1) box.content.downloadFile(id)
    clock.advance(3 * HOUR)
    const ask = lambda({ mine: review })
    await ask({ ...run, queueMax: 1 })
    const another = { ...run, stream: 'user', evenIfQueueIsBusy: true }
    expect(await ask(another)).toMatchObject({ ok: false, error: { code: 'backfill_unfinished' } })
    expect(await ask({ ...another, restart: true })).toMatchObject({ ok: true, report: { stream: 'user' } })
  })

  test('does not come about where it can’t begin', async () => {
    const ask = lambda({ mine: folder('Review') })
    clock.advance(3 * HOUR)
    const late = new Date(clock.now() - HOUR).toISOString()
    expect(await ask({ ...run, until: late })).toMatchObject({ error: { code: 'backfill_too_early' } })
    expect(await ask({ ...run, until: late, evenIfBoxMayDeliver: true })).toMatchObject({ ok: true })
    await aws.remove(BACKFILL_STATE_KEY)
    expect(await ask({ ...run, since: late })).toMatchObject({ error: { code: 'backfill_span_empty' } })
    expect(await ask({ ...run, since: '2026-10-01T00:00:00.000Z' })).toMatchObject({
      error: { code: 'backfill_too_old' },
    })
    const streaming = { ...run, stream: 'streaming', since: '2026-11-05T00:00:00.000Z' }
    expect(await ask(streaming)).toMatchObject({ error: { code: 'backfill_too_old' } })
    expect(await ask({ action: 'destroy' })).toMatchObject({ error: { code: 'request_invalid' } })
    expect(await ask({ action: 'status' })).toEqual({ ok: true, report: null })
  })
})
