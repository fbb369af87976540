import type { LogSample } from '../log/log.ts'
import { errorKind, type Log } from '../log/log.ts'
import type { Measures } from '../log/metrics.ts'
import { describeBody } from '../queue/message.ts'
import { type MessageSender, MessageTooLarge } from '../queue/message-sender.ts'
import { type Delivery, plainId } from './delivery.ts'
import { type KeyFields, keyFields } from './key-fields.ts'
import { missingHeader, type SignatureKeys, type SignatureRule, type Verdict, verify } from './signature.ts'
import { type SignatureKeyring, SignatureKeysUnavailable } from './signature-keys.ts'

export type IngestCode =
  | 'accepted'
  | 'route_not_found'
  | 'method_not_allowed'
  | 'empty_body'
  | 'body_too_large'
  | 'keys_unavailable'
  | 'queue_unavailable'
  | 'internal_error'
  | 'v1_method_not_allowed'
  | 'v1_callback_too_large'
  | 'v1_parameter_missing'
  | 'v1_token_mismatch'
  | 'v1_no_token'
  | 'v1_tokens_unavailable'
  | SignatureRule

/** What the front door says to a request. `code` is stable; see docs/errors.md. */
export type Answer = {
  readonly status: number
  readonly code: IngestCode
  readonly message: string
  readonly headers?: Readonly<Record<string, string>>
}

export type IngestParts = {
  readonly keyring: SignatureKeyring
  readonly queue: MessageSender
  readonly log: Log
  /** Which accepted deliveries are logged; all of them where there is none. */
  readonly inSample?: LogSample
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly ageMaxSeconds?: number
  readonly skewMaxSeconds?: number
}

export const WEBHOOK_PATH = '/box/webhook'

/**
 * Takes one request at the front door: verified, it goes onto the queue, and only then is it answered with 202.
 * Whatever fails on our side before that is a 503, after which Box delivers again (for about two hours).
 */
export async function ingest(delivery: Delivery, parts: IngestParts): Promise<Answer> {
  const deliveryId = delivery.headers['box-delivery-id'] ?? ''
  const heard = requestLog(parts.log, delivery, deliveryId)
  const refusal = refuseUnread(delivery)
  if (refusal) return refused(heard, refusal)

  const checked = await checkSignature(delivery, parts)
  if ('refusal' in checked) return refused(heard, checked.refusal, checked.ageSeconds)

  const described = describeBody(delivery.body, delivery.headers['box-delivery-timestamp'])
  const { eventId, trigger } = described
  try {
    const receivedAt = new Date(parts.now()).toISOString()
    await parts.queue.send({
      ...described,
      deliveryId,
      receivedAt,
      origin: 'webhook',
      body: delivery.body,
    })
  } catch (error) {
    const log = heard.with({ eventId })
    if (error instanceof MessageTooLarge) return refused(log, ANSWERS.body_too_large)
    return failed(log, ANSWERS.queue_unavailable, error)
  }
  const told = parts.inSample?.(eventId) === false ? heard.held() : heard
  told.info('delivery_accepted', { eventId, trigger, ...checked.keyFields }, { DeliveriesAccepted: 1 })
  return ANSWERS.accepted
}

/** What a line can tell before anything is verified: API Gateway's id of the request, and Box's of the delivery. */
export const requestLog = (log: Log, { requestId }: Delivery, deliveryId = ''): Log =>
  log.with({ requestId: requestId || undefined, deliveryId: plainId(deliveryId) || undefined })

function refuseUnread(delivery: Delivery): Answer | undefined {
  if (delivery.path !== WEBHOOK_PATH) return ANSWERS.route_not_found
  if (delivery.method !== 'POST') return ANSWERS.method_not_allowed
  if (delivery.body.length === 0) return ANSWERS.empty_body
  const missing = missingHeader(delivery.headers)
  return missing === undefined ? undefined : headerMissing(missing)
}

type Checked =
  | { readonly keyFields: KeyFields }
  | {
      readonly refusal: Answer
      /** How old the delivery is, where it is correctly signed and refused for that. */
      readonly ageSeconds?: number | undefined
    }

async function checkSignature({ body, headers }: Delivery, parts: IngestParts): Promise<Checked> {
  const { keyring, now, ageMaxSeconds, skewMaxSeconds } = parts
  const judge = (keys: SignatureKeys): Verdict =>
    verify({
      body,
      headers,
      keys,
      now: now(),
      ageMaxSeconds,
      skewMaxSeconds,
    })
  let keys: SignatureKeys
  let verdict: Verdict
  try {
    keys = await keyring.current()
    verdict = judge(keys)
    if (!verdict.ok && (verdict.rule === 'signature_mismatch' || verdict.rule === 'no_key')) {
      const newer = await keyring.refreshed()
      if (newer) {
        keys = newer
        verdict = judge(keys)
      }
    }
  } catch (error) {
    if (error instanceof SignatureKeysUnavailable) return { refusal: ANSWERS.keys_unavailable }
    throw error
  }
  if (verdict.ok) return { keyFields: keyFields(verdict, keys) }
  const { rule, header = '', ageSeconds } = verdict
  return { refusal: rule === 'header_missing' ? headerMissing(header) : ANSWERS[rule], ageSeconds }
}

/**
 * Answers and logs a refusal.
 * @param ageSeconds of a delivery that is correctly signed and refused for its age
 */
export function refused(log: Log, answer: Answer, ageSeconds?: number): Answer {
  const { status, code } = answer
  if (status >= 500) log.warn('delivery_failed', { status, code }, { DeliveriesFailed: 1 })
  else
    log.warn(
      'delivery_refused',
      { status, code, ...(ageSeconds === undefined ? {} : { ageSeconds: Math.round(ageSeconds) }) },
      { DeliveriesRefused: 1, ...authenticityOf(answer) },
    )
  return answer
}

/** What is signed but late came from Box once; any other 401 has not been shown to. */
function authenticityOf({ status, code }: Answer): Measures {
  if (code === 'timestamp_too_old') return { DeliveriesTooOld: 1 }
  return status === 401 ? { DeliveriesUnverified: 1 } : {}
}

/** Answers and logs a failure of ours; only the error's kind is logged. */
export function failed(log: Log, answer: Answer, error: unknown): Answer {
  const { status, code } = answer
  log.error('delivery_failed', { status, code, error: errorKind(error) }, { DeliveriesFailed: 1 })
  return answer
}

const headerMissing = (name: string): Answer => ({
  status: 400,
  code: 'header_missing',
  message: `The header ${name} is missing. Box sends it once the application has signature keys: generate them in the Developer Console under Webhooks, Manage signature keys.`,
})

const answer = <C extends IngestCode>(
  status: number,
  code: C,
  message: string,
  headers?: Readonly<Record<string, string>>,
): Answer => ({ status, code, message, ...(headers ? { headers } : {}) })

export const ANSWERS = {
  accepted: answer(202, 'accepted', 'The delivery is verified and queued.'),
  route_not_found: answer(404, 'route_not_found', `There is nothing here. Deliveries go to ${WEBHOOK_PATH}.`),
  method_not_allowed: answer(405, 'method_not_allowed', 'Deliveries are sent with POST.', { allow: 'POST' }),
  empty_body: answer(400, 'empty_body', 'The request has no body. A delivery from Box always has one.'),
  body_too_large: answer(413, 'body_too_large', 'The body does not fit a message of the queue (1 MiB).'),
  keys_unavailable: answer(
    503,
    'keys_unavailable',
    'The signature keys cannot be read at the moment. Deliver again later.',
  ),
  queue_unavailable: answer(
    503,
    'queue_unavailable',
    'The queue cannot take the delivery at the moment. Deliver again later.',
  ),
  internal_error: answer(503, 'internal_error', 'The delivery could not be handled. Deliver again later.'),
  no_key: answer(
    503,
    'no_key',
    'No signature key is configured yet, so nothing can be verified. Store the keys in Secrets Manager; Box delivers again for about two hours.',
  ),
  version_unsupported: answer(
    401,
    'version_unsupported',
    'The header box-signature-version is not 1, the only version there is.',
  ),
  algorithm_unsupported: answer(
    401,
    'algorithm_unsupported',
    'The header box-signature-algorithm is not HmacSHA256, the only algorithm there is.',
  ),
  signature_mismatch: answer(
    401,
    'signature_mismatch',
    'Neither signature matches a configured key. Usual causes: a key was reset in the Developer Console but not here, or something between Box and this address changed the body.',
  ),
  timestamp_invalid: answer(
    401,
    'timestamp_invalid',
    'The header box-delivery-timestamp is no RFC 3339 date-time.',
  ),
  timestamp_too_old: answer(
    401,
    'timestamp_too_old',
    'The delivery is correctly signed but older than this stage accepts. It is a replay, or it was held up on its way.',
  ),
  timestamp_in_future: answer(
    401,
    'timestamp_in_future',
    'The delivery is correctly signed but its timestamp lies in the future. A clock is wrong.',
  ),
} as const satisfies Partial<Record<IngestCode, Answer>>
