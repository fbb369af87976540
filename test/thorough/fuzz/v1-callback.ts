import assert from 'node:assert/strict'
import fc from 'fast-check'
import { parseEvent } from '../../../lib/event/event.ts'
import { ingestV1 } from '../../../lib/ingest/ingest-v1.ts'
import { createLog } from '../../../lib/log/log.ts'
import type { Message } from '../../../lib/queue/message.ts'
import { anyCharacter } from '../../support/any-character.ts'
import { asyncBoundary } from './boundary.ts'

const TOKEN = 'zQ7-canary-token-of-the-v1-route-0123456789'

const text = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: anyCharacter, maxLength: 40 }) },
  fc
    .tuple(fc.string({ maxLength: 3 }), fc.string({ maxLength: 3 }))
    .map(([before, after]) => before + TOKEN + after),
)
const pair = fc.tuple(
  fc.oneof(
    fc.constantFrom('event_type', 'item_id', 'item_type', 'item_name', 'token', '__proto__', 'file'),
    text,
  ),
  fc.oneof(fc.constantFrom('downloaded', 'moved', 'file', 'folder', '42', TOKEN, `${TOKEN}x`), text),
)
const parameters = fc.oneof(
  { weight: 3, arbitrary: fc.array(pair).map(pairs => new URLSearchParams(pairs).toString()) },
  text,
)
const callback = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PUT', ''),
  path: fc.oneof(
    fc.constantFrom('/box/v1', `/box/v1/${TOKEN}`, '/box/v1/%2e%2e'),
    text.map(rest => `/box/v1/${rest}`),
  ),
  query: parameters,
  body: fc.oneof(
    parameters.map(form => Buffer.from(form)),
    fc.uint8Array({ maxLength: 200 }),
  ),
  names: fc.constantFrom({}, { item_id: 'file' }, { token: 'event_type' }),
})

/** Any callback: accepted only with the token, which then is in nothing that is queued or logged; never a 5xx. */
export const v1Callbacks = asyncBoundary(
  'v1-callbacks',
  { weight: 6, quickCases: 1500 },
  callback,
  async ({ names, ...delivery }) => {
    const queued: Message[] = []
    const lines: string[] = []
    const keys = { primary: TOKEN }
    const answer = await ingestV1(
      { ...delivery, headers: {} },
      {
        tokens: { current: async () => keys, refreshed: async () => undefined },
        names,
        queue: { send: async message => void queued.push(message) },
        log: createLog({ now: () => 0, write: line => lines.push(line), level: 'debug' }),
        now: () => 0,
      },
    )
    assert.ok(answer.status === 202 || (answer.status >= 400 && answer.status < 500), String(answer.status))
    assert.equal(queued.length, answer.status === 202 ? 1 : 0)
    const kept = queued.map(message => JSON.stringify(message) + Buffer.from(message.body).toString())
    assert.ok(
      !(lines.join('') + JSON.stringify(answer) + kept.join('')).includes(TOKEN),
      'no token is told or kept',
    )
    for (const message of queued) {
      const name = 'token' in names ? names.token : 'token'
      const form = Buffer.from(delivery.body).toString()
      const given = [delivery.query, form].flatMap(one => new URLSearchParams(one).getAll(name))
      assert.ok(delivery.path.endsWith(`/${TOKEN}`) || given.includes(TOKEN), 'a token came')
      assert.ok(parseEvent(message.body, { eventId: message.eventId, origin: 'v1' }).ok)
    }
  },
)
