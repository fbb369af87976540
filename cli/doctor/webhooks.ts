import { targetText } from '../../lib/event/target.ts'
import type { ReconcileReport, ReportedAction } from '../../lib/webhooks/reconcile.ts'
import type { Check } from './check.ts'
import type { Scene } from './context.ts'
import { type Finding, fail, ok, so, warn } from './finding.ts'

/** The webhooks on Box: those that the automations declare. */
export const WEBHOOK_CHECKS: readonly Check[] = [
  {
    group: 'Webhooks',
    name: 'webhooks',
    rights: ['lambda:InvokeFunction'],
    run: async scene => webhooksFinding(await scene.plan(), scene),
  },
]

/** Says of a plan whether the webhooks are in step. */
function webhooksFinding(report: ReconcileReport, { flags }: Pick<Scene, 'flags'>): Finding {
  const { actions, counts, problems, error, inStep, total } = report
  if (problems.length > 0)
    return fail(
      'What the automations declare Box would refuse.',
      'Change the automation or the setting that is named, and deploy.',
      {
        details: problems.map(
          ({ field, target, message }) => `${[target, field].filter(Boolean).join(' ')}: ${message}`,
        ),
      },
    )
  if (error)
    return fail(`Box does not say which webhooks there are: ${error.message}`, 'Mend box-token first.')
  if (inStep) {
    const all = total === undefined ? '' : `, of ${so(total, 'webhook')} that the app has in all`
    return ok(
      counts.leave === 0
        ? 'No automation asks for a webhook.'
        : `${so(counts.leave, 'webhook')} as declared${all}.`,
    )
  }
  const details = actions.filter(({ kind }) => kind !== 'leave').map(lineOf)
  const apply = `npx boxhooks webhooks apply ${flags}`
  if (counts.conflict > 0)
    return fail(
      `${so(counts.conflict, 'webhook')} in conflict with another.`,
      `Do what is said of each; then ${apply}`,
      { details },
    )
  const lacking = counts.create + counts.update
  if (lacking > 0)
    return fail(`${so(lacking, 'webhook')} missing on Box, or not as declared.`, apply, { details })
  return warn(`${so(counts.delete, 'webhook')} that nothing asks for any more.`, apply, { details })
}

const lineOf = ({ kind, target, message }: ReportedAction): string =>
  `${kind} ${targetText(target)}: ${message}`
