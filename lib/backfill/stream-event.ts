import { isObject, parseExact } from '../base/json.ts'
import { parseTimestamp } from '../base/timestamp.ts'
import { readUser, type UserMini } from '../event/resources.ts'

/**
 * The event streams of Box that a back-fill can read: the enterprise's log, chronological and up to a year long but late; the
 * same log as it comes in, two weeks long, unordered and with repetitions; and what concerns the app's own user.
 */
export const STREAMS = ['enterprise', 'streaming', 'user'] as const

export type StreamName = (typeof STREAMS)[number]

/** What Box calls each. @see https://developer.box.com/guides/events/enterprise-events/for-enterprise/ */
export const STREAM_TYPES: Readonly<Record<StreamName, string>> = {
  enterprise: 'admin_logs',
  streaming: 'admin_logs_streaming',
  user: 'all',
}

/** Streams of one family give the same event the same id. */
export type StreamFamily = 'enterprise' | 'user'

export const familyOf = (stream: StreamName): StreamFamily => (stream === 'user' ? 'user' : 'enterprise')

type Open = Readonly<Record<string, unknown>>

/** An event as a stream has it. */
export type StreamEvent = {
  readonly id: string
  /** Such as `DOWNLOAD`. */
  readonly type: string
  /** RFC 3339 as it came. */
  readonly createdAt: string
  /** The same in milliseconds since the epoch. */
  readonly at: number
  readonly createdBy?: UserMini
  /** Whom a collaboration is with. */
  readonly accessibleBy?: Open
  readonly source: Open
  readonly details: Open
}

export type StreamPage = {
  readonly events: readonly StreamEvent[]
  /** How many events Box gave, those that can't be read included. */
  readonly size: number
  /** Undefined where Box does not say. */
  readonly next: string | undefined
}

/** A page of a stream that is none. */
export class StreamUnreadable extends Error {
  override readonly name = 'StreamUnreadable'
}

/**
 * Reads a page of GET /2.0/events. An entry without an id, a type or a time is no event that could be back-filled, and is left
 * out.
 * @param json the answer's text; a position written as a number can have more digits than JavaScript counts
 * @throws StreamUnreadable
 * @see https://developer.box.com/reference/get-events/
 */
export function parseStreamPage(json: string): StreamPage {
  const page = parseExact(json, IDENTIFIES)
  if (!isObject(page) || !Array.isArray(page.entries))
    throw new StreamUnreadable('Box’s answer is not a page of an event stream: it has no list of entries.')
  const { entries, next_stream_position: next } = page
  return {
    events: entries.flatMap(eventOf),
    size: entries.length,
    next: typeof next === 'string' && next !== '' ? next : undefined,
  }
}

/** Keys whose numbers stand for something that is not counted with, so that each digit matters. */
const IDENTIFIES = /(^|_)(id|position)$/

function eventOf(raw: unknown): readonly StreamEvent[] {
  if (!isObject(raw)) return []
  const { event_id: id, event_type: type, created_at: createdAt } = raw
  if (typeof id !== 'string' || id === '' || typeof type !== 'string' || typeof createdAt !== 'string')
    return []
  const at = parseTimestamp(createdAt)
  if (at === undefined) return []
  const createdBy = readUser(raw.created_by)
  return [
    {
      id,
      type,
      createdAt,
      at,
      ...(createdBy ? { createdBy } : {}),
      ...(isObject(raw.accessible_by) ? { accessibleBy: raw.accessible_by } : {}),
      source: isObject(raw.source) ? raw.source : {},
      details: isObject(raw.additional_details) ? raw.additional_details : {},
    },
  ]
}
