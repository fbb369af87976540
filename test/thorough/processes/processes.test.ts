import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { EXAMPLES } from '../../../infra/build/bundle.ts'
import { packagedLocal } from '../../support/packaged.ts'
import { createRandom } from '../simulation/random.ts'
import { type Rig, startRig } from './rig.ts'
import { planStorm, runStorm } from './storm.ts'
import { until } from './until.ts'
import type { Case } from './witness.ts'
import type { Worker } from './workers.ts'

/** How long anything may take on a slow machine, in milliseconds. */
const PATIENCE_MS = 60_000
const SEED = 20261123

let rig: Rig
beforeAll(async () => {
  rig = await startRig({ template: (await packagedLocal()).template, workers: 2 })
})
afterAll(() => rig?.stop())

const caseOf = (eventId: string): Case => {
  const one = rig.witness.cases.get(eventId)
  if (!one) throw new Error(`There is no event ${eventId}.`)
  return one
}
const answered = (told: string): number => rig.witness.answers.get(told) ?? 0
const allAccepted = (): Promise<void> =>
  until('every event is accepted', PATIENCE_MS, () => rig.witness.accepted === rig.witness.cases.size)

/** The parts are processes of their own; what one test breaks, the next ones find mended, but not yet made up for. */
describe('with each part a process of its own', { timeout: 4 * PATIENCE_MS }, () => {
  let frozen: { worker: Worker; eventId: string } | undefined

  test('the front door is the very bundle that Lambda gets', async () => {
    const built = await readFile(join(rig.bundles, 'ingest', 'index.mjs'))
    expect(built.equals(await readFile(join(EXAMPLES, 'dist', 'ingest', 'index.mjs')))).toBe(true)
  })

  test('ingest that starts cold while Secrets Manager is away answers 503, and Box’s retries bring all', async () => {
    await rig.services.secrets.cut('refuse')
    await rig.door.killOne()
    await rig.door.killOne()
    await rig.download(30)
    await until('Box is told to come again', PATIENCE_MS, () => answered('503 keys_unavailable') >= 30)
    expect(rig.witness.accepted).toBe(0)
    await rig.services.secrets.restore()
    await allAccepted()
  })

  test('a worker is frozen in the middle of a step', async () => {
    rig.onEffect(async ({ automation, part, eventId }, worker) => {
      if (frozen || automation !== 'three-steps' || part !== 'first') return
      frozen = { worker, eventId }
      await rig.workers.stop(worker)
    })
    await rig.download(30)
    await until('a worker is frozen', PATIENCE_MS, () => frozen !== undefined && rig.workers.up.length === 2)
  })

  test('while SQS is away ingest answers 503, and Box’s retries bring all', async () => {
    await rig.services.sqs.cut('reset')
    const accepted = rig.witness.accepted
    await rig.download(40)
    await until('Box is told to come again', PATIENCE_MS, () => answered('503 queue_unavailable') >= 40)
    expect(rig.witness.accepted).toBe(accepted)
    await rig.services.sqs.restore()
    await allAccepted()
  })

  test('ingest is killed under load, and Box’s retries bring all', async () => {
    await rig.download(60)
    await rig.door.killOne()
    await allAccepted()
    expect(answered('0')).toBeGreaterThan(0)
  })

  test('while DynamoDB is away messages are kept', async () => {
    await rig.download(30)
    await rig.services.dynamodb.cut('refuse')
    const kept = () => rig.witness.logged.get('message_failed') ?? 0
    await until('a worker can’t reach the ledger', PATIENCE_MS, () => kept() > 0)
    await rig.services.dynamodb.restore()
  })

  test(`all of it at once, as seed ${SEED} has it`, async () => {
    const plan = planStorm(createRandom(SEED), 150).filter(({ kind }) => kind !== 'stop')
    await runStorm(rig, plan, 150)
    expect(rig.workers.kills).toBeGreaterThan(2)
  })

  test('the frozen worker wakes up after another has taken over: it does nothing more, and what it says is refused', async () => {
    if (!frozen) throw new Error('No worker was frozen.')
    const { worker, eventId } = frozen
    const one = caseOf(eventId)
    const { effects, writes } = one
    const stepsOf = (own: boolean) =>
      effects.filter(effect => effect.automation === 'three-steps' && (effect.worker === worker.name) === own)
    await until('another worker has done its event', PATIENCE_MS, () => one.finished)
    const refused = rig.witness.logged.get('lease_lost') ?? 0
    await rig.workers.wake(worker)
    expect(stepsOf(true).map(({ part }) => part)).toEqual(['first'])
    expect([...new Set(stepsOf(false).map(({ part }) => part))]).toEqual(['first', 'second', 'third'])
    const takenOver = writes.findIndex(one => one.claimedUntil !== undefined && one.worker !== worker.name)
    expect(takenOver).toBeGreaterThan(0)
    expect(writes.slice(takenOver).map(write => write.worker)).not.toContain(worker.name)
    expect(rig.witness.logged.get('lease_lost') ?? 0).toBeGreaterThan(refused)
  })

  test('the final state is the expected one: nothing lost, nothing done twice but in the window', async () => {
    const { violations, repeats } = await rig.settle(2 * PATIENCE_MS)
    expect(violations).toEqual([])
    expect(rig.witness.cases.size).toBe(340)
    // The frozen worker's step at least was done again.
    expect(repeats.lost).toBeGreaterThan(0)
  })
})
