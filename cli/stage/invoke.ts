import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import type { FunctionName } from '../../infra/build/bundle.ts'
import { awsReason } from '../../infra/stage/aws-reason.ts'
import { isObject } from '../../lib/base/json.ts'
import {
  isWebhookAnswer,
  type WebhookAnswer,
  type WebhookRequest,
} from '../../lib/webhooks/webhook-request.ts'
import { CommandError } from '../terminal/command-error.ts'
import type { StageRef } from './stage-ref.ts'

/** The longest that a request takes, in milliseconds: the functions' own time, and some. */
const ANSWER_MS_MAX = 310_000

/**
 * Invokes a function of a stage. Box's credentials stay there.
 * @param signal ends the waiting, not what the function does
 * @returns what it answers, as JSON
 * @throws CommandError; the signal's reason
 */
export async function invokeFunction(
  ref: StageRef,
  name: FunctionName,
  request: Readonly<Record<string, unknown>>,
  signal?: AbortSignal,
): Promise<unknown> {
  const FunctionName = `boxhooks-${'stage' in ref ? ref.stage : 'local'}-${name}`
  const client = new LambdaClient({
    ...('stage' in ref
      ? { region: ref.region }
      : {
          region: 'local',
          endpoint: `http://localhost:${ref.port}`,
          credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
        }),
    // One that is asked twice would do what it is asked twice.
    maxAttempts: 1,
    requestHandler: { connectionTimeout: 5000, requestTimeout: ANSWER_MS_MAX, throwOnRequestTimeout: true },
  })
  try {
    const Payload = JSON.stringify(request)
    const { FunctionError, Payload: payload } = await client.send(
      new InvokeCommand({ FunctionName, Payload }),
      signal ? { abortSignal: signal } : {},
    )
    const answer: unknown = JSON.parse(payload?.transformToString() || 'null')
    if (FunctionError !== undefined) throw failed(FunctionName, answer)
    return answer
  } catch (error) {
    if (error instanceof CommandError) throw error
    signal?.throwIfAborted()
    throw unreachable(ref, FunctionName, error)
  } finally {
    client.destroy()
  }
}

/** Makes the error for an answer of another version. */
export const createVersionError = (ref: StageRef, name: FunctionName): CommandError =>
  new CommandError(
    `boxhooks-${'stage' in ref ? ref.stage : 'local'}-${name} is of another version than this clone. Deploy the stage again.`,
  )

function failed(name: string, answer: unknown): CommandError {
  const reason = isObject(answer)
    ? [answer.errorType, answer.errorMessage].filter(Boolean).join(': ')
    : 'unknown'
  return new CommandError(
    `${name} failed: ${reason}. See its log, /aws/lambda/${name}. Work already done stays done; run the same command to resume.`,
  )
}

function unreachable(ref: StageRef, functionName: string, error: unknown): CommandError {
  const { name, message } = error instanceof Error ? error : new Error(String(error))
  const say = (text: string) => new CommandError(text, { cause: error })
  if (!('stage' in ref)) {
    if (/ECONNREFUSED/.test(`${name} ${message} ${codeOf(error)}`))
      return say(`No local stack listens on port ${ref.port}. Start it with npm start, or use --port.`)
    return say(`The local stack on port ${ref.port} can't be asked: ${name}: ${message}`)
  }
  const { stage, region } = ref
  if (name === 'ResourceNotFoundException')
    return say(
      `There is no function ${functionName} in ${region}. Deploy the stage first: npm run deploy -- --stage ${stage}. If it is in another region, use --region.`,
    )
  return say(awsReason(error, `lambda:InvokeFunction on ${functionName}`, region))
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''

/**
 * Invokes the function reconcile of a stage.
 * @param signal ends the waiting, not what the function does
 * @throws CommandError; the signal's reason
 */
export async function askReconcile(
  ref: StageRef,
  request: WebhookRequest,
  signal?: AbortSignal,
): Promise<WebhookAnswer> {
  const answer = await invokeFunction(ref, 'reconcile', request, signal)
  if (!isWebhookAnswer(answer)) throw createVersionError(ref, 'reconcile')
  return answer
}
