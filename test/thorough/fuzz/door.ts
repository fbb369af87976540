import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { deliveryFromGateway } from '../../../lib/ingest/delivery.ts'
import { ANSWERS, type Answer, ingest } from '../../../lib/ingest/ingest.ts'
import { createKeyring } from '../../../lib/ingest/signature-keys.ts'
import { createLog } from '../../../lib/log/log.ts'
import type { ReceivedMessage } from '../../../lib/queue/message.ts'
import { createQueue } from '../../../lib/queue/queue.ts'
import { MemorySqs } from './sqs.ts'

export const NOW = Date.parse('2026-11-23T10:00:00Z')
export const KEYS = { primary: 'canary-primary-key', secondary: 'canary-secondary-key' }

/** The signature as Box's guide describes it, computed apart from lib/. */
export const hmac = (body: Uint8Array, timestamp: string, key: string): string =>
  createHmac('sha256', key)
    .update(Buffer.concat([body, Buffer.from(timestamp)]))
    .digest('base64')

export type Entered = {
  readonly answer: Answer
  readonly queued: readonly ReceivedMessage[]
  readonly lines: readonly string[]
}

/**
 * Lets one event of API Gateway through the real front door: real keyring, real queue, in front of memory.
 * @param at the time it is there, in milliseconds since the epoch
 */
export async function enter(event: unknown, at = NOW): Promise<Entered> {
  const lines: string[] = []
  const sqs = new MemorySqs()
  const now = () => at
  const answer = await ingest(deliveryFromGateway(event), {
    keyring: createKeyring({
      readSecret: async () => JSON.stringify(KEYS),
      now,
    }),
    queue: createQueue(sqs.client, 'https://sqs.example/queue'),
    log: createLog({ now, write: line => lines.push(line) }),
    now,
  })
  return { answer, queued: sqs.sent, lines }
}

const CODES: ReadonlySet<string> = new Set([...Object.keys(ANSWERS), 'header_missing'])

/** What holds for every answer: it is documented, one line tells of it, and neither leaks a key. */
export function checkAnswer({ answer, queued, lines }: Entered): void {
  assert.ok(CODES.has(answer.code), `${answer.code} is a documented code`)
  assert.equal(lines.length, 1)
  const line: unknown = JSON.parse(lines[0] ?? '')
  assert.ok(line instanceof Object && Reflect.get(line, 'event'))
  const told = lines.join() + JSON.stringify(answer)
  for (const key of Object.values(KEYS)) assert.ok(!told.includes(key), 'no key is told')
  assert.equal(queued.length, answer.status === 202 ? 1 : 0)
}

/** What holds for every bad request: a 4xx, and nothing queued. */
export function checkRefusal(entered: Entered): void {
  checkAnswer(entered)
  const { status } = entered.answer
  assert.ok(status >= 400 && status < 500, `${status} is a refusal of the sender's making`)
}
