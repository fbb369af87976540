import { type Automation, RECONCILE_WEBHOOKS } from '../automation/automation.ts'
import { DEFAULT_RETRY } from '../base/retry.ts'
import type { Sqs } from '../queue/queue.ts'

/**
 * An automation of boxhooks' own: when Box tells that it has deleted a webhook, the function reconcile is told, and makes
 * it anew where an automation still needs it. The engine sees to it that this happens once, and is tried again.
 * @param sqs gives a client when it is needed
 * @param queueUrl the queue that reconcile listens to
 */
export function reconcileOnDeletion(sqs: () => Promise<Sqs>, queueUrl: string): Automation {
  return {
    name: RECONCILE_WEBHOOKS,
    on: ['WEBHOOK.DELETED'],
    watch: [],
    settings: {},
    retry: DEFAULT_RETRY,
    async run({ event }) {
      const MessageBody = JSON.stringify({ eventId: event.id, webhookId: event.webhook.id })
      const { SendMessageCommand } = await import('@aws-sdk/client-sqs')
      await (await sqs()).send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody }))
    },
  }
}
