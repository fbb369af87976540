import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Clock, systemClock } from '../../../lib/base/clock.ts'
import type { Trigger } from '../../../lib/event/event.ts'
import type { DesiredWebhook } from '../../../lib/webhooks/plan.ts'
import { type ReconcileInput, reconcile } from '../../../lib/webhooks/reconcile.ts'
import {
  createWebhookRecord,
  WEBHOOK_RECORD_KEY,
  type WebhookRecord,
} from '../../../lib/webhooks/webhook-record.ts'
import { type Kit, startKit } from '../../kit.ts'
import { countedIds } from '../../support/counted-ids.ts'
import { useEmbedded } from '../../support/embedded.ts'

const ADDRESS = 'https://hooks.example.com/box/webhook'
const ELSEWHERE = 'https://somebody.example.org/hook'

const embedded = useEmbedded()
let kit: Kit
let record: WebhookRecord
beforeEach(async () => {
  kit = await startKit()
  await embedded.remove(WEBHOOK_RECORD_KEY)
  record = createWebhookRecord(embedded, Date.now)
})
afterEach(() => kit.close())

/** Time in which waiting takes a hundredth. */
const hurried: Clock = { ...systemClock, after: (ms, callback) => systemClock.after(ms / 100, callback) }

const run = (desired: readonly DesiredWebhook[], more: Partial<ReconcileInput> = {}) =>
  reconcile({
    desired,
    address: ADDRESS,
    api: kit.client.webhooks,
    record,
    clock: hurried,
    random: () => 0,
    deadline: systemClock.now() + 60_000,
    mode: 'apply',
    ...more,
  })

const newName = countedIds('folder')
const newFolder = () => kit.box.content.createFolder({ parentId: '0', name: newName() }).id
const wanting = (id: string, ...triggers: Trigger[]): DesiredWebhook => ({
  target: { type: 'folder', id },
  triggers,
})
const webhookOn = (id: string, address: string, ...triggers: Trigger[]) =>
  kit.box.webhooks.create({ target: { type: 'folder', id }, address, triggers })
const onBox = () => [...kit.box.webhooks.all.values()]
const made = () => kit.calls.map(({ method, path }) => `${method} ${path.replace('/2.0', '')}`)
const brief = ({ actions }: Awaited<ReturnType<typeof run>>) =>
  actions.map(({ kind, target, reason, outcome }) =>
    [kind, target.id, reason, outcome].filter(Boolean).join(' '),
  )

describe('reconciling', () => {
  test('makes what is declared, says so, and has nothing left to do', async () => {
    const [a, b] = [newFolder(), newFolder()]
    const desired = [wanting(a, 'FILE.LOCKED'), wanting(b, 'FILE.COPIED', 'FILE.MOVED')]
    const first = await run(desired)
    expect(brief(first)).toEqual([`create ${a} declared done`, `create ${b} declared done`])
    expect(first).toMatchObject({ inStep: true, counts: { create: 2, failed: 0 }, total: 0 })
    expect(onBox()).toMatchObject(
      desired.map(({ target, triggers }) => ({ target, triggers, address: ADDRESS })),
    )
    expect(first.actions.map(({ webhookId }) => webhookId)).toEqual(onBox().map(({ id }) => id))
    const second = await run(desired, { mode: 'plan' })
    expect(brief(second)).toEqual([`leave ${a} in_step`, `leave ${b} in_step`])
    expect(second).toMatchObject({ inStep: true, total: 2 })
  })

  test('is told in plain JSON', async () => {
    const report = await run([wanting(newFolder(), 'FILE.LOCKED'), wanting('99999999', 'FILE.LOCKED')])
    expect(JSON.parse(JSON.stringify(report))).toEqual(report)
  })

  test('changes nothing where it only plans, neither on Box nor in the record', async () => {
    const [a, b] = [newFolder(), newFolder()]
    webhookOn(b, ADDRESS, 'FILE.LOCKED')
    const before = onBox()
    const report = await run([wanting(a, 'FILE.LOCKED')], { mode: 'plan' })
    expect(brief(report)).toEqual([`create ${a} declared`, `delete ${b} not_declared`])
    expect(report.inStep).toBe(false)
    expect(onBox()).toEqual(before)
    expect(await record.read()).toBeUndefined()
  })

  test('changes and takes away its own, and leaves a stranger’s alone', async () => {
    const [a, b, c, d] = [newFolder(), newFolder(), newFolder(), newFolder()]
    await run([wanting(a, 'FILE.LOCKED'), wanting(b, 'FILE.LOCKED')])
    const strangers = [webhookOn(c, ELSEWHERE, 'FILE.LOCKED'), webhookOn(d, ELSEWHERE, 'FILE.COPIED')]
    const report = await run([wanting(a, 'FILE.COPIED'), wanting(c, 'FILE.MOVED')])
    expect(brief(report)).toEqual([
      `update ${a} triggers_differ done`,
      `conflict ${c} foreign_webhook`,
      `delete ${b} not_declared done`,
    ])
    expect(report.inStep).toBe(false)
    expect(onBox().slice(1)).toEqual(strangers)
    expect(onBox()[0]).toMatchObject({ target: { id: a }, triggers: ['FILE.COPIED'] })
  })

  test('makes anew what somebody has deleted, and says that it was missing', async () => {
    const desired = [wanting(newFolder(), 'FILE.LOCKED')]
    await run(desired)
    for (const { id } of onBox()) kit.box.webhooks.delete(id)
    const report = await run(desired)
    expect(report.actions).toMatchObject([{ kind: 'create', reason: 'missing', outcome: 'done' }])
    expect(onBox()).toHaveLength(1)
  })

  test('moves its webhooks to the stage’s new address, without a moment in which they are not there', async () => {
    const [a, b] = [newFolder(), newFolder()]
    await run([wanting(a, 'FILE.LOCKED'), wanting(b, 'FILE.LOCKED')])
    const ids = onBox().map(({ id }) => id)
    const moved = { address: 'https://new.example.com/box/webhook' }
    const report = await run([wanting(a, 'FILE.LOCKED')], moved)
    expect(brief(report)).toEqual([`update ${a} address_moved done`, `delete ${b} not_declared done`])
    expect(onBox()).toMatchObject([{ id: ids[0], ...moved }])
    expect((await run([wanting(a, 'FILE.LOCKED')], { ...moved, mode: 'plan' })).inStep).toBe(true)
  })

  test('finds its webhooks again where the record is lost, by their address', async () => {
    const [a, b, c] = [newFolder(), newFolder(), newFolder()]
    webhookOn(a, ADDRESS, 'FILE.LOCKED')
    webhookOn(b, ADDRESS, 'FILE.LOCKED')
    const stranger = webhookOn(c, ELSEWHERE, 'FILE.LOCKED')
    const report = await run([wanting(a, 'FILE.LOCKED')])
    expect(brief(report)).toEqual([`leave ${a} in_step`, `delete ${b} not_declared done`])
    expect(onBox().slice(1)).toEqual([stranger])
  })

  test('asks for details of nothing but its own, once it has a record', async () => {
    const strangers = Array.from({ length: 20 }, () => webhookOn(newFolder(), ELSEWHERE, 'FILE.LOCKED'))
    const desired = [wanting(newFolder(), 'FILE.LOCKED')]
    await run(desired)
    expect(made()).toHaveLength(1 + strangers.length + 1)
    kit.calls.length = 0
    expect((await run(desired)).inStep).toBe(true)
    expect(made()).toEqual(['GET /webhooks', `GET /webhooks/${onBox().at(-1)?.id}`])
  })

  test('writes nothing where nothing has changed', async () => {
    const desired = [wanting(newFolder(), 'FILE.LOCKED')]
    await run(desired)
    const before = await record.read()
    await run(desired)
    expect(await record.read()).toEqual(before)
    expect(before?.webhooks).toEqual([
      { target: desired[0]?.target, address: ADDRESS, webhookId: onBox()[0]?.id },
    ])
  })

  test('forgets what is gone and no longer declared', async () => {
    await run([wanting(newFolder(), 'FILE.LOCKED')])
    await run([])
    expect((await record.read())?.webhooks).toEqual([])
    expect(onBox()).toEqual([])
  })
})

describe('whatever Box answers', () => {
  /** Box's API with other answers to the calls that read. */
  const reading = (answers: Partial<ReconcileInput['api']>): ReconcileInput['api'] => {
    const { getWebhooks, getWebhookById, createWebhook, updateWebhookById, deleteWebhookById } =
      kit.client.webhooks
    return { getWebhooks, getWebhookById, createWebhook, updateWebhookById, deleteWebhookById, ...answers }
  }

  test('all pages of the list are read', async () => {
    const folders = Array.from({ length: 5 }, newFolder)
    for (const id of folders) webhookOn(id, ADDRESS, 'FILE.LOCKED')
    const api = reading({ getWebhooks: query => kit.client.webhooks.getWebhooks({ ...query, limit: 2 }) })
    const report = await run([], { api })
    expect(report).toMatchObject({ inStep: true, counts: { delete: 5 }, total: 5 })
    expect(made().filter(call => call === 'GET /webhooks')).toHaveLength(3)
    expect(onBox()).toEqual([])
  })

  test('pages that overlap or go round in a circle end, and count each webhook once', async () => {
    webhookOn(newFolder(), ELSEWHERE, 'FILE.LOCKED')
    const { entries } = await kit.client.webhooks.getWebhooks()
    const circle = reading({
      getWebhooks: async query => ({
        entries: entries ?? [],
        nextMarker: query?.marker === 'b' ? 'a' : 'b',
      }),
    })
    expect(await run([], { api: circle })).toMatchObject({ inStep: true, total: 1 })
  })

  test('a webhook without id, target or address is nobody’s, and stays', async () => {
    const id = newFolder()
    const webhook = webhookOn(id, ADDRESS, 'FILE.LOCKED')
    const listed = { id: webhook.id, target: { type: 'folder' as const, id } }
    const odd = [{}, { id: '1' }, { id: '2', target: { id } }, { target: listed.target }, listed]
    const api = reading({
      getWebhooks: async () => ({ entries: odd }),
      getWebhookById: async () => listed,
    })
    expect(await run([], { api })).toMatchObject({ inStep: true, actions: [], total: 1 })
    expect(await run([wanting(id, 'FILE.LOCKED')], { api })).toMatchObject({
      inStep: false,
      actions: [{ kind: 'conflict', message: expect.stringContaining('an unreadable address') }],
    })
    expect(onBox()).toEqual([webhook])
  })

  test('a webhook that is not listed and yet there is a failure that says where to look', async () => {
    const id = newFolder()
    webhookOn(id, ADDRESS, 'FILE.LOCKED')
    const api = reading({ getWebhooks: async () => ({ entries: [] }) })
    const report = await run([wanting(id, 'FILE.LOCKED')], { api })
    expect(report.actions).toMatchObject([
      {
        kind: 'create',
        outcome: 'failed',
        error: {
          status: 409,
          boxMessage: expect.stringContaining('existWebhookId: Webhook:'),
          message: expect.stringContaining("Box's Developer Console"),
        },
      },
    ])
    expect(made().filter(call => call.startsWith('POST'))).toHaveLength(4)
  })
})

describe('when Box refuses', () => {
  test('a declaration that it would refuse changes nothing and asks nothing', async () => {
    const report = await run([wanting(newFolder(), 'FILE.LOCKED'), wanting('0', 'FILE.LOCKED')])
    expect(report).toMatchObject({ inStep: false, actions: [], problems: [{ field: 'target' }] })
    expect(kit.calls).toEqual([])
  })

  test('an item that it does not show fails alone, with Box’s code, words and request id', async () => {
    const a = newFolder()
    const report = await run([wanting('99999999', 'FILE.LOCKED'), wanting(a, 'FILE.LOCKED')])
    expect(brief(report)).toEqual(['create 99999999 declared failed', `create ${a} declared done`])
    expect(report.actions[0]?.error).toMatchObject({
      code: 'box_not_found',
      status: 404,
      boxCode: 'not_found',
      boxMessage: expect.stringContaining("'99999999' not found"),
      requestId: kit.calls.find(({ method }) => method === 'POST')?.requestId,
    })
    expect(report).toMatchObject({ inStep: false, counts: { failed: 1 } })
  })

  test('the right to manage webhooks, it says so and changes nothing', async () => {
    kit.box.faults.push({ path: /webhooks$/, times: 2, status: 403, code: 'insufficient_scope' })
    const report = await run([wanting(newFolder(), 'FILE.LOCKED')])
    expect(report).toMatchObject({
      inStep: false,
      actions: [],
      error: { code: 'box_forbidden', status: 403, boxCode: 'insufficient_scope' },
    })
    expect(onBox()).toEqual([])
  })

  test('one call too many, it waits as long as Box asks', async () => {
    const waits: number[] = []
    const clock: Clock = {
      ...hurried,
      after(ms, callback) {
        waits.push(ms)
        return hurried.after(ms, callback)
      },
    }
    kit.box.faults.push({ method: 'POST', path: /webhooks/, times: 2, status: 429, retryAfterSeconds: 7 })
    const report = await run([wanting(newFolder(), 'FILE.LOCKED')], { clock, random: () => 0 })
    expect(report.inStep).toBe(true)
    expect(waits).toEqual([7000, 7000])
  })

  test('for longer than there is time, it gives up in time and the next run goes on', async () => {
    const desired = [wanting(newFolder(), 'FILE.LOCKED')]
    kit.box.faults.push({ method: 'POST', path: /webhooks/, times: 1, status: 429, retryAfterSeconds: 120 })
    const report = await run(desired)
    expect(report.actions).toMatchObject([{ outcome: 'failed', error: { status: 429 } }])
    expect((await run(desired)).inStep).toBe(true)
  })

  test('because of itself, it is asked again', async () => {
    kit.box.faults.push({ path: /webhooks/, times: 3, status: 502 })
    expect((await run([wanting(newFolder(), 'FILE.LOCKED')])).inStep).toBe(true)
  })

  test('nothing is begun when the time is over', async () => {
    const report = await run([wanting(newFolder(), 'FILE.LOCKED')], { deadline: systemClock.now() })
    expect(report).toMatchObject({ inStep: false, error: { code: 'run_timed_out' } })
    expect(kit.calls).toEqual([])
  })

  test('a webhook because its own first call had made it, it takes that one', async () => {
    const id = newFolder()
    const create: ReconcileInput['api']['createWebhook'] = async (...args) => {
      await kit.client.webhooks.createWebhook(...args)
      return kit.client.webhooks.createWebhook(...args)
    }
    const { webhooks } = kit.client
    const api = {
      getWebhooks: webhooks.getWebhooks,
      getWebhookById: webhooks.getWebhookById,
      updateWebhookById: webhooks.updateWebhookById,
      deleteWebhookById: webhooks.deleteWebhookById,
      createWebhook: create,
    }
    const report = await run([wanting(id, 'FILE.LOCKED')], { api })
    expect(report).toMatchObject({ inStep: true, actions: [{ kind: 'leave' }] })
    expect((await record.read())?.webhooks).toMatchObject([{ webhookId: onBox()[0]?.id }])
  })
})

test('what another run has made meanwhile, for another declaration, is not forgotten', async () => {
  const [mine, theirs] = [newFolder(), newFolder()]
  let others = 0
  const interrupted: WebhookRecord = {
    read: record.read,
    async write(webhooks, seen) {
      others += 1
      if (others === 1) await run([wanting(theirs, 'FILE.LOCKED')])
      return record.write(webhooks, seen)
    },
  }
  await run([wanting(mine, 'FILE.LOCKED')], { record: interrupted })
  const targets = (await record.read())?.webhooks.map(({ target }) => target.id)
  expect(targets?.sort()).toEqual([mine, theirs].sort())
  expect(brief(await run([wanting(mine, 'FILE.LOCKED')]))).toContain(`delete ${theirs} not_declared done`)
})

describe('a stranger who comes in between', () => {
  /** Runs with something happening just before the call that changes a webhook. */
  const interrupted = async (
    desired: DesiredWebhook[],
    call: 'createWebhook' | 'updateWebhookById' | 'getWebhookById',
    what: () => void,
  ) => {
    const { webhooks } = kit.client
    let once = false
    const preceded = <A extends unknown[], R>(name: string, fn: (...args: A) => Promise<R>) => {
      return async (...args: A): Promise<R> => {
        if (name === call && !once) {
          once = true
          what()
        }
        return fn(...args)
      }
    }
    return run(desired, {
      api: {
        getWebhooks: webhooks.getWebhooks,
        getWebhookById: preceded('getWebhookById', webhooks.getWebhookById),
        updateWebhookById: preceded('updateWebhookById', webhooks.updateWebhookById),
        deleteWebhookById: webhooks.deleteWebhookById,
        createWebhook: preceded('createWebhook', webhooks.createWebhook),
      },
    })
  }

  test('and takes the item is a conflict, not a failure', async () => {
    const id = newFolder()
    const report = await interrupted([wanting(id, 'FILE.LOCKED')], 'createWebhook', () =>
      webhookOn(id, ELSEWHERE, 'FILE.COPIED'),
    )
    expect(brief(report)).toEqual([`conflict ${id} foreign_webhook`])
    expect(onBox()).toMatchObject([{ address: ELSEWHERE, triggers: ['FILE.COPIED'] }])
  })

  test('and deletes the webhook that was to be changed has it made anew', async () => {
    const id = newFolder()
    await run([wanting(id, 'FILE.LOCKED')])
    const report = await interrupted([wanting(id, 'FILE.COPIED')], 'updateWebhookById', () =>
      kit.box.webhooks.delete(onBox()[0]?.id ?? ''),
    )
    expect(brief(report)).toEqual([`create ${id} missing done`])
    expect(onBox()).toMatchObject([{ triggers: ['FILE.COPIED'] }])
  })

  test('and takes the webhook over before it is deleted keeps it', async () => {
    const id = newFolder()
    await run([wanting(id, 'FILE.LOCKED')])
    let looks = 0
    const { webhooks } = kit.client
    const report = await run([], {
      api: {
        getWebhooks: webhooks.getWebhooks,
        updateWebhookById: webhooks.updateWebhookById,
        deleteWebhookById: webhooks.deleteWebhookById,
        createWebhook: webhooks.createWebhook,
        getWebhookById: async webhookId => {
          looks += 1
          if (looks === 2) kit.box.webhooks.update(webhookId, { address: ELSEWHERE })
          return webhooks.getWebhookById(webhookId)
        },
      },
    })
    expect(report).toMatchObject({ inStep: true, actions: [] })
    expect(onBox()).toMatchObject([{ address: ELSEWHERE }])
  })
})
