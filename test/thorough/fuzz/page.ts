import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import type { DeadLetters } from '../../../lib/operations/dead-letters.ts'
import { localSource } from '../../../local/inspector/sources/local-source.ts'
import { createJournal } from '../../../local/journal.ts'
import { createSite } from '../../../local/runtime/site.ts'
import { onlyThisMachine } from '../../../local/runtime/this-machine.ts'
import { asyncBoundary } from './boundary.ts'
import { smallBox } from './emulated-box.ts'
import { memoryLedger } from './memory-ledger.ts'

const OURS = 'localhost:4400'

const host = fc.constantFrom(
  OURS,
  OURS,
  '127.0.0.1:1',
  'localhost',
  'evil.example',
  'localhost.evil.example',
  'localhost:4400@evil',
  '[::1]:4400',
  '',
)
const origin = fc.option(
  fc.constantFrom(
    `http://${OURS}`,
    `http://${OURS}`,
    'http://evil.example',
    'null',
    'https://localhost:4400',
    'http://localhost',
  ),
  { nil: undefined },
)
const input = fc.oneof(
  fc
    .dictionary(
      fc.constantFrom('name', 'folder', 'file', 'login', 'event', '__proto__', 'constructor'),
      fc.oneof(fc.constantFrom<unknown>('100001', '0', 'x', '1000000001'), fc.jsonValue({ maxDepth: 1 })),
      { noNullPrototype: true },
    )
    .map(json => JSON.stringify(json)),
  fc.json(),
  fc.string(),
)
const action = fc.constantFrom(
  'upload',
  'share',
  'download',
  'deliver-again',
  'fail-once',
  'rotate-keys',
  'pause-box',
  'send',
  'save-fixture',
  'redrive',
  'replay',
  'do',
  'create-webhook',
  'update-webhook',
  'bad-signature',
  'toString',
  '__proto__',
  '%2e',
)
const path = fc.oneof(
  { weight: 4, arbitrary: action.map(name => `/_local/actions/${name}`) },
  fc.constantFrom(
    '/_local/events',
    '/_local/events/x',
    '/_local/box',
    '/_local/about',
    '/_local/queues',
    '/_local/dead-letters',
    '/_local/templates/FILE.COPIED',
    '/_local/templates/__proto__',
    '/',
    '/_local/page.js',
    '/_local/../package.json',
    '/_local/%2e%2e/x',
  ),
)

const noDeadLetters: DeadLetters = {
  count: async () => ({ waiting: 0, hidden: 0 }),
  receive: async () => [],
  hide: async () => {},
  redrive: async () => {},
  drop: async () => {},
}

const request = fc.record({ method: fc.constantFrom('POST', 'POST', 'GET'), path, host, origin, input })

/** The page's own surface: what is not from this machine's page is a 403, and nothing makes it fail. */
export const pageRequests = asyncBoundary(
  'page-requests',
  { weight: 2, quickCases: 150 },
  request,
  async ({ method, path: asked, host: at, origin: from, input: sent }) => {
    const { box } = await smallBox()
    const before = JSON.stringify([box.sent.length, [...box.content.files.values()]])
    const journal = createJournal()
    const deadLetters = noDeadLetters
    const site = await createSite({
      box,
      aws: { queueUrl: 'q', deadLetterQueueUrl: 'd', table: 't', env: {} },
      outputs: {},
      source: localSource({
        journal,
        ledger: memoryLedger(),
        deadLetters,
        webhookUrl: `http://${OURS}/box/webhook`,
        manifest: () => [],
        aws: {
          queueUrl: 'q',
          deadLetterQueueUrl: 'd',
          depth: async () => ({ waiting: 0, inFlight: 0, delayed: 0 }),
        },
      }),
      acts: {
        box,
        journal,
        webhookUrl: `http://${OURS}/box/webhook`,
        automate: { kill: async () => {}, limit: () => {} },
        poller: { hurry: () => {} },
        deadLetters,
        replay: { ledger: memoryLedger(), queue: { send: async () => {} } },
        ourKeys: () => ({}),
        setOurKeys: async () => {},
        syncWebhooks: async () => undefined,
        fixtures: { path: join(tmpdir(), 'boxhooks-fuzz'), shown: 'fuzz' },
      },
      gateway: async () => new Response('ingest', { status: 404 }),
      functions: new Map(),
    })
    const headers = { host: at, ...(from === undefined ? {} : { origin: from }) }
    const init = { method, headers, ...(method === 'POST' ? { body: sent } : {}) }
    const response = await onlyThisMachine(site)(new Request(`http://${OURS}${asked}`, init))
    assert.ok(response.status < 500, `${method} ${asked} is answered ${response.status}`)
    const local =
      /^(localhost|127\.0\.0\.1)(:\d+)?$/.test(at) && (from === undefined || from === `http://${at}`)
    if (local) assert.notEqual(response.status, 403)
    if (!local) {
      assert.equal(response.status, 403)
      assert.equal(
        JSON.stringify([box.sent.length, [...box.content.files.values()]]),
        before,
        'nothing happened',
      )
    }
    await response.body?.cancel()
    await box.settled()
    await box.close()
  },
)
