import assert from 'node:assert/strict'
import fc from 'fast-check'
import { isTime, parseBackfillRequest } from '../../../lib/backfill/backfill-request.ts'
import { boundary } from './boundary.ts'

const time = fc.oneof(
  fc.constantFrom(
    '2026-11-23T09:00Z',
    '2026-11-23T10:00:00+01:00',
    '2026-11-23',
    '2026-13-45T99:99Z',
    '0',
    '',
  ),
  fc.date({ noInvalidDate: true }).map(date => date.toISOString()),
  fc.jsonValue({ maxDepth: 1 }),
)
const count = fc.oneof(fc.integer(), fc.double(), fc.jsonValue({ maxDepth: 1 }))
const progress = fc.oneof(
  fc.record(
    {
      position: fc.string(),
      through: time,
      done: fc.boolean(),
      pages: count,
      counts: fc.dictionary(
        fc.constantFrom('FILE.UPLOADED', 'FILE.EATEN', '__proto__', 'constructor'),
        fc.record({ read: count, queued: count }, { requiredKeys: [] }),
      ),
      unclear: fc.jsonValue({ maxDepth: 2 }),
      matches: fc.array(
        fc.record({ event: fc.string(), record: fc.string(), at: count }, { requiredKeys: [] }),
      ),
    },
    { requiredKeys: [] },
  ),
  fc.jsonValue({ maxDepth: 2 }),
)
const request = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record(
      {
        action: fc.constantFrom('status', 'count', 'run', 'destroy'),
        since: time,
        until: time,
        stream: fc.constantFrom('enterprise', 'streaming', 'user', 'all', '__proto__'),
        progress,
        begunAt: time,
        restart: fc.jsonValue({ maxDepth: 0 }),
        queueMax: count,
      },
      { requiredKeys: [] },
    ),
  },
  fc.jsonValue(),
)

/** Whatever backfill is asked: it is none of the requests, or one whose parts have the right form. */
export const backfillRequests = boundary(
  'backfill-requests',
  { weight: 3, quickCases: 1500 },
  request,
  raw => {
    const parsed = parseBackfillRequest(raw)
    if (!parsed || parsed.action === 'status') return
    assert.ok(isTime(parsed.since))
    if (parsed.until !== undefined) assert.ok(isTime(parsed.until))
    assert.ok(['enterprise', 'streaming', 'user'].includes(parsed.stream))
    if (parsed.action === 'run') assert.ok(parsed.queueMax >= 1 && parsed.queueMax <= 10_000)
    if (parsed.action !== 'count' || !parsed.progress) return
    for (const counts of Object.values(parsed.progress.counts))
      for (const number of Object.values(counts)) assert.ok(Number.isSafeInteger(number) && number >= 0)
  },
)
