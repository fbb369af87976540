import { DeleteMessageCommand, type Message, ReceiveMessageCommand } from '@aws-sdk/client-sqs'
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda'
import { keptOf, recordOf } from '../../../local/runtime/poller.ts'
import type { SimulatedLambda } from './lambda.ts'
import type { Random } from './random.ts'
import type { Scheduler } from './scheduler.ts'
import type { SimulatedQueue } from './sqs.ts'

export type EventSourceOptions = {
  readonly scheduler: Scheduler
  readonly random: Random
  readonly queue: SimulatedQueue
  readonly automate: SimulatedLambda<SQSEvent, SQSBatchResponse>
  readonly batchSize: number
  /** How many batches are worked on at a time. */
  readonly concurrency: number
  /** How often what was done with is not deleted. */
  readonly lostDeletes: () => number
}

/** Lambda's event source for SQS: receives batches, invokes the function, and deletes what it does not name as failed. */
export class EventSource {
  readonly #options: EventSourceOptions
  #busy = 0
  #paused = false
  #planned = false

  constructor(options: EventSourceOptions) {
    this.#options = options
    options.queue.onVisible = () => this.#plan()
  }

  get busy(): number {
    return this.#busy
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#plan()
  }

  /** Pollers wait a little, so that batches form. */
  #plan(): void {
    if (this.#planned) return
    this.#planned = true
    const { scheduler, random } = this.#options
    scheduler.after(random.between(0, 100), () => {
      this.#planned = false
      this.#poll()
    })
  }

  #poll(): void {
    const { queue, batchSize, concurrency } = this.#options
    while (!this.#paused && this.#busy < concurrency) {
      const answer = queue.send(new ReceiveMessageCommand({ QueueUrl: '', MaxNumberOfMessages: batchSize }))
      const messages = 'Messages' in answer && Array.isArray(answer.Messages) ? answer.Messages : []
      if (messages.length === 0) return
      this.#busy += 1
      void this.#work(messages)
    }
  }

  async #work(messages: readonly Message[]): Promise<void> {
    const records = messages.map(message => recordOf(message, 'arn:aws:sqs:eu-central-1:000000000000:events'))
    const kept = await this.#invoke(records)
    const { random, lostDeletes, queue } = this.#options
    for (const { messageId, receiptHandle } of records)
      if (!kept.has(messageId) && !random.chance(lostDeletes()))
        queue.send(new DeleteMessageCommand({ QueueUrl: '', ReceiptHandle: receiptHandle }))
    this.#busy -= 1
    this.#plan()
  }

  async #invoke(records: readonly SQSRecord[]): Promise<ReadonlySet<string>> {
    const all = new Set(records.map(({ messageId }) => messageId))
    try {
      return keptOf(await this.#options.automate.invoke({ Records: [...records] }), all)
    } catch {
      return all
    }
  }
}
