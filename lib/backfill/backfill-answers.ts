import { targetText } from '../event/target.ts'
import type { Log } from '../log/log.ts'
import type { WebhookRecord } from '../webhooks/webhook-record.ts'
import { type BackfillParts, backfillStep } from './backfill.ts'
import { busy, spanOf, unfinished } from './backfill-refusals.ts'
import type { BackfillAnswer, BackfillRefusal, BackfillReport, BackfillRequest } from './backfill-request.ts'
import { beginningOf, totalOf } from './progress.ts'
import type { BackfillState, BackfillStates } from './state.ts'
import { partTriggers } from './stream-triggers.ts'

export type BackfillAnswersParts = {
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
export function createBackfillAnswers({ parts, states, webhooks, waiting, log }: BackfillAnswersParts) {
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
