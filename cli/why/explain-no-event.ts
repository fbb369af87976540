import { type Target, TRIGGERS, triggerOf } from '../../lib/event/event.ts'
import { ACCOUNT, targetText } from '../../lib/event/target.ts'
import { momentText } from '../terminal/moment.ts'
import type { Answer, DeclaredFact, WhyFacts } from './why-facts.ts'

type Explanation = Pick<Answer, 'verdict' | 'reason' | 'action'>

/** Explains why no event about the item arrived that an automation is on. Pure, and never throws. */
export function explainNoEvent(facts: WhyFacts, declared: DeclaredFact): Explanation {
  return (
    otherKind(facts, declared) ??
    settingsUnknown(facts, declared) ??
    otherTarget(facts, declared) ??
    uncovered(facts, declared)
  )
}

const joined = (words: readonly string[]): string => words.join(', ') || 'nothing'

const texts = (targets: readonly Target[]): string => joined(targets.map(targetText))

function otherKind({ item }: WhyFacts, { on }: DeclaredFact): Explanation | undefined {
  if (on.some(trigger => canBeAbout(trigger, item.type))) return undefined
  return {
    verdict: 'other_kind',
    reason: `It is on ${joined(on)}, which ${on.length === 1 ? 'is' : 'are'} never about a ${item.type ?? 'file or a folder'}.`,
    action: 'If it should run here, use other triggers: docs/write-an-automation.md lists them.',
  }
}

/** Checks whether an event of a trigger can be about a file, or a folder. */
function canBeAbout(name: string, type: WhyFacts['item']['type']): boolean {
  const trigger = triggerOf(name)
  if (trigger === undefined) return true
  const { source, subscribable } = TRIGGERS[trigger]
  if (source === 'file' || source === 'folder') return type === undefined || type === source
  return subscribable
}

function settingsUnknown({ flags }: WhyFacts, { unset }: DeclaredFact): Explanation | undefined {
  if (unset.length === 0) return undefined
  return {
    verdict: 'settings_unknown',
    reason: `No event of its triggers arrived. What it watches depends on ${joined(unset)}, whose value is not in serverless.yml.`,
    action: `List the webhooks: npx boxhooks webhooks plan ${flags}`,
  }
}

function otherTarget({ path, item }: WhyFacts, { watch }: DeclaredFact): Explanation | undefined {
  if (path.is === 'unknown') return undefined
  if (path.is === 'unseen') return unseen(item, watch)
  const watched = new Set(watch.map(targetText))
  // The account is not a folder that is in every path.
  if (watched.has(targetText(ACCOUNT)) || path.path.some(one => watched.has(targetText(one))))
    return undefined
  const when = path.is === 'then' ? ' was, at its last event,' : ' is'
  return {
    verdict: 'other_target',
    reason: `It watches ${texts(watch)}; the item${when} in ${texts(path.path.slice(1))}.`,
    action: 'If it should run here, let it watch one of those or the item and deploy, or move the item.',
  }
}

function unseen({ type, id }: WhyFacts['item'], watch: readonly Target[]): Explanation | undefined {
  if (watch.some(one => one.id === id && (type === undefined || type === one.type))) return undefined
  return {
    verdict: 'item_unseen',
    reason: `No event arrived, and Box shows the app no ${type ?? 'file and no folder'} ${id}: it is deleted or in the trash, or the app’s service account can't see it.`,
    action: 'Check the id. If it is right, invite the service account to the watched folder.',
  }
}

function uncovered(facts: WhyFacts, declared: DeclaredFact): Explanation {
  const { webhooks, flags } = facts
  const arrivedText = formatArrived(facts, declared)
  const targets = watchedAbove(facts, declared)
  const hidden = facts.path.is === 'unknown' ? ` The item’s location is unknown: ${facts.path.reason}` : ''
  if (targets.every(one => targetText(one) === targetText(ACCOUNT)))
    return {
      verdict: 'by_v1_only',
      reason: `${arrivedText} It watches the whole account. Only V1 callbacks report its events, and no API of Box lists those.`,
      action:
        'Check the V1 webhook in Box’s Developer Console: its address must be this stage’s with a token, and it must have the trigger.',
    }
  if (!webhooks.known)
    return {
      verdict: 'webhooks_unknown',
      reason: `${arrivedText} Whether a webhook covers it is unknown: ${webhooks.reason}${hidden}`,
      action: `Fix that and ask again, or list the webhooks: npx boxhooks webhooks plan ${flags}`,
    }
  const covering = targets.map(target => coverOf(webhooks.value, target, declared))
  const best = covering.find(({ covers }) => covers) ?? covering[0]
  if (best && !best.covers)
    return {
      ...best.explanation,
      reason: `${arrivedText} ${best.explanation.reason}${hidden}`,
      action: best.explanation.action(flags),
    }
  return explainSilence(facts, declared, arrivedText, hidden)
}

/** Lists the watched targets that contain the item; all where that is unknown. */
function watchedAbove({ path, item }: WhyFacts, { watch }: DeclaredFact): readonly Target[] {
  if (path.is === 'unknown') return watch
  const above = path.is === 'unseen' ? [] : path.path
  const found = watch.filter(one => above.some(other => targetText(other) === targetText(one)))
  const own = watch.filter(({ id }) => id === item.id)
  return found.length > 0 ? found : own.length > 0 ? own : watch
}

type Cover =
  | { readonly covers: true }
  | {
      readonly covers: false
      readonly explanation: {
        readonly verdict: 'no_webhook' | 'webhook_conflict' | 'not_deployed'
        readonly reason: string
        readonly action: (flags: string) => string
      }
    }

function coverOf(
  actions: Extract<WhyFacts['webhooks'], { known: true }>['value'],
  target: Target,
  { on }: DeclaredFact,
): Cover {
  const found = actions.find(one => targetText(one.target) === targetText(target) && one.kind !== 'delete')
  const name = targetText(target)
  const wants = new Set<string>(found?.wanted)
  if (!found || !on.some(trigger => wants.has(trigger)))
    return {
      covers: false,
      explanation: {
        verdict: 'not_deployed',
        reason: `The deployed stage declares no webhook for it on ${name}, so it is not deployed as in this clone.`,
        action: flags => `Deploy it, then: npx boxhooks webhooks plan ${flags}`,
      },
    }
  if (found.kind === 'conflict')
    return {
      covers: false,
      explanation: {
        verdict: 'webhook_conflict',
        reason: `Its webhook on ${name} has a conflict: ${found.message}`,
        action: flags => `Resolve the conflict, then: npx boxhooks webhooks apply ${flags}`,
      },
    }
  const has = new Set(found.actual.map(one => triggerOf(one) ?? one))
  const addressed = found.kind === 'leave' || (found.kind === 'update' && found.reason !== 'address_moved')
  if (addressed && on.some(trigger => has.has(trigger))) return { covers: true }
  return {
    covers: false,
    explanation: {
      verdict: 'no_webhook',
      reason: `Its webhook on ${name} is missing on Box or not as declared: ${found.message}`,
      action: flags => `npx boxhooks webhooks apply ${flags}. Earlier events need a backfill.`,
    },
  }
}

function explainSilence(
  facts: WhyFacts,
  { on }: DeclaredFact,
  arrivedText: string,
  hidden: string,
): Explanation {
  const { rejected, flags, events, path } = facts
  const rejectedText = formatRejected(rejected)
  const gone = path.is === 'then' && path.gone ? ' Box no longer shows the item to the app.' : ''
  const reason = `${arrivedText} A webhook covers it.${gone}${rejectedText} No ${on.join(' or ')} of it is known.${hidden}`
  const action = /[1-9]/.test(rejectedText)
    ? `See why deliveries are rejected: docs/errors.md, and npx boxhooks verify with a captured one.`
    : `Cause the event in Box and ask again. An event on the queue shows only once it is claimed: npx boxhooks events list --since 1h ${flags}`
  return { verdict: events.length > 0 ? 'not_subscribed' : 'nothing_came', reason, action }
}

function formatRejected(rejected: WhyFacts['rejected']): string {
  if (!rejected) return ''
  if (!rejected.known) return ` Whether deliveries were rejected is unknown: ${rejected.reason}`
  const counts = Object.entries(rejected.value).map(([code, number]) => `${number} with ${code}`)
  return counts.length > 0
    ? ` In the last day deliveries were rejected, ${counts.join(', ')}; whether one was about this item is unknown.`
    : ' No delivery was rejected in the last day.'
}

function formatArrived({ events, since, now }: WhyFacts, { on }: DeclaredFact): string {
  if (events.length === 0) return `No event about it arrived since ${momentText(since, now)}.`
  const triggers = [...new Set(events.map(({ trigger }) => trigger))]
  return `Its events were ${joined(triggers)}; the automation is on ${joined(on)}.`
}
