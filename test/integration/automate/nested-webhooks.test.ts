import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { automation } from '../../../lib/automation/automation.ts'
import type { TargetLookup } from '../../../lib/box/box.ts'
import type { Target } from '../../../lib/event/event.ts'
import { createWebhookRecord, NO_RECORD } from '../../../lib/webhooks/webhook-record.ts'
import { recordedTargets } from '../../../lib/webhooks/webhook-targets.ts'
import { useEmbedded } from '../../support/embedded.ts'
import { createEngine } from '../../support/engine.ts'

const embedded = useEmbedded()

const OUTER: Target = { type: 'folder', id: '1' }
const INNER: Target = { type: 'folder', id: '2' }
const WEBHOOKS: Readonly<Record<string, Target>> = { w1: OUTER, w2: INNER }
const targetOf: TargetLookup = async webhookId => WEBHOOKS[webhookId]

/** Three automations: on a folder, on one inside it, and on both. */
function declared() {
  const runs: string[] = []
  const watching = (name: string, watch: { folder: string } | { folder: string }[]) =>
    automation({
      name,
      on: ['FILE.UPLOADED', 'COMMENT.CREATED'],
      watch,
      run: async ({ step }) => step('once', () => void runs.push(name)),
    })
  const automations = [
    watching('outer', { folder: OUTER.id }),
    watching('inner', { folder: INNER.id }),
    watching('both', [{ folder: OUTER.id }, { folder: INNER.id }]),
  ]
  return { runs, automations }
}

/** Works, and lets what is put off come back, until nothing is on the queue. */
async function drain(engine: Awaited<ReturnType<typeof createEngine>>): Promise<void> {
  for (let round = 0; round < 20 && (await engine.queued()) > 0; round += 1) {
    await engine.work({ parts: { targetOf } })
    engine.clock.advance(70_000)
    await engine.reveal()
  }
  expect(await engine.queued()).toBe(0)
}

describe('one event by the webhooks of a folder and of a folder inside it', () => {
  test('runs what either concerns, and what both concern once', async () => {
    const { runs, automations } = declared()
    const engine = await createEngine(embedded, automations)
    const id = await engine.send('COMMENT.CREATED', { webhookId: 'w1' })
    await engine.work({ parts: { targetOf } })
    expect(runs.sort()).toEqual(['both', 'outer'])
    await engine.send('COMMENT.CREATED', { id, webhookId: 'w2' })
    await engine.work({ parts: { targetOf } })
    expect(runs.sort()).toEqual(['both', 'inner', 'outer'])
    expect(await engine.record(id)).toMatchObject({
      status: 'done',
      targets: [OUTER, INNER],
      webhooks: ['w1', 'w2'],
    })
  })

  test('runs each automation once, in whatever order and however often its deliveries come', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('w1', 'w2'), { minLength: 4, maxLength: 4 }),
        fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
        async (deliveries, pauses) => {
          const { runs, automations } = declared()
          const engine = await createEngine(embedded, automations)
          let id: string | undefined
          for (const [index, webhookId] of deliveries.entries()) {
            id = await engine.send('FILE.UPLOADED', { ...(id ? { id } : {}), webhookId })
            if (pauses[index]) await engine.work({ parts: { targetOf } })
          }
          await drain(engine)
          const expected = ['both']
          if (deliveries.includes('w1')) expected.push('outer')
          if (deliveries.includes('w2')) expected.push('inner')
          expect(runs.sort()).toEqual(expected.sort())
          expect(await engine.deadLetters()).toEqual([])
        },
      ),
      { numRuns: 20 },
    )
  })

  test('runs each automation once where two workers have a delivery each at the same time', async () => {
    const { runs, automations } = declared()
    const engine = await createEngine(embedded, automations)
    const id = await engine.send('FILE.UPLOADED', { webhookId: 'w1' })
    await engine.send('FILE.UPLOADED', { id, webhookId: 'w2' })
    await engine.send('FILE.UPLOADED', { id, webhookId: 'w2' })
    const one = { parts: { targetOf }, limit: 1 }
    await Promise.all([engine.work(one), engine.work(one), engine.work(one)])
    await drain(engine)
    expect(runs.sort()).toEqual(['both', 'inner', 'outer'])
  })

  test('comes back within seconds where another worker has it, not only when that one’s time is over', async () => {
    const { automations } = declared()
    let finish = () => {}
    const slow = automation({
      name: 'slow',
      on: 'FILE.UPLOADED',
      watch: { folder: OUTER.id },
      run: () =>
        new Promise<void>(resolve => {
          finish = resolve
        }),
    })
    const engine = await createEngine(embedded, [...automations, slow])
    const id = await engine.send('FILE.UPLOADED', { webhookId: 'w1' })
    const first = engine.work({ parts: { targetOf } })
    await expect.poll(() => engine.record(id)).toBeDefined()
    await engine.send('FILE.UPLOADED', { id, webhookId: 'w2' })
    await engine.work({ parts: { targetOf } })
    expect(engine.lines).toContainEqual(
      expect.objectContaining({ event: 'event_waiting', reason: 'leased', delaySeconds: 2 }),
    )
    finish()
    await first
  })

  test('that is done starts no automation which was deployed since', async () => {
    const { runs, automations } = declared()
    const [outer, inner, both] = automations
    const engine = await createEngine(
      embedded,
      [outer, both].flatMap(one => one ?? []),
    )
    const id = await engine.send('FILE.UPLOADED', { webhookId: 'w1' })
    await engine.work({ parts: { targetOf } })
    const later = [outer, inner, both].flatMap(one => one ?? [])
    const added = automation({
      name: 'added',
      on: 'FILE.UPLOADED',
      watch: { folder: OUTER.id },
      run: () => {},
    })
    await engine.send('FILE.UPLOADED', { id, webhookId: 'w2' })
    await engine.work({ parts: { targetOf }, automations: [...later, added] })
    expect(runs.sort()).toEqual(['both', 'inner', 'outer'])
  })
})

describe('what a webhook is set on', () => {
  const record = () => createWebhookRecord(embedded, () => 0)
  const address = 'https://hooks.example.com/box/webhook'

  test('is read from the stage’s own record, once for all, and of Box only what that lacks', async () => {
    const kept = record()
    const first = await kept.write([{ target: OUTER, address, webhookId: 'w1' }], NO_RECORD)
    await kept.write([{ target: INNER, address, webhookId: 'w2' }], first ?? NO_RECORD)
    let now = 0
    let reads = 0
    const asked: string[] = []
    const lookUp = recordedTargets(
      {
        read: () => {
          reads += 1
          return kept.read()
        },
      },
      async webhookId => {
        asked.push(webhookId)
        return undefined
      },
      () => now,
    )
    // The first webhook is gone by now, and its last deliveries can still come.
    expect(await Promise.all([lookUp('w1'), lookUp('w2'), lookUp('w1')])).toEqual([OUTER, INNER, OUTER])
    expect({ reads, asked }).toEqual({ reads: 1, asked: [] })
    expect(await lookUp('by hand')).toBeUndefined()
    expect({ reads, asked }).toEqual({ reads: 1, asked: ['by hand'] })
    now += 10_000
    await lookUp('by hand')
    expect(reads).toBe(2)
    now += 600_000
    await lookUp('w1')
    expect(reads).toBe(3)
  })

  test('waits no longer for Box than the batch has time, and costs no attempt', async () => {
    const { automations } = declared()
    const engine = await createEngine(embedded, automations)
    await engine.send('COMMENT.CREATED', { webhookId: 'w1' })
    const hanging: TargetLookup = (_, { signal } = {}) =>
      new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason))
        setImmediate(() => engine.clock.advance(60_000))
      })
    const { batchItemFailures } = await engine.work({ parts: { targetOf: hanging } })
    expect(batchItemFailures).toHaveLength(1)
    expect(engine.lines).toContainEqual(
      expect.objectContaining({ event: 'event_waiting', reason: 'target_lookup_failed' }),
    )
  })
})
