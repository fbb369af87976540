import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import middy from '@middy/core'
import type { Context } from 'aws-lambda'
import { type Automation, bindSettings } from '../automation/automation.ts'
import type { Clock } from '../base/clock.ts'
import { type Environment, readEnvironment } from '../base/environment.ts'
import { isObject, parseObject } from '../base/json.ts'
import { once } from '../base/once.ts'
import type { BoxConnection } from '../box/box.ts'
import type { BoxConnectionOptions } from '../box/connected-app.ts'
import { idText } from '../event/event-body.ts'
import { targetText } from '../event/target.ts'
import { type Log, readLogConfig } from '../log/log.ts'
import { createFunctionLog } from '../log/redaction.ts'
import { type BoxCheck, checkBox } from './box-check.ts'
import { itemPath } from './item-path.ts'
import { desiredWebhooks } from './plan.ts'
import { type ReconcileInput, type ReconcileReport, type ReportedAction, reconcile } from './reconcile.ts'
import { operate } from './webhook-operations.ts'
import { createWebhookRecord } from './webhook-record.ts'
import { parseWebhookRequest, type WebhookAnswer, type WebhookRequest } from './webhook-request.ts'

/**
 * Reads reconcile's settings.
 * @throws ConfigError that names every variable that is missing or wrong
 */
export const reconcileConfig = (env: Environment) =>
  readEnvironment(env, variable => ({
    ledgerTable: variable.text('LEDGER_TABLE'),
    boxAppSecretId: variable.text('BOX_APP_SECRET_ID'),
    boxApiUrl: variable.url('BOX_API_URL', 'https://api.box.com'),
    address: variable.url('WEBHOOK_ADDRESS'),
    version: variable.optionalText('BOXHOOKS_VERSION'),
    logDetails: variable.flag('LOG_DETAILS'),
    ...readLogConfig(variable),
  }))

/** What the function reconcile reaches the world through. */
export type ReconcileWorld = {
  readonly automations: readonly Automation[]
  readonly env: Environment
  readonly clock: Clock
  /** From 0 up to, not including, 1. */
  readonly random: () => number
  /** Takes one finished log line. */
  readonly write: (line: string) => void
  /** Each made with the first request, so that loading the function costs nothing. */
  readonly secretsManager: () => Pick<SecretsManagerClient, 'send'>
  readonly dynamodb: () => Pick<DynamoDBClient, 'send'>
  readonly connectBox: (options: BoxConnectionOptions) => BoxConnection
}

/** Something could not be mended; what the queue tells of is then told again. */
class WebhooksNotReconciled extends Error {
  override readonly name = 'WebhooksNotReconciled'
}

/** The time that is left for telling what was done, in milliseconds. */
const RESERVE_MS = 5000

/**
 * Makes the function reconcile. It is told of deleted webhooks by a queue, called by a schedule, and asked by the command
 * line; see {@link WebhookRequest}.
 * @throws ConfigError where the environment is not usable
 */
export function reconcileFunction(world: ReconcileWorld) {
  let ready: ReturnType<typeof partsOf> | undefined
  return middy<unknown, WebhookAnswer, Error, Invoked>(MIDDY).handler(async (event, context) => {
    ready ??= partsOf(world)
    const log = ready.log.with({ requestId: context.awsRequestId })
    const deadline = world.clock.now() + context.getRemainingTimeInMillis() - RESERVE_MS
    const records = isObject(event) && Array.isArray(event.Records) ? event.Records : undefined
    const isSchedule = isObject(event) && event.source === 'aws.events'
    const request = records || isSchedule ? APPLY : parseWebhookRequest(event)
    if (!request) return UNKNOWN
    const answer = await ready.answer(request, deadline, records ? told(records, log) : log)
    if (records && answer.ok && 'report' in answer && answer.report.error !== undefined)
      throw new WebhooksNotReconciled(answer.report.error.message)
    return answer
  })
}

type Invoked = Pick<Context, 'getRemainingTimeInMillis'> & Partial<Pick<Context, 'awsRequestId'>>

/** What is under way ends before the function's time is up; middy needs no timer for it. */
const MIDDY = { timeoutEarlyInMillis: 0 }

const APPLY: WebhookRequest = { action: 'apply' }
const UNKNOWN: WebhookAnswer = {
  ok: false,
  error: {
    code: 'request_invalid',
    message:
      'This is none of the requests that reconcile knows: plan, apply, check, list, path, get, create, update, delete. Use `npx boxhooks webhooks`.',
  },
}

/**
 * Says for which events of deleted webhooks this is done.
 * @returns the log for it, which carries the event's id where it is just one; of several, their lines tell the request's id
 */
function told(records: readonly unknown[], log: Log): Log {
  const events = records.map(record => {
    const body = isObject(record) && typeof record.body === 'string' ? parseObject(record.body) : undefined
    return { eventId: idText(body?.eventId), webhookId: idText(body?.webhookId) }
  })
  for (const event of events) log.info('reconcile_asked', event)
  const [one, more] = events
  return one && !more ? log.with({ eventId: one.eventId }) : log
}

function partsOf(world: ReconcileWorld) {
  const { automations, env, clock, random } = world
  const config = reconcileConfig(env)
  const log = createFunctionLog(config, world)
  const { address } = config
  const connection = world.connectBox({
    secretsManager: once(world.secretsManager),
    secretId: config.boxAppSecretId,
    apiUrl: config.boxApiUrl,
    now: clock.now,
    log,
  })
  const bound = bindSettings(automations, env)
  const input: Omit<ReconcileInput, 'deadline' | 'mode' | 'api'> = {
    desired: desiredWebhooks(bound.map(({ automation: { on, v1 = false }, watch }) => ({ on, watch, v1 }))),
    address,
    // An emulated Box is on this machine, and so is what it delivers to.
    allowLocalAddress: config.boxApiUrl.startsWith('http:'),
    record: createWebhookRecord({ dynamodb: world.dynamodb(), table: config.ledgerTable }, clock.now),
    clock,
    random,
  }
  const check = (deadline: number, log: Log): Promise<BoxCheck> =>
    withinTime(clock, deadline, signal =>
      checkBox({
        box: connection.box({ log, signal }),
        apiUrl: config.boxApiUrl,
        clock,
        version: config.version,
        automations: bound.map(({ automation: { name, on }, watch }) => ({ name, on, watch })),
      }),
    )
  return {
    log,
    async answer(request: WebhookRequest, deadline: number, log: Log): Promise<WebhookAnswer> {
      if (request.action === 'check') return { ok: true, check: await check(deadline, log) }
      const box = connection.box({ log })
      const api = box.webhooks
      if (!isReconciliation(request)) {
        const answer =
          request.action === 'path'
            ? await itemPath(box, request.item)
            : await operate({ ...input, api }, request)
        log.info('webhook_request', { action: request.action, ...outcomeOf(answer) })
        return answer
      }
      const report = await reconcile({ ...input, api, deadline, mode: request.action })
      tell(report, input.desired.length, log)
      return { ok: true, report }
    },
  }
}

/** The longest that whoever asks what the app can do waits for Box, in milliseconds. */
const CHECK_MS_MAX = 15_000

/** Does something with a signal that says when its time is over. */
async function withinTime<R>(
  clock: Clock,
  deadline: number,
  work: (signal: AbortSignal) => Promise<R>,
): Promise<R> {
  const controller = new AbortController()
  const over = () => controller.abort(new DOMException('The time is over.', 'TimeoutError'))
  const cancel = clock.after(Math.max(0, Math.min(CHECK_MS_MAX, deadline - clock.now())), over)
  try {
    return await work(controller.signal)
  } finally {
    cancel()
  }
}

type Reconciliation = Extract<WebhookRequest, { readonly action: 'plan' | 'apply' }>

const isReconciliation = (request: WebhookRequest): request is Reconciliation =>
  request.action === 'plan' || request.action === 'apply'

function outcomeOf(answer: WebhookAnswer) {
  if (!answer.ok) return { ok: false, code: answer.error.code, status: answer.error.status }
  return { ok: true, ...('webhooks' in answer ? { webhooks: answer.webhooks.length } : {}) }
}

/** Writes a line for each webhook that is not as it should be, or was not, and one for all, which the metrics are from. */
function tell(report: ReconcileReport, desired: number, log: Log): void {
  const { mode, inStep, counts, problems, error, total } = report
  for (const { field, target, message } of problems) log.error('webhook_invalid', { field, target, message })
  if (error) {
    const { requestId: boxRequestId, ...told } = error
    log.error('webhooks_unreachable', { ...told, boxRequestId })
  }
  for (const action of report.actions) if (action.kind !== 'leave') tellOf(action, mode, log)
  const { failed, conflict, leave } = counts
  const conflicts = conflict + problems.length
  const missing = missingIn(report, desired)
  const told = {
    inStep,
    desired,
    created: counts.create,
    updated: counts.update,
    deleted: counts.delete,
    left: leave,
    failed,
    conflicts,
    missing,
    total,
  }
  if (mode === 'plan') log.info('webhooks_planned', told)
  else log.info('webhooks_reconciled', told, { WebhooksMissing: missing, WebhooksInConflict: conflicts })
}

function tellOf(action: ReportedAction, mode: ReconcileReport['mode'], log: Log): void {
  const { kind, target, reason, message, outcome, error } = action
  const fields = {
    mode,
    kind,
    target: targetText(target),
    webhookId: 'webhookId' in action ? action.webhookId : undefined,
    triggers: action.wanted.join(' '),
    reason,
    message,
    outcome,
  }
  if (outcome === 'failed')
    log.error('webhook_failed', {
      ...fields,
      message: error?.message,
      code: error?.code,
      status: error?.status,
      boxRequestId: error?.requestId,
    })
  else if (kind === 'conflict') log.warn('webhook_conflict', fields)
  else log.info('webhook_action', fields)
}

/** How many webhooks that automations need are not on Box as they should be; in conflict is counted apart. */
function missingIn({ actions, error, problems }: ReconcileReport, desired: number): number {
  if (error || problems.length > 0) return desired
  return actions.filter(({ kind, outcome }) => (kind === 'create' || kind === 'update') && outcome !== 'done')
    .length
}
