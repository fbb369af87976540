import { describe, expect, test } from 'vitest'
import { type Backfilled, backfilledMessage } from '../../../lib/backfill/backfilled-event.ts'
import { parseStreamPage, StreamUnreadable } from '../../../lib/backfill/stream-event.ts'
import { sourceOf } from '../../../lib/backfill/stream-source.ts'
import { partTriggers, STREAM_TRIGGERS, shownIn, triggersOf } from '../../../lib/backfill/stream-triggers.ts'
import {
  type Item,
  isTrigger,
  itemIn,
  parseEvent,
  TRIGGERS,
  type Trigger,
  triggerOf,
} from '../../../lib/event/event.ts'
import { DOINGS, doIn } from '../../../local/box/actions/actions.ts'
import { createEmulatedBox } from '../../../local/box/emulated-box.ts'
import { countedIds } from '../../support/counted-ids.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { boxOpenApi } from '../../support/openapi.ts'

const openApi = boxOpenApi()
const ALL = Object.keys(TRIGGERS).filter(isTrigger)
const START = Date.parse('2026-11-23T10:00:00Z')

describe('a page of a stream', () => {
  const entry = { event_id: 'e1', event_type: 'DOWNLOAD', created_at: '2026-11-23T10:00:00-08:00' }

  test('keeps every digit of a position and of ids that are numbers', () => {
    const page = parseStreamPage(
      `{"chunk_size":1,"next_stream_position":1152922976252290887,"entries":[${JSON.stringify({ ...entry, source: {} }).replace('{}', '{"item_type":"file","item_id":1152922976252290889}')}]}`,
    )
    expect(page.next).toBe('1152922976252290887')
    expect(page.events[0]?.source).toEqual({ item_type: 'file', item_id: '1152922976252290889' })
  })

  test('leaves out what is no event that could be back-filled, but counts it', () => {
    const strange = [
      null,
      7,
      {},
      { ...entry, event_id: '' },
      { ...entry, created_at: 'yesterday' },
      { ...entry, created_at: '2026' },
      { ...entry, created_at: 'Nov 23 2026' },
      { ...entry, created_at: '2026-02-30T10:00:00Z' },
      { ...entry, source: null },
    ]
    const page = parseStreamPage(JSON.stringify({ entries: [entry, ...strange] }))
    expect(page).toMatchObject({ size: 10, next: undefined })
    expect(page.events.map(({ id, source }) => [id, source])).toEqual([
      ['e1', {}],
      ['e1', {}],
    ])
  })

  test.each(['', '<html>', '[]', '{}', '{"entries":{}}'])('is not %j', text => {
    expect(() => parseStreamPage(text)).toThrow(StreamUnreadable)
  })
})

describe('which triggers show', () => {
  test('each is found in the streams, or it is said why not', () => {
    for (const trigger of ALL)
      for (const stream of ['enterprise', 'streaming', 'user'] as const) {
        const shown = shownIn(trigger, stream)
        if ('lost' in shown) expect(shown.lost, trigger).toMatch(/\.$/)
        else expect(shown.length, trigger).toBeGreaterThan(0)
      }
  })

  test('what somebody is on is parted into what the stream shows and what it does not', () => {
    expect(
      partTriggers(['FILE.DOWNLOADED', 'FILE.DELETED', 'FILE.MOVED', 'NO_ACTIVE_SESSION'], 'enterprise'),
    ).toEqual({
      shown: ['FILE.DOWNLOADED', 'FILE.MOVED'],
      lost: [{ trigger: 'FILE.DELETED', reason: expect.stringContaining('trash') }],
      types: ['DOWNLOAD', 'MOVE'],
    })
  })

  test.skipIf(!openApi)('every type of event is one that Box’s description knows', () => {
    const types = Object.values(STREAM_TRIGGERS).flatMap(({ enterprise, user }) =>
      [enterprise, user].flatMap(shown => ('lost' in shown ? [] : shown)),
    )
    const answer = {
      chunk_size: 1,
      next_stream_position: '1',
      entries: types.map(type => ({ event_type: type })),
    }
    expect(openApi?.answerProblems('GET', '/events', 200, answer)).toEqual([])
    const { types: filter } = partTriggers(ALL, 'enterprise')
    const query = new URLSearchParams({ stream_type: 'admin_logs', event_type: filter.join(',') })
    expect(openApi?.requestProblems('GET', '/events', query, undefined)).toEqual([])
  })
})

describe('what an event of a stream is about', () => {
  const read = (event_type: string, source: object, details: object = {}) => {
    const entry = { event_id: 'e1', event_type, created_at: '2026-11-23T10:00:00-08:00', source }
    const json = JSON.stringify({ entries: [{ ...entry, additional_details: details }] })
    const [event] = parseStreamPage(json).events
    if (!event) throw new Error('not read')
    return event
  }
  const about = (trigger: Trigger, type: string, source: object, details?: object) =>
    sourceOf(trigger, read(type, source, details))

  /** The event that automate reads of what is queued. */
  function backfilled(
    trigger: Trigger,
    type: string,
    source: object,
    more: Partial<Backfilled> & { details?: object } = {},
  ) {
    const event = read(type, source, more.details)
    const found = sourceOf(trigger, event)
    if (!found) throw new Error('not known')
    const targets = [{ type: 'folder', id: '100' }] as const
    const message = backfilledMessage(
      {
        id: 'b1',
        event,
        trigger,
        targets,
        stream: 'enterprise',
        webhookId: '7',
        about: found,
        found: undefined,
        path: [],
        ...more,
      },
      '2026-11-23T20:00:00.000Z',
    )
    const parsed = parseEvent(message.body, message)
    if (!parsed.ok) throw new Error(parsed.reason.message)
    return parsed.event
  }

  // Found by the fuzzer with the seed 425803037: its back-fill was refused as an event later on.
  test.each([
    ['COMMENT.CREATED', 'COMMENT_CREATE'],
    ['COMMENT.DELETED', 'COMMENT_DELETE'],
    ['TASK_ASSIGNMENT.CREATED', 'TASK_ASSIGNMENT_CREATE'],
  ] as const)('is not known where the source of a %s event is a file', (trigger, type) => {
    expect(about(trigger, type, { type: 'file', id: '0', item: { type: 'file', id: '1' } })).toBeUndefined()
    expect(about(trigger, type, { type: 'file', id: 0, item: { type: 'file', id: '1' } })).toBeUndefined()
  })

  test('is the item of a comment', () => {
    const source = { type: 'comment', id: '5', item: { type: 'file', id: '1' } }
    expect(about('COMMENT.CREATED', 'COMMENT_CREATE', source)).toMatchObject({
      item: { type: 'file', id: '1' },
      source,
    })
  })

  test('is a web link whose link is shared', () => {
    const short = {
      item_type: 'web_link',
      item_id: '5',
      item_name: 'n',
      parent: { type: 'folder', id: '100', name: 'Review' },
    }
    const item = { type: 'web_link', id: '5', name: 'n' }
    expect(about('SHARED_LINK.CREATED', 'SHARE', short)).toMatchObject({ item, parent: short.parent })
    expect(backfilled('SHARED_LINK.CREATED', 'SHARE', short)).toMatchObject({
      item,
      source: { type: 'shared', item },
    })
  })

  test('is the shared link as a webhook has it, and none once it is deleted', () => {
    const short = { item_type: 'file', item_id: '5' }
    const found = {
      type: 'file',
      id: '5',
      name: 'a',
      shared_link: { url: 'https://app.box.com/s/x', access: 'open' },
    }
    const item = { type: 'file', id: '5' }
    expect(backfilled('SHARED_LINK.CREATED', 'SHARE', short, { found })).toMatchObject({
      item,
      source: { type: 'shared', url: 'https://app.box.com/s/x', access: 'open', item },
    })
    expect(backfilled('SHARED_LINK.DELETED', 'UNSHARE', short, { found }).source).toEqual({
      type: 'shared',
      url: null,
      item,
    })
  })

  test('is the file that is signed, with the request beside it as webhooks have it', () => {
    const details = {
      sign_request: {
        sign_request_id: 'u-1',
        status: 'signed',
        signer: { login: 'ben@example.com' },
        files: [
          { item_type: 'file', item_id: '5', item_name: 'offer.pdf', parent: { type: 'folder', id: '100' } },
        ],
      },
    }
    const event = backfilled('SIGN_REQUEST.COMPLETED', 'SIGN_DOCUMENT_COMPLETED', {}, { details })
    expect(event).toMatchObject({
      item: { type: 'file', id: '5', name: 'offer.pdf' },
      source: { type: 'file', id: '5', name: 'offer.pdf' },
      additionalInfo: { sign_request_id: 'u-1', signer_emails: ['ben@example.com'] },
    })
  })

  test('has a place only where that is a folder', () => {
    const source = { item_type: 'file', item_id: '5', parent: 'x', owned_by: [] }
    expect(about('FILE.DOWNLOADED', 'DOWNLOAD', source)).toEqual({
      item: { type: 'file', id: '5' },
      source: { type: 'file', id: '5' },
    })
    const entries = [
      { id: '100' },
      { type: 'file', id: '6' },
      { type: 'folder', id: '../7' },
      null,
      { type: 'folder', id: '101', etag: 5 },
    ]
    const whole = { type: 'file', id: '5', parent: { type: 'file', id: '101' }, path_collection: { entries } }
    expect(about('FILE.DOWNLOADED', 'ITEM_DOWNLOAD', whole)).toMatchObject({
      path: [
        { type: 'folder', id: '100' },
        { type: 'folder', id: '101' },
      ],
    })
    expect(about('FILE.DOWNLOADED', 'ITEM_DOWNLOAD', whole)).not.toHaveProperty('parent')
  })
})

/** Everything that there is to do, done in an order in which it can be done, with what webhooks told of it. */
async function everything() {
  const told: { trigger: string; source: Record<string, unknown> }[] = []
  const box = createEmulatedBox({
    clock: manualClock(START),
    newId: countedIds('id'),
    keys: {},
    fetch: async request => {
      const { trigger, source } = JSON.parse(await request.text())
      told.push({ trigger: triggerOf(trigger) ?? trigger, source })
      return new Response(null, { status: 202 })
    },
    copyFiresUploaded: false,
  })
  const { content } = box
  content.addUser({ id: '20002', name: 'Ada Byron', login: 'ada@example.com' })
  const folder = content.createFolder({ parentId: '0', name: 'Review' }).id
  const inner = content.createFolder({ parentId: folder, name: 'Inner' }).id
  const triggers = ALL.filter(name => {
    const { targets }: { targets: readonly string[] } = TRIGGERS[name]
    return targets.includes('folder')
  })
  box.webhooks.create({ target: { type: 'folder', id: folder }, address: 'http://localhost/hook', triggers })
  const newest = (all: ReadonlyMap<string, unknown>): string => [...all.keys()].at(-1) ?? ''
  const on = (id: string, doings: Readonly<Record<string, Readonly<Record<string, string>>>>) => {
    for (const [doing, fields] of Object.entries(doings)) doIn(box, doing, id, fields)
  }
  on(folder, { 'upload-file': { name: 'contract.pdf', content: 'x' }, 'create-folder': { name: 'Made' } })
  const file = newest(content.files)
  on(file, {
    'download-file': {},
    'preview-file': {},
    'upload-version': { content: 'y' },
    'rename-file': { name: 'renamed.pdf' },
    'move-file': { folder: inner },
    'copy-file': { folder, name: 'copy.pdf' },
    'lock-file': {},
    'unlock-file': {},
    'share-file': { access: 'open' },
  })
  on(file, { 'share-file': { access: 'company' }, 'unshare-file': {} })
  for (const trigger of DOINGS.find(({ name }) => name === 'announce-on-file')?.triggers ?? [])
    on(file, { 'announce-on-file': { trigger } })
  on(file, { 'trash-file': {} })
  on(file, { 'restore-file': {} })
  on(inner, { 'download-folder': {}, 'rename-folder': { name: 'Deep' }, 'share-folder': { access: 'open' } })
  on(folder, { invite: { login: 'ellis@elsewhere.example', role: 'editor' } })
  on(newest(content.collaborations), { 'accept-invitation': {} })
  on(newest(content.collaborations), { 'change-role': { role: 'viewer' } })
  on(newest(content.collaborations), { 'remove-collaboration': {} })
  await box.settled()
  await box.close()
  return { box, told, folder }
}

describe.each(['enterprise', 'user'] as const)('the stream %s of the emulated Box', stream => {
  test('tells of everything that webhooks tell of, where it is recoverable, about the same item', async () => {
    const { box, told } = await everything()
    const { entries } = box.events.page({
      streamType: stream === 'user' ? 'all' : 'admin_logs',
      position: undefined,
      limit: 500,
      types: [],
      after: 0,
      before: Number.POSITIVE_INFINITY,
      by: box.content.owner,
    })
    const { events } = parseStreamPage(JSON.stringify({ entries }))
    const shown = partTriggers(ALL, stream).shown
    const recovered = events.flatMap(event =>
      triggersOf(event, stream, shown).map(trigger => ({ trigger, about: sourceOf(trigger, event) })),
    )
    const names = (all: readonly { trigger: string }[]) => all.map(({ trigger }) => trigger).sort()
    // The folders themselves were made before there was a webhook.
    const before = recovered.slice(0, 2)
    expect(names(before)).toEqual(['FOLDER.CREATED', 'FOLDER.CREATED'])
    const since = recovered.slice(2)
    expect(names(since)).toEqual(names(told.filter(({ trigger }) => isShown(trigger, shown))))
    // A user's stream does not say what somebody is invited to until the invitation is answered.
    const unclear = since.filter(({ about }) => about === undefined)
    expect(names(unclear)).toEqual(stream === 'user' ? ['COLLABORATION.CREATED'] : [])
    // A webhook does not say what somebody is invited to; the enterprise's log does.
    const items = (all: readonly { trigger: Trigger | string; item: Item | undefined }[]) =>
      all
        .filter(({ trigger }) => trigger !== 'COLLABORATION.CREATED')
        .map(({ trigger, item }) => `${trigger} ${item?.type} ${item?.id}`)
        .sort()
    const named = since.flatMap(({ trigger, about }) => (about ? [{ trigger, item: about.item }] : []))
    const clear = told.filter(
      ({ trigger }) => isShown(trigger, shown) && !unclear.some(one => one.trigger === trigger),
    )
    expect(items(named)).toEqual(
      items(clear.map(({ trigger, source }) => ({ trigger, item: itemIn({ trigger, source }) }))),
    )
    expect(DOINGS.length).toBeGreaterThan(30)
  })

  test.skipIf(!openApi)('answers as Box’s description says', async () => {
    const { box } = await everything()
    const { accessToken } = { accessToken: box.tokens.grant(new URLSearchParams(GRANT)).access_token }
    for (const type of stream === 'user' ? ['all', 'changes'] : ['admin_logs', 'admin_logs_streaming']) {
      const query = new URLSearchParams({ stream_type: type, limit: '500', stream_position: '0' })
      if (type === 'admin_logs') query.set('created_after', '2026-11-23T09:00:00+00:00')
      const request = new Request(`http://localhost/2.0/events?${query}`, {
        headers: { authorization: `Bearer ${accessToken}` },
      })
      const response = await box.fetch(request)
      const text = await response.text()
      // Box sends whom a collaboration is with beside what its description lists.
      const body = JSON.parse(text, (key, value: unknown) => (key === 'accessible_by' ? undefined : value))
      // A source is one of many forms, which the check does not tell apart; the other test looks at what is in them.
      for (const entry of body.entries) entry.source = {}
      expect(response.status).toBe(200)
      expect(body.entries.length).toBeGreaterThan(10)
      expect(openApi?.requestProblems('GET', '/events', query, undefined)).toEqual([])
      body.next_stream_position = String(body.next_stream_position)
      expect(openApi?.answerProblems('GET', '/events', 200, body)).toEqual([])
    }
  })
})

const GRANT = {
  grant_type: 'client_credentials',
  client_id: 'local-client',
  client_secret: 'local-secret',
  box_subject_type: 'enterprise',
  box_subject_id: '1',
}

const isShown = (name: string, shown: readonly Trigger[]): boolean => shown.some(trigger => trigger === name)
