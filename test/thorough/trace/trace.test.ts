import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { type EventTrace, type Part, parseTrace, type Trace } from '../../../cli/cost/trace.ts'
import { ROOT } from '../../../infra/bundle.ts'
import { packagedLocal } from '../../support/packaged.ts'
import { itemBytes, itemOf, readUnits, writeUnits } from './item-size.ts'
import { type Measurement, measure } from './measure.ts'
import { stackFacts } from './stack-facts.ts'
import { BODY_BYTES, RUNS } from './workload.ts'

const written: Trace = parseTrace(readFileSync(join(ROOT, 'cli', 'cost', 'trace.json'), 'utf8'))
const OUTDATED =
  'cli/cost/trace.json is out of date. Measure it anew and look at what has changed: npm run trace'

/** What is measured again: of the whole table the cells that matter most. */
const CELLS = { runs: [0, 1, 3], bodyBytes: BODY_BYTES.slice(0, 2) }

let measured: Measurement
let facts: Trace['stack']
beforeAll(async () => {
  const { template } = await packagedLocal()
  measured = await measure({ template, ...CELLS })
  facts = stackFacts(template, measured.metrics)
}, 240_000)

/** What is the same each time; how long a number in a log line is depends on the clock. */
const exact = ({ logBytes, ...part }: Part) => part

const cell = (trace: Pick<Trace, 'events'>, automations: number, bytes: number): EventTrace => {
  const found = trace.events.find(
    event => event.automations === automations && event.bodyBytes >= bytes && event.bodyBytes < bytes + 1500,
  )
  if (!found) throw new Error(`Nothing was measured of ${automations} automations and ${bytes} bytes.`)
  return found
}

describe('the budgets', () => {
  test('ingest makes one call for a delivery, and one more when it starts', () => {
    for (const { ingest } of measured.events) expect(ingest.requests).toEqual({ 'sqs:SendMessage': 1 })
    expect(measured.extras.coldStart.ingest.requests).toEqual({ 'secretsmanager:GetSecretValue': 1 })
  })

  test.each([0, 1, 3])(
    'automate makes n + 1 calls for an event with n = %i automations, all to the ledger',
    n => {
      const updates = n === 0 ? {} : { 'dynamodb:UpdateItem': n }
      expect(cell(measured, n, 1).automate.requests).toEqual({ 'dynamodb:PutItem': 1, ...updates })
    },
  )

  test('the ledger takes one unit a write, and one for each index, of a usual event with up to 3 automations', () => {
    for (const bytes of CELLS.bodyBytes)
      for (const n of CELLS.runs) {
        const { automate, bytes: size } = cell(measured, n, bytes)
        expect(automate.writeUnits).toBe(n + 1 + 2)
        expect(automate.readUnits).toBe(0)
        expect(size.item).toBeLessThan(1024)
      }
  })

  test('an event that is done with takes one refused write and no read', () => {
    const { automate } = measured.extras.duplicate
    expect(automate.requests).toEqual({ 'dynamodb:PutItem': 1 })
    expect([automate.writeUnits, automate.readUnits]).toEqual([1, 0])
  })

  test('a further attempt takes a read, a claim and a write, and hides the message once', () => {
    for (const { automate } of [measured.extras.retry, measured.extras.throttle])
      expect(automate.requests).toEqual({
        'dynamodb:GetItem': 1,
        'dynamodb:UpdateItem': 2,
        'sqs:ChangeMessageVisibility': 1,
      })
  })

  test('ten events in a batch are received and deleted with two requests', () => {
    const { automate, poller } = measured.extras.batchOfTen
    expect(poller.requests).toEqual({ 'sqs:ReceiveMessage': 1, 'sqs:DeleteMessageBatch': 1 })
    expect(automate.requests).toEqual({ 'dynamodb:PutItem': 10, 'dynamodb:UpdateItem': 10 })
  })

  test('an event that is not in the sample, and with which nothing is wrong, is not logged but for its metrics', () => {
    for (const { quiet, automate } of measured.events) {
      expect(quiet.automate.logLines).toBeLessThanOrEqual(automate.logLines)
      if (measured.metrics.length === 0) expect(quiet).toEqual({ ingest: SILENT, automate: SILENT })
    }
  })
})

const SILENT = { logLines: 0, logBytes: 0 }

describe('the trace in the repository', () => {
  test('has every cell, and of each that is measured again the same requests, units and lines', () => {
    expect(written.events).toHaveLength(RUNS.length * BODY_BYTES.length)
    for (const event of measured.events) {
      const known = cell(written, event.automations, event.bodyBytes)
      expect(exact(event.ingest), OUTDATED).toEqual(exact(known.ingest))
      expect(exact(event.automate), OUTDATED).toEqual(exact(known.automate))
      expect(event.poller, OUTDATED).toEqual(known.poller)
      for (const part of ['ingest', 'automate'] as const)
        expect(Math.abs(event[part].logBytes / known[part].logBytes - 1), OUTDATED).toBeLessThan(0.03)
      for (const size of ['item', 'index', 'message'] as const)
        expect(Math.abs(event.bytes[size] - known.bytes[size]), OUTDATED).toBeLessThan(10)
    }
  })

  test('has the same of all that is beside the usual way, and of the template', () => {
    const { extras } = measured
    for (const name of ['duplicate', 'retry', 'throttle', 'batchOfTen'] as const) {
      expect(exact(extras[name].automate), OUTDATED).toEqual(exact(written.extras[name].automate))
      expect(extras[name].poller, OUTDATED).toEqual(written.extras[name].poller)
    }
    expect(exact(extras.reconcile), OUTDATED).toEqual(exact(written.extras.reconcile))
    expect(facts, OUTDATED).toEqual(written.stack)
  })

  test('shows that the functions fit in the memory that they have by default, with room for a third more', () => {
    for (const name of ['ingest', 'automate'] as const)
      expect(measured.peakMemoryMb[name] * (4 / 3)).toBeLessThan(written.stack.memoryMb[name])
  })
})

describe('the size of an item', () => {
  test('is by DynamoDB’s rules: names, texts, digits in pairs, three bytes for a map', () => {
    // 'id' + 'abc', 'n' + (1 + 2), 'm' + 3 + (1 + 'k' + 1), 'l' + 3 + 2 × (1 + 1 + 1)
    const item = {
      id: { S: 'abc' },
      n: { N: '1234' },
      m: { M: { k: { BOOL: true } } },
      l: { L: [{ N: '0' }, { NULL: true }] },
      b: { B: Buffer.from('12345').toString('base64') },
      u: { S: 'é' },
    }
    expect(itemBytes(itemOf(item))).toBe(5 + 4 + 7 + (1 + 3 + (1 + 1) + (1 + 1)) + 6 + 3)
  })

  test('makes units as AWS bills them, each begun one whole', () => {
    expect([1, 1024, 1025, 2048, 2049].map(writeUnits)).toEqual([1, 1, 2, 2, 3])
    expect([0, 4096, 4097].map(bytes => readUnits(bytes, true))).toEqual([1, 1, 2])
    expect(readUnits(4096, false)).toBe(0.5)
  })
})
