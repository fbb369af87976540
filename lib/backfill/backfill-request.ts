import { isObject } from '../base/json.ts'
import type { BackfillState } from './progress.ts'
import { type BackfillSpan, type Counts, type Progress, parseProgress, type Unclear } from './progress.ts'
import { STREAMS, type StreamName } from './stream-event.ts'
import type { LostTrigger } from './stream-triggers.ts'

/** What somebody may ask the function backfill for. */
export type BackfillRequest =
  /** What is under way. */
  | { readonly action: 'status' }
  /** Counts, a step further than `progress`, and changes nothing. */
  | (Asked & { readonly action: 'count'; readonly progress?: Progress })
  /** Goes on a step with what is under way, or begins. */
  | (Asked & {
      readonly action: 'run'
      /** The back-fill that is gone on with; absent for whatever there is, or a new one. */
      readonly begunAt?: string
      /** Begins anew whatever is under way. */
      readonly restart?: boolean
      readonly evenIfQueueIsBusy?: boolean
      /** How many events a step may queue before it ends. */
      readonly queueMax: number
    })

type Asked = {
  /** ISO 8601. */
  readonly since: string
  /** Absent for as late as Box has given up what it could not deliver. */
  readonly until?: string
  readonly stream: StreamName
  readonly evenIfBoxMayDeliver?: boolean
}

/** How far it has come. Plain JSON. */
export type BackfillReport = {
  /** ISO 8601. */
  readonly begunAt: string
  readonly since: string
  readonly until: string
  readonly stream: StreamName
  /** Up to when the stream has been read. */
  readonly through: string
  readonly done: boolean
  readonly counts: Counts
  readonly unclear: readonly Unclear[]
  /** What automations are on and the stream does not show. */
  readonly lost: readonly LostTrigger[]
  /** How many events this step has put on the queue. */
  readonly queued: number
  /** Box asks to be left alone for so long. */
  readonly waitSeconds?: number
  /** For the next step of a count. */
  readonly progress?: Progress
}

/** Why a back-fill can't be done. Stable; docs/errors.md says of each what to do. */
export const BACKFILL_CODES = [
  'backfill_unfinished',
  'backfill_queue_busy',
  'backfill_too_early',
  'backfill_too_old',
  'backfill_span_empty',
  'backfill_stream_unreadable',
] as const

type BackfillCode = (typeof BACKFILL_CODES)[number]

export type BackfillRefusal = {
  readonly code: BackfillCode | 'request_invalid' | string
  readonly message: string
  /** HTTP status of Box. */
  readonly status?: number
  readonly requestId?: string
}

/** What the function answers. Plain JSON. */
export type BackfillAnswer =
  | { readonly ok: true; readonly report: BackfillReport }
  /** Nothing is under way, and nothing was. */
  | { readonly ok: true; readonly report: null }
  | { readonly ok: false; readonly error: BackfillRefusal }

/** How many events a step may queue at most. */
const QUEUE_MAX = 10_000

/**
 * Reads what somebody asks for.
 * @returns undefined where it is none of the requests
 */
export function parseBackfillRequest(raw: unknown): BackfillRequest | undefined {
  if (!isObject(raw)) return undefined
  const { action, since, until, queueMax } = raw
  if (action === 'status') return { action }
  const stream = STREAMS.find(known => known === raw.stream)
  if (!stream || !isTime(since) || (until !== undefined && !isTime(until))) return undefined
  const asked = {
    since: iso(since),
    stream,
    ...(until === undefined ? {} : { until: iso(until) }),
    ...(raw.evenIfBoxMayDeliver === true ? { evenIfBoxMayDeliver: true } : {}),
  }
  if (action === 'count') {
    const progress = parseProgress(raw.progress)
    if (raw.progress !== undefined && !progress) return undefined
    return { action, ...asked, ...(progress ? { progress } : {}) }
  }
  if (action !== 'run' || typeof queueMax !== 'number' || !(queueMax >= 1 && queueMax <= QUEUE_MAX))
    return undefined
  return {
    action,
    ...asked,
    queueMax,
    ...(typeof raw.begunAt === 'string' ? { begunAt: raw.begunAt } : {}),
    ...(raw.restart === true ? { restart: true } : {}),
    ...(raw.evenIfQueueIsBusy === true ? { evenIfQueueIsBusy: true } : {}),
  }
}

/** A time of RFC 3339 with its offset; one without would be another on every machine. */
export const isTime = (text: unknown): text is string =>
  typeof text === 'string' &&
  /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/.test(text) &&
  !Number.isNaN(Date.parse(text))

/** Whether something is the function's answer, as far as tells it from a failure or another version's. */
export const isBackfillAnswer = (answer: unknown): answer is BackfillAnswer =>
  isObject(answer) &&
  (answer.ok === true
    ? answer.report === null || (isObject(answer.report) && isObject(answer.report.counts))
    : isObject(answer.error) && typeof answer.error.message === 'string')

/**
 * So long may Box yet deliver by itself what has happened, in milliseconds: it tries for about two hours, and half an hour more
 * is for what lies on the queue and for what its guide calls subject to change. An event that is back-filled and delivered
 * takes effect twice.
 * @see https://developer.box.com/guides/webhooks/v2/
 */
const BOX_DELIVERS_MS = 9_000_000

/** The ledger remembers for 35 days, so before that nobody knows what has been done. A day is for what takes its time. */
const REMEMBERED_MS = 34 * 86_400_000

/** How far back Box's stream of what comes in reaches, in milliseconds. */
const STREAMING_MS = 14 * 86_400_000

/** The span that is asked for, or why it can't be. */
export function spanOf(
  { since, until, stream, evenIfBoxMayDeliver }: Asked,
  now: number,
): { readonly span: BackfillSpan } | { readonly refusal: BackfillRefusal } {
  // Box takes whole seconds.
  const settled = Math.floor((now - BOX_DELIVERS_MS) / 1000) * 1000
  const to = until === undefined ? settled : Date.parse(until)
  const from = Date.parse(since)
  const text = iso(settled)
  if (to > settled && !evenIfBoxMayDeliver)
    return refuse(
      'backfill_too_early',
      `What has happened since ${text} Box may yet deliver by itself, for it tries for about two hours; delivered and back-filled, an event takes effect twice. Leave --until out, or set it to that at most. If the webhooks are gone, so that Box delivers nothing, --even-if-box-may-deliver goes on.`,
    )
  if (from >= to)
    return refuse(
      'backfill_span_empty',
      `There is nothing between ${since} and ${iso(to)}. What has happened since ${text} Box may yet deliver by itself; come back later for it.`,
    )
  const reach = stream === 'streaming' ? Math.min(STREAMING_MS, REMEMBERED_MS) : REMEMBERED_MS
  if (from < now - reach)
    return refuse(
      'backfill_too_old',
      stream === 'streaming'
        ? `The stream of what comes in reaches back 14 days, to ${iso(now - reach)}. For more leave --stream out.`
        : `The ledger remembers for 35 days. What happened before ${iso(now - reach)} may have been done, and would be done again.`,
    )
  return { span: { since: iso(from), until: iso(to), stream } }
}

/** Why what is asked for can't begin while another back-fill is under way. */
export const unfinished = ({ span, progress }: BackfillState): { readonly refusal: BackfillRefusal } =>
  refuse(
    'backfill_unfinished',
    `Another back-fill is unfinished: --since ${span.since} --until ${span.until} --stream ${span.stream}, done up to ${progress.through}. Go on with that by these options, or leave it and begin this one with --restart. What it has queued is not queued again.`,
  )

/** Why nothing is back-filled while messages wait. */
export const busy = (waiting: number): { readonly refusal: BackfillRefusal } =>
  refuse(
    'backfill_queue_busy',
    `${waiting} ${waiting === 1 ? 'message waits' : 'messages wait'} on the queue. What webhooks have brought and nobody has looked at yet is not in the ledger, so it would be taken for lost and done twice. Wait until automate has worked it off, then repeat the command; if nothing of it happened in the span, --even-if-queue-is-busy goes on.`,
  )

/** What Box's refusal of a stream means. @see https://developer.box.com/guides/events/enterprise-events/for-enterprise/ */
export const forbidden = (stream: BackfillSpan['stream'], requestId?: string): BackfillRefusal => ({
  code: 'box_forbidden',
  status: 403,
  ...(requestId === undefined ? {} : { requestId }),
  message:
    stream === 'user'
      ? 'Box refuses the app the stream of its own user. Check the app’s scopes in the Developer Console, and have an admin authorise it again.'
      : 'Box refuses the app the enterprise’s log. It takes the scope "Manage enterprise properties", which is set in the Developer Console and takes effect once an admin has authorised the app again, and rights of an admin, or of a co-admin who may run reports: give the app’s secret a userId of such a person. Or read what concerns the app’s own user with --stream user.',
})

const refuse = (code: BackfillRefusal['code'], message: string): { readonly refusal: BackfillRefusal } => ({
  refusal: { code, message },
})

const iso = (time: string | number): string => new Date(time).toISOString()
