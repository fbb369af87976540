import {
  type AttributeValue,
  ConditionalCheckFailedException,
  GetItemCommand,
} from '@aws-sdk/client-dynamodb'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { createLedgerDatabase } from '../../../lib/ledger/database.ts'
import { createLedger, LeaseLost, type Ledger, type LedgerDatabase } from '../../../lib/ledger/ledger.ts'
import { readRecord } from '../../../lib/ledger/record.ts'
import { anyCharacter } from '../../support/any-character.ts'
import { sdkDatabase } from '../../support/aws-sdk-calls.ts'
import { meaningOf, refused, startWire, type Wire, type WireAnswer } from '../../support/aws-wire.ts'

const SECRET_KEY = 'canary-secret-access-key'
const NOW = Date.parse('2026-11-23T10:00:00Z')

let wire: Wire
beforeAll(async () => {
  wire = await startWire()
})
afterAll(() => wire.close())
beforeEach(() => {
  for (const [name, value] of Object.entries({
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    AWS_SECRET_ACCESS_KEY: SECRET_KEY,
    AWS_SESSION_TOKEN: 'canary/session+token==',
    AWS_ENDPOINT_URL: wire.url,
  }))
    vi.stubEnv(name, value)
})
afterEach(() => {
  wire.answer = () => ({})
  wire.date = undefined
  wire.requests.length = 0
  vi.unstubAllEnvs()
  vi.useRealTimers()
})

const ours = (): LedgerDatabase => createLedgerDatabase({ env: process.env })
const RUN = { status: 'pending', attempts: 1, throttles: 0, redrives: 0, steps: {} } as const
const LEASE = { token: 'token-1', until: NOW + 60_000 }
const CLAIM = { lease: LEASE, status: 'open', redrives: 0, runs: { first: RUN } } as const
const EVENT = {
  ...{ eventId: 'e1', deliveryId: 'd1', trigger: 'FILE.UPLOADED', source: 'file:1', origin: 'webhook' },
  receivedAt: '2026-11-23T10:00:00.000Z',
  payload: Uint8Array.from([0, 1, 2, 253, 254, 255]),
}

const CALLS: readonly [string, (ledger: Ledger) => Promise<unknown>][] = [
  ['reading', ledger => ledger.read('e1')],
  ['opening', ledger => ledger.open(EVENT, CLAIM)],
  ['opening with an error', ledger => ledger.open(EVENT, { ...CLAIM, error: { code: 'c', message: 'ü' } })],
  ['opening without a payload', ledger => ledger.open({ ...EVENT, payload: new Uint8Array() }, CLAIM)],
  [
    'writing',
    ledger =>
      ledger.write('e1', 'token-1', {
        runs: { first: { ...RUN, status: 'failed', error: { code: 'x', message: 'Übergabe 日本' } } },
        close: { status: 'dead', release: true },
      }),
  ],
  ['keeping a step', ledger => ledger.keepStep('e1', 'token-1', 'first', 'step', '{"a":[1,"ü"]}')],
  ['dropping', ledger => ledger.drop('e1', { reason: 'It was a test.', by: 'me', at: '' })],
]

test.each(CALLS)('%s goes over the wire as AWS’s SDK means it, and is signed', async (_, act) => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOW })
  wire.date = NOW
  for (const dynamodb of [sdkDatabase(), ours()])
    await act(createLedger({ dynamodb, table: 'ledger', now: () => NOW }))
  const [theirs, mine, ...more] = wire.requests.map(request => meaningOf(request, SECRET_KEY))
  expect(more).toEqual([])
  expect(mine).toEqual(theirs)
})

// One that is called as a type is still an attribute.
const name = fc.constantFrom('eventId', 'B', 'M', 'payload', 'S', 'runs', 'ü')
const value: fc.Arbitrary<object> = fc.letrec<{ value: object }>(tie => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.record({ S: fc.string({ unit: anyCharacter }) }),
    fc.record({ N: fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true })).map(String) }),
    fc.record({ BOOL: fc.boolean() }),
    fc.constant({ NULL: true }),
    fc.record({ B: fc.uint8Array({ maxLength: 40 }).map(bytes => Buffer.from(bytes).toString('base64')) }),
    fc.record({ L: fc.array(tie('value'), { maxLength: 3 }) }),
    fc.record({ M: fc.dictionary(name, tie('value'), { maxKeys: 3 }) }),
  ),
})).value

/** What differs in form only: bytes as Buffer or Uint8Array, and objects without a prototype. */
const plain = (item: Record<string, AttributeValue> | undefined): unknown =>
  JSON.parse(
    JSON.stringify(item ?? null, (_, one: unknown) =>
      one instanceof Uint8Array ? { bytes: Array.from(one) } : one,
    ),
  )

/** A Buffer writes itself before a replacer sees it. */
const withBytes = (
  item: Record<string, AttributeValue> | undefined,
): Record<string, AttributeValue> | undefined =>
  item && Object.fromEntries(Object.entries(item).map(([key, one]) => [key, bytesIn(one)]))
function bytesIn(one: AttributeValue): AttributeValue {
  if (one.B) return { B: Uint8Array.from(one.B) }
  if (one.L) return { L: one.L.map(bytesIn) }
  return one.M ? { M: withBytes(one.M) ?? {} } : one
}

test('an item is read as AWS’s SDK reads it, whatever it holds', async () => {
  const command = () => new GetItemCommand({ TableName: 'ledger', Key: { eventId: { S: 'e1' } } })
  await fc.assert(
    fc.asyncProperty(fc.option(fc.dictionary(name, value), { nil: undefined }), async Item => {
      wire.answer = () => ({ body: JSON.stringify({ Item }) })
      const [theirs, mine] = [await sdkDatabase().send(command()), await ours().send(command())]
      expect(plain(withBytes(mine.Item))).toEqual(plain(withBytes(theirs.Item)))
    }),
    { numRuns: 30 },
  )
})

const stored = { eventId: { S: 'e1' }, status: { S: 'done' }, payload: { B: 'AAEC' }, version: { N: '3' } }
const conditionFailed = (Item?: object): WireAnswer => ({
  status: 400,
  body: JSON.stringify({
    __type: 'com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException',
    message: 'The conditional request failed',
    ...(Item ? { Item } : {}),
  }),
})

test('an event that somebody has opened before comes back as it stands, in the same answer', async () => {
  wire.answer = () => conditionFailed(stored)
  const ledger = createLedger({ dynamodb: ours(), table: 'ledger', now: () => NOW })
  const { claimed, record } = await ledger.open(EVENT, CLAIM)
  expect(claimed).toBe(false)
  expect(record).toEqual(
    readRecord({ ...stored, payload: { B: Uint8Array.from([0, 1, 2]) }, status: { S: 'done' } }),
  )
  expect(wire.requests).toHaveLength(1)
})

test('a lease that is lost is told as such, and a condition that failed is not tried again', async () => {
  wire.answer = () => conditionFailed()
  const ledger = createLedger({ dynamodb: ours(), table: 'ledger', now: () => NOW })
  await expect(ledger.write('e1', 'token-1', { runs: {} })).rejects.toThrow(LeaseLost)
  expect(wire.requests).toHaveLength(1)
  const put = ours().send(new GetItemCommand({ TableName: 'ledger', Key: {} }))
  await expect(put).rejects.toThrow(ConditionalCheckFailedException)
})

test.each([
  ['a throttle', refused(400, 'ThrottlingException')],
  ['a failure of AWS', refused(500, 'InternalServerError')],
  ['a connection that is cut', 'reset'],
] as const)('%s is tried again, and what comes then counts', async (_, first) => {
  wire.answer = (_request, number) => (number < 3 ? first : { body: JSON.stringify({ Item: stored }) })
  const ledger = createLedger({ dynamodb: ours(), table: 'ledger', now: () => NOW })
  expect(await ledger.read('e1')).toMatchObject({ eventId: 'e1', status: 'done' })
  expect(wire.requests).toHaveLength(3)
})

test('what AWS refuses is thrown with its code and without what was sent', async () => {
  wire.answer = () => refused(400, 'AccessDeniedException')
  const ledger = createLedger({ dynamodb: ours(), table: 'ledger', now: () => NOW })
  await expect(ledger.open(EVENT, CLAIM)).rejects.toMatchObject({
    name: 'AccessDeniedException',
    message: 'AWS answered with status 400: AccessDeniedException.',
  })
})
