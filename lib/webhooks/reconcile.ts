import { AutomationError, type FailureCode } from '../base/errors.ts'
import { BoxError, isBoxError } from '../box/box-error.ts'
import { targetText } from '../event/target.ts'
import {
  type ActualWebhook,
  type DesiredWebhook,
  isOurs,
  planWebhooks,
  type RecordedWebhook,
  type WebhookAction,
} from './plan.ts'
import {
  type ListedWebhook,
  type Patience,
  type WebhookCalls,
  type WebhooksApi,
  webhookCalls,
} from './webhook-calls.ts'
import {
  changeRecord,
  NO_RECORD,
  type Recorded,
  type WebhookRecord,
  withDone,
  withPlanned,
} from './webhook-record.ts'
import { type AddressOptions, type WebhookProblem, webhookProblems } from './webhook-rules.ts'

export type ReconcileInput = Patience &
  AddressOptions & {
    /** What the stage's automations declare; see desiredWebhooks(). */
    readonly desired: readonly DesiredWebhook[]
    /** This stage's endpoint: what makes a webhook its own. */
    readonly address: string
    readonly api: WebhooksApi
    readonly record: WebhookRecord
    /** `plan` changes nothing, neither on Box nor in the record. */
    readonly mode: 'plan' | 'apply'
  }

/** A failure as a report tells it, with what Box's support asks for. */
export type ReportedError = {
  /** As in docs/errors.md. */
  readonly code: FailureCode
  /** What happened, and what to do. */
  readonly message: string
  /** HTTP status; 0 where no answer came, absent where it was no call to Box that failed. */
  readonly status?: number
  /** Box's own code. */
  readonly boxCode?: string
  /** What Box said. */
  readonly boxMessage?: string
  readonly requestId?: string
}

export type ReportedAction = WebhookAction & {
  /** Absent where nothing was tried: in a plan, and for what is left or in conflict. */
  readonly outcome?: 'done' | 'failed'
  readonly error?: ReportedError
}

/** What a reconciliation found and did. Plain JSON. */
export type ReconcileReport = {
  readonly mode: 'plan' | 'apply'
  readonly address: string
  /** Whether Box now has just what is declared, as far as is known: nothing is left to do, in conflict, or failed. */
  readonly inStep: boolean
  readonly actions: readonly ReportedAction[]
  readonly counts: Readonly<Record<WebhookAction['kind'] | 'failed', number>>
  /** What makes the declaration unacceptable to Box. Where there is any, Box is not called at all. */
  readonly problems: readonly WebhookProblem[]
  /** How many webhooks the application and user had in all, others' included; absent where that could not be learnt. */
  readonly total?: number
  /** What kept it from finding out what there is; nothing was changed after that. */
  readonly error?: ReportedError
}

/**
 * Makes Box's webhooks those that a stage's automations declare, or says what that would take. It can be stopped anywhere
 * and run again, or run twice at once: whatever is left undone, the next run does, and webhooks of other addresses are
 * never touched.
 *
 * Calls to Box: one for each 1000 webhooks there are, one for each webhook of this stage, and two for each change. Where
 * nothing is recorded yet, one for every webhook there is.
 * @returns a report, also where Box refuses
 * @throws what the record throws, and the signal's reason
 */
export async function reconcile(input: ReconcileInput): Promise<ReconcileReport> {
  const problems = webhookProblems(input.desired, input.address, input)
  if (problems.length > 0) return report(input, { problems })
  const calls = webhookCalls(input.api, input)
  const acted: ReportedAction[] = []
  for (let pass = 1; ; pass += 1) {
    const seen = await observe(input, calls)
    if ('error' in seen) return report(input, { actions: acted, error: seen.error })
    const plan = planWebhooks({ ...input, ...seen, recorded: seen.recorded.webhooks })
    if (input.mode === 'plan') return report(input, { actions: plan, total: seen.total })
    const { actions, overtaken } = await apply(plan, seen, input, calls)
    if (!overtaken || pass === PASSES_MAX)
      return report(input, { actions: together(acted, actions), total: seen.total })
    // Somebody else has changed what this plan rests on, so it is made anew.
    acted.push(...actions.filter(({ outcome }) => outcome === 'done'))
  }
}

/** How often a plan is made anew because Box has changed meanwhile. */
const PASSES_MAX = 4

type Seen = {
  readonly actual: readonly ActualWebhook[]
  readonly recorded: Recorded
  readonly total: number
}

/** Looks at Box, no closer than is needed: at webhooks on desired and recorded targets, and at all where nothing is recorded. */
async function observe(
  { desired, record }: ReconcileInput,
  calls: WebhookCalls,
): Promise<Seen | { readonly error: ReportedError }> {
  const recorded = await record.read()
  const near = new Set([...desired, ...(recorded?.webhooks ?? [])].map(({ target }) => targetText(target)))
  const ids = new Set(recorded?.webhooks.map(({ webhookId }) => webhookId))
  const isNear = ({ webhookId, target }: ListedWebhook): boolean =>
    recorded === undefined || near.has(targetText(target)) || ids.has(webhookId)
  try {
    const listed = await calls.list()
    const actual = await calls.details(listed.filter(isNear))
    return { actual, recorded: recorded ?? NO_RECORD, total: listed.length }
  } catch (error) {
    return { error: reportedError(error) }
  }
}

type Applied = {
  readonly actions: readonly ReportedAction[]
  /** Whether somebody else's changes kept an action from being carried out. */
  readonly overtaken: boolean
}

async function apply(
  plan: readonly WebhookAction[],
  seen: Seen,
  input: ReconcileInput,
  calls: WebhookCalls,
): Promise<Applied> {
  const { record } = input
  // What is recorded before it is made is found again, whatever happens in between.
  const recorded = await changeRecord(record, seen.recorded, known => withPlanned(known, plan, seen, input))
  const results: { action: WebhookAction; result: Result }[] = []
  for (const action of plan)
    results.push({ action, result: await carryOut(action, input, calls, recorded.webhooks) })
  const actions = results.map(reported)
  // What others have recorded since this run looked is theirs, and not for this run to forget.
  const own = withPlanned(seen.recorded.webhooks, plan, seen, input)
  await changeRecord(record, recorded, known => withDone(known, own, actions, input))
  return { actions, overtaken: results.some(({ result }) => result.kind === 'overtaken') }
}

type Result =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'done'; readonly webhookId?: string }
  | { readonly kind: 'overtaken' | 'failed'; readonly error: ReportedError }

async function carryOut(
  action: WebhookAction,
  input: ReconcileInput,
  calls: WebhookCalls,
  recorded: readonly RecordedWebhook[],
): Promise<Result> {
  if (action.kind === 'leave' || action.kind === 'conflict') return { kind: 'nothing' }
  try {
    if (action.kind === 'create')
      return { kind: 'done', webhookId: await calls.create(action, input.address) }
    // Time has passed since it was looked at, much of it where Box throttles.
    const now = await calls.detail(action.webhookId)
    if (!now && action.kind === 'delete') return { kind: 'done' }
    const same = now && targetText(now.target) === targetText(action.target)
    if (!same || !isOurs(now, { ...input, recorded })) return { kind: 'overtaken', error: CHANGED }
    if (action.kind === 'update') await calls.update(action)
    else await calls.delete(action.webhookId)
    return { kind: 'done' }
  } catch (error) {
    return failureOf(action, error)
  }
}

const CHANGED: ReportedError = {
  code: 'box_conflict',
  message: 'Somebody else has changed or deleted the webhook meanwhile. The next reconciliation looks again.',
}

/** Sees where it is not Box that refuses, but the plan that is out of date. */
function failureOf({ kind }: WebhookAction, thrown: unknown): Result {
  const error = reportedError(thrown)
  if (kind === 'update' && isBoxError(thrown, 404)) return { kind: 'overtaken', error: CHANGED }
  // Somebody else's, or made by our own call whose answer got lost.
  if (kind === 'create' && isBoxError(thrown, 409))
    return { kind: 'overtaken', error: { ...error, message: `${error.message} ${HIDDEN}` } }
  return { kind: 'failed', error }
}

const HIDDEN =
  "Box lists no webhook of this application on the item, and yet refuses one. Look at the app's webhooks in Box's Developer Console."

function reported({ action, result }: { action: WebhookAction; result: Result }): ReportedAction {
  if (result.kind === 'nothing') return action
  if (result.kind !== 'done') return { ...action, outcome: 'failed', error: result.error }
  const { webhookId } = result
  return { ...action, ...(webhookId ? { webhookId } : {}), outcome: 'done' }
}

/** @throws what is no failure of Box */
export function reportedError(error: unknown): ReportedError {
  if (!(error instanceof AutomationError)) throw error
  const { code, message } = error.failure
  if (!(error instanceof BoxError)) return { code, message }
  const { status, boxCode, boxMessage, requestId } = error
  return {
    code,
    message,
    status,
    ...(boxCode === undefined ? {} : { boxCode }),
    ...(boxMessage === undefined || message.includes(boxMessage) ? {} : { boxMessage }),
    ...(requestId === undefined ? {} : { requestId }),
  }
}

/** The last pass's actions, with what earlier passes did where the last had nothing more to do. */
function together(earlier: readonly ReportedAction[], last: readonly ReportedAction[]): ReportedAction[] {
  const key = (action: ReportedAction) =>
    `${targetText(action.target)} ${action.kind === 'delete' ? action.webhookId : ''}`
  const byKey = new Map(earlier.map(action => [key(action), action]))
  for (const action of last)
    if (action.kind !== 'leave' || !byKey.has(key(action))) byKey.set(key(action), action)
  return [...byKey.values()]
}

function report(
  { mode, address }: ReconcileInput,
  found: Partial<Pick<ReconcileReport, 'actions' | 'problems' | 'total' | 'error'>>,
): ReconcileReport {
  const { actions = [], problems = [] } = found
  const count = (kind: WebhookAction['kind']) => actions.filter(action => action.kind === kind).length
  return {
    mode,
    address,
    inStep:
      problems.length === 0 &&
      found.error === undefined &&
      actions.every(({ kind, outcome }) => kind === 'leave' || outcome === 'done'),
    counts: {
      create: count('create'),
      update: count('update'),
      delete: count('delete'),
      leave: count('leave'),
      conflict: count('conflict'),
      failed: actions.filter(({ outcome }) => outcome === 'failed').length,
    },
    ...found,
    actions,
    problems,
  }
}
