import type { Target, TargetType } from '../../lib/event/event.ts'
import type { EventRecord } from '../../lib/ledger/record.ts'
import type { ReportedAction } from '../../lib/webhooks/reconcile.ts'

/** A file or folder; an id alone may be either. */
export type ItemRef = { readonly type: TargetType | undefined; readonly id: string }

/** Parses `123`, `file:123`, `folder:123`, or the address of a file or folder in Box's web app; undefined where it is none of them. */
export function parseItem(text: string): ItemRef | undefined {
  const [, prefix, id] = /^(?:(file|folder):)?(\d{1,32})$/.exec(text) ?? []
  if (id !== undefined) return { type: typeOf(prefix), id }
  const url = URL.parse(text)
  if (!url || !/(^|\.)box\.com$/.test(url.hostname)) return undefined
  const [, kind, number] = /^\/(file|folder)s?\/(\d{1,32})\/?$/.exec(url.pathname) ?? []
  return number === undefined ? undefined : { type: typeOf(kind), id: number }
}

const typeOf = (text: string | undefined): TargetType | undefined =>
  text === 'file' || text === 'folder' ? text : undefined

/** Lists the keys of the ledger's index that an item's events may have; an id alone may be a web link's too. */
export const listSources = ({ type, id }: ItemRef): readonly string[] =>
  type === undefined ? [`file:${id}`, `folder:${id}`, `web_link:${id}`] : [`${type}:${id}`]

export const formatItem = ({ type, id }: ItemRef): string => (type === undefined ? id : `${type}:${id}`)

/** What an automation declares, with the stage's settings. */
export type DeclaredFact = {
  readonly name: string
  readonly on: readonly string[]
  readonly watch: readonly Target[]
  readonly v1: boolean
  /** Settings in `watch` whose value is unknown here, so that `watch` is not whole. */
  readonly unset: readonly string[]
}

/** Something that was asked for, or why it could not be learnt. */
export type QueryResult<T> =
  | { readonly known: true; readonly value: T }
  | { readonly known: false; readonly reason: string }

/** The path of an item: itself and the folders above it. */
export type PathFact =
  | { readonly is: 'now'; readonly path: readonly Target[] }
  /** From the item's last event; `gone` where Box does not show the item any more, rather than that it could not be asked. */
  | { readonly is: 'then'; readonly path: readonly Target[]; readonly gone: boolean }
  /** Box has no such item, or none that the app can see. */
  | { readonly is: 'unseen' }
  | { readonly is: 'unknown'; readonly reason: string }

/** Everything that an answer to "why?" rests on. Plain data. */
export type WhyFacts = {
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly item: { readonly type: TargetType | undefined; readonly id: string }
  readonly declared: readonly DeclaredFact[]
  /** The item's events, the newest first. */
  readonly events: readonly EventRecord[]
  /** How far back they reach, in milliseconds since the epoch. */
  readonly since: number
  readonly path: PathFact
  /** What the deployed stage would do about its webhooks. */
  readonly webhooks: QueryResult<
    readonly Pick<ReportedAction, 'kind' | 'target' | 'wanted' | 'actual' | 'reason' | 'message'>[]
  >
  /** Deliveries that were rejected in the last day, by code; absent where that was not queried. */
  readonly rejected?: QueryResult<Readonly<Record<string, number>>>
  /** How often each event was delivered, by the logs. */
  readonly deliveries: ReadonlyMap<string, number>
  /** The options that name the stage, for commands that are suggested. */
  readonly flags: string
}

/** What became of an automation at an item, in one word. */
export const VERDICTS = {
  done: 'done',
  running: 'running',
  waiting: 'waiting',
  filtered: 'did not run: its filter skipped the event',
  dead: 'failed permanently',
  dropped: 'failed permanently, and dropped',
  event_dead: 'did not run: the event failed as a whole',
  not_deployed: 'did not run: it was not deployed',
  not_v1: 'did not run: it accepts no V1 callbacks',
  other_target: 'did not run: it watches something else',
  not_subscribed: 'did not run: no event of its triggers arrived',
  other_kind: 'can’t run: its triggers are about something else',
  settings_unknown: 'unknown: its settings are unknown',
  item_unseen: 'did not run: Box shows no such item',
  no_webhook: 'did not run: no webhook covers it',
  webhook_conflict: 'did not run: its webhook has a conflict',
  webhooks_unknown: 'did not run: no event arrived',
  by_v1_only: 'did not run: no V1 callback arrived',
  nothing_came: 'did not run: no event arrived',
} as const

type Verdict = keyof typeof VERDICTS

export type Answer = {
  readonly automation: string
  readonly verdict: Verdict
  /** Why, in plain sentences. */
  readonly reason: string
  /** What to do next. */
  readonly action: string
  /** The event that this is about. */
  readonly eventId?: string
}

/** Facts, as far as they could be read. */
export type Gathered = {
  readonly facts: WhyFacts
  /** What could not be read, and what that means. */
  readonly problems: readonly string[]
}
