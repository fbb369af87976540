import type { BackfillRefusal, BackfillRequest } from './backfill-request.ts'
import type { BackfillSpan } from './progress.ts'
import type { BackfillState } from './state.ts'

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

type Asked = Exclude<BackfillRequest, { action: 'status' }>

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

const iso = (time: number): string => new Date(time).toISOString()
