import type { ReconcileReport } from '../../lib/webhooks/reconcile.ts'
import type { ShownWebhook } from '../../lib/webhooks/webhook-request.ts'
import { table } from '../terminal/table.ts'

/** Checks whether a plan deletes a webhook. */
export const plansDeletion = ({ actions }: ReconcileReport): boolean =>
  actions.some(({ kind }) => kind === 'delete')

/** Webhooks as a table, for people. */
export function webhookTable(webhooks: readonly ShownWebhook[]): string {
  if (webhooks.length === 0) return 'The Box application has no webhooks.'
  return table([
    ['ID', 'TARGET', 'OURS', 'ADDRESS', 'TRIGGERS', 'CREATED', 'BY'],
    ...webhooks.map(({ id, target, isOurs, address, triggers, createdAt, createdBy }) => [
      id,
      target ? `${target.type} ${target.id}` : '?',
      isOurs ? 'yes' : 'no',
      address,
      triggers.join(', '),
      createdAt ?? '',
      createdBy?.login ?? '',
    ]),
  ])
}
