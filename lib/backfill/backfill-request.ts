import { isObject } from '../base/json.ts'
import type { Counts, Progress, Unclear } from './progress.ts'
import { parseProgress } from './progress.ts'
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

const iso = (time: string): string => new Date(time).toISOString()

/** Whether something is the function's answer, as far as tells it from a failure or another version's. */
export const isBackfillAnswer = (answer: unknown): answer is BackfillAnswer =>
  isObject(answer) &&
  (answer.ok === true
    ? answer.report === null || (isObject(answer.report) && isObject(answer.report.counts))
    : isObject(answer.error) && typeof answer.error.message === 'string')
