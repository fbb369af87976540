import { BatchWriteItemCommand } from '@aws-sdk/client-dynamodb'
import { marshall } from '@aws-sdk/util-dynamodb'
import { expect, test } from 'vitest'
import { dayOf } from '../../../lib/ledger/ledger.ts'
import { startDeployed } from '../../support/deployed.ts'
import { useEmbedded } from '../../support/embedded.ts'
import { recordOf } from '../../support/records.ts'
import { runSpawned } from '../../support/spawn.ts'
import { useStarted } from '../../support/started.ts'

const EVENTS = 10_000
/** The payloads alone are more. */
const HEAP_MB = 48
const NOW = Date.now()

const aws = useEmbedded()
const stage = useStarted(
  () => startDeployed(aws),
  deployed => deployed.close(),
)

async function fill(): Promise<void> {
  const payload = new Uint8Array(6000)
  for (let from = 0; from < EVENTS; from += 25) {
    const requests = Array.from({ length: 25 }, (_, index) => {
      const nth = from + index
      const receivedAt = new Date(NOW - nth * 1000).toISOString()
      const failed = nth % 100 === 0
      const record = recordOf({
        eventId: `many-${nth}`,
        source: `file:${nth % 7}`,
        receivedAt,
        status: failed ? 'dead' : 'done',
        runs: { a: { status: failed ? 'failed' : 'done', attempts: 1 } },
        payload,
      })
      return { PutRequest: { Item: marshall({ ...record, receivedOn: dayOf(receivedAt) }) } }
    })
    await aws.dynamodb.send(new BatchWriteItemCommand({ RequestItems: { [aws.table]: requests } }))
  }
}

test('10,000 events are listed with filters in bounded memory, with progress', {
  timeout: 600_000,
}, async () => {
  await fill()
  const options = { env: stage.env, node: [`--max-old-space-size=${HEAP_MB}`] }
  const list = (...args: string[]) =>
    runSpawned(['events', 'list', '--stage', 'prod', '--since', '1d', ...args], options)
  const failed = await list('--automation', 'a', '--status', 'failed', '--limit', '99999', '--json')
  expect(failed.code).toBe(0)
  expect(JSON.parse(failed.out)).toHaveLength(EVENTS / 100)
  expect(failed.err).toMatch(/5,000 read, \d+ a second/)
  const all = await list('--limit', '99999')
  expect(all.code).toBe(0)
  const lines = all.out.trimEnd().split('\n')
  expect(lines).toHaveLength(EVENTS + 1)
  expect(lines[1]).toContain('many-0 ')
  expect(lines.at(-1)).toContain(`many-${EVENTS - 1} `)
  const few = await list('--limit', '3')
  expect(few.out.trimEnd().split('\n')).toHaveLength(4)
  expect(few.err).toContain('more than the 3')
})
