import { describe, expect, test } from 'vitest'
import { isObject } from '../../../lib/base/json.ts'
import { FRESH_RUN } from '../../../lib/ledger/record.ts'
import { describeBody, type Message } from '../../../lib/queue/message.ts'
import { createQueue } from '../../../lib/queue/queue.ts'
import { boxEvent, signedDelivery } from '../../kit.ts'
import { runCommand } from '../../support/command.ts'
import { letterOf } from '../../support/letters.ts'
import { recordEvent } from '../../support/recorded.ts'
import { useStack } from '../../support/stack.ts'
import { useStage } from '../../support/stage.ts'

const REMOVES = 'remove-shared-link-after-download'
const PATIENCE = { timeout: 40_000 }

/** The stage that events are replayed from. */
const at = useStage()
const stack = useStack()

const port = () => new URL(stack.url).port
const local = (...args: string[]) => runCommand([...args, '--local', '--port', port()])
const statusOf = async (eventId: string) => (await stack.ledger.read(eventId))?.status
const idsIn = (json: string): unknown[] => {
  const events: unknown = JSON.parse(json)
  return Array.isArray(events) ? events.map(one => (isObject(one) ? one.eventId : undefined)) : []
}

describe('boxhooks dlq on the local stack', { timeout: 60_000 }, () => {
  test('lists what is dead there, and a redrive runs again what is unfinished and nothing else', async () => {
    const { content } = stack.box
    const { id: fileId } = content.createFile({
      id: '9001',
      parentId: '100001',
      name: 'dead.pdf',
      content: 'x',
    })
    content.updateFile(fileId, { sharedLink: { access: 'open' } })
    const event = boxEvent('FILE.DOWNLOADED', { id: 'local-dead', source: { id: fileId } })
    const body = Buffer.from(JSON.stringify(event))
    const message: Message = {
      ...describeBody(body),
      deliveryId: 'd',
      receivedAt: new Date().toISOString(),
      origin: 'webhook',
      body,
    }
    const { eventId, deliveryId, trigger, receivedAt, origin } = message
    const doneBefore = { ...FRESH_RUN, status: 'done', attempts: 1, finishedAt: 1 } as const
    await stack.ledger.open(
      { eventId, deliveryId, trigger, source: `file:${fileId}`, receivedAt, origin },
      {
        lease: { token: 't', until: 0 },
        status: 'dead',
        redrives: 0,
        runs: { [REMOVES]: { ...FRESH_RUN, status: 'failed', attempts: 3 }, other: doneBefore },
        targets: [{ type: 'folder', id: '100001' }],
      },
    )
    const { failure } = letterOf({ automations: [REMOVES] })
    await createQueue(stack.aws.sqs, stack.aws.deadLetterQueueUrl).send({ ...message, failure })

    expect((await local('dlq', 'list')).out).toContain('local-dead')
    expect(await local('dlq', 'redrive', 'local-dead', '--yes')).toMatchObject({ code: 0 })
    await expect.poll(() => statusOf('local-dead'), PATIENCE).toBe('done')
    expect(content.file(fileId).sharedLink).toBeUndefined()
    expect((await stack.ledger.read('local-dead'))?.runs.other).toEqual(doneBefore)
    expect((await local('dlq', 'list')).out).toBe('There is no dead letter in the local stack.\n')
  })

  test('drops, and keeps the reason', async () => {
    const message = letterOf({ id: 'local-dropped' })
    await createQueue(stack.aws.sqs, stack.aws.deadLetterQueueUrl).send(message)
    expect(await local('dlq', 'drop', '--all', '--reason', 'It was a test.', '--yes')).toMatchObject({
      code: 0,
    })
    expect((await stack.ledger.read('local-dropped'))?.dropped).toMatchObject({ reason: 'It was a test.' })
    expect((await local('dlq', 'show', 'local-dropped')).out).toContain('It was a test.')
  })
})

describe('boxhooks replay with the local stack', { timeout: 60_000 }, () => {
  const toLocal = (...args: string[]) =>
    runCommand(['replay', ...args, '--stage', 'prod', '--to-local', '--port', port()], { env: at.stage.env })

  test('boxhooks replay --local runs an event of the local stack again, by force what is done', async () => {
    const { content } = stack.box
    const { id } = content.createFile({ id: '9002', parentId: '100001', name: 'again.pdf', content: 'x' })
    content.updateFile(id, { sharedLink: { access: 'open' } })
    content.downloadFile(id)
    const eventId = stack.box.sent.findLast(({ trigger }) => trigger === 'FILE.DOWNLOADED')?.eventId ?? ''
    await expect.poll(() => statusOf(eventId), PATIENCE).toBe('done')
    content.updateFile(id, { sharedLink: { access: 'open' } })
    expect(await local('replay', eventId)).toMatchObject({
      code: 0,
      out: expect.stringContaining('runs again  nothing'),
    })
    expect(content.file(id).sharedLink).toBeDefined()
    expect(await local('replay', eventId, '--force', '--yes')).toMatchObject({ code: 0 })
    await expect.poll(() => content.file(id).sharedLink, PATIENCE).toBeUndefined()
    await expect.poll(() => statusOf(eventId), PATIENCE).toBe('done')
    expect((await stack.ledger.read(eventId))?.runs[REMOVES]).toMatchObject({ attempts: 1, redrives: 1 })
  })

  test('--to-local runs an event of a stage there, in place of the folder that the stage watches, as often as asked', async () => {
    const source = {
      id: '777',
      path_collection: { total_count: 1, entries: [{ type: 'folder', id: '555', name: 'Review' }] },
      parent: { type: 'folder', id: '555', name: 'Review' },
    }
    await recordEvent(at.stage.ledger, {
      id: 'from-prod',
      runs: { [REMOVES]: { ...FRESH_RUN, status: 'done', attempts: 1 } },
      source,
      webhookId: '99',
    })
    for (const redrives of [0, 1]) {
      const { code, out, err } = await toLocal('from-prod')
      expect({ code, err }).toEqual({ code: 0, err: '' })
      expect(out).toMatch(new RegExp(`${REMOVES} +done +1`))
      expect((await stack.ledger.read('from-prod'))?.runs[REMOVES]).toMatchObject({
        status: 'done',
        redrives,
      })
    }
    expect((await at.aws.messages(at.stage.queueUrl)).ready).toEqual([])
    const { out } = await toLocal('from-prod', '--automation', REMOVES, '--json')
    expect(JSON.parse(out)).toMatchObject({ status: 'done', runs: [{ name: REMOVES, status: 'done' }] })
  })

  test('--to-local says so where nothing here would run, or it is not plain in whose place', async () => {
    await recordEvent(at.stage.ledger, { id: 'locked', trigger: 'FILE.LOCKED' })
    expect(await toLocal('locked')).toMatchObject({
      code: 1,
      err: expect.stringContaining('No automation of the local stack subscribes to FILE.LOCKED'),
    })
    await recordEvent(at.stage.ledger, { id: 'elsewhere' })
    expect(await toLocal('elsewhere', '--watch', 'folder:9')).toMatchObject({
      code: 1,
      err: expect.stringContaining('Use --watch to name the item in its place: folder:100001'),
    })
    expect(await toLocal('nowhere')).toMatchObject({ code: 1, err: expect.stringContaining('no record') })
  })
})

describe('boxhooks events and why on the local stack', { timeout: 60_000 }, () => {
  test('a download is listed, told as a whole, and explained; repetitions are recognised', async () => {
    const { content } = stack.box
    const { id } = content.createFile({ id: '9003', parentId: '100001', name: 'told.pdf', content: 'x' })
    const event = boxEvent('FILE.DOWNLOADED', { id: 'local-1', source: { id } })
    const post = async () => {
      const { body, headers } = signedDelivery(event, stack.keys)
      return fetch(stack.webhookUrl, { method: 'POST', headers, body: Uint8Array.from(body) })
    }
    const settled = () => expect.poll(() => statusOf('local-1'), PATIENCE).toBe('done')
    expect((await post()).status).toBe(202)
    await settled()
    expect((await post()).status).toBe(202)
    const lines = () => stack.journal.event('local-1')?.lines.map(line => line.event) ?? []
    await expect.poll(lines, PATIENCE).toContain('event_duplicate')

    const listed = await local('events', 'list', '--item', id, '--automation', REMOVES, '--json')
    expect(idsIn(listed.out)).toEqual(['local-1'])
    const shown = await local('events', 'show', 'local-1')
    for (const told of [/signed with the primary key/, /PUT \/2\.0\/files\/\d+ → /, /event duplicate/])
      expect(shown.out).toMatch(told)
    const delivery = stack.journal.event('local-1')?.deliveries.at(-1)?.deliveryId ?? ''
    expect((await local('events', 'show', delivery)).out).toContain('is a delivery of event local-1')
    const answer = await local('why', id, REMOVES)
    expect(answer.out).toMatch(/remove-shared-link-after-download: done\n/)
    expect(answer.out).toContain('Box delivered the event 2 times')
  })

  test('an item of which nothing came is explained by where it lies and which webhooks there are', async () => {
    const { content, webhooks } = stack.box
    // It has been there since before there were webhooks.
    const file = [...content.files.values()].find(({ name }) => name === 'contract.pdf') ?? { id: '' }
    const outside = content.createFolder({ parentId: '0', name: 'Elsewhere' })
    const verdictOf = async (item: string) => {
      const { out } = await local('why', item, REMOVES, '--json')
      const told: unknown = JSON.parse(out)
      return isObject(told) && Array.isArray(told.answers) ? told.answers[0] : undefined
    }
    expect(await verdictOf(file.id)).toMatchObject({ verdict: 'nothing_came' })
    expect(await verdictOf(`folder:${outside.id}`)).toMatchObject({ verdict: 'other_kind' })
    expect(await verdictOf('file:424242')).toMatchObject({ verdict: 'item_unseen' })
    content.createFile({ id: '987655', parentId: outside.id, name: 'out.txt', content: 'x' })
    expect(await verdictOf('987655')).toMatchObject({
      verdict: 'other_target',
      reason: expect.stringContaining(`is in folder:${outside.id}`),
    })
    for (const { id } of [...webhooks.all.values()]) webhooks.delete(id)
    expect(await verdictOf(file.id)).toMatchObject({
      verdict: 'no_webhook',
      action: expect.stringContaining('npx boxhooks webhooks apply --local'),
    })
  })
})
