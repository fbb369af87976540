import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs'
import { type Automation, RECONCILE_WEBHOOKS } from './automation.ts'
import { DEFAULT_RETRY } from './retry.ts'

/**
 * An automation of boxhooks' own: when Box tells that it has deleted a webhook, the function reconcile is told, and makes
 * it anew where an automation still needs it. The engine sees to it that this happens once, and is tried again.
 * @param queueUrl the queue that reconcile listens to
 */
export function reconcileOnDeletion(sqs: Pick<SQSClient, 'send'>, queueUrl: string): Automation {
  return {
    name: RECONCILE_WEBHOOKS,
    on: ['WEBHOOK.DELETED'],
    watch: [],
    settings: {},
    retry: DEFAULT_RETRY,
    async run({ event }) {
      const MessageBody = JSON.stringify({ eventId: event.id, webhookId: event.webhook.id })
      await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody }))
    },
  }
}
