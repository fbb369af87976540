import { parseEvent, pathOf, type Target } from '../../lib/event/event.ts'
import type { Ledger } from '../../lib/ledger/ledger.ts'
import type { EventRecord } from '../../lib/ledger/record.ts'
import { ReplayImpossible, storedMessage } from '../../lib/operations/replay.ts'
import { askReconcile } from '../stage/ask-reconcile.ts'
import type { Place } from '../stage/stage-ref.ts'
import { learn } from './learn.ts'
import type { PathFact, WhyFacts } from './why-facts.ts'
import type { AskedItem } from './why-item.ts'

/** What only Box knows. */
export type BoxFacts = Pick<WhyFacts, 'path' | 'webhooks'> & Partial<Pick<WhyFacts, 'item'>>

const NOBODY_ASKED = 'nobody asked.'
export const NOT_ASKED: BoxFacts = {
  path: { is: 'unknown', reason: NOBODY_ASKED },
  webhooks: { known: false, reason: NOBODY_ASKED },
}

/** Asks, through the function reconcile, where an item lies and which webhooks there are. */
export async function askBox(
  place: Place,
  item: AskedItem,
  events: readonly EventRecord[],
  { ledger, signal }: { readonly ledger: Pick<Ledger, 'read'>; readonly signal: AbortSignal },
): Promise<BoxFacts> {
  const [{ path, type }, webhooks] = await Promise.all([
    whereIs(place, item, signal),
    learn(() => plannedWebhooks(place, signal)),
  ])
  const before = path.is === 'now' ? undefined : await lastPath(events, ledger)
  return {
    path: before ? { is: 'then', path: before, gone: path.is === 'unseen' } : path,
    webhooks: webhooks.known ? webhooks.value : webhooks,
    ...(type ? { item: { ...item, type } } : {}),
  }
}

type Where = { readonly path: PathFact; readonly type?: AskedItem['type'] }

/** Asks Box where an item lies; of an id alone, whether it is a file's or a folder's. */
async function whereIs(place: Place, { type, id }: AskedItem, signal: AbortSignal): Promise<Where> {
  let last: Where = { path: { is: 'unseen' } }
  for (const one of type ? [type] : (['file', 'folder'] as const)) {
    const answer = await learn(() => askReconcile(place, { action: 'path', item: { type: one, id } }, signal))
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

/** The path that the item's last event with a payload names. */
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

async function plannedWebhooks(place: Place, signal: AbortSignal): Promise<WhyFacts['webhooks']> {
  const answer = await askReconcile(place, { action: 'plan' }, signal)
  if (!answer.ok) return { known: false, reason: answer.error.message }
  if (!('report' in answer)) return { known: false, reason: OTHER_VERSION }
  const { actions, problems, error } = answer.report
  const [problem] = problems
  if (problem) return { known: false, reason: `Box would refuse what is declared: ${problem.message}` }
  if (error)
    return { known: false, reason: [error.message, error.boxMessage].filter(Boolean).join(' Box says: ') }
  return { known: true, value: actions }
}
