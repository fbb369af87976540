import { describe, expect, test } from 'vitest'
import { LEASE_MARGIN_MS } from '../../../lib/automate/claim.ts'
import { type Automation, automation } from '../../../lib/automation/automation.ts'
import { createLeftBehind } from '../../../lib/base/under-way.ts'
import { useEmbedded } from '../../support/embedded.ts'
import { createEngine, type Engine } from '../../support/engine.ts'

const embedded = useEmbedded()

const counted = (
  name: string,
  options: { timeoutSeconds?: number; attempts?: number; work?: (eventId: string) => unknown } = {},
): { readonly made: Automation; readonly runs: string[] } => {
  const runs: string[] = []
  const { timeoutSeconds, attempts = 12, work = () => {} } = options
  const made = automation({
    name,
    on: 'FILE.DOWNLOADED',
    watch: { folder: '100001' },
    retry: { attempts },
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
    async run({ event }) {
      runs.push(event.id)
      await work(event.id)
    },
  })
  return { made, runs }
}

/** Moves the clock on while a batch is worked off, as time would. */
async function workWhile(engine: Engine, ms: number, options: Parameters<Engine['work']>[0] = {}) {
  let over = false
  const working = engine.work(options).finally(() => {
    over = true
  })
  const end = engine.clock.now() + ms
  while (!over && engine.clock.now() < end) {
    // The embedded servers answer meanwhile; only then does virtual time go on.
    await fetch(embedded.sqsUrl).then(answer => answer.text())
    engine.clock.advance(500)
  }
  await working
}

describe('an event of a batch', () => {
  test('is begun only where the time that its automation asks for is left, and waits uncounted otherwise', async () => {
    const slow = counted('slow', { timeoutSeconds: 45, attempts: 1, work: () => wait(30_000) })
    const engine = await createEngine(embedded, [slow.made])
    const wait = (ms: number) => new Promise<void>(resolve => void engine.clock.after(ms, resolve))
    const ids: string[] = []
    for (let event = 0; event < 4; event += 1) ids.push(await engine.send('FILE.DOWNLOADED'))
    await workWhile(engine, 60_000, { parts: { concurrency: 2 } })
    expect(slow.runs).toHaveLength(2)
    expect(await engine.deadLetters()).toEqual([])
    const waiting = engine.lines.filter(({ reason }) => reason === 'no_time_left')
    expect(waiting).toHaveLength(2)
    for (const id of ids.filter(one => !slow.runs.includes(one)))
      expect(await engine.record(id)).toBeUndefined()
  })

  test('is begun where a function has less time than the automation asks for, but all that there is', async () => {
    const { made, runs } = counted('asks-too-much', { timeoutSeconds: 300 })
    const engine = await createEngine(embedded, [made])
    const id = await engine.send('FILE.DOWNLOADED')
    await engine.work()
    expect(runs).toEqual([id])
  })
})

describe('an event that kills its worker', () => {
  const POISON = 'poison'
  const never = () => new Promise<void>(() => {})

  test('takes no other event of its batch along to the dead-letter queue', async () => {
    let begun = () => {}
    let poisoned = false
    const { made, runs } = counted('reads-files', {
      attempts: 4,
      work(eventId) {
        if (eventId !== POISON) return poisoned ? never() : undefined
        poisoned = true
        begun()
        return never()
      },
    })
    const engine = await createEngine(embedded, [made])
    await engine.send('FILE.DOWNLOADED', { id: POISON })
    const innocent = [await engine.send('FILE.DOWNLOADED'), await engine.send('FILE.DOWNLOADED')]
    for (let round = 1; round <= 8; round += 1) {
      const poison = new Promise<void>(resolve => {
        begun = resolve
      })
      await Promise.race([engine.work(), poison])
      // At first all are under way together; after that a suspect is alone.
      if (round === 1) await expect.poll(() => runs.length).toBe(3)
      // The process is gone: none of its timers fires, and what it had comes back.
      engine.clock.skip(61_000 + LEASE_MARGIN_MS)
      poisoned = false
      await engine.reveal()
    }
    for (const id of innocent)
      expect(await engine.record(id)).toMatchObject({
        status: 'done',
        runs: { 'reads-files': { attempts: 2 } },
      })
    expect(runs.filter(id => id === POISON)).toHaveLength(4)
    expect(await engine.deadLetters()).toMatchObject([{ code: 'worker_lost' }])
  })

  test('waits uncounted while code that was left behind goes on in its process, which begins nothing else', async () => {
    const { made, runs } = counted('suspected')
    const engine = await createEngine(embedded, [made])
    const id = await engine.send('FILE.DOWNLOADED')
    await engine.send('FILE.DOWNLOADED')
    const dying = automation({
      name: 'suspected',
      on: 'FILE.DOWNLOADED',
      watch: { folder: '100001' },
      run: never,
    })
    void engine.work({ automations: [dying] })
    await expect.poll(async () => (await engine.record(id))?.runs.suspected?.attempts).toBe(1)
    engine.clock.skip(61_000 + LEASE_MARGIN_MS)
    await engine.reveal()
    const leftBehind = createLeftBehind()
    leftBehind.add(never(), engine.clock.now() + 60_000)
    await engine.work({ parts: { leftBehind } })
    expect(runs).toEqual([])
    expect(await engine.record(id)).toMatchObject({ runs: { suspected: { attempts: 1 } } })
    const waiting = () => engine.lines.filter(({ reason }) => reason === 'not_alone').length
    expect(waiting()).toBeGreaterThan(0)

    // The process begins nothing else until the suspect has had its turn: even where events never cease to come.
    const before = waiting()
    const other = await engine.send('FILE.DOWNLOADED')
    await engine.reveal()
    await engine.work({ parts: { leftBehind } })
    expect(runs).toEqual([])
    expect(waiting()).toBeGreaterThan(before)
    engine.clock.skip(361_000)
    await engine.reveal()
    await engine.work({ parts: { leftBehind } })
    expect(runs).toEqual([id])
    await engine.reveal()
    await engine.work({ parts: { leftBehind } })
    expect(runs).toEqual(expect.arrayContaining([id, other]))
  })

  test('has its turn, although every batch brings another event that leaves code behind', async () => {
    const SUSPECT = 'suspect'
    const { made, runs } = counted('often-deaf', {
      timeoutSeconds: 1,
      work: eventId => (eventId === SUSPECT ? undefined : never()),
    })
    const engine = await createEngine(embedded, [made])
    await engine.send('FILE.DOWNLOADED', { id: SUSPECT })
    void engine.work({ automations: [counted('often-deaf', { work: never }).made] })
    await expect.poll(async () => (await engine.record(SUSPECT))?.runs['often-deaf']?.attempts).toBe(1)
    engine.clock.skip(61_000 + LEASE_MARGIN_MS)
    // What is left behind is reckoned with for six minutes: this is several times as long.
    for (let round = 1; round <= 60 && !runs.includes(SUSPECT); round += 1) {
      if ((await engine.queued()) < 8) await engine.send('FILE.DOWNLOADED')
      await engine.reveal()
      await workWhile(engine, 60_000)
      engine.clock.skip(30_000)
    }
    expect(runs.filter(id => id !== SUSPECT).length).toBeGreaterThan(0)
    expect(await engine.record(SUSPECT)).toMatchObject({
      status: 'done',
      runs: { 'often-deaf': { attempts: 2 } },
    })
  })
})
