import { describe, expect, test } from 'vitest'
import type { Target, Trigger } from '../../../lib/event/event.ts'
import { desiredWebhooks, type PlanInput, planWebhooks, WEBHOOKS_MAX } from '../../../lib/webhooks/plan.ts'
import { webhookProblems } from '../../../lib/webhooks/webhook-rules.ts'

const ADDRESS = 'https://hooks.example.com/box/webhook'
const ELSEWHERE = 'https://somebody.example.org/secret-path?token=abc'
const folder = (id: string): Target => ({ type: 'folder', id })
const wanting = (id: string, ...triggers: Trigger[]) => ({ target: folder(id), triggers })
const there = (webhookId: string, id: string, triggers: string[], address = ADDRESS) => ({
  webhookId,
  target: folder(id),
  address,
  triggers,
})

/** A plan in short: what is done to which target, and why. */
const plan = (input: Partial<PlanInput>) =>
  planWebhooks({
    desired: [],
    actual: [],
    recorded: [],
    address: ADDRESS,
    total: input.actual?.length ?? 0,
    ...input,
  })
const brief = (input: Partial<PlanInput>) =>
  plan(input).map(({ kind, target, reason }) => `${kind} ${target.id} ${reason}`)

describe('what automations declare', () => {
  test('is one webhook per target with every trigger of all of them', () => {
    const declared = [
      { on: ['FILE.UPLOADED', 'FILE.LOCKED'] as const, watch: [folder('1'), folder('2')] },
      { on: ['FILE.COPIED', 'FILE.UPLOADED'] as const, watch: [folder('1')] },
    ]
    expect(desiredWebhooks(declared)).toEqual([
      wanting('1', 'FILE.COPIED', 'FILE.LOCKED', 'FILE.UPLOADED'),
      wanting('2', 'FILE.LOCKED', 'FILE.UPLOADED'),
    ])
  })

  test('needs no webhook for what Box sends unasked', () => {
    expect(desiredWebhooks([{ on: ['WEBHOOK.DELETED'], watch: [folder('1')] }])).toEqual([])
  })
})

describe('a plan', () => {
  test('makes what is not there', () => {
    expect(plan({ desired: [wanting('1', 'FILE.LOCKED')] })).toEqual([
      {
        kind: 'create',
        target: folder('1'),
        wanted: ['FILE.LOCKED'],
        actual: [],
        reason: 'declared',
        message: 'Automations of this stage watch this item.',
      },
    ])
  })

  test('tells one that is gone from one that never was', () => {
    const desired = [wanting('1', 'FILE.LOCKED')]
    const about = { target: folder('1'), address: ADDRESS }
    expect(brief({ desired, recorded: [about] })).toEqual(['create 1 declared'])
    expect(brief({ desired, recorded: [{ ...about, webhookId: '7' }] })).toEqual(['create 1 missing'])
  })

  test('leaves what is as declared, in whatever order and spelling Box has it', () => {
    const desired = [wanting('1', 'FILE.LOCKED', 'SIGN_REQUEST.SIGN_SIGNER_SIGNED')]
    const actual = [there('7', '1', ['SIGN_REQUEST.SIGNER_SIGNED', 'FILE.LOCKED'])]
    expect(brief({ desired, actual })).toEqual(['leave 1 in_step'])
  })

  test('changes only what differs, and says what', () => {
    const desired = [wanting('1', 'FILE.LOCKED', 'FILE.COPIED')]
    expect(plan({ desired, actual: [there('7', '1', ['FILE.COPIED', 'FILE.MOVED'])] })).toMatchObject([
      {
        kind: 'update',
        webhookId: '7',
        change: { triggers: ['FILE.LOCKED', 'FILE.COPIED'] },
        reason: 'triggers_differ',
        message: 'It lacks FILE.LOCKED. It has FILE.MOVED, which no automation is on.',
      },
    ])
  })

  test('moves a webhook of ours along when the stage’s address changes', () => {
    const before = 'https://old.example.com/box/webhook'
    const recorded = [{ target: folder('1'), address: before, webhookId: '7' }]
    const desired = [wanting('1', 'FILE.LOCKED')]
    const actual = [there('7', '1', ['FILE.LOCKED'], before)]
    expect(plan({ desired, actual, recorded })).toMatchObject([
      { kind: 'update', change: { address: ADDRESS }, reason: 'address_moved' },
    ])
    expect(plan({ desired, actual, recorded })[0]).not.toHaveProperty('change.triggers')
  })

  test('takes away what no automation declares any more, but only ours', () => {
    const actual = [there('7', '1', ['FILE.LOCKED']), there('8', '2', ['FILE.LOCKED'], ELSEWHERE)]
    expect(brief({ actual })).toEqual(['delete 1 not_declared'])
  })

  test('never touches a webhook of another address, not even one that was recorded as ours', () => {
    const desired = [wanting('1', 'FILE.LOCKED')]
    const actual = [there('7', '1', ['FILE.COPIED'], ELSEWHERE)]
    const recorded = [{ target: folder('1'), address: ADDRESS, webhookId: '7' }]
    expect(brief({ desired, actual, recorded })).toEqual(['conflict 1 foreign_webhook'])
    expect(brief({ actual, recorded })).toEqual([])
  })

  test('names a stranger’s host, never its path or query, which may be secret', () => {
    const [action] = plan({
      desired: [wanting('1', 'FILE.LOCKED')],
      actual: [there('7', '1', ['FILE.COPIED'], ELSEWHERE)],
    })
    expect(action?.message).toContain('somebody.example.org')
    expect(JSON.stringify(action)).not.toMatch(/secret-path|token/)
  })

  test('takes two addresses that are the same URL for the same', () => {
    const actual = [there('7', '1', ['FILE.LOCKED'], 'https://HOOKS.example.com:443/box/webhook')]
    expect(brief({ desired: [wanting('1', 'FILE.LOCKED')], actual })).toEqual(['leave 1 in_step'])
    const other = [there('7', '1', ['FILE.LOCKED'], `${ADDRESS}/`)]
    expect(brief({ actual: other })).toEqual([])
  })

  test('keeps the older one of two on one item', () => {
    const actual = [there('10', '1', ['FILE.LOCKED']), there('9', '1', ['FILE.LOCKED'])]
    const actions = plan({ desired: [wanting('1', 'FILE.LOCKED')], actual })
    expect(actions).toMatchObject([
      { kind: 'leave', webhookId: '9' },
      { kind: 'delete', webhookId: '10', reason: 'duplicate' },
    ])
  })

  test('adds before it takes away, but never beyond Box’s limit', () => {
    const desired = ['1', '2', '3', '4'].map(id => wanting(id, 'FILE.LOCKED'))
    const actual = [there('7', '8', ['FILE.LOCKED']), there('8', '9', ['FILE.LOCKED'])]
    expect(brief({ desired, actual, total: WEBHOOKS_MAX - 1 })).toEqual([
      'create 1 declared',
      'delete 8 not_declared',
      'delete 9 not_declared',
      'create 2 declared',
      'create 3 declared',
      'conflict 4 limit_reached',
    ])
  })
})

describe('what Box would refuse is said before it is asked', () => {
  const problems = (address: string, allowLocalAddress = false) =>
    webhookProblems([], address, { allowLocalAddress }).map(({ field, message }) => `${field}: ${message}`)

  test.each([
    ['not a url', /no URL/],
    ['http://hooks.example.com/box', /https addresses only/],
    ['ftp://hooks.example.com/box', /https addresses only/],
    ['https://hooks.example.com:8443/box', /port 443 only, not to 8443/],
    ['https://api.box.com/hook', /below box\.com/],
    ['https://BOX.com./hook', /below box\.com/],
    ['https://localhost/box', /public addresses/],
    ['https://127.0.0.1/box', /public addresses/],
    ['https://10.1.2.3/box', /public addresses/],
    ['https://172.20.0.1/box', /public addresses/],
    ['https://192.168.0.1/box', /public addresses/],
    ['https://169.254.169.254/box', /public addresses/],
    ['https://100.64.0.1/box', /public addresses/],
    ['https://0x7f.1/box', /public addresses/],
    ['https://[::1]/box', /public addresses/],
    ['https://[fd00::1]/box', /public addresses/],
    ['https://[::ffff:10.0.0.1]/box', /public addresses/],
    ['https://intranet/box', /public addresses/],
    ['https://build.internal/box', /public addresses/],
  ])('the address %s', (address, why) => {
    expect(problems(address)).toEqual([expect.stringMatching(why)])
    expect(problems(address)[0]).toMatch(/^address: /)
  })

  test.each([
    ADDRESS,
    'https://a1b2c3.execute-api.eu-central-1.amazonaws.com/box/webhook',
    'https://8.8.8.8/box',
    'https://[2606:4700::1]/box',
    'https://notbox.com/hook',
    'https://172.32.0.1/box',
  ])('but not the address %s', address => {
    expect(problems(address)).toEqual([])
  })

  test('an address on this machine, unless it is the emulated Box’s', () => {
    for (const address of [
      'http://localhost:4400/box/webhook',
      'http://127.0.0.1:1/box',
      'http://[::1]:1/box',
    ])
      expect([problems(address).length, problems(address, true).length]).toEqual([1, 0])
    expect(problems('http://10.0.0.1/box', true)).toHaveLength(1)
  })

  test('the root folder, and an id that is none', () => {
    const found = webhookProblems(
      [wanting('0', 'FILE.LOCKED'), wanting('https://app.box.com/folder/1', 'FILE.LOCKED')],
      ADDRESS,
    )
    expect(found).toMatchObject([
      { field: 'target', target: 'folder:0', message: expect.stringContaining('root folder') },
      { field: 'target', message: expect.stringContaining("folder's id is a number") },
    ])
  })

  test('a trigger that the type of item can’t have, with those that it can', () => {
    const target: Target = { type: 'file', id: '5' }
    const [found] = webhookProblems([{ target, triggers: ['FILE.UPLOADED', 'FILE.LOCKED'] }], ADDRESS)
    expect(found).toMatchObject({ field: 'triggers', target: 'file:5' })
    expect(found?.message).toContain(
      "FILE.UPLOADED can't be watched on a file. Allowed on a file: FILE.PREVIEWED,",
    )
    expect(found?.message).not.toMatch(/Allowed.*(FILE\.UPLOADED|FOLDER\.|WEBHOOK\.DELETED)/)
  })

  test('a webhook without triggers, and more webhooks than there may be', () => {
    expect(webhookProblems([wanting('1')], ADDRESS)).toMatchObject([{ field: 'triggers' }])
    const many = Array.from({ length: WEBHOOKS_MAX + 1 }, (_, index) =>
      wanting(`${index + 1}`, 'FILE.LOCKED'),
    )
    expect(webhookProblems(many, ADDRESS)).toMatchObject([
      { field: 'target', message: expect.stringContaining('1001 items') },
    ])
    expect(webhookProblems(many.slice(1), ADDRESS)).toEqual([])
  })
})
