import { SendMessageBatchCommand } from '@aws-sdk/client-sqs'
import { describe, expect, test, vi } from 'vitest'
import { encodeMessage } from '../../../lib/queue/message.ts'
import { startDeployed } from '../../support/deployed.ts'
import { useEmbedded } from '../../support/embedded.ts'
import { letterOf } from '../../support/letters.ts'
import { runSpawned, spawnCommand } from '../../support/spawn.ts'
import { useStarted } from '../../support/started.ts'

const aws = useEmbedded()
const stage = useStarted(
  () => startDeployed(aws),
  deployed => deployed.close(),
)

describe('10,000 dead letters', { timeout: 600_000 }, () => {
  const LETTERS = 10_000
  /** The letters alone are more. */
  const HEAP_MB = 48

  async function fill() {
    const padding = 'x'.repeat(6000)
    for (let from = 0; from < LETTERS; from += 10) {
      const Entries = Array.from({ length: 10 }, (_, index) => {
        const { body, attributes } = encodeMessage(letterOf({ id: `many-${from + index}`, padding }))
        const texts = Object.entries(attributes).map(
          ([name, StringValue]) => [name, { DataType: 'String', StringValue }] as const,
        )
        return { Id: String(index), MessageBody: body, MessageAttributes: Object.fromEntries(texts) }
      })
      await aws.sqs.send(new SendMessageBatchCommand({ QueueUrl: stage.deadLetterQueueUrl, Entries }))
    }
  }

  test('are redriven with progress and bounded memory, through a stop in the middle', async () => {
    await fill()
    const counts = async (url: string) => {
      const deadLetters = await aws.messages(url)
      return deadLetters.ready.length + deadLetters.inflight.length
    }
    const args = ['dlq', 'redrive', '--all', '--yes', '--stage', 'prod', '--rate', '1000']
    const options = { env: stage.env, node: [`--max-old-space-size=${HEAP_MB}`] }
    const first = spawnCommand(args, options)
    await vi.waitFor(() => expect(first.printed.err).toContain('3,000 redriven'), {
      timeout: 240_000,
      interval: 100,
    })
    first.child.kill('SIGINT')
    const stopped = await first.ended
    expect(stopped.code).toBe(130)
    const taken = Number(/^([\d,]+) dead letters redriven/.exec(stopped.out)?.[1]?.replaceAll(',', ''))
    expect(taken).toBeGreaterThanOrEqual(3000)
    expect(await counts(stage.deadLetterQueueUrl)).toBe(LETTERS - taken)
    const second = await runSpawned(args, options)
    expect(second.code).toBe(0)
    expect(second.out).toBe(`${(LETTERS - taken).toLocaleString('en')} dead letters redriven.\n`)
    expect(second.err).toMatch(/5,000 redriven, \d+ a second/)
    expect(await counts(stage.deadLetterQueueUrl)).toBe(0)
    expect(await counts(stage.queueUrl)).toBe(LETTERS)
  })
})
