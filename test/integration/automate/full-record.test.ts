import { describe, expect, test } from 'vitest'
import { type Automation, automation, skip } from '../../../lib/automation/automation.ts'
import { PermanentError, RetryLater } from '../../../lib/base/errors.ts'
import { createLedger, RecordFull } from '../../../lib/ledger/ledger.ts'
import { useEmbedded } from '../../support/embedded.ts'
import { createEngine, NOW } from '../../support/engine.ts'

const embedded = useEmbedded()
const watch = { folder: '100001' } as const
const declared = (name: string, run: Automation['run']): Automation =>
  automation({ name, on: 'FILE.DOWNLOADED', watch, run: context => run(context) })

const indexes = (count: number) => Array.from({ length: count }, (_, index) => index)

describe('the record of an event', () => {
  test.each([
    [7, 4],
    [25, 1],
    [60, 2],
  ])(
    'takes what %i automations keep in %i large steps each, and leaves a bystander alone',
    async (automations, steps) => {
      const effects: string[] = []
      const greedy = indexes(automations).map(index =>
        declared(`greedy-${index}`, async ({ step, attempt }) => {
          for (const number of indexes(steps))
            await step(`step-${number}`, () => {
              effects.push(`${index} ${number}`)
              return 'x'.repeat(16_000)
            })
          if (attempt === 1) throw new RetryLater(1, 'Once more.')
        }),
      )
      let bystanders = 0
      const bystander = declared('bystander', () => {
        bystanders += 1
      })
      const engine = await createEngine(embedded, [...greedy, bystander])
      const id = await engine.send('FILE.DOWNLOADED')
      for (const _ of indexes(6)) {
        await engine.work()
        engine.clock.advance(70_000)
        await engine.reveal()
      }
      expect(bystanders).toBe(1)
      expect(new Set(effects).size, 'no step is done twice').toBe(effects.length)
      const record = await engine.record(id)
      expect(record?.runs.bystander?.status).toBe('done')
      expect(['done', 'dead']).toContain(record?.status)
      for (const { error } of Object.values(record?.runs ?? {}))
        if (error)
          expect(error).toMatchObject({ code: 'permanent', message: expect.stringMatching(/step "step-\d"/) })
      expect((await engine.deadLetters()).length).toBeLessThanOrEqual(1)
      expect(await engine.queued()).toBe(0)
    },
  )

  test('takes the reasons and errors of as many automations as there are', async () => {
    const long = 'ü'.repeat(400_000)
    const failing = indexes(100).map(index =>
      declared(`failing-${index}`, () => {
        throw new PermanentError(long)
      }),
    )
    const skipping = indexes(100).map(index =>
      automation({
        name: `skipping-${index}`,
        on: 'FILE.DOWNLOADED',
        watch,
        when: () => skip(long),
        run() {},
      }),
    )
    const engine = await createEngine(embedded, [...failing, ...skipping])
    const id = await engine.send('FILE.DOWNLOADED')
    await engine.work()
    expect(await engine.record(id)).toMatchObject({
      status: 'dead',
      runs: { 'failing-0': { status: 'failed' }, 'skipping-0': { status: 'skipped' } },
    })
    expect(await engine.queued()).toBe(0)
  })

  test('of a message that boxhooks did not write is made in whatever size that came, with one dead letter', async () => {
    const engine = await createEngine(embedded, [])
    await engine.sendForeign('x', { trigger: 'T'.repeat(450_000), deliveryId: 'D'.repeat(450_000) })
    for (const _ of indexes(5)) {
      await engine.work()
      await engine.reveal()
    }
    expect(await engine.deadLetters()).toMatchObject([{ code: 'message_unreadable' }])
    expect(await engine.queued()).toBe(0)
  })

  test('that DynamoDB refuses for good is a failure with a code of its own', async () => {
    const ledger = createLedger({ dynamodb: embedded.dynamodb, table: embedded.table, now: () => NOW })
    const event = {
      eventId: 'too-large',
      deliveryId: 'd',
      trigger: 'x'.repeat(410_000),
      source: 'none',
      receivedAt: new Date(NOW).toISOString(),
      origin: 'webhook',
    }
    const claim = { lease: { token: 't', until: 0 }, status: 'open', redrives: 0, runs: {} } as const
    await expect(ledger.open(event, claim)).rejects.toThrow(RecordFull)
    await expect(ledger.open(event, claim)).rejects.toMatchObject({
      failure: { class: 'permanent', code: 'record_full' },
    })
  })

  test('that an earlier version has filled is settled all the same', async () => {
    const run = declared('late', () => {})
    const engine = await createEngine(embedded, [run])
    const id = await engine.send('FILE.DOWNLOADED', { id: 'filled' })
    const ledger = createLedger({ dynamodb: embedded.dynamodb, table: embedded.table, now: () => NOW })
    const steps = Object.fromEntries(indexes(25).map(index => [`s${index}`, `"${'x'.repeat(15_900)}"`]))
    const runOf = (more: object) => ({ attempts: 1, throttles: 0, redrives: 0, steps: {}, ...more })
    await ledger.open(
      {
        eventId: id,
        deliveryId: 'd',
        trigger: 'FILE.DOWNLOADED',
        source: 'none',
        receivedAt: new Date(NOW).toISOString(),
        origin: 'webhook',
      },
      {
        lease: { token: 't', until: 0 },
        status: 'open',
        redrives: 0,
        targets: [{ type: 'folder', id: '100001' }],
        runs: {
          early: { ...runOf({ steps }), status: 'done' },
          late: { ...runOf({ nextAt: NOW }), status: 'pending' },
        },
      },
    )
    await engine.work({ receiveCount: 2 })
    expect(await engine.record(id)).toMatchObject({ status: 'done', runs: { late: { status: 'done' } } })
  })
})

describe('a dead letter', () => {
  test('takes back every run that it stands for, however many, and each once', async () => {
    const attempts = new Map<string, number>()
    let isFixed = false
    const failing = indexes(60).map(index =>
      declared(`a-name-as-long-as-the-names-of-automations-are-in-practice-${index}`, ({ attempt }) => {
        attempts.set(String(index), (attempts.get(String(index)) ?? 0) + attempt)
        if (!isFixed) throw new PermanentError('Not yet.')
      }),
    )
    const engine = await createEngine(embedded, failing)
    const id = await engine.send('FILE.DOWNLOADED')
    await engine.work()
    const [letter] = await engine.deadLetters()
    expect(letter?.automations.length).toBeLessThan(60)
    isFixed = true
    await engine.redrive({ copies: 3 })
    await engine.work()
    expect(await engine.record(id)).toMatchObject({ status: 'done' })
    expect([...attempts.values()].every(count => count === 2)).toBe(true)
    expect(await engine.queued()).toBe(0)
  })
})
