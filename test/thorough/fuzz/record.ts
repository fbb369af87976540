import assert from 'node:assert/strict'
import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import fc from 'fast-check'
import { planClaim } from '../../../lib/automate/claim.ts'
import { readRecord } from '../../../lib/ledger/record.ts'
import { boundary } from './boundary.ts'

/** Numbers as DynamoDB keeps them: up to 38 digits, magnitudes up to 1E+125. */
const numberText = fc.oneof(
  fc.integer().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.constantFrom(
    '1E+125',
    '-1E+125',
    '1E-130',
    '12345678901234567890123456789012345678',
    '1.5',
    '0.1234567890123456789',
  ),
)
const name = fc.oneof(
  fc.constantFrom(
    'eventId',
    'status',
    'version',
    'leaseToken',
    'leaseUntil',
    'redrives',
    'runs',
    'targets',
    'error',
  ),
  fc.constantFrom(
    'attempts',
    'throttles',
    'steps',
    'nextAt',
    'waitingSince',
    'givenUp',
    'payload',
    '__proto__',
    'constructor',
    'a',
  ),
)
const scalar: fc.Arbitrary<AttributeValue> = fc.oneof(
  fc
    .oneof(fc.string(), fc.constantFrom('open', 'done', 'dead', 'pending', 'failed', 'folder:1'))
    .map(S => ({ S })),
  numberText.map(N => ({ N })),
  fc.boolean().map(BOOL => ({ BOOL })),
  fc.constant<AttributeValue>({ NULL: true }),
  fc.uint8Array({ maxLength: 5 }).map(B => ({ B })),
  fc.array(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 2 }).map(SS => ({ SS })),
  fc.array(numberText, { minLength: 1, maxLength: 2 }).map(NS => ({ NS })),
)
const { attribute } = fc.letrec<{ attribute: AttributeValue; map: AttributeValue; list: AttributeValue }>(
  tie => ({
    attribute: fc.oneof(
      { depthSize: 'xsmall', maxDepth: 3, withCrossShrink: true },
      scalar,
      tie('map'),
      tie('list'),
    ),
    map: fc.dictionary(name, tie('attribute'), { noNullPrototype: true, maxKeys: 6 }).map(M => ({ M })),
    list: fc.array(tie('attribute'), { maxLength: 3 }).map(L => ({ L })),
  }),
)
const item = fc.dictionary(name, attribute, { noNullPrototype: true })

const run = fc.dictionary(name, attribute, { noNullPrototype: true }).map(M => ({ M }))
/** Items whose runs are runs at least by their place. */
const withRuns = fc
  .tuple(item, fc.dictionary(fc.constantFrom('a', 'b', '__proto__'), run, { noNullPrototype: true }))
  .map(([rest, runs]) => ({ ...rest, runs: { M: runs } }))

/** Whatever lies in the table: read without a throw, as a record whose every part has its type, and which can be planned on. */
export const ledgerItems = boundary(
  'ledger-items',
  { weight: 5, quickCases: 1500 },
  fc.oneof(item, withRuns),
  one => {
    const record = readRecord(one)
    assert.ok(['open', 'done', 'dead'].includes(record.status))
    for (const text of [record.eventId, record.trigger, record.leaseToken, record.receivedAt])
      assert.equal(typeof text, 'string')
    for (const number of [record.version, record.leaseUntil, record.redrives])
      assert.ok(Number.isFinite(number))
    for (const { status, steps, ...kept } of Object.values(record.runs)) {
      assert.ok(['pending', 'done', 'skipped', 'failed'].includes(status))
      const { attempts, throttles, redrives, nextAt = 0, waitingSince = 0 } = kept
      for (const number of [attempts, throttles, redrives, nextAt, waitingSince])
        assert.ok(Number.isFinite(number))
      for (const step of Object.values(steps)) assert.equal(typeof step, 'string')
    }
    for (const { type, id } of record.targets ?? [])
      assert.ok((type === 'file' || type === 'folder') && id !== '')
    const plan = planClaim({
      record,
      concerned: [],
      deployed: [],
      brought: [],
      filters: new Map(),
      alone: false,
      failure: undefined,
      replay: undefined,
      lease: { token: 't', until: 2 },
      now: 1,
    })
    assert.ok(['finished', 'wait', 'suspect', 'claim'].includes(plan.kind))
    assert.equal(Reflect.get({}, 'status'), undefined, 'no prototype is changed')
  },
)
