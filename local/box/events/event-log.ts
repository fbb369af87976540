import type { Happening, User } from '../state/items.ts'
import { BoxRefusal, invalidParameter } from '../state/refusal.ts'
import type { Tree } from '../state/tree.ts'
import { type LogForm, loggedEvent } from './logged-events.ts'
import type { WireObject } from './shapes.ts'
import { boxTime } from './wire.ts'

/** What is asked of GET /2.0/events. */
export type EventQuery = {
  readonly streamType: string
  readonly position: string | undefined
  readonly limit: number
  /** All types where none is given; only the enterprise's streams look at it. */
  readonly types: readonly string[]
  /** Milliseconds since the epoch; only `admin_logs` looks at them. */
  readonly after: number
  readonly before: number
  readonly by: User
}

export type EventPage = {
  readonly entries: readonly WireObject[]
  /** Digits; Box writes them as a number that is larger than most languages count exactly. */
  readonly next: string
}

type Logged = { readonly number: number; readonly at: number; readonly event: WireObject }

/** Positions are as large as Box's own. */
const FIRST = 1_152_922_976_252_290_886n

/** How many events are kept. */
const KEPT_MAX = 10_000

/** So long the stream of what comes in reaches back, in milliseconds. */
const STREAMING_MS = 14 * 86_400_000

const STREAMS: Readonly<Record<string, LogForm>> = {
  all: 'user',
  changes: 'user',
  sync: 'user',
  admin_logs: 'enterprise',
  admin_logs_streaming: 'enterprise',
}

/** Only in the stream `all`, not in `changes` and `sync`. */
const NO_CHANGE = /^(COMMENT_|ITEM_DOWNLOAD|ITEM_PREVIEW|TASK_|ITEM_SHARED)/

/**
 * Everything that happened in the enterprise, as Box's event streams tell it. There is one user's stream, the owner's.
 * @see https://developer.box.com/reference/get-events/
 */
export class EventLog {
  readonly #tree: Tree
  readonly #now: () => number
  readonly #logs: Readonly<Record<LogForm, Logged[]>> = { enterprise: [], user: [] }
  #numbers = 0

  constructor(tree: Tree, now: () => number) {
    this.#tree = tree
    this.#now = now
  }

  record(happening: Happening): void {
    if (happening.unlogged) return
    const at = this.#now()
    this.#numbers += 1
    const number = this.#numbers
    for (const form of ['enterprise', 'user'] as const) {
      const log = this.#logs[form]
      const event = loggedEvent(this.#tree, happening, form, { number, time: boxTime(at) })
      if (event) log.push({ number, at, event })
      if (log.length > KEPT_MAX) log.shift()
    }
  }

  /**
   * A page of a stream.
   * @throws BoxRefusal (403) where somebody else than the enterprise's admin asks for its log, (400) on a parameter that is wrong
   */
  page(query: EventQuery): EventPage {
    const { streamType, position, limit, by } = query
    const form = Object.hasOwn(STREAMS, streamType) ? STREAMS[streamType] : undefined
    if (!form) throw invalidParameter('stream_type', `Invalid value '${streamType}'`)
    if (form === 'enterprise' && by.id !== this.#tree.owner.id)
      throw new BoxRefusal(
        403,
        'insufficient_scope',
        'The request requires higher privileges than provided by the access token.',
      )
    if (position === 'now') return { entries: [], next: positionAt(this.#numbers) }
    const from = numberIn(position)
    const fitting = this.#logs[form].filter(one => this.#fits(one, query))
    const page = fitting.filter(({ number }) => number > from).slice(0, limit)
    // What comes in is told more than once now and then.
    const again =
      streamType === 'admin_logs_streaming' && page.length > 0 && page.length < limit
        ? fitting.filter(({ number }) => number <= from).slice(-1)
        : []
    return {
      entries: [...again, ...page].map(({ event }) => event),
      next: positionAt(page.at(-1)?.number ?? from),
    }
  }

  #fits({ at, event }: Logged, { streamType, types, after, before }: EventQuery): boolean {
    const type = String(event.event_type)
    if (streamType === 'changes' || streamType === 'sync') return !NO_CHANGE.test(type)
    if (streamType === 'all') return true
    if (types.length > 0 && !types.includes(type)) return false
    return streamType === 'admin_logs' ? at >= after && at <= before : at > this.#now() - STREAMING_MS
  }
}

const positionAt = (number: number): string => String(FIRST + BigInt(number))

function numberIn(position: string | undefined): number {
  if (position === undefined || position === '' || position === '0' || position === 'null') return 0
  if (!/^\d{1,25}$/.test(position)) throw invalidParameter('stream_position', `Invalid value '${position}'`)
  const number = BigInt(position) - FIRST
  if (number < 0n || number > 1_000_000_000n)
    throw invalidParameter('stream_position', `Invalid value '${position}'`)
  return Number(number)
}
