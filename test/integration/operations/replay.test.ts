import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { automation, skip } from '../../../lib/automation/automation.ts'
import { PermanentError } from '../../../lib/base/errors.ts'
import type { EventRecord } from '../../../lib/ledger/record.ts'
import { ReplayImpossible, replayMessage, sendReplay } from '../../../lib/operations/replay.ts'
import { MESSAGE_BYTES_FIRST_MAX } from '../../../lib/queue/message.ts'
import { createQueue } from '../../../lib/queue/queue.ts'
import { useEmbedded } from '../../support/embedded.ts'
import { createEngine } from '../../support/engine.ts'
import { recordOf } from '../../support/records.ts'

const aws = useEmbedded()

const BODY = Buffer.from('{"id":"e1","trigger":"FILE.UPLOADED","webhook":{"id":"7"}}')
const RECORD = recordOf({
  eventId: 'e1',
  deliveryId: 'd1',
  status: 'dead',
  redrives: 1,
  runs: {
    done: { status: 'done' },
    failed: { status: 'failed', redrives: 2 },
    skipped: { status: 'skipped' },
    pending: {},
  },
  payload: gzipSync(BODY),
})
const stored = (record: EventRecord | undefined) => ({ read: async () => record })

describe('the message of a replay', () => {
  test('is the stored one, and names what is settled and not done', () => {
    const { replay, ...message } = replayMessage(RECORD, {})
    expect(message).toEqual({
      eventId: 'e1',
      deliveryId: 'd1',
      trigger: 'FILE.UPLOADED',
      receivedAt: '2026-11-23T10:00:00.000Z',
      origin: 'webhook',
      webhookId: '7',
      body: BODY,
    })
    expect(replay).toEqual({
      runs: [
        { name: 'failed', redrives: 2 },
        { name: 'skipped', redrives: 0 },
      ],
      redrives: 1,
    })
  })

  test('with force names what is done as well, and for one automation names that alone', () => {
    const { replay } = replayMessage(RECORD, { force: true, automation: 'done' })
    expect(replay).toEqual({ runs: [{ name: 'done', redrives: 0 }], redrives: 1, only: ['done'] })
    expect(replayMessage(RECORD, { automation: 'done' }).replay.runs).toEqual([])
  })
})

describe('a replay is refused, saying why,', () => {
  const { payload, ...withoutPayload } = RECORD
  const queue = { send: async () => {} }
  test.each([
    ['without a record', undefined, 'no_record', 'no record of event e1'],
    ['without a payload', withoutPayload, 'payload_not_kept', '150 KB'],
    ['with a payload that is none', { ...RECORD, payload: Buffer.from('x') }, 'payload_damaged', 'unpacked'],
  ])('%s', async (_, record, code, text) => {
    const refused = sendReplay({ ledger: stored(record), queue }, 'e1')
    await expect(refused).rejects.toThrow(ReplayImpossible)
    await expect(refused).rejects.toMatchObject({ code, message: expect.stringContaining(text) })
  })

  test('where the message would be too large', async () => {
    const large = { ...RECORD, payload: gzipSync(Buffer.alloc(MESSAGE_BYTES_FIRST_MAX - 200, 'x')) }
    const sqs = { send: async () => ({}) }
    const parts = { ledger: stored(large), queue: createQueue(sqs, 'https://queue') }
    await expect(sendReplay(parts, 'e1')).rejects.toMatchObject({ code: 'message_too_large' })
  })
})

describe('an event that is replayed', () => {
  const WATCH = { folder: '100001' }
  const ran: string[] = []
  let mended = false
  const works = automation({
    name: 'works',
    on: 'FILE.UPLOADED',
    watch: WATCH,
    run: async ({ step }) => {
      await step('once', () => void ran.push('works: step'))
      ran.push('works')
    },
  })
  const fails = automation({
    name: 'fails',
    on: 'FILE.UPLOADED',
    watch: WATCH,
    run: async ({ step }) => {
      await step('once', () => void ran.push('fails: step'))
      if (!mended) throw new PermanentError('Broken.')
      ran.push('fails')
    },
  })
  const filters = automation({
    name: 'filters',
    on: 'FILE.UPLOADED',
    watch: WATCH,
    when: () => (mended ? true : skip('not now')),
    run: () => void ran.push('filters'),
  })
  const added = automation({
    name: 'added',
    on: 'FILE.UPLOADED',
    watch: WATCH,
    run: () => void ran.push('added'),
  })

  const first = [works, fails, filters]
  const scene = async () => {
    const engine = await createEngine(aws, first)
    ran.length = 0
    mended = false
    const eventId = await engine.send('FILE.UPLOADED')
    await engine.work()
    expect(await engine.record(eventId)).toMatchObject({
      status: 'dead',
      runs: { works: { status: 'done' }, fails: { status: 'failed' }, filters: { status: 'skipped' } },
    })
    ran.length = 0
    mended = true
    return { engine, eventId }
  }

  test('does what failed or was skipped, keeps its steps, and leaves alone what is done, however many copies come', async () => {
    const { engine, eventId } = await scene()
    const sent = await engine.replay(eventId, {}, { copies: 3 })
    expect(sent).toEqual({
      eventId,
      trigger: 'FILE.UPLOADED',
      takenBack: [
        { name: 'fails', status: 'failed' },
        { name: 'filters', status: 'skipped' },
      ],
      left: [{ name: 'works', status: 'done' }],
    })
    await engine.work()
    expect(ran.sort()).toEqual(['fails', 'filters'])
    expect(await engine.record(eventId)).toMatchObject({ status: 'done', runs: { fails: { redrives: 1 } } })
    expect(await engine.queued()).toBe(0)
  })

  test('with force does everything anew, steps that were done included, once', async () => {
    const { engine, eventId } = await scene()
    await engine.replay(eventId, { force: true }, { copies: 2 })
    await engine.work()
    expect(ran.sort()).toEqual(['fails', 'filters', 'works', 'works: step'])
  })

  test('for one automation runs that alone', async () => {
    const { engine, eventId } = await scene()
    await engine.replay(eventId, { automation: 'works', force: true })
    await engine.work({ automations: [...first, added] })
    expect(ran.sort()).toEqual(['works', 'works: step'])
    expect(await engine.record(eventId)).toMatchObject({ status: 'dead' })
  })

  test('without force, when all is done, runs what was deployed since and nothing else', async () => {
    const { engine, eventId } = await scene()
    await engine.replay(eventId)
    await engine.work()
    ran.length = 0
    await engine.replay(eventId)
    await engine.work({ automations: [...first, added] })
    await engine.replay(eventId)
    await engine.work({ automations: [...first, added] })
    expect(ran).toEqual(['added'])
    expect(await engine.record(eventId)).toMatchObject({
      status: 'done',
      runs: { added: { status: 'done' } },
    })
  })

  test('and then redriven runs once, whichever comes first', async () => {
    for (const order of ['replay first', 'redrive first']) {
      const { engine, eventId } = await scene()
      if (order === 'replay first') await engine.replay(eventId, { automation: 'fails' })
      await engine.redrive()
      if (order === 'redrive first') await engine.replay(eventId, { automation: 'fails' })
      await engine.work()
      expect(ran, order).toEqual(['fails'])
    }
  })

  test('whose record expires before its message comes is as a new event', async () => {
    const { engine, eventId } = await scene()
    await engine.replay(eventId)
    await aws.remove(eventId)
    await engine.work()
    expect(ran.sort()).toEqual(['fails', 'fails: step', 'filters', 'works', 'works: step'])
  })

  test('that fails again is a dead letter without the replay, so that a redrive of it is only that', async () => {
    const { engine, eventId } = await scene()
    mended = false
    await engine.replay(eventId, { force: true })
    await engine.work()
    expect((await engine.deadLetters()).map(({ automations }) => automations)).toMatchObject([
      [{ name: 'fails', redrives: 0 }],
      [{ name: 'fails', redrives: 1 }],
    ])
    ran.length = 0
    mended = true
    await engine.redrive()
    await engine.work()
    expect(ran).toEqual(['fails'])
  })

  test('that nothing can be run for is dead-lettered anew', async () => {
    const engine = await createEngine(aws, first)
    const eventId = await engine.sendBody(Buffer.from('{"id":"unreadable-1"}'))
    await engine.work()
    await engine.replay(eventId, {}, { copies: 2 })
    await engine.work()
    expect(await engine.deadLetters()).toMatchObject([{ redrives: 0 }, { redrives: 1 }])
  })

  test('can’t be what something else put on the queue, which nobody has verified', async () => {
    const engine = await createEngine(aws, first)
    await engine.sendForeign('{"id":"foreign-1","trigger":"FILE.UPLOADED","source":{"type":"file","id":"1"}}')
    await engine.work()
    expect(await engine.record('foreign-1')).toMatchObject({ status: 'dead' })
    await expect(engine.replay('foreign-1')).rejects.toMatchObject({ code: 'payload_not_kept' })
  })
})

test('a replayed run that its filter leaves alone again never starts, and costs no attempt, also where a worker was lost', async () => {
  let runs = 0
  const declared = automation({
    name: 'filtered',
    on: 'FILE.UPLOADED',
    watch: { folder: '100001' },
    retry: { attempts: 1 },
    when: () => skip('not this one'),
    run() {
      runs += 1
    },
  })
  const beside = automation({
    name: 'beside',
    on: 'FILE.UPLOADED',
    watch: { folder: '100001' },
    run: () => new Promise<void>(() => {}),
  })
  const engine = await createEngine(aws, [declared])
  const id = await engine.send('FILE.UPLOADED')
  await engine.work()
  await engine.replay(id)
  // The automation beside it, new since then, takes the worker with it.
  const lost = engine.work({ automations: [declared, beside] })
  await expect.poll(async () => (await engine.record(id))?.runs.filtered?.redrives).toBe(1)
  engine.clock.skip(70_000)
  await engine.reveal()
  await engine.work()
  expect(await engine.record(id)).toMatchObject({
    runs: { filtered: { status: 'skipped', attempts: 0, reason: 'not this one' } },
  })
  expect(runs).toBe(0)
  expect(await engine.deadLetters()).toEqual([])
  expect(lost).toBeInstanceOf(Promise)
})
