import { join } from 'node:path'
import type { ManifestEntry } from '../../infra/build/manifest.ts'
import { type ParamState, readStageParams, readStageValues } from '../../infra/stage/stage-params.ts'
import { ExpectedError } from '../../lib/base/expected-error.ts'
import { parseEvent, pathOf, type Target } from '../../lib/event/event.ts'
import type { Ledger } from '../../lib/ledger/ledger.ts'
import type { EventRecord } from '../../lib/ledger/record.ts'
import { ReplayImpossible, storedMessage } from '../../lib/operations/replay.ts'
import { readProjectAutomations } from '../stage/declarations.ts'
import { askReconcile } from '../stage/invoke.ts'
import { mergeNewestFirst } from '../stage/merge-newest.ts'
import { atStage, type StageAws } from '../stage/stage-aws.ts'
import { openLogs, type StageLogs } from '../stage/stage-logs.ts'
import { formatStage, formatStageFlags, type StageRef } from '../stage/stage-ref.ts'
import { CommandError } from '../terminal/command-error.ts'
import { near } from '../terminal/near.ts'
import { interruptible, type Shell } from '../terminal/shell.ts'
import { explainItem, findDecisiveEvent, listAutomations } from './explain-event.ts'
import {
  type DeclaredFact,
  type Gathered,
  type ItemRef,
  listSources,
  type PathFact,
  type QueryResult,
  type WhyFacts,
} from './why-facts.ts'
import { whyJson, whyText } from './why-text.ts'

export type WhyOptions = WhyInput & {
  /** Prints JSON, for programs. */
  readonly json?: boolean
}

/**
 * Explains why automations did or did not run for an item.
 * @throws CommandError, ExpectedError, AwsUnreachable
 */
export function why(shell: Shell, options: WhyOptions): Promise<void> {
  const { ref } = options
  return atStage(shell, ref, ({ ledger, history }) =>
    interruptible(shell, 'Stopping.', async signal => {
      const logs = openLogs(shell, ref, signal)
      try {
        const gathered = await gatherFacts(shell, options, { ledger, history, logs, signal })
        if (signal.aborted) return
        const answer = options.automation
        const answers = explainItem(gathered.facts).filter(
          ({ automation }) => answer === undefined || automation === answer,
        )
        await shell.print(
          options.json ? whyJson(gathered, answers) : whyText(gathered, answers, formatStage(ref)),
        )
      } catch (error) {
        if (!signal.aborted) throw error
      } finally {
        logs.close()
      }
    }),
  )
}

export type WhyInput = {
  readonly ref: StageRef
  readonly item: ItemRef
  /** Just this one; all by default. */
  readonly automation?: string
}

/** Where the facts are read from. */
export type WhySources = Pick<StageAws, 'ledger' | 'history'> & {
  readonly logs: StageLogs
  readonly signal: AbortSignal
}

/** How long the ledger keeps an event, in milliseconds. */
const KEPT_MS = 35 * 86_400_000

/** How many of an item's events are read. */
const EVENTS_MAX = 200

/**
 * Gathers the facts: the item's events, what this clone declares, and, where no event decides, where the item
 * is, which webhooks there are, and what was rejected.
 * @throws CommandError, ExpectedError, AwsUnreachable
 */
export async function gatherFacts(shell: Shell, answer: WhyInput, sources: WhySources): Promise<Gathered> {
  const now = shell.now()
  const { events, since } = await eventsOf(answer.item, sources, now)
  const { declared, problems } = await readDeclaredFacts(shell, answer.ref)
  const known = { item: typed(answer.item, events), events, declared }
  const names = selectAutomations(answer, known)
  const silent = names.some(name => findDecisiveEvent(known, name) === undefined)
  const [box, rejected, log] = await Promise.all([
    silent ? askBox(answer.ref, known.item, events, sources) : NOT_ASKED,
    silent ? tryQuery(() => sources.logs.countRefusals(now - DAY_MS)) : undefined,
    countDeliveries(names, known, sources.logs),
  ])
  return {
    facts: {
      now,
      since,
      ...known,
      ...box,
      declared: declared.filter(({ name }) => names.includes(name)),
      ...(rejected ? { rejected } : {}),
      deliveries: log.deliveries,
      flags: formatStageFlags(answer.ref),
    },
    problems: [...problems, ...log.problems],
  }
}

const DAY_MS = 86_400_000

async function eventsOf(
  item: ItemRef,
  { history, signal }: WhySources,
  now: number,
): Promise<Pick<WhyFacts, 'events' | 'since'>> {
  const span = { from: now - KEPT_MS, to: now + DAY_MS }
  const events: EventRecord[] = []
  for await (const record of mergeNewestFirst(listSources(item).map(one => history.ofItem(one, span)))) {
    events.push(record)
    if (events.length === EVENTS_MAX || signal.aborted) break
  }
  const oldest = Date.parse(events.at(-1)?.receivedAt ?? '')
  return { events, since: events.length === EVENTS_MAX && !Number.isNaN(oldest) ? oldest : span.from }
}

/** Reads from the item's events whether it is a file or a folder. */
function typed({ type, id }: ItemRef, events: readonly EventRecord[]): ItemRef {
  const sources = new Set(events.map(({ source }) => source))
  const [isFile, isFolder] = [sources.has(`file:${id}`), sources.has(`folder:${id}`)]
  if (type === undefined && isFile && isFolder)
    throw new CommandError(
      `There are events about a file and about a folder with the id ${id}. Specify file:${id} or folder:${id}.`,
    )
  return { type: type ?? (isFile ? 'file' : isFolder ? 'folder' : undefined), id }
}

function selectAutomations(
  { automation }: WhyInput,
  known: Pick<WhyFacts, 'declared' | 'events'>,
): readonly string[] {
  const names = listAutomations(known)
  if (automation === undefined) return names
  if (names.includes(automation)) return [automation]
  const similar = near(automation, names)
  throw new CommandError(
    `This clone declares no automation ${automation}, and no run of the item has that name.${similar.length > 0 ? ` Did you mean ${similar.join(' or ')}?` : ' npx boxhooks automations lists the declared ones.'}`,
  )
}

/** How many events' deliveries are looked up. */
const HEARD_MAX = 5

/** How long before an event was first accepted its deliveries may have been logged, in milliseconds. */
const BEFORE_MS = 900_000

async function countDeliveries(
  names: readonly string[],
  known: Pick<WhyFacts, 'declared' | 'events'>,
  logs: StageLogs,
): Promise<{ readonly deliveries: ReadonlyMap<string, number>; readonly problems: readonly string[] }> {
  const decisive = new Set(names.flatMap(name => findDecisiveEvent(known, name) ?? []))
  const deliveries = new Map<string, number>()
  for (const { eventId, receivedAt } of [...decisive].slice(0, HEARD_MAX)) {
    const from = (Date.parse(receivedAt) || 0) - BEFORE_MS
    const log = await tryQuery(() => logs.findEventLog(eventId, from))
    if (!log.known) return { deliveries, problems: [`How often Box delivered is unknown: ${log.reason}`] }
    deliveries.set(eventId, log.value.deliveries.filter(({ status }) => status === 202).length)
  }
  return { deliveries, problems: [] }
}

/** What only Box knows. */
export type BoxFacts = Pick<WhyFacts, 'path' | 'webhooks'> & Partial<Pick<WhyFacts, 'item'>>

const NOT_QUERIED = 'it was not queried.'
export const NOT_ASKED: BoxFacts = {
  path: { is: 'unknown', reason: NOT_QUERIED },
  webhooks: { known: false, reason: NOT_QUERIED },
}

/** Asks Box, through the function reconcile, where an item is and which webhooks there are. */
export async function askBox(
  ref: StageRef,
  item: ItemRef,
  events: readonly EventRecord[],
  { ledger, signal }: { readonly ledger: Pick<Ledger, 'read'>; readonly signal: AbortSignal },
): Promise<BoxFacts> {
  const [{ path, type }, webhooks] = await Promise.all([
    whereIs(ref, item, signal),
    tryQuery(() => plannedWebhooks(ref, signal)),
  ])
  const before = path.is === 'now' ? undefined : await lastPath(events, ledger)
  return {
    path: before ? { is: 'then', path: before, gone: path.is === 'unseen' } : path,
    webhooks: webhooks.known ? webhooks.value : webhooks,
    ...(type ? { item: { ...item, type } } : {}),
  }
}

type Where = { readonly path: PathFact; readonly type?: ItemRef['type'] }

/** Asks Box where an item is, and for an id alone, whether it is a file's or a folder's. */
async function whereIs(ref: StageRef, { type, id }: ItemRef, signal: AbortSignal): Promise<Where> {
  let last: Where = { path: { is: 'unseen' } }
  for (const one of type ? [type] : (['file', 'folder'] as const)) {
    const answer = await tryQuery(() =>
      askReconcile(ref, { action: 'path', item: { type: one, id } }, signal),
    )
    if (!answer.known) return { path: { is: 'unknown', reason: answer.reason } }
    const { value } = answer
    if (value.ok && 'path' in value) return { path: { is: 'now', path: value.path }, type: one }
    if (value.ok) return { path: { is: 'unknown', reason: OTHER_VERSION } }
    if (value.error.status !== 404)
      last = {
        path: { is: 'unknown', reason: `${value.error.message} ${value.error.boxMessage ?? ''}`.trim() },
      }
  }
  return last
}

const OTHER_VERSION = 'the function reconcile is of another version. Deploy the stage again.'

/** Reads the path from the item's last event with a payload. */
async function lastPath(
  events: readonly EventRecord[],
  ledger: Pick<Ledger, 'read'>,
): Promise<readonly Target[] | undefined> {
  const [last] = events
  const record = last && (await ledger.read(last.eventId))
  if (!record) return undefined
  try {
    const parsed = parseEvent(storedMessage(record).body, { eventId: record.eventId })
    const path = parsed.ok ? pathOf(parsed.event) : []
    return path.length > 0 ? path : undefined
  } catch (error) {
    if (error instanceof ReplayImpossible) return undefined
    throw error
  }
}

async function plannedWebhooks(ref: StageRef, signal: AbortSignal): Promise<WhyFacts['webhooks']> {
  const answer = await askReconcile(ref, { action: 'plan' }, signal)
  if (!answer.ok) return { known: false, reason: answer.error.message }
  if (!('report' in answer)) return { known: false, reason: OTHER_VERSION }
  const { actions, problems, error } = answer.report
  const [problem] = problems
  if (problem) return { known: false, reason: `Box would reject what is declared: ${problem.message}` }
  if (error)
    return { known: false, reason: [error.message, error.boxMessage].filter(Boolean).join(' Box says: ') }
  return { known: true, value: actions }
}

/**
 * Reads what the automations of the project declare, with the settings of a stage.
 * @throws ExpectedError
 */
export async function readDeclaredFacts(
  shell: Shell,
  ref: StageRef,
): Promise<{ readonly declared: readonly DeclaredFact[]; readonly problems: readonly string[] }> {
  const stage = 'stage' in ref ? ref.stage : 'local'
  const service = join(shell.project, 'serverless.yml')
  const [declarations, settingOf, stateOf] = await Promise.all([
    readProjectAutomations(shell),
    readStageValues(stage, service),
    readStageParams(stage, service),
  ])
  return {
    declared: declarations.flatMap(declaration =>
      'error' in declaration ? [] : [factOf(declaration.entry, settingOf, stateOf)],
    ),
    problems: declarations.flatMap(declaration =>
      'error' in declaration ? [`${declaration.file} can't be explained: ${declaration.error.message}`] : [],
    ),
  }
}

const PLACEHOLDER = /\$\{([^}]*)\}/g

function factOf(
  { name, on, watch, v1 = false }: ManifestEntry,
  settingOf: (setting: string) => string | undefined,
  stateOf: (setting: string) => ParamState,
): DeclaredFact {
  const settings = watch.flatMap(({ id }) => [...id.matchAll(PLACEHOLDER)].map(([, setting = '']) => setting))
  return {
    name,
    on,
    v1,
    watch: watch.flatMap(({ type, id }): Target[] =>
      type === 'file' || type === 'folder'
        ? [{ type, id: id.replaceAll(PLACEHOLDER, (whole, setting: string) => settingOf(setting) ?? whole) }]
        : [],
    ),
    unset: [...new Set(settings.filter(setting => stateOf(setting) !== 'set'))],
  }
}

/** Runs a query that the answer can do without. @returns its value, or why it failed */
export async function tryQuery<T>(ask: () => Promise<T>): Promise<QueryResult<T>> {
  try {
    return { known: true, value: await ask() }
  } catch (error) {
    if (error instanceof ExpectedError) return { known: false, reason: error.message }
    throw error
  }
}
