import type { SQSEvent } from 'aws-lambda'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { automation } from '../../../lib/automation/automation.ts'
import { type Clock, systemClock } from '../../../lib/base/clock.ts'
import { reconcileFunction } from '../../../lib/webhooks/reconcile-function.ts'
import { WEBHOOK_RECORD_KEY } from '../../../lib/webhooks/webhook-record.ts'
import { recordOf } from '../../../local/runtime/poller.ts'
import { type Kit, startKit } from '../../kit.ts'
import { countedIds } from '../../support/counted-ids.ts'
import { useEmbedded } from '../../support/embedded.ts'

const ADDRESS = 'https://hooks.example.com/box/webhook'
const SCHEDULED = { source: 'aws.events', 'detail-type': 'Scheduled Event' }
const TOLD: SQSEvent = {
  Records: [
    recordOf({ MessageId: 'm', Body: '{"webhookId":"5001"}' }, 'arn:aws:sqs:eu-central-1:1:reconcile'),
  ],
}

const embedded = useEmbedded()
let kit: Kit
let lines: Record<string, unknown>[]
beforeEach(async () => {
  kit = await startKit()
  lines = []
  await embedded.remove(WEBHOOK_RECORD_KEY)
})
afterEach(() => kit.close())

const newName = countedIds('folder')
/** The function as Lambda has it, with one automation that watches a folder of the emulated Box. */
function lambda(
  settings: { readonly folder?: string; readonly env?: Record<string, string>; readonly clock?: Clock } = {},
) {
  const { folder = kit.box.content.createFolder({ parentId: '0', name: newName() }).id } = settings
  const handler = reconcileFunction({
    automations: [
      automation({
        name: 'watches',
        on: ['FILE.UPLOADED', 'FILE.MOVED'],
        watch: { folder: '${WATCHED}' },
        run() {},
      }),
    ],
    env: {
      LEDGER_TABLE: embedded.table,
      BOX_APP_SECRET_ID: 'box-app',
      WEBHOOK_ADDRESS: ADDRESS,
      WATCHED: folder,
      ...settings.env,
    },
    clock: settings.clock ?? systemClock,
    random: () => 0,
    write: line => lines.push(JSON.parse(line)),
    secretsManager: () => ({ send: async () => ({}) }),
    dynamodb: () => embedded.dynamodb,
    connectBox: () => ({ box: () => kit.client, targetOf: async () => undefined }),
  })
  const invoke = (event: unknown, remainingMs = 60_000) =>
    handler(event, { getRemainingTimeInMillis: () => remainingMs })
  return { folder, invoke }
}

const onBox = () => [...kit.box.webhooks.all.values()]
const told = (event: string) => lines.filter(line => line.event === event)

describe('the function reconcile', () => {
  test('says on request which folders an item lies in, and what Box says where it shows none', async () => {
    const { invoke, folder } = lambda()
    const { id } = kit.box.content.uploadFile({ parentId: folder, name: 'a.pdf', content: 'x' })
    expect(await invoke({ action: 'path', item: { type: 'file', id } })).toEqual({
      ok: true,
      path: [
        { type: 'file', id },
        { type: 'folder', id: folder },
        { type: 'folder', id: '0' },
      ],
    })
    expect(await invoke({ action: 'path', item: { type: 'folder', id: '404404' } })).toMatchObject({
      ok: false,
      error: { code: 'box_not_found', status: 404 },
    })
    for (const item of [undefined, { type: 'file', id: '../users/me' }, { type: 'user', id: '1' }])
      expect(await invoke({ action: 'path', item })).toMatchObject({ error: { code: 'request_invalid' } })
    expect(JSON.stringify(lines)).not.toContain('a.pdf')
  })

  test.each([
    ['by its schedule', SCHEDULED],
    ['by the queue that tells of deletions', TOLD],
    ['on request', { action: 'apply' }],
  ])('makes what is declared when called %s, and tells so in lines and figures', async (_, event) => {
    const { invoke, folder } = lambda()
    expect(await invoke(event)).toMatchObject({ ok: true, report: { mode: 'apply', inStep: true } })
    expect(onBox()).toMatchObject([
      { target: { type: 'folder', id: folder }, address: ADDRESS, triggers: ['FILE.MOVED', 'FILE.UPLOADED'] },
    ])
    expect(told('webhook_action')).toMatchObject([
      { level: 'info', kind: 'create', target: `folder:${folder}`, reason: 'declared', outcome: 'done' },
    ])
    expect(told('webhooks_reconciled')).toMatchObject([
      { level: 'info', inStep: true, desired: 1, created: 1, missing: 0, conflicts: 0, failed: 0 },
    ])
  })

  test('only plans where that is asked, and then says nothing that a metric is made from', async () => {
    const { invoke } = lambda()
    expect(await invoke({ action: 'plan' })).toMatchObject({ report: { mode: 'plan', inStep: false } })
    expect(onBox()).toEqual([])
    expect(told('webhooks_reconciled')).toEqual([])
    expect(told('webhooks_planned')).toMatchObject([{ missing: 1 }])
  })

  test('counts a webhook that could not be made as missing, with the reason in the log', async () => {
    const { invoke } = lambda({ folder: '424242' })
    expect(await invoke(SCHEDULED)).toMatchObject({ ok: true, report: { inStep: false } })
    expect(told('webhook_failed')).toMatchObject([
      {
        level: 'error',
        target: 'folder:424242',
        status: 404,
        code: 'box_not_found',
        boxRequestId: expect.any(String),
      },
    ])
    expect(told('webhooks_reconciled')).toMatchObject([{ missing: 1, conflicts: 0, failed: 1 }])
  })

  test('counts another’s webhook as a conflict, and what Box would refuse anyway as well', async () => {
    const { invoke, folder } = lambda()
    const target = { type: 'folder', id: folder } as const
    kit.box.webhooks.create({ target, address: 'https://a.example.org/x', triggers: ['FILE.MOVED'] })
    await invoke(SCHEDULED)
    expect(told('webhook_conflict')).toMatchObject([{ level: 'warn', reason: 'foreign_webhook' }])
    expect(told('webhooks_reconciled')).toMatchObject([{ missing: 0, conflicts: 1 }])
    await lambda({ folder: '0' }).invoke(SCHEDULED)
    expect(told('webhook_invalid')).toMatchObject([
      { level: 'error', field: 'target', message: expect.stringContaining('root folder') },
    ])
    expect(told('webhooks_reconciled')[1]).toMatchObject({ missing: 1, conflicts: 1 })
  })

  test('counts all as missing where Box can’t be asked, and lets the queue tell it again', async () => {
    const { invoke } = lambda()
    kit.box.faults.push({ times: 99, status: 403 })
    expect(await invoke(SCHEDULED)).toMatchObject({ ok: true, report: { error: { status: 403 } } })
    expect(told('webhooks_unreachable')).toMatchObject([{ level: 'error', code: 'box_forbidden' }])
    expect(told('webhooks_reconciled')).toMatchObject([{ missing: 1 }])
    await expect(invoke(TOLD)).rejects.toThrow('Box answered 403')
  })

  test('ends before its time is up, and leaves the rest to the next run', async () => {
    const waits: number[] = []
    const after: Clock['after'] = (ms, callback) => {
      waits.push(ms)
      return systemClock.after(ms, callback)
    }
    const { invoke } = lambda({ clock: { ...systemClock, after } })
    kit.box.faults.push({ times: 1, status: 429, retryAfterSeconds: 30 })
    expect(await invoke(SCHEDULED, 10_000)).toMatchObject({ report: { inStep: false } })
    expect(Math.max(0, ...waits)).toBeLessThan(10_000)
    expect(await invoke(SCHEDULED)).toMatchObject({ report: { inStep: true } })
  })

  test('takes a plain address on this machine only where Box is emulated', async () => {
    const env = { WEBHOOK_ADDRESS: 'http://localhost:4400/box/webhook' }
    expect(await lambda({ env }).invoke({ action: 'plan' })).toMatchObject({
      report: { problems: [{ field: 'address' }] },
    })
    const emulated = { ...env, BOX_API_URL: 'http://localhost:4400' }
    expect(await lambda({ env: emulated }).invoke({ action: 'plan' })).toMatchObject({
      report: { problems: [] },
    })
  })

  test.each([
    ['nothing', undefined],
    ['a text', 'apply'],
    ['an unknown action', { action: 'destroy' }],
    ['an id that is none', { action: 'delete', id: '../users/1' }],
    ['a webhook without a target', { action: 'create', triggers: ['FILE.UPLOADED'] }],
  ])('refuses %s, and changes nothing', async (_, event) => {
    const { invoke } = lambda()
    expect(await invoke(event)).toMatchObject({ ok: false, error: { code: 'request_invalid' } })
    expect(kit.calls).toEqual([])
  })

  test('names every variable that is missing', async () => {
    const { invoke } = lambda({ env: { LEDGER_TABLE: '', WEBHOOK_ADDRESS: '' } })
    await expect(invoke(SCHEDULED)).rejects.toThrow('LEDGER_TABLE is missing. WEBHOOK_ADDRESS is missing.')
  })
})
