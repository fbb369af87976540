import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation'
import { AwsUnreachable, awsReason } from './aws-reason.ts'

/**
 * Reads the outputs of a deployed stage's stack.
 * @returns name → value
 * @throws AwsUnreachable with what to do; the signal's reason
 */
export async function readStage(options: {
  readonly stage: string
  readonly region: string
  readonly signal?: AbortSignal
}): Promise<Readonly<Record<string, string>>> {
  const { stage, region, signal } = options
  const StackName = `boxhooks-${stage}`
  const client = new CloudFormationClient({ region, maxAttempts: 2 })
  try {
    const { Stacks = [] } = await client.send(
      new DescribeStacksCommand({ StackName }),
      signal ? { abortSignal: signal } : {},
    )
    const { Outputs: outputs = [], StackStatus: status = '' } = Stacks[0] ?? {}
    if (outputs.length === 0 && !/^(CREATE|UPDATE|IMPORT)_COMPLETE$/.test(status))
      throw new AwsUnreachable(
        `The stack ${StackName} in ${region} is not deployed: its state is ${status}. Wait where that is in progress; else deploy the stage again: npm run deploy -- --stage ${stage}`,
      )
    return Object.fromEntries(
      outputs.map(({ OutputKey = '', OutputValue = '' }): [string, string] => [OutputKey, OutputValue]),
    )
  } catch (error) {
    if (error instanceof AwsUnreachable) throw error
    signal?.throwIfAborted()
    const absent = error instanceof Error && error.name === 'ValidationError' && /exist/.test(error.message)
    throw new AwsUnreachable(
      absent
        ? `There is no stack ${StackName} in ${region}. Deploy the stage first: npm run deploy -- --stage ${stage}. If it is in another region, name that with --region.`
        : awsReason(error, 'cloudformation:DescribeStacks', region),
      { cause: error },
    )
  } finally {
    client.destroy()
  }
}
