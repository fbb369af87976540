import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { awsReason } from '../infra/aws-reason.ts'
import { isObject } from '../lib/json.ts'
import { isWebhookAnswer, type WebhookAnswer, type WebhookRequest } from '../lib/webhook-request.ts'
import type { Place } from './place.ts'

/** The function could not be asked; the message says why, and what to do. */
export class ReconcileUnreachable extends Error {
  override readonly name = 'ReconcileUnreachable'
}

/** The longest that a reconciliation takes, in milliseconds: the function's own time, and some. */
const ANSWER_MS_MAX = 310_000

/**
 * Asks the function reconcile of a place. Box's credentials stay there.
 * @param signal stops waiting for the answer
 * @throws ReconcileUnreachable
 */
export async function askReconcile(
  place: Place,
  request: WebhookRequest,
  signal?: AbortSignal,
): Promise<WebhookAnswer> {
  const FunctionName = `boxhooks-${'stage' in place ? place.stage : 'local'}-reconcile`
  const client = new LambdaClient({
    ...('stage' in place
      ? { region: place.region }
      : {
          region: 'local',
          endpoint: `http://localhost:${place.port}`,
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
    if (!isWebhookAnswer(answer))
      throw new ReconcileUnreachable(`${FunctionName} gave an answer of another version. Deploy again.`)
    return answer
  } catch (error) {
    if (error instanceof ReconcileUnreachable) throw error
    throw unreachable(place, FunctionName, error)
  } finally {
    client.destroy()
  }
}

function failed(name: string, answer: unknown): ReconcileUnreachable {
  const reason = isObject(answer)
    ? [answer.errorType, answer.errorMessage].filter(Boolean).join(': ')
    : 'unknown'
  return new ReconcileUnreachable(
    `${name} failed: ${reason}. Its log, /aws/lambda/${name}, tells more. What it had done by then stays; the same command goes on from there.`,
  )
}

function unreachable(place: Place, functionName: string, error: unknown): ReconcileUnreachable {
  const { name, message } = error instanceof Error ? error : new Error(String(error))
  const say = (text: string) => new ReconcileUnreachable(text, { cause: error })
  if (!('stage' in place)) {
    if (/ECONNREFUSED/.test(`${name} ${message} ${codeOf(error)}`))
      return say(
        `No local stack listens on port ${place.port}. Start it with npm start, or name its port with --port.`,
      )
    return say(`The local stack on port ${place.port} can't be asked: ${name}: ${message}`)
  }
  const { stage, region } = place
  if (name === 'ResourceNotFoundException')
    return say(
      `There is no function ${functionName} in ${region}. Deploy the stage first: npm run deploy -- --stage ${stage}. If it is in another region, name that with --region.`,
    )
  return say(awsReason(error, `lambda:InvokeFunction on ${functionName}`, region))
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
