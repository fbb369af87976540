import { checkAutomations } from '../infra/build/check-code.ts'
import { exclusively } from '../infra/build/exclusively.ts'
import { lockOf, osls, packageStage, stageOf } from '../infra/build/package.ts'
import { regionOf } from '../infra/stage/aws-reason.ts'
import { ExpectedError } from '../lib/base/expected-error.ts'
import type { ReconcileReport } from '../lib/webhooks/reconcile.ts'
import { askReconcile } from './stage/invoke.ts'
import type { StageRef } from './stage/stage-ref.ts'
import { reportText } from './stage/webhook-report.ts'
import { CommandError, errorText } from './terminal/command-error.ts'

const NO_CHECK = '--no-check'

/** What a deployment checks first; automations/ is all that it brings that boxhooks has not tested. */
const CHECKED = ['automations']

/**
 * Checks the automations unless the arguments have --no-check, packages a stage, deploys it with osls, showing what osls prints, and has the webhooks on Box made that its automations
 * declare.
 * @returns the exit code
 */
async function deploy(args: readonly string[]): Promise<number> {
  const { stage, rest } = stageOf(args.filter(arg => arg !== NO_CHECK))
  if (stage === 'local')
    throw new CommandError(
      'The stage local is the one on your machine; run it with npm start. Name another stage.',
    )
  if (!args.includes(NO_CHECK) && checkAutomations(CHECKED) !== 0)
    throw new CommandError(
      `Nothing was deployed: automations/ has the mistakes above. Fix them, or deploy anyway with ${NO_CHECK}.`,
    )
  const { folder, project } = await packageStage({ stage, args: rest })
  // Only its verbose form ends with the stack's outputs, the webhook URL among them.
  const { code } = await exclusively(lockOf(project), () =>
    osls(['deploy', '--verbose', '--stage', stage, '--package', folder, ...rest], { project, shown: true }),
  )
  if (code === 0) return syncWebhooks({ stage, region: regionOf(regionIn(rest)) })
  console.error(
    [
      '',
      `The deployment of stage ${stage} failed; the reason is above.`,
      'Without AWS credentials: run `aws configure`, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
      'CloudFormation rolls back, so nothing is half done. Fix the cause and run the same command again.',
    ].join('\n'),
  )
  return code
}

function regionIn(args: readonly string[]): string | undefined {
  const at = args.findIndex(arg => arg === '--region' || arg === '-r' || arg.startsWith('--region='))
  const option = args[at]
  return option?.includes('=') ? option.slice(option.indexOf('=') + 1) : option && args[at + 1]
}

/**
 * Syncs the webhooks of a deployed stage with what its automations declare, and prints what was done or is left to do.
 * @returns the exit code
 */
export async function syncWebhooks(ref: StageRef & { readonly stage: string }): Promise<number> {
  const { stage } = ref
  console.log(`\nThe stage ${stage} is deployed. Syncing the webhooks on Box:\n`)
  const again = `npx boxhooks webhooks apply --stage ${stage}`
  try {
    const answer = await askReconcile(ref, { action: 'apply' })
    if (!answer.ok || !('report' in answer))
      throw new CommandError(answer.ok ? 'reconcile gave another answer.' : answer.error.message)
    const { report } = answer
    console.log(isWithoutApp(report) ? firstSteps(stage, again) : reportText(report))
    console.log(`\nTo check the stage from end to end: npx boxhooks doctor --stage ${stage}`)
    return report.inStep || isWithoutApp(report) ? 0 : 1
  } catch (error) {
    if (!(error instanceof ExpectedError)) throw error
    console.error(`${error.message}\nThe stage runs, but its webhooks are not synced yet. Next: ${again}`)
    return 1
  }
}

/** Checks whether the Box app's credentials are not stored yet, as after the first deployment. */
const isWithoutApp = ({ error }: ReconcileReport): boolean =>
  error?.code === 'box_app_secret_invalid' || error?.code === 'box_app_secret_unavailable'

const firstSteps = (stage: string, again: string): string =>
  [
    'The webhooks are not synced yet: the secret of the Box app holds no credentials. Run:',
    '',
    `  npx boxhooks secrets set signature-keys --stage ${stage}`,
    `  npx boxhooks secrets set box-app --stage ${stage}`,
    '',
    `The webhooks are then synced within the hour, or at once by: ${again}`,
  ].join('\n')

if (import.meta.main) {
  try {
    process.exitCode = await deploy(process.argv.slice(2))
  } catch (error) {
    console.error(errorText(error))
    process.exitCode = 1
  }
}
