import assert from 'node:assert/strict'
import fc from 'fast-check'
import { CommandError } from '../../../cli/terminal/command-error.ts'
import { judgeCapture } from '../../../cli/verify/judge.ts'
import { type Capture, FORMATS, type Format, readCaptures } from '../../../cli/verify/read-captures.ts'
import { jsonReport, textReport } from '../../../cli/verify/verify-report.ts'
import { RENDERINGS } from '../../support/captured.ts'
import { AT, genuine, MANGLINGS, tryMangle } from '../../support/manglings.ts'
import { asyncBoundary, boundary } from './boundary.ts'
import { eventBody } from './payloads.ts'

const KEYS = { primary: 'cnry-primary-0123456789abcdef', secondary: 'cnry-secondary-0123456789abcde' }
/** Each key has this, and nothing else does. */
const CANARY = 'cnry-'

const delivery = fc
  .tuple(eventBody, fc.array(fc.constantFrom(...MANGLINGS), { maxLength: 2 }))
  .map(([body, manglings]) => manglings.reduce(tryMangle, genuine(body, KEYS)))

const rendered = fc.tuple(delivery, fc.constantFrom(...RENDERINGS)).map(([one, { render }]) => render(one))

/** A capture that something was done to: cut, a piece put in, a byte changed, several behind one another. */
const bent = fc
  .tuple(rendered, fc.nat(600), fc.uint8Array({ maxLength: 6 }), rendered, fc.nat(4))
  .map(([capture, where, piece, other, how]) => {
    const at = where % (capture.length + 1)
    if (how === 0) return capture.subarray(0, at)
    if (how === 1) return Buffer.concat([capture.subarray(0, at), piece, capture.subarray(at)])
    if (how === 2) return Buffer.concat([capture.subarray(0, at), piece, capture.subarray(at + piece.length)])
    return how === 3 ? Buffer.concat([capture, other]) : capture
  })

const value = fc.oneof(
  fc.string(),
  fc.constantFrom(
    'POST',
    'https://example.com/box/webhook?a=1',
    '2026-11-23T17:00:00Z',
    1,
    1e300,
    null,
    true,
  ),
  fc.jsonValue({ maxDepth: 2 }),
)
const names = fc.constantFrom(
  'headers',
  'multiValueHeaders',
  'body',
  'postData',
  'text',
  'encoding',
  'method',
  'url',
  'path',
  'isBase64Encoded',
  'requestContext',
  'timeEpoch',
  'request',
  'log',
  'entries',
  'params',
  'name',
  'value',
  '__proto__',
  'constructor',
  'startedDateTime',
  'rawPath',
  'rawQueryString',
  'httpMethod',
)
const tree = fc.letrec<{ node: unknown }>(tie => ({
  node: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    value,
    fc.array(tie('node'), { maxLength: 3 }),
    fc.dictionary(names, tie('node'), { maxKeys: 5, noNullPrototype: true }),
  ),
})).node

const bytes = fc.oneof(
  { weight: 5, arbitrary: bent },
  { weight: 2, arbitrary: tree.map(json => Buffer.from(JSON.stringify(json) ?? '')) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map(one => Buffer.from(one)) },
)
const format = fc.option(fc.constantFrom(...FORMATS), { nil: undefined })

function read(one: Uint8Array, as?: Format): readonly Capture[] {
  try {
    return readCaptures(one, as)
  } catch (error) {
    assert.ok(
      error instanceof CommandError && error.exitCode === 2,
      `an unreadable capture throws ${String(error)}`,
    )
    assert.ok(error.message.length > 10 && !error.message.includes(CANARY))
    return []
  }
}

/** Whatever a capture is: it has requests whose parts have the right form, or an error says why it can't be read. */
export const captures = boundary(
  'captures',
  { weight: 6, quickCases: 2000 },
  fc.record({ bytes, format }),
  one => {
    for (const capture of read(one.bytes, one.format)) {
      assert.ok(capture.body instanceof Uint8Array)
      assert.equal(typeof capture.query, 'string')
      assert.ok(capture.method === undefined || typeof capture.method === 'string')
      assert.ok(capture.path === undefined || typeof capture.path === 'string')
      assert.ok(capture.receivedAt === undefined || Number.isFinite(capture.receivedAt))
      for (const [name, text] of Object.entries(capture.headers)) {
        assert.equal(typeof text, 'string')
        assert.equal(name, name.toLowerCase())
      }
    }
  },
)

const REFUSED_BY_SIGNATURE: readonly string[] = [
  'signature_mismatch',
  'timestamp_too_old',
  'timestamp_in_future',
]

/** Whatever was captured: what ingest accepts has no cause, what its signature or time refuses has one, and no key is printed. */
export const capturedDeliveries = asyncBoundary(
  'captured-deliveries',
  { weight: 2, quickCases: 60 },
  fc.record({ bytes, at: fc.option(fc.constantFrom(AT, AT + 1e6, 0), { nil: undefined }) }),
  async one => {
    const judgements = []
    for (const capture of read(one.bytes).slice(0, 3))
      judgements.push(
        await judgeCapture(capture, KEYS, { at: one.at, now: Date.now(), ageMax: 600, skewMax: 60 }),
      )
    for (const { answer, diagnosis } of judgements) {
      if (answer.status === 202) assert.deepEqual(diagnosis.causes, [])
      if (REFUSED_BY_SIGNATURE.includes(answer.code)) assert.notDeepEqual(diagnosis.causes, [])
    }
    for (const report of [jsonReport(judgements, KEYS), textReport(judgements, KEYS, 'capture')])
      assert.ok(!report.includes(CANARY), 'no key is printed')
  },
)
