import type { ReconcileReport, ReportedAction } from '../../lib/webhooks/reconcile.ts'

const IN_STEP = 'The webhooks on Box match what the automations declare.'

/** Formats what a reconciliation found and did. */
export function reportText({ mode, address, actions, counts, problems, error }: ReconcileReport): string {
  if (problems.length > 0)
    return [
      'Box would reject what the automations declare. Nothing was changed.',
      ...problems.map(
        ({ field, target, message }) => `  ${[target, field].filter(Boolean).join(' ')}: ${message}`,
      ),
    ].join('\n')
  const lines = actions.flatMap(action => actionLines(action, mode))
  if (error)
    lines.push(
      `Box did not list its webhooks, so ${lines.length > 0 ? 'nothing further' : 'nothing'} was changed: ${error.message}`,
      ...(error.boxMessage ? [`Box says: ${error.boxMessage}`] : []),
    )
  if (lines.length === 0) lines.push('No automation needs a webhook, and this stage has none.')
  const todo = counts.create + counts.update + counts.delete
  const left = counts.conflict + counts.failed
  if (!error && todo + left === 0) lines.push(IN_STEP)
  else if (!error && mode === 'plan' && todo > 0)
    lines.push(`${todo} to change, ${counts.leave} unchanged. Next: npx boxhooks webhooks apply`)
  else if (!error && left > 0) lines.push(`${left} not done: see above.`)
  else if (!error) lines.push(IN_STEP)
  return [`Webhooks to ${address}`, ...lines].join('\n')
}

const WORDS: Readonly<Record<ReportedAction['kind'], readonly [plan: string, apply: string]>> = {
  create: ['+ create', '+ created'],
  update: ['~ update', '~ updated'],
  delete: ['- delete', '- deleted'],
  leave: ['  unchanged', '  unchanged'],
  conflict: ['! conflict', '! conflict'],
}

function actionLines(action: ReportedAction, mode: ReconcileReport['mode']): string[] {
  const { kind, target, wanted, actual, message, outcome, error } = action
  const [planned, done] = WORDS[kind]
  const id = 'webhookId' in action && action.webhookId ? ` (webhook ${action.webhookId})` : ''
  const word = outcome === 'failed' ? `! ${planned.trim()} failed` : mode === 'plan' ? planned : done
  const triggers = (wanted.length > 0 ? wanted : actual).join(', ')
  const said = error?.boxMessage ? [`      Box says: ${error.boxMessage}`] : []
  return [
    `${word}  ${target.type} ${target.id}${id}: ${triggers}`,
    ...(kind === 'leave' ? [] : [`      ${error?.message ?? message}`]),
    ...said,
  ]
}
