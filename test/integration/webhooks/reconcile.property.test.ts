import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { type Clock, systemClock } from '../../../lib/base/clock.ts'
import { BoxError } from '../../../lib/box/box-error.ts'
import type { Trigger } from '../../../lib/event/event.ts'
import type { DesiredWebhook } from '../../../lib/webhooks/plan.ts'
import { type ReconcileInput, reconcile } from '../../../lib/webhooks/reconcile.ts'
import { createWebhookRecord, NO_RECORD, WEBHOOK_RECORD_KEY } from '../../../lib/webhooks/webhook-record.ts'
import { startKit } from '../../kit.ts'
import { useEmbedded } from '../../support/embedded.ts'
import { runs } from '../../support/seed.ts'
import { useStarted } from '../../support/started.ts'

/** Random worlds on the real parts: the official SDK over HTTP to the emulated Box, and the record on DynamoDB. */

const ADDRESS = 'https://hooks.example.com/box/webhook'
/** The stage's address at the time before. */
const BEFORE = 'https://before.example.com/box/webhook'
const FOREIGN = 'https://somebody.example.org/hook'
const FOLDERS = ['100', '101', '102', '103', '104']
const TIMEOUT_MS = 120_000

const embedded = useEmbedded()
const kit = useStarted(startKit, started => started.close())
beforeAll(() => {
  for (const id of FOLDERS) kit.box.content.createFolder({ parentId: '0', name: id, id })
})

type Existing = {
  readonly address: string
  readonly triggers: readonly Trigger[]
  readonly recorded: boolean
}
/** What there is on each folder, what is declared on it, and whether the stage's record is there. */
type World = {
  readonly existing: readonly (Existing | undefined)[]
  readonly wanted: readonly (readonly Trigger[])[]
  readonly record: 'kept' | 'lost'
}

const triggers = fc.subarray<Trigger>(['FILE.UPLOADED', 'FILE.LOCKED', 'SHARED_LINK.CREATED'])
const some = triggers.filter(list => list.length > 0)
const each = <T>(one: fc.Arbitrary<T>) => fc.tuple(...FOLDERS.map(() => one))
const world: fc.Arbitrary<World> = fc.record({
  existing: each(
    fc.option(
      fc.record({
        address: fc.constantFrom(ADDRESS, ADDRESS, BEFORE, FOREIGN),
        triggers: some,
        recorded: fc.boolean(),
      }),
      { nil: undefined },
    ),
  ),
  wanted: each(triggers),
  record: fc.constantFrom('kept', 'kept', 'lost'),
})

const target = (id: string) => ({ type: 'folder' as const, id })
const desiredOf = ({ wanted }: World): DesiredWebhook[] =>
  FOLDERS.flatMap((id, index) => {
    const list = wanted[index] ?? []
    return list.length > 0 ? [{ target: target(id), triggers: list }] : []
  })

/** Sets a world up. A webhook that was made for the stage and that nobody has touched since is recorded, unless it is not. */
async function make({ existing, record }: World): Promise<void> {
  kit.box.webhooks.all.clear()
  await embedded.remove(WEBHOOK_RECORD_KEY)
  const recorded = FOLDERS.flatMap((id, index) => {
    const one = existing[index]
    if (!one) return []
    const webhook = kit.box.webhooks.create({ target: target(id), ...one })
    // Also one that somebody has taken over since stands in the record, at the address that it had.
    const address = one.address === FOREIGN ? ADDRESS : one.address
    return one.recorded ? [{ target: target(id), webhookId: webhook.id, address }] : []
  })
  if (record === 'kept') await createWebhookRecord(embedded, Date.now).write(recorded, NO_RECORD)
}

const onBox = () =>
  [...kit.box.webhooks.all.values()]
    .map(one => ({ id: one.target.id, address: one.address, triggers: [...one.triggers].sort() }))
    .sort((a, b) => Number(a.id) - Number(b.id))

/**
 * What must be there in the end: others' webhooks as they were, ours as declared where no other's is, and nothing else but
 * what somebody has set on this stage by hand, on an item of no concern to it.
 */
function expected({ existing, wanted, record }: World) {
  return FOLDERS.flatMap((id, index) => {
    const there = existing[index]
    const declared = wanted[index] ?? []
    const moved = there?.address === BEFORE && there.recorded && record === 'kept'
    const byHand = declared.length === 0 && record === 'kept' && !there?.recorded
    if (there && (byHand || (there.address !== ADDRESS && !moved)))
      return [{ id, address: there.address, triggers: [...there.triggers].sort() }]
    return declared.length > 0 ? [{ id, address: ADDRESS, triggers: [...declared].sort() }] : []
  })
}

const hurried: Clock = { ...systemClock, after: (ms, callback) => systemClock.after(ms / 1000, callback) }

type Step = 'before' | 'after' | undefined

/** Runs with something going wrong at steps, which are the calls to Box and to the record, counted together from 0. */
function run(
  desired: readonly DesiredWebhook[],
  mode: 'plan' | 'apply',
  fail: (step: number, call: string) => { readonly when: Step; readonly error?: Error } = () => ({
    when: undefined,
  }),
) {
  let steps = 0
  const failing = <A extends unknown[], R>(call: string, fn: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      const { when, error } = fail(steps, call)
      steps += 1
      if (when === 'before') throw error
      const answer = await fn(...args)
      if (when === 'after') throw error
      return answer
    }
  }
  const { webhooks } = kit.client
  const record = createWebhookRecord(embedded, Date.now)
  const input: ReconcileInput = {
    desired,
    address: ADDRESS,
    mode,
    clock: hurried,
    random: () => 0,
    deadline: systemClock.now() + 60_000,
    api: {
      getWebhooks: failing('GET', webhooks.getWebhooks),
      getWebhookById: failing('GET', webhooks.getWebhookById),
      createWebhook: failing('POST', webhooks.createWebhook),
      updateWebhookById: failing('PUT', webhooks.updateWebhookById),
      deleteWebhookById: failing('DELETE', webhooks.deleteWebhookById),
    },
    record: { read: failing('record', record.read), write: failing('record', record.write) },
  }
  return reconcile(input)
}

const rounds = runs(40)

test(
  'whatever there is, applying makes just what is declared, with as few webhooks as can be',
  async () => {
    await fc.assert(
      fc.asyncProperty(world, async one => {
        await make(one)
        const report = await run(desiredOf(one), 'apply')
        expect(onBox()).toEqual(expected(one))
        expect(report.counts.failed).toBe(0)
        const declared = new Set(desiredOf(one).map(({ target: { id } }) => id))
        const ours = onBox().filter(({ id, address }) => address === ADDRESS && declared.has(id))
        expect(ours).toHaveLength(declared.size - report.counts.conflict)
      }),
      rounds,
    )
  },
  TIMEOUT_MS,
)

test(
  'a plan changes nothing, and after applying there is nothing left to plan',
  async () => {
    await fc.assert(
      fc.asyncProperty(world, async one => {
        await make(one)
        const before = onBox()
        const planned = await run(desiredOf(one), 'plan')
        expect(onBox()).toEqual(before)
        const applied = await run(desiredOf(one), 'apply')
        const told = (report: typeof planned) =>
          report.actions.map(({ kind, target: { id }, reason }) => `${kind} ${id} ${reason}`)
        expect(told(applied)).toEqual(told(planned))
        const after = await run(desiredOf(one), 'plan')
        expect(after.counts).toMatchObject({ create: 0, update: 0, delete: 0, failed: 0 })
        expect(after.inStep).toBe(after.counts.conflict === 0)
      }),
      rounds,
    )
  },
  TIMEOUT_MS,
)

test(
  'cut off at any call to Box or to the record, before or after it took effect, the next run makes it whole',
  async () => {
    const cut = fc.record({ at: fc.nat(25), when: fc.constantFrom<Step>('before', 'after') })
    await fc.assert(
      fc.asyncProperty(world, fc.array(cut, { minLength: 1, maxLength: 3 }), async (one, cuts) => {
        await make(one)
        for (const { at, when } of cuts) {
          let dead = false
          // What comes after a crash does not happen. A bug's error is never tried again.
          await run(desiredOf(one), 'apply', step => {
            const now = step === at && !dead ? when : dead ? 'before' : undefined
            if (step === at) dead = true
            return { when: now, error: new TypeError('The process is dead.') }
          }).catch((error: unknown) => expect(error).toMatchObject({ message: 'The process is dead.' }))
          expect(onBox().filter(isForeign)).toEqual(expected(one).filter(isForeign))
        }
        await run(desiredOf(one), 'apply')
        expect(onBox()).toEqual(expected(one))
      }),
      runs(80),
    )
  },
  TIMEOUT_MS,
)

const isForeign = ({ address }: { readonly address: string }) => address === FOREIGN

test(
  'a Box that throttles, fails, or loses its answers is as good as one that does not',
  async () => {
    const faults = fc.uniqueArray(
      fc.record({
        at: fc.nat(25),
        when: fc.constantFrom<Step>('before', 'after'),
        status: fc.constantFrom(429, 500, 0),
      }),
      { selector: ({ at }) => at, maxLength: 5 },
    )
    await fc.assert(
      fc.asyncProperty(world, faults, async (one, failures) => {
        await make(one)
        const report = await run(desiredOf(one), 'apply', (step, call) => {
          const fault = call === 'record' ? undefined : failures.find(({ at }) => at === step)
          if (!fault) return { when: undefined }
          // A throttled call has had no effect.
          const when = fault.status === 429 ? 'before' : fault.when
          return {
            when,
            error: new BoxError({ method: call, path: '' }, { status: fault.status, retryAfter: '1' }),
          }
        })
        expect(onBox()).toEqual(expected(one))
        expect(report.counts.failed).toBe(0)
      }),
      rounds,
    )
  },
  TIMEOUT_MS,
)

test(
  'two at once end as one',
  async () => {
    await fc.assert(
      fc.asyncProperty(world, async one => {
        await make(one)
        await Promise.all([run(desiredOf(one), 'apply'), run(desiredOf(one), 'apply')])
        expect(onBox()).toEqual(expected(one))
        expect((await run(desiredOf(one), 'plan')).counts).toMatchObject({ create: 0, update: 0, delete: 0 })
      }),
      rounds,
    )
  },
  TIMEOUT_MS,
)

test(
  'two at once of different versions: the next run of the one that stays makes it whole',
  async () => {
    await fc.assert(
      fc.asyncProperty(world, each(triggers), async (given, others) => {
        const one = { ...given, existing: given.existing.map(there => there && { ...there, recorded: true }) }
        await make(one)
        const other = desiredOf({ ...one, wanted: others })
        await Promise.all([run(other, 'apply'), run(desiredOf(one), 'apply')])
        expect(onBox().filter(isForeign)).toEqual(expected(one).filter(isForeign))
        await run(desiredOf(one), 'apply')
        expect(onBox()).toEqual(expected(one))
      }),
      rounds,
    )
  },
  TIMEOUT_MS,
)
