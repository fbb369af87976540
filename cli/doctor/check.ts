import { type AwsUnreachable, awsReason } from '../../infra/stage/aws-reason.ts'
import type { Scene } from './context.ts'
import { type Finding, skipped, unknown } from './finding.ts'

/** In the order in which they are told. */
export const GROUPS = [
  'Box app',
  'Webhooks',
  'Front door',
  'Queue',
  'Ledger',
  'Alarms',
  'Versions',
  'Clock',
] as const

export type Group = (typeof GROUPS)[number]

/** Something that is looked over. Stable by its name; docs/operate.md has each. */
export type Check = {
  readonly group: Group
  readonly name: string
  /** The rights on AWS that it takes, such as `sqs:GetQueueAttributes`. */
  readonly rights: readonly string[]
  /** Why it means nothing on the local stack; absent where it does. */
  readonly notLocal?: string
  /** The stack's outputs without which it can't be done. */
  readonly outputs?: readonly string[]
  /**
   * @param signal ends what it asks, where its time is over or somebody stops the command
   * @throws Unjudged, AwsUnreachable, FunctionUnreachable; the signal's reason
   */
  run(scene: Scene, signal: AbortSignal): Promise<Finding>
}

/** A check that could not be made; the message says why, and what is lacking. */
export class Unjudged extends Error {
  override readonly name = 'Unjudged'
}

/**
 * Asks AWS something for a check.
 * @param right the right that it takes, such as sqs:GetQueueAttributes
 * @throws Unjudged that names the right where AWS refuses; the signal's reason
 */
export async function asked<R>(
  { place, region }: Pick<Scene, 'place' | 'region'>,
  right: string,
  signal: AbortSignal,
  call: (options: { readonly abortSignal: AbortSignal }) => Promise<R>,
): Promise<R> {
  try {
    return await call({ abortSignal: signal })
  } catch (error) {
    signal.throwIfAborted()
    if ('stage' in place) throw new Unjudged(awsReason(error, right, region), { cause: error })
    const reason = error instanceof Error ? error.message || error.name : String(error)
    throw new Unjudged(`The local stack does not answer ${right}: ${reason}`, { cause: error })
  }
}

/** How long a check may take, in milliseconds. A function that has not run for a while starts for some seconds. */
const CHECK_MS_MAX = 20_000

/**
 * Makes a check.
 * @param stopped ends it before its time
 * @returns what was found, also where it could not be judged, with the reason; undefined where it was stopped
 */
export async function findingOf(
  check: Check,
  scene: Scene,
  stopped: AbortSignal,
): Promise<Finding | undefined> {
  const { notLocal, outputs = [] } = check
  if (notLocal !== undefined && !('stage' in scene.place)) return skipped(notLocal)
  const missing = outputs.filter(name => !scene.outputs[name])
  if (missing.length > 0)
    return unknown(
      `The stack has no output ${missing.join(', ')}: it was deployed by an older version.`,
      deployFix(scene),
    )
  const signal = AbortSignal.any([stopped, AbortSignal.timeout(CHECK_MS_MAX)])
  try {
    return await inTime(check.run(scene, signal), signal)
  } catch (error) {
    if (stopped.aborted) return undefined
    if (signal.aborted) return unknown(`There was no answer within ${CHECK_MS_MAX / 1000} s.`)
    return unjudged(error, scene)
  }
}

function unjudged(error: unknown, scene: Scene): Finding {
  if (!(error instanceof Error)) throw error
  if (error.name === 'OlderFunction')
    return unknown(
      `The function boxhooks-${stageName(scene)}-reconcile is of another version than this clone: ${error.message}`,
      deployFix(scene),
    )
  const { name, message } = error
  return unknown(UNREACHABLE.has(name) ? message : `The check itself failed: ${name}: ${message}`)
}

const UNREACHABLE: ReadonlySet<string> = new Set([
  'Unjudged',
  'AwsUnreachable' satisfies AwsUnreachable['name'],
  'FunctionUnreachable',
])

/** Ends the waiting for what does not listen to the signal itself. */
function inTime<R>(work: Promise<R>, signal: AbortSignal): Promise<R> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}

const stageName = ({ place }: Scene): string => ('stage' in place ? place.stage : 'local')

/** How a place is made anew from this clone. */
export const deployFix = ({ place }: Pick<Scene, 'place'>): string =>
  'stage' in place ? `npm run deploy -- --stage ${place.stage}` : 'Start the local stack again: npm start'
