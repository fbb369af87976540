import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { explainItem, findDecisiveEvent, listAutomations } from '../../../cli/why/explain-event.ts'
import {
  type DeclaredFact,
  listSources,
  parseItem,
  VERDICTS,
  type WhyFacts,
} from '../../../cli/why/why-facts.ts'
import { UNDEPLOYED_REASON } from '../../../lib/automate/claim.ts'
import { type Target, TRIGGERS } from '../../../lib/event/event.ts'
import type { EventRecord, RunRecord } from '../../../lib/ledger/record.ts'
import { WEBHOOK_REASONS } from '../../../lib/webhooks/plan.ts'
import { type RecordParts, recordOf } from '../../support/records.ts'

const NOW = Date.parse('2026-11-25T12:00:00Z')
const MINUTE = 60_000
const FOLDER: Target = { type: 'folder', id: '9' }

const declared = (more: Partial<DeclaredFact> = {}): DeclaredFact => ({
  name: 'archive',
  on: ['FILE.UPLOADED'],
  watch: [FOLDER],
  v1: false,
  unset: [],
  ...more,
})

const event = (more: RecordParts = {}): EventRecord =>
  recordOf({
    eventId: 'e-1',
    receivedAt: new Date(NOW - 3 * MINUTE).toISOString(),
    targets: [FOLDER],
    ...more,
  })

const withRun = (run: Partial<RunRecord>, more: RecordParts = {}) =>
  event({ ...more, runs: { archive: { attempts: 1, ...run } } })

const webhook = {
  kind: 'leave',
  target: FOLDER,
  wanted: ['FILE.UPLOADED'],
  actual: ['FILE.UPLOADED'],
  reason: 'in_step',
  message: 'It is as declared.',
} as const

type Webhook = Extract<WhyFacts['webhooks'], { known: true }>['value'][number]

const facts = (more: Partial<WhyFacts> = {}): WhyFacts => ({
  now: NOW,
  item: { type: 'file', id: '1' },
  declared: [declared()],
  events: [],
  since: NOW - 35 * 24 * 60 * MINUTE,
  path: { is: 'now', path: [{ type: 'file', id: '1' }, FOLDER, { type: 'folder', id: '0' }] },
  webhooks: { known: true, value: [webhook] },
  rejected: { known: true, value: {} },
  deliveries: new Map(),
  flags: '--stage prod',
  ...more,
})

function answer(more: Partial<WhyFacts>) {
  const [one, another] = explainItem(facts(more))
  if (!one || another) throw new Error('There is not just one answer.')
  return one
}

const ERROR = { code: 'box_forbidden', message: 'Box says no.' }

describe('of an event, why says', () => {
  test.each<[string, EventRecord, Partial<ReturnType<typeof answer>>]>([
    [
      'when it was done',
      withRun({ status: 'done', finishedAt: NOW - 2 * MINUTE, attempts: 2 }),
      {
        verdict: 'done',
        reason:
          'It ran at FILE.UPLOADED (event e-1, received 2026-11-25T11:57:00Z (3m ago)), and was done 2026-11-25T11:58:00Z (2m ago), in 2 attempts.',
        action: 'No action is needed. To see its steps: npx boxhooks events show e-1 --stage prod',
      },
    ],
    [
      'that its filter left it alone, with the recorded reason',
      withRun({ status: 'skipped', reason: 'The user is one of us.', attempts: 0 }),
      {
        verdict: 'filtered',
        reason: expect.stringMatching(/^Its filter skipped the event at .*: The user is one of us\.$/),
        action: expect.stringContaining('npx boxhooks replay e-1 --automation archive --stage prod'),
      },
    ],
    [
      'that it was not deployed any more',
      withRun({ status: 'skipped', reason: UNDEPLOYED_REASON }),
      { verdict: 'not_deployed', reason: expect.stringContaining('was not deployed for an hour') },
    ],
    [
      'why it was given up, and how to take it back',
      withRun({ status: 'failed', error: ERROR, attempts: 5, finishedAt: NOW - MINUTE }, { status: 'dead' }),
      {
        verdict: 'dead',
        reason: expect.stringMatching(
          /^It failed permanently .* in 5 attempts: box_forbidden: Box says no\.$/,
        ),
        action: 'Fix the cause (docs/errors.md), then: npx boxhooks dlq redrive e-1 --stage prod',
      },
    ],
    [
      'who dropped it, and why',
      withRun(
        { status: 'failed', error: ERROR },
        { status: 'dead', dropped: { at: '2026-11-25T11:59:00Z', reason: 'The file is gone.', by: 'ada' } },
      ),
      { verdict: 'dropped', reason: expect.stringMatching(/dropped .* by ada: The file is gone\.$/) },
    ],
    [
      'until when it waits, and what for',
      withRun({ error: ERROR, nextAt: NOW + 10 * MINUTE }, { status: 'open' }),
      {
        verdict: 'waiting',
        reason: expect.stringMatching(
          /^It waits at .* until 2026-11-25T12:10:00Z \(in 10m\), after 1 attempt, because box_forbidden/,
        ),
      },
    ],
    [
      'that its next attempt is due',
      withRun({ nextAt: NOW - MINUTE }, { status: 'open' }),
      {
        verdict: 'waiting',
        reason: expect.stringContaining('has been due since 2026-11-25T11:59:00Z (1m ago)'),
      },
    ],
    [
      'until when a worker is at it',
      withRun({}, { status: 'open', leaseUntil: NOW + MINUTE }),
      { verdict: 'running', reason: expect.stringContaining('until 2026-11-25T12:01:00Z (in 1m)') },
    ],
    [
      'that its worker is gone',
      withRun({}, { status: 'open', leaseUntil: NOW - MINUTE }),
      { verdict: 'waiting', reason: expect.stringContaining('The worker stopped without reporting') },
    ],
    [
      'that it waits for a worker',
      withRun({}, { status: 'open' }),
      { verdict: 'waiting', reason: expect.stringContaining('for a worker') },
    ],
    [
      'that it could not be put on the dead-letter queue',
      withRun({ givenUp: true, error: ERROR, nextAt: NOW + MINUTE }, { status: 'open' }),
      { verdict: 'waiting', reason: expect.stringContaining('to be sent to the dead-letter queue') },
    ],
    [
      'that the event was given up as a whole',
      event({ status: 'dead', targets: [], error: { code: 'target_unknown', message: 'No webhook.' } }),
      {
        verdict: 'event_dead',
        reason: expect.stringContaining('target_unknown: No webhook.'),
        action: expect.stringContaining('dlq show e-1'),
      },
    ],
    [
      'that the event could not be read, so that nobody knows for whom it was',
      event({
        status: 'dead',
        trigger: 'unknown',
        error: { code: 'event_unreadable', message: 'No trigger.' },
      }),
      {
        verdict: 'event_dead',
        reason: expect.stringContaining('event_unreadable: No trigger.'),
        action: expect.stringContaining('dlq show e-1'),
      },
    ],
    [
      'through which other webhook it came',
      event({ targets: [{ type: 'folder', id: '7' }] }),
      {
        verdict: 'other_target',
        reason: expect.stringMatching(/arrived through the webhook of folder:7; it watches folder:9\.$/),
      },
    ],
    [
      'that it takes no V1 callbacks',
      event({ origin: 'v1' }),
      { verdict: 'not_v1', action: expect.stringContaining('v1: true') },
    ],
    [
      'that it was not deployed then',
      event({}),
      { verdict: 'not_deployed', action: expect.stringContaining('replay e-1 --automation archive') },
    ],
  ])('%s', (_, record, expected) => {
    expect(answer({ events: [record] })).toEqual({
      automation: 'archive',
      eventId: 'e-1',
      reason: expect.any(String),
      action: expect.any(String),
      ...expected,
    })
  })

  test('which repetitions were recognised', () => {
    const events = [withRun({ status: 'done', finishedAt: NOW })]
    const told = (times: number) => answer({ events, deliveries: new Map([['e-1', times]]) }).reason
    expect(told(1)).not.toContain('times')
    expect(told(2)).toContain('delivered the event 2 times. The other was recognised as the same event')
    expect(told(3)).toContain('The 2 others were recognised')
  })

  test('what became of the latest, and passes over what came through another’s webhook', () => {
    const older = withRun({ status: 'done' }, { eventId: 'older' })
    const others = event({ eventId: 'others', targets: [{ type: 'folder', id: '7' }] })
    const newer = withRun({ status: 'failed' }, { eventId: 'newer', status: 'dead' })
    expect(answer({ events: [newer, older] })).toMatchObject({ verdict: 'dead', eventId: 'newer' })
    expect(answer({ events: [others, older] })).toMatchObject({ verdict: 'done', eventId: 'older' })
    const unrelated = event({ eventId: 'unrelated', trigger: 'FILE.LOCKED' })
    expect(answer({ events: [unrelated, older] })).toMatchObject({ verdict: 'done', eventId: 'older' })
  })

  test('of an automation that this clone does not have what the ledger knows', () => {
    const events = [withRun({ status: 'done' })]
    expect(answer({ events, declared: [] })).toMatchObject({ automation: 'archive', verdict: 'done' })
  })
})

describe('where no event came, why says', () => {
  const covered = (more: Partial<Webhook>): Partial<WhyFacts> => ({
    webhooks: { known: true, value: [{ ...webhook, ...more }] },
  })
  test.each<[string, Partial<WhyFacts>, Partial<ReturnType<typeof answer>>]>([
    [
      'that nothing has happened',
      {},
      {
        verdict: 'nothing_came',
        reason: expect.stringMatching(
          /^No event about it arrived since .*\. A webhook covers it\. No delivery was rejected in the last day\./,
        ),
      },
    ],
    [
      'which triggers came, and which it is on',
      { events: [event({ trigger: 'FILE.LOCKED' })] },
      {
        verdict: 'not_subscribed',
        reason: expect.stringMatching(/^Its events were FILE\.LOCKED; the automation is on FILE\.UPLOADED\./),
      },
    ],
    [
      'how many deliveries were turned away',
      { rejected: { known: true, value: { signature_mismatch: 12 } } },
      {
        verdict: 'nothing_came',
        reason: expect.stringContaining('12 with signature_mismatch'),
        action: expect.stringContaining('npx boxhooks verify'),
      },
    ],
    [
      'that nobody knows what was turned away',
      { rejected: { known: false, reason: 'no right.' } },
      { reason: expect.stringContaining('rejected is unknown: no right.') },
    ],
    [
      'that its webhook is missing',
      covered({ kind: 'create', actual: [], reason: 'missing', message: 'It is gone.' }),
      {
        verdict: 'no_webhook',
        reason: expect.stringContaining('folder:9 is missing on Box or not as declared: It is gone.'),
        action: expect.stringContaining('npx boxhooks webhooks apply --stage prod'),
      },
    ],
    [
      'that its webhook lacks the trigger',
      covered({
        kind: 'update',
        actual: ['FILE.LOCKED'],
        reason: 'triggers_differ',
        message: 'It lacks it.',
      }),
      { verdict: 'no_webhook', reason: expect.stringContaining('It lacks it.') },
    ],
    [
      'that its webhook leads elsewhere',
      covered({ kind: 'update', reason: 'address_moved', message: 'It leads elsewhere.' }),
      { verdict: 'no_webhook', reason: expect.stringContaining('It leads elsewhere.') },
    ],
    [
      'nothing of a webhook that only has a trigger too many',
      covered({ kind: 'update', actual: ['FILE.UPLOADED', 'FILE.LOCKED'], reason: 'triggers_differ' }),
      { verdict: 'nothing_came' },
    ],
    [
      'that another webhook is in the way',
      covered({ kind: 'conflict', reason: 'foreign_webhook', message: 'It leads to others.' }),
      { verdict: 'webhook_conflict', reason: expect.stringContaining('It leads to others.') },
    ],
    [
      'that it is not deployed as it is declared here',
      { webhooks: { known: true, value: [] } },
      { verdict: 'not_deployed', reason: expect.stringContaining('declares no webhook for it on folder:9') },
    ],
    [
      'that nobody knows which webhooks there are',
      { webhooks: { known: false, reason: 'Box does not answer.' } },
      { verdict: 'webhooks_unknown', reason: expect.stringContaining('Box does not answer.') },
    ],
    [
      'that the item lies elsewhere',
      {
        path: {
          is: 'now',
          path: [
            { type: 'file', id: '1' },
            { type: 'folder', id: '7' },
          ],
        },
      },
      {
        verdict: 'other_target',
        reason: 'It watches folder:9; the item is in folder:7.',
      },
    ],
    [
      'where the item lay that is gone',
      { path: { is: 'then', gone: true, path: [{ type: 'file', id: '1' }, FOLDER] } },
      { verdict: 'nothing_came', reason: expect.stringContaining('no longer shows the item') },
    ],
    [
      'that Box shows no such item',
      { path: { is: 'unseen' } },
      { verdict: 'item_unseen', reason: expect.stringContaining('Box shows the app no file 1') },
    ],
    [
      'that where the item lies is not known',
      { path: { is: 'unknown', reason: 'Box does not answer.' } },
      {
        verdict: 'nothing_came',
        reason: expect.stringContaining('The item’s location is unknown: Box does not answer.'),
      },
    ],
    [
      'that it is on what never happens to such an item',
      { item: { type: 'folder', id: '1' } },
      { verdict: 'other_kind', reason: 'It is on FILE.UPLOADED, which is never about a folder.' },
    ],
    [
      'which setting has no value here',
      { declared: [declared({ unset: ['REVIEW_FOLDER_ID'] })] },
      { verdict: 'settings_unknown', reason: expect.stringContaining('depends on REVIEW_FOLDER_ID') },
    ],
    [
      'that V1 callbacks can’t be listed',
      { declared: [declared({ v1: true, watch: [{ type: 'folder', id: '0' }] })] },
      { verdict: 'by_v1_only', action: expect.stringContaining('Developer Console') },
    ],
  ])('%s', (_, more, expected) => {
    expect(answer(more)).toMatchObject({ automation: 'archive', action: expect.any(String), ...expected })
    expect(answer(more)).not.toHaveProperty('eventId', 'e-2')
  })
})

describe('whatever the facts are', () => {
  const name = fc.constantFrom('archive', 'other', 'third', '__proto__', 'constructor')
  const target = fc.record({
    type: fc.constantFrom('file' as const, 'folder' as const),
    id: fc.constantFrom('0', '1', '7', '9'),
  })
  const trigger = fc.oneof(fc.constantFrom(...Object.keys(TRIGGERS)), fc.string())
  const triggers = fc.array(trigger, { minLength: 1, maxLength: 3 })
  const time = fc.oneof(
    fc.integer({ min: NOW - 10 * MINUTE, max: NOW + 10 * MINUTE }),
    fc.constantFrom(0, Number.NaN, 1e300, -1),
  )
  const error = fc.record({ code: fc.string(), message: fc.string() })
  const run: fc.Arbitrary<RunRecord> = fc.record(
    {
      status: fc.constantFrom('pending' as const, 'done' as const, 'skipped' as const, 'failed' as const),
      attempts: fc.nat(9),
      throttles: fc.nat(9),
      redrives: fc.nat(9),
      steps: fc.constant({}),
      nextAt: time,
      startedAt: time,
      finishedAt: time,
      reason: fc.oneof(fc.string(), fc.constant(UNDEPLOYED_REASON)),
      error,
      givenUp: fc.constant(true),
    },
    { requiredKeys: ['status', 'attempts', 'throttles', 'redrives', 'steps'] },
  )
  const record = fc
    .record(
      {
        eventId: fc.uuid(),
        deliveryId: fc.string(),
        trigger,
        receivedAt: fc.oneof(fc.constant(new Date(NOW).toISOString()), fc.string()),
        origin: fc.constantFrom('webhook', 'v1', 'backfill', ''),
        status: fc.constantFrom('open' as const, 'done' as const, 'dead' as const),
        version: fc.nat(),
        leaseToken: fc.string(),
        leaseUntil: time,
        redrives: fc.nat(3),
        runs: fc.array(fc.tuple(name, run), { maxLength: 3 }).map(runs => Object.fromEntries(runs)),
        targets: fc.array(target, { maxLength: 2 }),
        error,
        dropped: fc.record({ at: fc.string(), reason: fc.string() }),
      },
      { requiredKeys: ['eventId', 'runs'] },
    )
    .map(recordOf)
  const reason = fc.string()
  const learnt = <T>(value: fc.Arbitrary<T>) =>
    fc.oneof(
      fc.record({ known: fc.constant(true as const), value }),
      fc.record({ known: fc.constant(false as const), reason }),
    )
  const anyFacts: fc.Arbitrary<WhyFacts> = fc.record({
    now: fc.constant(NOW),
    item: fc.record({
      type: fc.constantFrom('file' as const, 'folder' as const, undefined),
      id: fc.constantFrom('1', '9'),
    }),
    declared: fc.uniqueArray(
      fc.record({
        name,
        on: triggers,
        watch: fc.array(target, { maxLength: 2 }),
        v1: fc.boolean(),
        unset: fc.array(fc.string(), { maxLength: 1 }),
      }),
      { selector: one => one.name, maxLength: 4 },
    ),
    events: fc.array(record, { maxLength: 4 }),
    since: time,
    path: fc.oneof(
      fc.record({ is: fc.constant('now' as const), path: fc.array(target, { maxLength: 3 }) }),
      fc.record({
        is: fc.constant('then' as const),
        path: fc.array(target, { maxLength: 3 }),
        gone: fc.boolean(),
      }),
      fc.constant({ is: 'unseen' as const }),
      fc.record({ is: fc.constant('unknown' as const), reason }),
    ),
    webhooks: learnt(
      fc.array(
        fc.record({
          kind: fc.constantFrom('create', 'update', 'delete', 'leave', 'conflict'),
          target,
          wanted: fc.array(fc.constantFrom('FILE.UPLOADED' as const, 'FILE.MOVED' as const)),
          actual: fc.array(trigger, { maxLength: 2 }),
          reason: fc.constantFrom(...WEBHOOK_REASONS),
          message: fc.string(),
        }),
        { maxLength: 3 },
      ),
    ),
    rejected: learnt(fc.dictionary(fc.string(), fc.nat(), { maxKeys: 2 })),
    deliveries: fc.constant(new Map()),
    flags: fc.constant('--local'),
  })

  /** What each verdict about a run says that the run must be. */
  const STATUS_OF: Readonly<Record<string, RunRecord['status']>> = {
    done: 'done',
    filtered: 'skipped',
    dead: 'failed',
    running: 'pending',
    waiting: 'pending',
  }

  test('every automation gets one answer, which agrees with the ledger, and nothing throws', () => {
    fc.assert(
      fc.property(anyFacts, one => {
        const answers = explainItem(one)
        expect(answers.map(({ automation }) => automation)).toEqual(listAutomations(one))
        expect(new Set(answers.map(({ automation }) => automation)).size).toBe(answers.length)
        for (const { automation, verdict, reason, action, eventId } of answers) {
          expect(Object.hasOwn(VERDICTS, verdict)).toBe(true)
          expect(reason.trim() && action.trim()).not.toBe('')
          expect(`${reason} ${action}`).not.toMatch(/undefined|\[object|Invalid Date/)
          const decisive = findDecisiveEvent(one, automation)
          expect(eventId).toBe(decisive?.eventId)
          const runs = decisive?.runs ?? {}
          const own = Object.hasOwn(runs, automation) ? runs[automation] : undefined
          const status = STATUS_OF[verdict]
          if (status) expect(own?.status).toBe(status)
          // An automation that has settled a run at an event is never told to have had none there.
          if (own?.status === 'done') expect(verdict).toBe('done')
        }
      }),
      { numRuns: 200 },
    )
  })
})

test.each([
  ['123', undefined, ['file:123', 'folder:123', 'web_link:123']],
  ['file:123', 'file', ['file:123']],
  ['folder:0', 'folder', ['folder:0']],
  ['https://app.box.com/file/123', 'file', ['file:123']],
  ['https://acme.app.box.com/folder/123?s=abc', 'folder', ['folder:123']],
  ['https://acme.ent.box.com/files/123/', 'file', ['file:123']],
] as const)('%s is an item', (text, type, sources) => {
  const item = parseItem(text)
  expect(item?.type).toBe(type)
  expect(item && listSources(item)).toEqual(sources)
})

test.each([
  'abc',
  '',
  'file:',
  'comment:1',
  'https://app.box.com/s/abc123',
  'https://box.com.evil.example/file/1',
  'https://app.box.com/file/1/../2x',
  '1'.repeat(40),
])('%j is none', text => expect(parseItem(text)).toBeUndefined())

test('no text makes the item’s reader throw', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.nat().map(id => `https://app.box.com/file/${id}`),
      ),
      text => {
        const item = parseItem(text)
        if (item) expect(item.id).toMatch(/^\d{1,32}$/)
      },
    ),
  )
})
