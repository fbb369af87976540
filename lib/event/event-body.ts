import { createHash } from 'node:crypto'
import { isObject, parseExact, parseObject } from '../base/json.ts'
import { parseTimestamp } from '../base/timestamp.ts'

export const ORIGINS = ['webhook', 'v1', 'backfill'] as const

/** How an event came here. */
export type Origin = (typeof ORIGINS)[number]

/** What every part of the system must read alike in a delivery's body. */
export type EventBody = {
  /** The body's JSON, with ids that are numbers as texts; undefined where the body is not a JSON object. */
  readonly payload: Readonly<Record<string, unknown>> | undefined
  /** The body's own id, or one made from its bytes. */
  readonly eventId: string
  /** The trigger as it came; undefined where there is none. */
  readonly trigger: string | undefined
  /** RFC 3339 as it came; empty where there is none. */
  readonly createdAt: string
  /** `unknown` where there is none. */
  readonly webhookId: string
}

export const UNKNOWN = 'unknown'

/**
 * Reads what identifies an event. Ingest, automate, the backfill and the commands all read it here, so the ledger's id
 * is the event's id whatever Box sends: a number, a byte order mark, bytes that are not UTF-8. Never throws.
 * @param sentAt when the body was sent, in RFC 3339. It matters only where an event has neither an id nor a time.
 * @see https://developer.box.com/guides/webhooks/v2/
 */
export function readBody(body: Uint8Array | string, sentAt = ''): EventBody {
  const payload = parsePayload(body)
  const { id, trigger: name, created_at: at, webhook } = payload ?? {}
  const trigger = triggerText(name)
  const createdAt = typeof at === 'string' && parseTimestamp(at) !== undefined ? at : ''
  const isTimeless = trigger !== undefined && createdAt === ''
  return {
    payload,
    eventId: idText(id) ?? idFromBytes(body, isTimeless ? parseTimestamp(sentAt) : undefined),
    trigger,
    createdAt,
    webhookId: (isObject(webhook) ? itemId(webhook.id) : undefined) ?? UNKNOWN,
  }
}

/** How long Box redelivers, in milliseconds. */
const REDELIVERY_MS = 7_200_000

/**
 * Makes an id for a body that has none. NO_ACTIVE_SESSION has neither an id nor a time, so the same bytes come again
 * whenever the session is over again. The delivery's id can't tell the two apart, as it changes when Box redelivers.
 * Box redelivers for two hours: the same bytes within two hours are one event, and later they are another.
 */
function idFromBytes(body: Uint8Array | string, sentAtMs: number | undefined): string {
  const hash = createHash('sha256').update(body)
  if (sentAtMs !== undefined) hash.update(`\n${Math.floor(sentAtMs / REDELIVERY_MS)}`)
  return `sha256-${hash.digest('hex')}`
}

/** The longest trigger that is taken for one, in characters; Box's have 40. */
const TRIGGER_LENGTH_MAX = 256

const triggerText = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' && value.length <= TRIGGER_LENGTH_MAX
    ? carriable(value)
    : undefined

/**
 * Replaces what does not travel as it is: control characters but tab, line feed and carriage return, which SQS refuses,
 * and everything beyond the Basic Multilingual Plane, which SQS takes but not every stand-in for it.
 */
export const carriable = (text: string): string =>
  text.replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd]/g, '\ufffd')

/** Reads an id in a form that fits an attribute, a DynamoDB key and a message group alike. */
export const idText = (value: unknown): string | undefined =>
  typeof value === 'string' && /^[!-~]{1,128}$/.test(value) ? value : undefined

/**
 * Reads the id of something on Box: digits or a UUID. Automations and the SDK put ids into paths as they are, so a text
 * that would change a path is not an id.
 */
export const itemId = (value: unknown): string | undefined =>
  typeof value === 'string' && /^[\w-]{1,128}$/.test(value) ? value : undefined

function parsePayload(body: Uint8Array | string): Readonly<Record<string, unknown>> | undefined {
  const json = typeof body === 'string' ? body : new TextDecoder().decode(body)
  // To look at each value takes many times as long as to read them all.
  if (json.length <= USUAL_LENGTH && !UNUSUAL.test(json)) return parseObject(json)
  const payload = parseExact(json, ID_KEY)
  return isObject(payload) ? payload : undefined
}

/** Keys that hold ids. Were Box to write one as a number, its digits would count, all of them. */
const ID_KEY = /(^|_)id$/

/** What a text has in it where something of it may need a look: an id that is a number, `__proto__`, escaped ASCII. */
const UNUSUAL = /id"\s*:\s*-?\d|__proto__|\\u00[0-7]/

/** In characters. Nothing of this length is nested deeper than what walks through it has room for. */
const USUAL_LENGTH = 8192
