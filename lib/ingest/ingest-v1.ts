import { createHash, timingSafeEqual } from 'node:crypto'
import {
  normaliseV1,
  V1_WEBHOOK_ID,
  type V1Field,
  type V1Names,
  type V1Parameters,
} from '../event/event-v1.ts'
import type { Log } from '../log/log.ts'
import { MessageTooLarge } from '../queue/message-sender.ts'
import type { Delivery } from './delivery.ts'
import { ANSWERS, type Answer, failed, type IngestParts, refused, requestLog } from './ingest.ts'
import type { KeyName, SignatureKeys } from './signature.ts'
import { type SignatureKeyring, SignatureKeysUnavailable } from './signature-keys.ts'

export type IngestV1Parts = Pick<IngestParts, 'queue' | 'log' | 'now'> & {
  /** The shared tokens; two, so that one can be changed while the other is in use. */
  readonly tokens: SignatureKeyring
  readonly names: V1Names
}

const V1_PATH = '/box/v1'

/** The most that a callback may have of query and body together, in bytes; Box's have some hundreds. */
export const V1_BYTES_MAX = 65_536

/** The most parameters that a callback may have; the form in the Developer Console has room for far fewer. */
const PARAMETERS_MAX = 100

/** What a token must be: hard to guess, and the same in a path, a query and a form. */
const TOKEN = /^[\w-]{32,128}$/

/** Whether a path is the V1 route's: `/box/v1` with the token as a parameter, or `/box/v1/{token}`. */
export const isV1Path = (path: string): boolean => /^\/box\/v1(\/[^/]+)?$/.test(path)

/**
 * Takes one V1 callback, which no signature vouches for: its shared token does. Normalised, without the token, it goes
 * onto the queue, and only then is it answered with 202. Box does not repeat a V1 callback, whatever it is answered.
 * @see https://developer.box.com/guides/webhooks/v1/
 */
export async function ingestV1(delivery: Delivery, parts: IngestV1Parts): Promise<Answer> {
  const { method, query, body } = delivery
  const log = requestLog(parts.log, delivery)
  if (method !== 'GET' && method !== 'POST') return refused(log, V1_ANSWERS.v1_method_not_allowed)
  if (Buffer.byteLength(query) + body.length > V1_BYTES_MAX)
    return refused(log, V1_ANSWERS.v1_callback_too_large)
  const all = parametersOf(query, body)
  if (all.length > PARAMETERS_MAX) return refused(log, V1_ANSWERS.v1_callback_too_large)

  const tokenName = parts.names.token ?? 'token'
  const fromPath = delivery.path.slice(V1_PATH.length + 1)
  const named = all.filter(([name]) => name === tokenName).map(([, value]) => value)
  const checked = await checkToken([...(fromPath ? [fromPath] : []), ...named], parts)
  if ('status' in checked) return refused(log, checked)

  // What is kept must not hold a token, wherever it stands.
  const told = all
    .filter(([name]) => name !== tokenName)
    .map(([name, value]) => [without(checked.tokens, name), without(checked.tokens, value)] as const)
  return send(told, checked.key, log, parts)
}

/** The longest first: one token may be a part of the other. */
const without = (tokens: readonly string[], text: string): string =>
  tokens
    .toSorted((one, other) => other.length - one.length)
    .reduce((left, token) => left.replaceAll(token, '[token]'), text)

async function send(told: V1Parameters, key: KeyName, heard: Log, parts: IngestV1Parts): Promise<Answer> {
  const at = parts.now()
  const event = normaliseV1(told, parts.names, at)
  if (!event.ok) return refused(heard, parameterMissing(event.missing))
  const { eventId, trigger, body } = event
  const log = heard.with({ eventId })
  const receivedAt = new Date(at).toISOString()
  try {
    await parts.queue.send({
      eventId,
      trigger,
      deliveryId: '',
      receivedAt,
      origin: 'v1',
      webhookId: V1_WEBHOOK_ID,
      body,
    })
  } catch (error) {
    if (error instanceof MessageTooLarge) return refused(log, V1_ANSWERS.v1_callback_too_large)
    return failed(log, ANSWERS.queue_unavailable, error)
  }
  log.info('delivery_accepted', { trigger, key, origin: 'v1' }, { DeliveriesAccepted: 1 })
  return ANSWERS.accepted
}

/** The parameters of query and form body. Both are read as forms are; what is none is a parameter of a strange name. */
const parametersOf = (query: string, body: Uint8Array): V1Parameters =>
  [query, Buffer.from(body).toString()].flatMap(text => [...new URLSearchParams(text)])

type Checked = { readonly key: KeyName; readonly tokens: readonly string[] }

async function checkToken(given: readonly string[], { tokens }: IngestV1Parts): Promise<Answer | Checked> {
  try {
    const checked = judge(given, await tokens.current())
    if (!('status' in checked)) return checked
    const newer = await tokens.refreshed()
    return newer ? judge(given, newer) : checked
  } catch (error) {
    if (error instanceof SignatureKeysUnavailable) return V1_ANSWERS.v1_tokens_unavailable
    throw error
  }
}

/** Compares everything with everything, in a time that depends on nothing but how much was given. */
function judge(given: readonly string[], stored: SignatureKeys): Answer | Checked {
  const digests = given.map(digest)
  const tokens: string[] = []
  let match: KeyName | undefined
  for (const key of ['secondary', 'primary'] as const) {
    const token = stored[key]
    if (token === undefined || !TOKEN.test(token)) continue
    tokens.push(token)
    const expected = digest(token)
    for (const one of digests) if (timingSafeEqual(one, expected)) match = key
  }
  if (tokens.length === 0) return V1_ANSWERS.v1_no_token
  return match ? { key: match, tokens } : V1_ANSWERS.v1_token_mismatch
}

/** Digests have one length, whatever they are of. */
const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

const parameterMissing = (field: V1Field): Answer => ({
  status: 400,
  code: 'v1_parameter_missing',
  message: `The callback tells no usable ${field}. Add a callback parameter named ${field} with the value #${field}# to the webhook in the Developer Console, or say in v1Webhooks which name it has there.`,
})

export const V1_ANSWERS = {
  v1_method_not_allowed: {
    status: 405,
    code: 'v1_method_not_allowed',
    message: 'V1 callbacks are sent with GET or POST.',
    headers: { allow: 'GET, POST' },
  },
  v1_callback_too_large: {
    status: 413,
    code: 'v1_callback_too_large',
    message: 'The callback has more than 64 KB or more than 100 parameters.',
  },
  v1_token_mismatch: {
    status: 401,
    code: 'v1_token_mismatch',
    message:
      'No valid token came with the callback, neither in the path nor as a parameter. Usual cause: the token was changed in Secrets Manager but not in the Developer Console.',
  },
  v1_no_token: {
    status: 503,
    code: 'v1_no_token',
    message:
      'No token for V1 callbacks is stored yet. Store one in Secrets Manager: 32 to 128 letters, digits, - and _.',
  },
  v1_tokens_unavailable: {
    status: 503,
    code: 'v1_tokens_unavailable',
    message: 'The tokens for V1 callbacks cannot be read at the moment.',
  },
} as const satisfies Readonly<Record<string, Answer>>
