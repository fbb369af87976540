import { UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { describe, expect, test } from 'vitest'
import { LEASE_MARGIN_MS } from '../../../lib/automate/claim.ts'
import { type Automation, automation, skip } from '../../../lib/automation/automation.ts'
import { PermanentError, RetryLater } from '../../../lib/base/errors.ts'
import { createLedger } from '../../../lib/ledger/ledger.ts'
import { MESSAGE_BYTES_FIRST_MAX } from '../../../lib/queue/message.ts'
import { VISIBILITY_SECONDS_MAX } from '../../../lib/queue/queue.ts'
import { samplePayload, wireBody } from '../../../local/box/events/payload.ts'
import { useEmbedded } from '../../support/embedded.ts'
import { createEngine } from '../../support/engine.ts'

const embedded = useEmbedded()

/** Counts what automations do, and lets a test say what happens at each run. */
function counted(name: string, behaviour: (attempt: number) => unknown = () => {}, extra: object = {}) {
  const runs: number[] = []
  const made: Automation = automation({
    name,
    on: 'FILE.DOWNLOADED',
    watch: { folder: '100001' },
    async run({ attempt }) {
      runs.push(attempt)
      await behaviour(attempt)
    },
    ...extra,
  })
  return { made, runs }
}

const fail = (error: Error) => () => {
  throw error
}
const never = () => new Promise<void>(() => {})

/** Waits, without a clock, until something another promise does has happened. */
async function until(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 5000
  while (!holds()) {
    if (Date.now() > deadline) throw new Error('It did not happen within 5 s.')
    await new Promise(resolve => setImmediate(resolve))
  }
}

describe('an event', () => {
  test('runs its automation once, and leaves nothing on the queue', async () => {
    const { made, runs } = counted('one')
    const engine = await createEngine(embedded, [made])
    const id = await engine.send('FILE.DOWNLOADED')
    expect((await engine.work()).batchItemFailures).toEqual([])
    expect(runs).toEqual([1])
    expect(await engine.queued()).toBe(0)
    expect(await engine.record(id)).toMatchObject({
      status: 'done',
      leaseUntil: 0,
      source: 'file:910001',
      runs: { one: { status: 'done', attempts: 1 } },
    })
  })

  test('delivered again under a new delivery id does nothing twice', async () => {
    const { made, runs } = counted('one')
    const engine = await createEngine(embedded, [made])
    for (const deliveryId of ['d1', 'd2', 'd3']) {
      await engine.send('FILE.DOWNLOADED', { id: 'engine-same-event', deliveryId })
      expect((await engine.work()).batchItemFailures).toEqual([])
    }
    expect(runs).toEqual([1])
    expect(engine.lines.filter(({ event }) => event === 'event_duplicate')).toHaveLength(2)
  })

  test('several times in one batch does nothing twice', async () => {
    const { made, runs } = counted('one')
    const engine = await createEngine(embedded, [made])
    for (const deliveryId of ['d1', 'd2', 'd3'])
      await engine.send('FILE.DOWNLOADED', { id: 'engine-same-batch', deliveryId })
    expect(await engine.work()).toEqual({ batchItemFailures: [], received: 3 })
    expect(runs).toEqual([1])
  })

  test('that nothing subscribes to is recorded and done with', async () => {
    const engine = await createEngine(embedded, [counted('one').made])
    const id = await engine.send('FILE.LOCKED')
    const unknown = await engine.send('FILE.TELEPORTED')
    expect((await engine.work()).batchItemFailures).toEqual([])
    expect(await engine.record(id)).toMatchObject({ status: 'done', runs: {} })
    expect(await engine.record(unknown)).toMatchObject({ status: 'done', trigger: 'FILE.TELEPORTED' })
  })

  test('left alone by a filter is recorded as skipped with the reason, in one write', async () => {
    const { made, runs } = counted('one', undefined, { when: () => skip('too small') })
    const engine = await createEngine(embedded, [made])
    const id = await engine.send('FILE.DOWNLOADED')
    await engine.work()
    expect(runs).toEqual([])
    expect(await engine.record(id)).toMatchObject({
      version: 1,
      status: 'done',
      runs: { one: { status: 'skipped', reason: 'too small' } },
    })
  })

  test('with n automations costs n + 1 writes', async () => {
    const engine = await createEngine(
      embedded,
      ['a', 'b', 'c'].map(name => counted(name).made),
    )
    const id = await engine.send('FILE.DOWNLOADED')
    await engine.work()
    expect(await engine.record(id)).toMatchObject({ status: 'done', version: 4 })
  })
})

describe('a batch', () => {
  test('works on several events at a time, and on no more than it may', async () => {
    let running = 0
    let most = 0
    const { made, runs } = counted('one', async () => {
      running += 1
      most = Math.max(most, running)
      for (let turn = 0; turn < 5; turn += 1) await new Promise(resolve => setImmediate(resolve))
      running -= 1
    })
    const engine = await createEngine(embedded, [made])
    for (let event = 0; event < 9; event += 1) await engine.send('FILE.DOWNLOADED')
    expect(await engine.work({ parts: { concurrency: 3 } })).toEqual({ batchItemFailures: [], received: 9 })
    expect(runs).toHaveLength(9)
    expect(most).toBe(3)
  })

  test('in which one event’s ledger fails: the others are done, and it comes back uncounted', async () => {
    const { made, runs } = counted('one')
    const engine = await createEngine(embedded, [made])
    const unlucky = await engine.send('FILE.DOWNLOADED')
    const lucky = await engine.send('FILE.DOWNLOADED')
    const ledger = createLedger({ dynamodb: embedded.dynamodb, table: embedded.table, now: engine.clock.now })
    const open: typeof ledger.open = (event, claim) =>
      event.eventId === unlucky ? Promise.reject(new Error('throttled')) : ledger.open(event, claim)
    const answer = await engine.work({ parts: { ledger: { ...ledger, open } } })
    expect(answer.batchItemFailures).toHaveLength(1)
    expect(await engine.record(lucky)).toMatchObject({ status: 'done' })
    await engine.reveal()
    await engine.work()
    expect(await engine.record(unlucky)).toMatchObject({ status: 'done', runs: { one: { attempts: 1 } } })
    expect(runs).toHaveLength(2)
  })
})

describe('two workers', () => {
  test('on one event at the same time: one runs it, the other’s message waits for the lease to end', async () => {
    let release = () => {}
    const gate = new Promise<void>(resolve => {
      release = resolve
    })
    const { made, runs } = counted('one', () => gate)
    const engine = await createEngine(embedded, [made])
    await engine.send('FILE.DOWNLOADED', { id: 'engine-two-workers', deliveryId: 'd1' })
    const first = engine.work()
    await until(() => runs.length === 1)
    await engine.send('FILE.DOWNLOADED', { id: 'engine-two-workers', deliveryId: 'd2' })
    const second = await engine.work()
    expect(second.batchItemFailures).toHaveLength(1)
    expect(await engine.hiddenSeconds()).toContain(60 + LEASE_MARGIN_MS / 1000)
    release()
    expect((await first).batchItemFailures).toEqual([])
    await engine.reveal()
    expect((await engine.work()).batchItemFailures).toEqual([])
    expect(runs).toEqual([1])
    expect(await engine.queued()).toBe(0)
  })

  test('a worker that dies in the middle frees its event when its lease ends, and the attempt counts', async () => {
    const { made, runs } = counted('one', attempt => (attempt === 1 ? never() : undefined))
    const engine = await createEngine(embedded, [made])
    const id = await engine.send('FILE.DOWNLOADED')
    void engine.work()
    await until(() => runs.length === 1)
    await engine.reveal()
    expect((await engine.work()).batchItemFailures).toHaveLength(1)
    expect(runs).toEqual([1])
    // The dead worker's timers die with it; only the clock goes on for the living.
    engine.clock.skip(60_000 + LEASE_MARGIN_MS)
    await engine.reveal()
    expect((await engine.work()).batchItemFailures).toEqual([])
    expect(runs).toEqual([1, 2])
    expect(await engine.record(id)).toMatchObject({ status: 'done', runs: { one: { attempts: 2 } } })
  })

  test('a worker that dies between a run and its completion: the run is repeated, its kept steps are not', async () => {
    const effects: string[] = []
    const made = automation({
      name: 'stepping',
      on: 'FILE.DOWNLOADED',
      watch: { folder: '100001' },
      async run({ step, attempt }) {
        await step('kept', () => void effects.push('kept step'))
        effects.push(`loose effect ${attempt}`)
      },
    })
    const engine = await createEngine(embedded, [made])
    const id = await engine.send('FILE.DOWNLOADED')
    const ledger = createLedger({ dynamodb: embedded.dynamodb, table: embedded.table, now: engine.clock.now })
    const dying = { ledger: { ...ledger, write: () => Promise.reject(new Error('the process died')) } }
    expect((await engine.work({ parts: dying })).batchItemFailures).toHaveLength(1)
    engine.clock.skip(60_000 + LEASE_MARGIN_MS)
    await engine.reveal()
    expect((await engine.work()).batchItemFailures).toEqual([])
    expect(effects).toEqual(['kept step', 'loose effect 1', 'loose effect 2'])
    expect(await engine.record(id)).toMatchObject({ status: 'done', runs: { stepping: { attempts: 2 } } })
  })

  test.each([
    ['was not taken', false],
    ['was taken, but its answer lost', true],
  ])('a step whose keeping %s is kept with the outcome of its attempt', async (_, taken) => {
    const effects: string[] = []
    const made = automation({
      name: 'stepping',
      on: 'FILE.DOWNLOADED',
      watch: { folder: '100001' },
      async run({ step, attempt }) {
        await step('once', () => effects.push(`effect ${attempt}`))
      },
    })
    const engine = await createEngine(embedded, [made])
    const id = await engine.send('FILE.DOWNLOADED')
    const ledger = createLedger({ dynamodb: embedded.dynamodb, table: embedded.table, now: engine.clock.now })
    const keepStep: typeof ledger.keepStep = async (...args) => {
      if (taken) await ledger.keepStep(...args)
      throw new Error('TimeoutError')
    }
    expect(
      (await engine.work({ parts: { ledger: { ...ledger, keepStep } } })).batchItemFailures,
    ).toHaveLength(1)
    engine.clock.skip(3_600_000)
    await engine.reveal()
    expect((await engine.work()).batchItemFailures).toEqual([])
    expect(effects).toEqual(['effect 1'])
    expect(await engine.record(id)).toMatchObject({ status: 'done', runs: { stepping: { attempts: 2 } } })
  })

  test('a worker that comes back after its lease has passed on can’t write its outcome', async () => {
    let release = () => {}
    const gate = new Promise<void>(resolve => {
      release = resolve
    })
    const { made, runs } = counted('one', attempt => (attempt === 1 ? gate : undefined))
    const engine = await createEngine(embedded, [made])
    const id = await engine.send('FILE.DOWNLOADED')
    const frozen = engine.work()
    await until(() => runs.length === 1)
    engine.clock.skip(60_000 + LEASE_MARGIN_MS)
    await engine.reveal()
    expect((await engine.work()).batchItemFailures).toEqual([])
    const after = await engine.record(id)
    release()
    expect((await frozen).batchItemFailures).toHaveLength(1)
    expect(await engine.record(id)).toEqual(after)
    expect(engine.lines.map(({ event }) => event)).toContain('lease_lost')
  })

  test('a worker that comes back after its lease has passed on sends no dead letter', async () => {
    let release = () => {}
    const gate = new Promise<void>(resolve => {
      release = resolve
    })
    const { made, runs } = counted('refusing', async attempt => {
      if (attempt === 1) await gate
      throw new PermanentError('no')
    })
    const engine = await createEngine(embedded, [made])
    const id = await engine.send('FILE.DOWNLOADED')
    const frozen = engine.work()
    await until(() => runs.length === 1)
    engine.clock.skip(60_000 + LEASE_MARGIN_MS)
    await engine.reveal()
    await engine.work()
    const after = await engine.record(id)
    release()
    expect((await frozen).batchItemFailures).toHaveLength(1)
    expect(await engine.deadLetters()).toMatchObject([{ automations: [{ name: 'refusing', attempts: 2 }] }])
    expect(await engine.record(id)).toEqual(after)
  })

  test('a run that kills its process each time is given up by the claim', async () => {
    const { made, runs } = counted('killer', never, { retry: { attempts: 2 } })
    const engine = await createEngine(embedded, [made])
    const id = await engine.send('FILE.DOWNLOADED')
    for (const attempt of [1, 2]) {
      void engine.work()
      await until(() => runs.length === attempt)
      engine.clock.skip(60_000 + LEASE_MARGIN_MS)
      await engine.reveal()
    }
    expect((await engine.work()).batchItemFailures).toEqual([])
    expect(runs).toEqual([1, 2])
    expect(await engine.deadLetters()).toMatchObject([
      { code: 'worker_lost', automations: [{ name: 'killer', attempts: 2 }] },
    ])
    expect(await engine.record(id)).toMatchObject({ status: 'dead', runs: { killer: { status: 'failed' } } })
  })
})

describe('failures', () => {
  test('one failing automation is tried again without its siblings', async () => {
    const good = counted('good')
    const bad = counted('bad', attempt => {
      if (attempt === 1) throw new Error('not yet')
    })
    const engine = await createEngine(embedded, [good.made, bad.made])
    const id = await engine.send('FILE.DOWNLOADED')
    expect((await engine.work()).batchItemFailures).toHaveLength(1)
    expect(await engine.record(id)).toMatchObject({
      status: 'open',
      leaseUntil: 0,
      runs: {
        good: { status: 'done' },
        bad: { status: 'pending', attempts: 1, error: { code: 'automation_threw' } },
      },
    })
    // Full jitter with a chance of one half: half of the base.
    expect(await engine.hiddenSeconds()).toEqual([3])
    engine.clock.advance(3000)
    await engine.reveal()
    expect((await engine.work()).batchItemFailures).toEqual([])
    expect([good.runs, bad.runs]).toEqual([[1], [1, 2]])
  })

  test('a message that comes back too early waits on, and no attempt is counted', async () => {
    const { made, runs } = counted('one', fail(new Error('no')))
    const engine = await createEngine(embedded, [made])
    const id = await engine.send('FILE.DOWNLOADED')
    await engine.work()
    const before = await engine.record(id)
    await engine.reveal()
    expect((await engine.work()).batchItemFailures).toHaveLength(1)
    expect(runs).toEqual([1])
    expect(await engine.record(id)).toEqual(before)
  })

  test('a wait that Box asks for is kept to and does not count, however often', async () => {
    let throttles = 0
    const { made, runs } = counted(
      'one',
      () => {
        throttles += 1
        if (throttles <= 30) throw new RetryLater(7, 'busy')
      },
      { retry: { attempts: 2 } },
    )
    const engine = await createEngine(embedded, [made])
    const id = await engine.send('FILE.DOWNLOADED')
    for (let round = 1; round <= 30; round += 1) {
      await engine.work()
      const [seconds = 0] = await engine.hiddenSeconds()
      expect(seconds).toBeGreaterThanOrEqual(7)
      expect(seconds).toBeLessThanOrEqual(10)
      engine.clock.advance(seconds * 1000)
      await engine.reveal()
    }
    expect((await engine.work()).batchItemFailures).toEqual([])
    expect(new Set(runs)).toEqual(new Set([1]))
    expect(await engine.record(id)).toMatchObject({ status: 'done' })
    expect(await engine.deadLetters()).toEqual([])
  })

  test('a permanent failure goes to the dead-letter queue at once, with the reason', async () => {
    const good = counted('good')
    const bad = counted('bad', fail(new PermanentError('there is no such client')))
    const engine = await createEngine(embedded, [good.made, bad.made])
    const id = await engine.send('FILE.DOWNLOADED')
    expect((await engine.work()).batchItemFailures).toEqual([])
    expect(await engine.queued()).toBe(0)
    expect(await engine.deadLetters()).toEqual([
      {
        code: 'permanent',
        message: 'there is no such client',
        at: '2026-11-23T10:00:00.000Z',
        redrives: 0,
        automations: [
          { name: 'bad', code: 'permanent', message: 'there is no such client', attempts: 1, redrives: 0 },
        ],
      },
    ])
    expect(await engine.record(id)).toMatchObject({
      status: 'dead',
      runs: { good: { status: 'done' }, bad: { status: 'failed' } },
    })
  })

  test('attempts that are used up end on the dead-letter queue', async () => {
    const { made, runs } = counted('one', fail(new Error('still not')), { retry: { attempts: 3 } })
    const engine = await createEngine(embedded, [made])
    await engine.send('FILE.DOWNLOADED')
    for (let round = 1; round <= 3; round += 1) {
      await engine.work()
      engine.clock.advance(3_600_000)
      await engine.reveal()
    }
    expect(runs).toEqual([1, 2, 3])
    expect(await engine.deadLetters()).toMatchObject([
      { code: 'automation_threw', automations: [{ attempts: 3 }] },
    ])
    expect(await engine.queued()).toBe(0)
  })

  test('a redrive runs only what was given up, once, however often its message comes', async () => {
    let broken = true
    const good = counted('good')
    const bad = counted('bad', () => {
      if (broken) throw new PermanentError('broken')
    })
    const engine = await createEngine(embedded, [good.made, bad.made])
    const id = await engine.send('FILE.DOWNLOADED')
    await engine.work()
    broken = false
    await engine.redrive({ copies: 2 })
    await engine.work()
    expect(await engine.record(id)).toMatchObject({ status: 'done', runs: { bad: { redrives: 1 } } })
    expect([good.runs, bad.runs]).toEqual([[1], [1, 1]])
    expect(await engine.queued()).toBe(0)
  })

  test('a dead event that Box delivers again stays dead', async () => {
    const { made, runs } = counted('one', fail(new PermanentError('no')))
    const engine = await createEngine(embedded, [made])
    for (const deliveryId of ['d1', 'd2']) {
      await engine.send('FILE.DOWNLOADED', { id: 'engine-dead-again', deliveryId })
      await engine.work()
    }
    expect(runs).toEqual([1])
    expect(await engine.deadLetters()).toHaveLength(1)
  })

  test('while the dead-letter queue is down nothing is lost, and the run is not repeated', async () => {
    const { made, runs } = counted('one', fail(new PermanentError('no')))
    const engine = await createEngine(embedded, [made])
    const id = await engine.send('FILE.DOWNLOADED')
    const down = { deadLetters: { send: () => Promise.reject(new Error('down')) } }
    expect((await engine.work({ parts: down })).batchItemFailures).toHaveLength(1)
    expect(await engine.record(id)).toMatchObject({ status: 'open', runs: { one: { givenUp: true } } })
    engine.clock.advance(3_600_000)
    await engine.reveal()
    expect((await engine.work()).batchItemFailures).toEqual([])
    expect(runs).toEqual([1])
    expect(await engine.deadLetters()).toMatchObject([{ code: 'permanent' }])
  })

  test('a crash between the dead-letter queue and the ledger can send twice, and one redrive is enough', async () => {
    let broken = true
    const { made, runs } = counted('one', () => {
      if (broken) throw new PermanentError('no')
    })
    const engine = await createEngine(embedded, [made])
    const id = await engine.send('FILE.DOWNLOADED')
    const ledger = createLedger({ dynamodb: embedded.dynamodb, table: embedded.table, now: engine.clock.now })
    const dying = { ledger: { ...ledger, write: () => Promise.reject(new Error('the process died')) } }
    expect((await engine.work({ parts: dying })).batchItemFailures).toHaveLength(1)
    engine.clock.advance(60_000 + LEASE_MARGIN_MS)
    await engine.reveal()
    await engine.work()
    expect(await engine.deadLetters()).toHaveLength(2)
    broken = false
    await engine.redrive({ copies: 1 })
    await engine.work()
    expect(runs).toEqual([1, 2, 1])
    expect(await engine.record(id)).toMatchObject({ status: 'done' })
  })
})

describe('whose event it is', () => {
  test('is decided once: a webhook deleted between two attempts brings in no other automation', async () => {
    const inner = counted('inner', fail(new Error('not yet')), { watch: { folder: '100001' } })
    const outer = counted('outer', () => {}, { watch: { folder: '0' } })
    const engine = await createEngine(embedded, [inner.made, outer.made])
    const id = await engine.send('FILE.DOWNLOADED')
    const exists = { targetOf: async () => ({ type: 'folder', id: '100001' }) as const }
    await engine.work({ parts: exists })
    expect(await engine.record(id)).toMatchObject({ targets: [{ type: 'folder', id: '100001' }] })
    engine.clock.advance(3_600_000)
    await engine.reveal()
    await engine.work({ parts: { targetOf: async () => undefined } })
    expect([inner.runs, outer.runs]).toEqual([[1, 2], []])
  })

  test('while Box can’t say, the event waits, uncounted', async () => {
    const inner = counted('inner', () => {}, { watch: { folder: '100001' } })
    const outer = counted('outer', () => {}, { watch: { folder: '0' } })
    const engine = await createEngine(embedded, [inner.made, outer.made])
    const id = await engine.send('FILE.DOWNLOADED')
    const down = { targetOf: () => Promise.reject(new Error('Box is down')) }
    expect((await engine.work({ parts: down })).batchItemFailures).toHaveLength(1)
    expect(await engine.record(id)).toBeUndefined()
  })

  test('that nothing tells any more is a dead letter, which a redrive can still bring back', async () => {
    const one = counted('one', () => {}, { watch: { folder: '7' } })
    const two = counted('two', () => {}, { watch: { folder: '8' } })
    const engine = await createEngine(embedded, [one.made, two.made])
    const id = await engine.send('FILE.DOWNLOADED')
    await engine.work({ parts: { targetOf: async () => undefined } })
    expect(await engine.deadLetters()).toMatchObject([{ code: 'target_unknown' }])
    await engine.redrive()
    await engine.work({ parts: { targetOf: async () => ({ type: 'folder', id: '8' }) as const } })
    expect([one.runs, two.runs]).toEqual([[], [1]])
    expect(await engine.record(id)).toMatchObject({ status: 'done', redrives: 1 })
  })
})

describe('poison', () => {
  test('a body that is no event is dead-lettered with the reason, and its neighbours are done', async () => {
    const { made, runs } = counted('one')
    const engine = await createEngine(embedded, [made])
    const poison = await engine.sendBody(Buffer.from([0, 255, 1]))
    const good = await engine.send('FILE.DOWNLOADED')
    expect((await engine.work()).batchItemFailures).toEqual([])
    expect(runs).toEqual([1])
    expect(await engine.deadLetters()).toMatchObject([{ code: 'event_unreadable', automations: [] }])
    expect(await engine.record(poison)).toMatchObject({ status: 'dead' })
    expect(await engine.record(good)).toMatchObject({ status: 'done' })
  })

  test('a message that boxhooks did not write is dead-lettered', async () => {
    const engine = await createEngine(embedded, [])
    await engine.sendForeign('hello')
    expect((await engine.work()).batchItemFailures).toEqual([])
    expect(await engine.deadLetters()).toMatchObject([{ code: 'message_unreadable' }])
  })

  test('an unreadable copy of an event whose runs go on is a dead letter, and the runs go on', async () => {
    const { made, runs } = counted('twice', attempt => {
      if (attempt === 1) throw new Error('not yet')
    })
    const engine = await createEngine(embedded, [made])
    const id = await engine.send('FILE.DOWNLOADED')
    await engine.work()
    await engine.sendForeign(JSON.stringify({ id }))
    await engine.work()
    expect(await engine.deadLetters()).toMatchObject([{ code: 'message_unreadable' }])
    engine.clock.advance(60_000)
    await engine.reveal()
    await engine.work()
    expect(runs).toEqual([1, 2])
    expect(await engine.record(id)).toMatchObject({ status: 'done' })
  })

  test('an unreadable event that is redriven unmended lies there again, once', async () => {
    const engine = await createEngine(embedded, [])
    await engine.sendBody(Buffer.from('[]'))
    await engine.work()
    await engine.redrive({ copies: 2 })
    await engine.work()
    expect(await engine.deadLetters()).toMatchObject([{ redrives: 1 }])
  })

  test('a dead letter that is redriven before its marking in the ledger is not dropped', async () => {
    const engine = await createEngine(embedded, [])
    await engine.sendBody(Buffer.from('[1]'))
    await engine.work()
    await engine.redrive()
    // Its worker dies between the dead-letter queue and the ledger, and the new dead letter is redriven at once.
    const ledger = createLedger({
      dynamodb: {
        send: async (command: object) => {
          if (command instanceof UpdateItemCommand) throw new Error('the worker dies')
          return Reflect.apply(embedded.dynamodb.send, embedded.dynamodb, [command])
        },
      },
      table: embedded.table,
      now: engine.clock.now,
    })
    await engine.work({ parts: { ledger } })
    expect(await engine.deadLetters()).toMatchObject([{ redrives: 1 }])
    await engine.redrive()
    await engine.work()
    expect(await engine.deadLetters()).toMatchObject([{ redrives: 2 }])
  })
})

describe('time', () => {
  test('with too little left no further event is started, and none is counted', async () => {
    const { made, runs } = counted('slow', () => engine.clock.skip(51_000))
    const engine = await createEngine(embedded, [made])
    const ids = [await engine.send('FILE.DOWNLOADED'), await engine.send('FILE.DOWNLOADED')]
    expect((await engine.work({ parts: { concurrency: 1 } })).batchItemFailures).toHaveLength(1)
    expect(runs).toEqual([1])
    const records = await Promise.all(ids.map(id => engine.record(id)))
    expect(records.filter(record => record === undefined)).toHaveLength(1)
  })

  test('a function that is given little starts its first events all the same', async () => {
    const { made, runs } = counted('one')
    const engine = await createEngine(embedded, [made])
    await engine.send('FILE.DOWNLOADED')
    expect((await engine.work({ remainingMs: 6000 })).batchItemFailures).toEqual([])
    expect(runs).toEqual([1])
  })

  test('a run is told to stop in time for its outcome to be written, and is tried again', async () => {
    let aborted = false
    const made = automation({
      name: 'slow',
      on: 'FILE.DOWNLOADED',
      watch: { folder: '100001' },
      run: ({ signal }) =>
        new Promise<void>((_, reject) => {
          signal.addEventListener('abort', () => {
            aborted = true
            reject(signal.reason)
          })
        }),
    })
    const engine = await createEngine(embedded, [made])
    const id = await engine.send('FILE.DOWNLOADED')
    const working = engine.work()
    await until(() => engine.lines.some(({ event }) => event === 'run_started'))
    engine.clock.advance(57_500)
    expect((await working).batchItemFailures).toHaveLength(1)
    expect(aborted).toBe(true)
    expect(await engine.record(id)).toMatchObject({
      leaseUntil: 0,
      runs: { slow: { status: 'pending', attempts: 1, error: { code: 'run_timed_out' } } },
    })
  })

  test('code that does not stop keeps its event leased until its Lambda is over', async () => {
    const { made } = counted('deaf', never)
    const engine = await createEngine(embedded, [made])
    const id = await engine.send('FILE.DOWNLOADED')
    const deadline = engine.clock.now() + 60_000
    const working = engine.work()
    await until(() => engine.lines.some(({ event }) => event === 'run_started'))
    engine.clock.advance(58_000)
    expect((await working).batchItemFailures).toHaveLength(1)
    const record = await engine.record(id)
    expect(record?.leaseUntil).toBe(deadline)
    expect(record?.runs.deaf?.nextAt).toBeGreaterThanOrEqual(deadline + LEASE_MARGIN_MS)
  })

  test('an automation’s own time limit ends its run earlier', async () => {
    const { made } = counted('brief', never, { timeoutSeconds: 3 })
    const engine = await createEngine(embedded, [made])
    const id = await engine.send('FILE.DOWNLOADED')
    const working = engine.work()
    await until(() => engine.lines.some(({ event }) => event === 'run_started'))
    engine.clock.advance(4000)
    await working
    expect(await engine.record(id)).toMatchObject({ runs: { brief: { error: { code: 'run_timed_out' } } } })
  })
})

describe('steps', () => {
  test('are done once over all attempts, and give back what they gave', async () => {
    const done: string[] = []
    const results: unknown[] = []
    const made = automation({
      name: 'stepping',
      on: 'FILE.DOWNLOADED',
      watch: { folder: '100001' },
      async run({ step, attempt }) {
        const first = await step('first', () => {
          done.push('first')
          return { id: '7', none: undefined }
        })
        await step('nothing', () => undefined)
        results.push(first)
        if (attempt === 1) throw new Error('between the steps')
        await step('second', async () => void done.push('second'))
      },
    })
    const engine = await createEngine(embedded, [made])
    const id = await engine.send('FILE.DOWNLOADED')
    await engine.work()
    engine.clock.advance(10_000)
    await engine.reveal()
    await engine.work()
    expect(done).toEqual(['first', 'second'])
    expect(results).toEqual([{ id: '7' }, { id: '7' }])
    expect(await engine.record(id)).toMatchObject({
      runs: { stepping: { status: 'done', steps: { first: '{"id":"7"}', nothing: '' } } },
    })
  })

  test('used twice under one name, or with a result that is too large, are a mistake that is told', async () => {
    const make = (name: string, run: Automation['run']) =>
      automation({ name, on: 'FILE.DOWNLOADED', watch: { folder: '100001' }, run })
    const twice = make('twice', async ({ step }) => {
      await step('a', () => 1)
      await step('a', () => 2)
    })
    const large = make('large', async ({ step }) => {
      await step('a', () => 'x'.repeat(20_000))
    })
    const engine = await createEngine(embedded, [twice, large])
    await engine.send('FILE.DOWNLOADED')
    await engine.work()
    const [letter] = await engine.deadLetters()
    const messages = Object.fromEntries(letter?.automations.map(({ name, message }) => [name, message]) ?? [])
    expect(messages).toEqual({
      twice: expect.stringContaining('used twice'),
      large: expect.stringContaining('20002 bytes'),
    })
  })

  test('of a worker whose lease has passed on are not kept, and stop its run', async () => {
    let release = () => {}
    const gate = new Promise<void>(resolve => {
      release = resolve
    })
    const effects: string[] = []
    const made = automation({
      name: 'stale',
      on: 'FILE.DOWNLOADED',
      watch: { folder: '100001' },
      async run({ step, attempt }) {
        await step('wait', async () => {
          effects.push(`waiting ${attempt}`)
          if (attempt === 1) await gate
          return attempt
        })
        effects.push(`after ${attempt}`)
      },
    })
    const engine = await createEngine(embedded, [made])
    await engine.send('FILE.DOWNLOADED')
    const frozen = engine.work()
    await until(() => effects.length === 1)
    engine.clock.skip(60_000 + LEASE_MARGIN_MS)
    await engine.reveal()
    await engine.work()
    release()
    await frozen
    expect(effects).toEqual(['waiting 1', 'waiting 2', 'after 2'])
  })
})

describe('what could go wrong at the edges', () => {
  test('a wait of days is waited out on the queue, not in a loop', async () => {
    const { made, runs } = counted('one', fail(new RetryLater(11 * 86_400, 'next month')))
    const engine = await createEngine(embedded, [made])
    await engine.send('FILE.DOWNLOADED')
    for (let round = 0; round < 3; round += 1) {
      expect((await engine.work()).batchItemFailures).toHaveLength(1)
      expect(await engine.hiddenSeconds()).toEqual([VISIBILITY_SECONDS_MAX])
      await engine.reveal()
    }
    expect(runs).toEqual([1])
    expect(engine.lines.map(({ event }) => event)).not.toContain('message_renewed')
  })

  test.each([Number.NaN, Number.POSITIVE_INFINITY, -1])('a wait of %s s harms no sibling', async seconds => {
    const good = counted('good')
    const odd = counted('odd', fail(new RetryLater(seconds, 'odd')))
    const engine = await createEngine(embedded, [good.made, odd.made])
    const id = await engine.send('FILE.DOWNLOADED')
    await engine.work()
    expect(await engine.record(id)).toMatchObject({
      leaseUntil: 0,
      runs: { good: { status: 'done' }, odd: { status: 'pending', nextAt: expect.any(Number) } },
    })
  })

  test('a success is in the ledger before the dead-letter queue is asked', async () => {
    let failed = () => {}
    const first = new Promise<void>(resolve => {
      failed = resolve
    })
    const bad = counted('bad', () => {
      failed()
      throw new PermanentError('no')
    })
    const good = counted('good', () => first.then(() => new Promise<void>(resolve => setImmediate(resolve))))
    const engine = await createEngine(embedded, [bad.made, good.made])
    const id = await engine.send('FILE.DOWNLOADED')
    let before: unknown
    const deadLetters = {
      send: async () => {
        before = (await engine.record(id))?.runs.good?.status
      },
    }
    await engine.work({ parts: { deadLetters } })
    expect(before).toBe('done')
  })

  test('a step named like what every object has is a mistake that is told', async () => {
    const steps = automation({
      name: 'steps',
      on: 'FILE.DOWNLOADED',
      watch: { folder: '100001' },
      async run({ step }) {
        await step('constructor', () => 1)
      },
    })
    const engine = await createEngine(embedded, [steps])
    await engine.send('FILE.DOWNLOADED')
    await engine.work()
    expect(await engine.deadLetters()).toMatchObject([
      { code: 'permanent', message: expect.stringContaining('named') },
    ])
  })

  test('a step that could not be kept is not done', async () => {
    let done = 0
    const made = automation({
      name: 'many',
      on: 'FILE.DOWNLOADED',
      watch: { folder: '100001' },
      async run({ step }) {
        for (let count = 0; count < 10; count += 1)
          await step(`step ${count}`, () => {
            done += 1
            return 'x'.repeat(16_000)
          })
      },
    })
    const engine = await createEngine(embedded, [made])
    await engine.send('FILE.DOWNLOADED')
    await engine.work()
    expect(done).toBe(4)
    expect(await engine.deadLetters()).toMatchObject([
      { code: 'permanent', message: expect.stringContaining('no room') },
    ])
  })

  test('a message that boxhooks did not write stays one, however often it is redriven', async () => {
    const { made, runs } = counted('one')
    const engine = await createEngine(embedded, [made])
    await engine.sendForeign(wireBody(samplePayload('FILE.DOWNLOADED', { id: 'foreign' })).toString())
    await engine.work()
    await engine.redrive()
    await engine.work()
    expect(runs).toEqual([])
    expect(await engine.deadLetters()).toMatchObject([{ code: 'message_unreadable', redrives: 1 }])
  })

  test('a message that has only waited so far comes back within a minute or so after the ledger fails once', async () => {
    const { made } = counted('one')
    const engine = await createEngine(embedded, [made])
    await engine.send('FILE.DOWNLOADED')
    const ledger = createLedger({ dynamodb: embedded.dynamodb, table: embedded.table, now: engine.clock.now })
    const broken = { ledger: { ...ledger, open: () => Promise.reject(new Error('ServiceUnavailable')) } }
    await engine.work({ receiveCount: 40, parts: { ...broken, random: () => 0.999 } })
    expect((await engine.hiddenSeconds())[0]).toBeLessThanOrEqual(61)
  })

  test('a message whose ledger keeps failing is sent anew as well before SQS drops it', async () => {
    const engine = await createEngine(embedded, [counted('one').made])
    await engine.send('FILE.DOWNLOADED')
    const ledger = createLedger({ dynamodb: embedded.dynamodb, table: embedded.table, now: engine.clock.now })
    const broken = { ledger: { ...ledger, open: () => Promise.reject(new Error('AccessDenied')) } }
    expect((await engine.work({ parts: broken, receiveCount: 700 })).batchItemFailures).toEqual([])
    expect(await engine.queued()).toBe(1)
  })

  test('Box’s word about a webhook: waited for as long as Box asks, given up where it is final', async () => {
    const nested = ['0', '100001'].map(
      folder => counted(`on-${folder}`, () => {}, { watch: { folder } }).made,
    )
    const engine = await createEngine(embedded, nested)
    const answer = (error: Error) => ({ parts: { targetOf: () => Promise.reject(error) } })
    await engine.send('FILE.DOWNLOADED')
    await engine.work(answer(new RetryLater(300, 'throttled')))
    expect((await engine.hiddenSeconds())[0]).toBeGreaterThanOrEqual(300)
    await engine.reveal()
    expect((await engine.work(answer(new PermanentError('forbidden')))).batchItemFailures).toEqual([])
    expect(await engine.deadLetters()).toMatchObject([{ code: 'permanent', automations: [] }])
  })

  test('an automation that a roll-back took away for a while still runs when it is back', async () => {
    const { made, runs } = counted('one', attempt => {
      if (attempt === 1) throw new Error('not yet')
    })
    const engine = await createEngine(embedded, [made])
    const id = await engine.send('FILE.DOWNLOADED')
    await engine.work()
    engine.clock.advance(60_000)
    await engine.reveal()
    expect((await engine.work({ automations: [] })).batchItemFailures).toHaveLength(1)
    expect(await engine.hiddenSeconds()).toEqual([300])
    engine.clock.advance(300_000)
    await engine.reveal()
    expect((await engine.work()).batchItemFailures).toEqual([])
    expect(runs).toEqual([1, 2])
    expect(await engine.record(id)).toMatchObject({ status: 'done' })
  })

  test('of a file that was moved, the place it left is asked for', async () => {
    const from = counted('from', () => {}, { on: 'FILE.MOVED', watch: { folder: '7' } })
    const to = counted('to', () => {}, { on: 'FILE.MOVED', watch: { folder: '100001' } })
    const engine = await createEngine(embedded, [from.made, to.made])
    await engine.send('FILE.MOVED')
    await engine.work({ parts: { targetOf: async () => ({ type: 'folder', id: '7' }) as const } })
    expect([from.runs, to.runs]).toEqual([[1], []])
  })
})

describe('what Box tells of a webhook itself', () => {
  test.each([
    ['NO_ACTIVE_SESSION', 'webhook_session_ended'],
    ['WEBHOOK.DELETED', 'webhook_deleted'],
  ])('%s is warned of, and its event is done', async (trigger, event) => {
    const engine = await createEngine(embedded, [])
    await engine.send(trigger)
    expect((await engine.work()).batchItemFailures).toEqual([])
    expect(engine.lines).toContainEqual(expect.objectContaining({ event, level: 'warn', webhookId: '5001' }))
  })
})

describe('what the queue would lose', () => {
  test('the largest body there can be reaches the dead-letter queue with a reason of any length', async () => {
    const loud = (name: string) => counted(name, fail(new PermanentError('\u{1F600}'.repeat(1000)))).made
    const engine = await createEngine(
      embedded,
      Array.from({ length: 40 }, (_, index) => loud(`loud-automation-${index}`)),
    )
    const description = 'x'.repeat(MESSAGE_BYTES_FIRST_MAX - 2600)
    await engine.send('FILE.DOWNLOADED', { source: { description } })
    expect((await engine.work()).batchItemFailures).toEqual([])
    expect(await engine.deadLetters()).toMatchObject([{ code: 'permanent' }])
    expect(await engine.queued()).toBe(0)
  })

  test('a message handed out many times is sent anew before SQS gives it up', async () => {
    const { made } = counted('one', fail(new RetryLater(30, 'busy')))
    const engine = await createEngine(embedded, [made])
    const id = await engine.send('FILE.DOWNLOADED')
    await engine.work({ receiveCount: 500 })
    expect(engine.lines.map(({ event }) => event)).toContain('message_renewed')
    expect(await engine.queued()).toBe(1)
    engine.clock.advance(60_000)
    await engine.work()
    expect(await engine.record(id)).toMatchObject({ runs: { one: { throttles: 2, attempts: 0 } } })
  })
})
