import type { SQSClient } from '@aws-sdk/client-sqs'
import middy from '@middy/core'
import type { Context } from 'aws-lambda'
import { bindSettings } from '../automation/automation.ts'
import { type Environment, readEnvironment } from '../base/environment.ts'
import { AutomationError } from '../base/errors.ts'
import { once } from '../base/once.ts'
import { isBoxError } from '../box/box-error.ts'
import { targetText } from '../event/target.ts'
import { createHistory } from '../ledger/history.ts'
import { type Log, readLogConfig } from '../log/log.ts'
import { createFunctionLog } from '../log/redaction.ts'
import { countWaiting, createQueue } from '../queue/queue.ts'
import { desiredWebhooks } from '../webhooks/plan.ts'
import type { ReconcileWorld } from '../webhooks/reconcile-function.ts'
import { createWebhookRecord, type WebhookRecord } from '../webhooks/webhook-record.ts'
import { type BackfillParts, backfillStep } from './backfill.ts'
import {
  type BackfillAnswer,
  type BackfillRefusal,
  type BackfillReport,
  type BackfillRequest,
  busy,
  forbidden,
  parseBackfillRequest,
  spanOf,
  unfinished,
} from './backfill-request.ts'
import {
  type BackfillState,
  type BackfillStates,
  beginningOf,
  createBackfillStates,
  totalOf,
} from './progress.ts'
import { createItems, createStreamApi } from './stream-api.ts'
import { type StreamName, StreamUnreadable } from './stream-event.ts'
import { partTriggers } from './stream-triggers.ts'

/**
 * Reads backfill's settings.
 * @throws ConfigError that names every variable that is missing or wrong
 */
export const backfillConfig = (env: Environment) =>
  readEnvironment(env, variable => ({
    queueUrl: variable.url('QUEUE_URL'),
    ledgerTable: variable.text('LEDGER_TABLE'),
    boxAppSecretId: variable.text('BOX_APP_SECRET_ID'),
    boxApiUrl: variable.url('BOX_API_URL', 'https://api.box.com'),
    version: variable.optionalText('BOXHOOKS_VERSION'),
    logDetails: variable.flag('LOG_DETAILS'),
    ...readLogConfig(variable),
  }))

/** The collaborators of the function backfill. Its clients are made with the first request, so that loading it costs nothing. */
export type BackfillDeps = Omit<ReconcileWorld, 'random'> & { readonly sqs: () => Pick<SQSClient, 'send'> }

/** How long a step begins pages, in milliseconds; whoever asks is told of progress in between. */
const STEP_MS = 5000

/** The time that a page may take, in milliseconds: none is begun with less left. */
const PAGE_MS = 120_000

/** Makes the function backfill, which the command line asks step by step; see {@link BackfillRequest}. */
export function backfillFunction(world: BackfillDeps) {
  let ready: ReturnType<typeof partsOf> | undefined
  return middy<unknown, BackfillAnswer, Error, Pick<Context, 'getRemainingTimeInMillis'>>(MIDDY).handler(
    async (event, context) => {
      ready ??= partsOf(world)
      const request = parseBackfillRequest(event)
      if (!request) return UNKNOWN
      const now = world.clock.now()
      const deadline = now + Math.min(STEP_MS, Math.max(1, context.getRemainingTimeInMillis() - PAGE_MS))
      return ready.answer(request, deadline)
    },
  )
}

/** What is under way ends before the function's time is up; middy needs no timer for it. */
const MIDDY = { timeoutEarlyInMillis: 0 }

const UNKNOWN: BackfillAnswer = {
  ok: false,
  error: {
    code: 'request_invalid',
    message:
      'This is none of the requests that backfill knows: status, count, run. Use `npx boxhooks backfill`.',
  },
}

function partsOf(world: BackfillDeps) {
  const { automations, env, clock } = world
  const config = backfillConfig(env)
  const log = createFunctionLog(config, world)
  const [sqs, dynamodb] = [world.sqs(), world.dynamodb()]
  const table = config.ledgerTable
  const box = world
    .connectBox({
      secretsManager: once(world.secretsManager),
      secretId: config.boxAppSecretId,
      apiUrl: config.boxApiUrl,
      now: clock.now,
      log,
    })
    .box({ log })
  const api = createStreamApi(box, config.boxApiUrl)
  const parts: Omit<BackfillParts, 'webhookIds'> = {
    api,
    items: createItems(api, clock),
    history: createHistory({ dynamodb, table, payloads: true }),
    queue: createQueue(sqs, config.queueUrl),
    watched: desiredWebhooks(
      bindSettings(automations, env).map(({ automation: { on, v1 = false }, watch }) => ({ on, watch, v1 })),
    ),
    clock,
  }
  const answer = createBackfillAnswers({
    parts,
    states: createBackfillStates({ dynamodb, table }),
    webhooks: createWebhookRecord({ dynamodb, table }, clock.now),
    waiting: () => countWaiting(sqs, config.queueUrl),
    log,
  })
  return {
    async answer(request: BackfillRequest, deadline: number): Promise<BackfillAnswer> {
      try {
        return await answer(request, deadline)
      } catch (error) {
        return {
          ok: false,
          error: refusalOf(error, 'stream' in request ? request.stream : 'enterprise', log),
        }
      }
    },
  }
}

/** @throws what is neither Box's refusal nor an answer of it that can't be read */
function refusalOf(error: unknown, stream: StreamName, log: Log): BackfillRefusal {
  const refusal = describeRefusal(error, stream)
  if (!refusal) throw error
  log.error('backfill_refused', { code: refusal.code, message: refusal.message, status: refusal.status })
  return refusal
}

function describeRefusal(error: unknown, stream: StreamName): BackfillRefusal | undefined {
  if (error instanceof StreamUnreadable) return { code: 'backfill_stream_unreadable', message: error.message }
  if (isBoxError(error, 403) && error.call.path === '/2.0/events') return forbidden(stream, error.requestId)
  if (!(error instanceof AutomationError)) return undefined
  const { code, message } = error.failure
  if (!isBoxError(error)) return { code, message }
  const { status, requestId } = error
  return { code, message, status, ...(requestId === undefined ? {} : { requestId }) }
}

type BackfillAnswersParts = {
  readonly parts: Omit<BackfillParts, 'webhookIds'>
  readonly states: BackfillStates
  /** Which webhooks are the stage's. */
  readonly webhooks: Pick<WebhookRecord, 'read'>
  /** How many messages on the queue nobody has received yet. */
  readonly waiting: () => Promise<number>
  readonly log: Log
}

type Run = Extract<BackfillRequest, { action: 'run' }>
type Count = Extract<BackfillRequest, { action: 'count' }>

/** A back-fill that is under way, and the version on whose strength it goes on. */
type UnderWay = { readonly state: BackfillState; readonly version: number }

/**
 * Answers the requests that there are.
 * @returns takes a request, and until when pages may be begun, in milliseconds since the epoch
 */
function createBackfillAnswers({ parts, states, webhooks, waiting, log }: BackfillAnswersParts) {
  const { clock } = parts

  const reportOf = ({ begunAt, span, progress }: BackfillState): BackfillReport => {
    const { through, done, counts, unclear } = progress
    const { lost } = partTriggers(
      parts.watched.flatMap(one => one.triggers),
      span.stream,
    )
    return { begunAt, ...span, through, done, counts, unclear, lost, queued: 0 }
  }

  const withWebhooks = async (): Promise<BackfillParts> => {
    const recorded = (await webhooks.read())?.webhooks ?? []
    const ids = recorded.flatMap(({ target, webhookId }) =>
      webhookId === undefined ? [] : [[targetText(target), webhookId] as const],
    )
    return { ...parts, webhookIds: new Map(ids) }
  }

  const count = async (request: Count, deadline: number): Promise<BackfillAnswer> => {
    const asked = spanOf(request, clock.now())
    if ('refusal' in asked) return { ok: false, error: asked.refusal }
    const { span } = asked
    const { progress, ...end } = await backfillStep(await withWebhooks(), {
      span,
      progress: request.progress ?? beginningOf(span),
      send: false,
      deadline,
      queueMax: Number.POSITIVE_INFINITY,
      save: async () => true,
    })
    const begunAt = new Date(clock.now()).toISOString()
    return { ok: true, report: { ...reportOf({ begunAt, span, progress }), ...end, progress } }
  }

  /** Finds what is to be gone on with, or begins. */
  const begin = async (request: Run): Promise<UnderWay | { readonly refusal: BackfillRefusal }> => {
    for (;;) {
      const { state, version } = await states.read()
      const underWay = state && !state.progress.done && !request.restart ? state : undefined
      if (underWay && !isAskedFor(underWay, request)) return unfinished(underWay)
      const unseen = request.evenIfQueueIsBusy ? 0 : await waiting()
      if (unseen > 0) return busy(unseen)
      if (underWay) return { state: underWay, version }
      const asked = spanOf(request, clock.now())
      if ('refusal' in asked) return asked
      const begunAt = new Date(clock.now()).toISOString()
      const fresh = { begunAt, span: asked.span, progress: beginningOf(asked.span) }
      // Somebody else may begin at the same time; then it is theirs that is gone on with, or refused.
      if (await states.write(fresh, version)) return { state: fresh, version: version + 1 }
    }
  }

  const goOn = async (
    { state, version }: UnderWay,
    { queueMax }: Run,
    deadline: number,
  ): Promise<BackfillAnswer> => {
    let seen = version
    const { progress, ...end } = await backfillStep(await withWebhooks(), {
      span: state.span,
      progress: state.progress,
      send: true,
      deadline,
      queueMax,
      async save(next) {
        const kept = await states.write({ ...state, progress: next }, seen)
        seen += 1
        return kept
      },
    })
    const { read, queued, seen: known } = totalOf(progress.counts)
    log.info('backfill_step', { through: progress.through, done: progress.done, read, seen: known, queued })
    return { ok: true, report: { ...reportOf({ ...state, progress }), ...end } }
  }

  const run = async (request: Run, deadline: number): Promise<BackfillAnswer> => {
    if (request.begunAt === undefined) {
      const begun = await begin(request)
      return 'refusal' in begun ? { ok: false, error: begun.refusal } : goOn(begun, request, deadline)
    }
    const { state, version } = await states.read()
    if (!state) return { ok: true, report: null }
    // Somebody else has finished it, or begun another.
    if (state.begunAt !== request.begunAt || state.progress.done) return { ok: true, report: reportOf(state) }
    return goOn({ state, version }, request, deadline)
  }

  return async (request: BackfillRequest, deadline: number): Promise<BackfillAnswer> => {
    if (request.action === 'count') return count(request, deadline)
    if (request.action === 'run') return run(request, deadline)
    const { state } = await states.read()
    return { ok: true, report: state ? reportOf(state) : null }
  }
}

const isAskedFor = ({ span }: BackfillState, { since, until, stream }: Run): boolean =>
  span.since === since && span.stream === stream && (until === undefined || span.until === until)
