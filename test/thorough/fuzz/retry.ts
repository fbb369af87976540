import assert from 'node:assert/strict'
import fc from 'fast-check'
import { classify, FAILURE_CODES, type RunFailure } from '../../../lib/base/errors.ts'
import { AUTH_WAIT_MS_MAX, backoffSeconds, decideRetry, type RetryPolicy } from '../../../lib/base/retry.ts'
import { BoxError } from '../../../lib/box/box-error.ts'
import { anyCharacter } from '../../support/any-character.ts'
import { boundary } from './boundary.ts'

/** The longest wait that there may be, in seconds: an asked-for one at its bound, and a tenth or a minute on top. */
const WAIT_SECONDS_MAX = 14 * 86_400 + 60

const policy: fc.Arbitrary<RetryPolicy> = fc
  .tuple(
    fc.integer({ min: 1, max: 1000 }),
    fc.double({ min: 0.001, max: 1e4, noNaN: true }),
    fc.double({ min: 1, max: 1209600, noNaN: true }),
  )
  .map(([attempts, baseSeconds, cap]) => ({ attempts, baseSeconds, capSeconds: Math.max(cap, baseSeconds) }))

const failure: fc.Arbitrary<RunFailure> = fc.record(
  {
    class: fc.constantFrom('throttled', 'transient', 'auth', 'permanent'),
    code: fc.constantFrom(...FAILURE_CODES),
    message: fc.string(),
    retryAfterSeconds: fc.oneof(fc.double(), fc.integer(), fc.constantFrom(0, -0, 1e300, Number.NaN)),
  },
  { requiredKeys: ['class', 'code', 'message'] },
)

const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

export const retryDecisions = boundary(
  'retry-decisions',
  { weight: 6, quickCases: 2000 },
  fc.record({
    failure,
    policy,
    attempts: fc.nat(2000),
    throttles: fc.nat(1e6),
    refusedMs: fc.oneof(fc.nat(2 * AUTH_WAIT_MS_MAX), fc.double({ min: -1e12, max: 1e12 })),
    chance,
  }),
  ({ chance: drawn, ...input }) => {
    const decision = decideRetry({ ...input, random: () => drawn })
    const { failure: failed, attempts } = input
    const isFree =
      failed.class === 'throttled' || (failed.class === 'auth' && input.refusedMs < AUTH_WAIT_MS_MAX)
    const over = failed.class === 'permanent' || (!isFree && attempts >= input.policy.attempts)
    assert.equal(decision.kind, over ? 'give-up' : 'retry')
    if (decision.kind === 'give-up') return
    assert.ok(
      decision.delaySeconds >= 0 && decision.delaySeconds <= WAIT_SECONDS_MAX,
      `${decision.delaySeconds} s`,
    )
    assert.equal(decision.counts, !isFree)
    const asked = failed.retryAfterSeconds ?? -1
    if (failed.class === 'throttled' && asked >= 0 && asked < 14 * 86_400)
      assert.ok(decision.delaySeconds >= asked, 'what Box asked for is kept to')
    const wait = backoffSeconds(input.policy, attempts, () => drawn)
    assert.ok(wait >= 0 && wait <= input.policy.capSeconds)
  },
)

const text = fc.oneof(fc.string({ unit: anyCharacter }), fc.string({ minLength: 1000, maxLength: 3000 }))
const answer = fc.record(
  {
    status: fc.oneof(
      fc.constantFrom(0, 200, 202, 400, 401, 403, 404, 408, 409, 412, 429, 500, 502, 503),
      fc.integer(),
    ),
    code: fc.oneof(
      text,
      fc.constantFrom('invalid_grant', 'insufficient_scope', 'item_name_in_use', 'rate_limit_exceeded'),
      fc.constantFrom('name_temporarily_reserved', 'operation_blocked_temporary', 'constructor'),
    ),
    requestId: text,
    message: text,
    retryAfter: fc.oneof(
      text,
      fc.constantFrom('7', ' 7 ', '', '-1', '1e9', 'Infinity', '0x10', 'Wed, 21 Oct 2026 07:28:00 GMT'),
    ),
    contextInfo: fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 1 })),
  },
  { requiredKeys: ['status'] },
)

/** Whatever Box, or something that stands before it, answers: a failure that can be acted upon. */
export const boxAnswers = boundary(
  'box-answers',
  { weight: 6, quickCases: 1500 },
  fc.record({ answer, path: fc.webPath() }),
  ({ answer: given, path }) => {
    const error = new BoxError({ method: 'GET', path }, given)
    const failed = classify(error)
    assert.ok(FAILURE_CODES.includes(failed.code))
    assert.equal(error.status, given.status)
    for (const word of [error.boxCode, error.requestId]) assert.match(word ?? 'none', /^[\w.:-]{1,64}$/)
    assert.ok(failed.message.length <= 1001)
    const waits = ['box_throttled', 'box_not_ready', 'box_busy'].includes(failed.code)
    assert.equal(failed.class === 'throttled', waits)
    const { retryAfterSeconds } = failed
    if (retryAfterSeconds !== undefined)
      assert.ok(Number.isFinite(retryAfterSeconds) && retryAfterSeconds >= 0)
    if (given.status === 429) assert.equal(failed.class, 'throttled')
    if (given.status === 0) assert.ok(failed.class === 'transient' || failed.class === 'auth')
    const decision = decideRetry({
      failure: failed,
      policy: { attempts: 2, baseSeconds: 1, capSeconds: 2 },
      attempts: 1,
      throttles: 0,
      random: () => 0.5,
    })
    assert.equal(decision.kind, failed.class === 'permanent' ? 'give-up' : 'retry')
  },
)

/** Whatever an automation throws: an error, a text, nothing at all, or something that can't even be printed. */
const thrown = fc.oneof(
  fc.anything({ withNullPrototype: true, withBigInt: true, withDate: true }),
  fc
    .tuple(text, fc.constantFrom('TypeError', 'SyntaxError', 'Error', 'AbortError', ''))
    .map(([message, name]) => {
      return Object.assign(new Error(message), { name })
    }),
  fc.constantFrom<unknown>(
    Object.create(null),
    Symbol('s'),
    {
      toString: () => {
        throw new Error('no text')
      },
    },
    Object.assign(new Error('m'), { cause: null }),
  ),
)

export const thrownValues = boundary('thrown-values', { weight: 3, quickCases: 1000 }, thrown, one => {
  const failed = classify(one)
  assert.ok(FAILURE_CODES.includes(failed.code))
  assert.ok(failed.class === 'transient' || failed.class === 'permanent')
  assert.ok(failed.message.length <= 1001)
})
