import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type Capture, CaptureUnreadable, FORMATS } from '../../../cli/verify/capture.ts'
import { readCaptures } from '../../../cli/verify/read-captures.ts'
import { judge } from '../../../cli/verify/verify.ts'
import { jsonReport, textReport } from '../../../cli/verify/verify-report.ts'
import { RENDERINGS } from '../../support/captured.ts'
import { AT, type Case, genuine, MANGLINGS } from '../../support/manglings.ts'
import { asyncBoundary, boundary } from './boundary.ts'
import { eventBody } from './payloads.ts'

const KEYS = { primary: 'cnry-primary-0123456789abcdef', secondary: 'cnry-secondary-0123456789abcde' }
/** Any part of a key is told by this, and nothing else has it. */
const CANARY = 'cnry-'

/** Bytes that are no file, or something else. */
const readFile = (path: string): Uint8Array => {
  if (path.length % 2 === 0) throw new CaptureUnreadable(`There is no ${path}.`)
  return Buffer.from(`of ${path}\r\n`)
}

/** A mangling of a body that it does not fit, such as one of JSON where there is none, leaves it. */
function mangled(one: Case, { mangle }: (typeof MANGLINGS)[number]): Case {
  try {
    return mangle(one)
  } catch {
    return one
  }
}

const delivery = fc
  .tuple(eventBody, fc.array(fc.constantFrom(...MANGLINGS), { maxLength: 2 }))
  .map(([body, manglings]) => manglings.reduce(mangled, genuine(body, KEYS)))

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
  ...[
    'headers',
    'rawHeaders',
    'multiValueHeaders',
    'body',
    'rawBody',
    'content',
    'postData',
    'text',
    'encoding',
  ],
  ...[
    'method',
    'url',
    'path',
    'query',
    'isBase64Encoded',
    'requestContext',
    'timestamp',
    'request',
    'log',
    'entries',
  ],
  ...[
    'event',
    'message',
    'params',
    'type',
    'data',
    'name',
    'value',
    '__proto__',
    'constructor',
    'startedDateTime',
  ],
)
const tree = fc.letrec<{ node: unknown }>(tie => ({
  node: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    value,
    fc.array(tie('node'), { maxLength: 3 }),
    fc.dictionary(names, tie('node'), { maxKeys: 5, noNullPrototype: true }),
  ),
})).node

const command = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ...[
          '-H',
          '-d',
          '--data',
          '--data-binary',
          '@file',
          '-d@f',
          '--json',
          '-G',
          '-I',
          '-X',
          '--url',
          '--form',
          '-',
        ],
        ...[
          '--data-urlencode',
          'a=b',
          'a@b',
          "'box-signature-primary: x'",
          '-sSLkX',
          '--',
          '\\\n',
          '^\n',
          '^"',
          "$'",
        ],
        ...['-A', "'", '"', '`', 'https://a.example', '://', '-H;', '-H', 'x;', 'a:b', '-u', '-o'],
      ),
      fc.string(),
    ),
    { maxLength: 12 },
  )
  .map(words => Buffer.from(`curl ${words.join(' ')}`))

const bytes = fc.oneof(
  { weight: 5, arbitrary: bent },
  { weight: 2, arbitrary: tree.map(json => Buffer.from(JSON.stringify(json) ?? '')) },
  { weight: 2, arbitrary: command },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map(one => Buffer.from(one)) },
)
const format = fc.option(fc.constantFrom(...FORMATS), { nil: undefined })

function read(one: Uint8Array, as: (typeof FORMATS)[number] | undefined): readonly Capture[] {
  try {
    return readCaptures(one, { format: as, readFile })
  } catch (error) {
    assert.ok(
      error instanceof CaptureUnreadable,
      `what can't be read is told as such, not as ${String(error)}`,
    )
    assert.ok(error.message.length > 10 && !error.message.includes(CANARY))
    return []
  }
}

/** Whatever a capture is: it has requests whose parts have the right form, or it is told that it can't be read. */
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

/** Whatever was captured: it is judged as ingest would, every refusal has a cause, and no part of a key is told. */
export const capturedDeliveries = asyncBoundary(
  'captured-deliveries',
  { weight: 2, quickCases: 60 },
  fc.record({ bytes, at: fc.option(fc.constantFrom(AT, AT + 1e6, 0), { nil: undefined }) }),
  async one => {
    const judged = []
    for (const capture of read(one.bytes, undefined).slice(0, 3))
      judged.push(await judge(capture, KEYS, { at: one.at, now: Date.now(), ageMax: 600, skewMax: 60 }))
    for (const { answer, diagnosis } of judged) {
      assert.equal(diagnosis.causes.length === 0, answer.status === 202)
      if (!diagnosis.verdict.ok && answer.code !== 'empty_body' && answer.code !== 'method_not_allowed')
        assert.equal(answer.code, diagnosis.verdict.rule)
    }
    for (const told of [jsonReport(judged, KEYS), textReport(judged, KEYS, 'capture')])
      assert.ok(!told.includes(CANARY), 'no key is told')
  },
)
