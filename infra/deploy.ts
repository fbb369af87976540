import { exclusively } from './exclusively.ts'
import { LOCK, osls, PackageError, packageStage, stageOf } from './package.ts'

/** Packages a stage and deploys it with osls, showing what osls prints. */
async function deploy(args: readonly string[]): Promise<number> {
  const { stage, rest } = stageOf(args)
  if (stage === 'local')
    throw new PackageError(
      'The stage local is the one on your machine; run it with npm start. Name another stage.',
    )
  const { folder } = await packageStage({ stage, args: rest })
  // Only its verbose form ends with the stack's outputs, the webhook URL among them.
  const { code } = await exclusively(LOCK, () =>
    osls(['deploy', '--verbose', '--stage', stage, '--package', folder, ...rest], true),
  )
  if (code !== 0)
    console.error(
      [
        '',
        `The deployment of stage ${stage} failed; what is said above tells why.`,
        'Without AWS credentials: run `aws configure`, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
        'Nothing is half done: CloudFormation rolls back. Mend the cause and run the same command again.',
      ].join('\n'),
    )
  return code
}

try {
  process.exitCode = await deploy(process.argv.slice(2))
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
