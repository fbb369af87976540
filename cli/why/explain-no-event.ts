import { type Target, TRIGGERS, triggerOf } from '../../lib/event/event.ts'
import { ACCOUNT, targetText } from '../../lib/event/target.ts'
import { momentText } from '../terminal/moment.ts'
import type { Answer, DeclaredFact, WhyFacts } from './why-facts.ts'

type Explanation = Pick<Answer, 'verdict' | 'reason' | 'action'>

/** Says why no event about the item has come that an automation is on. Pure, and never throws. */
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
    reason: `It is on ${joined(on)}, which never ${on.length === 1 ? 'is' : 'are'} about a ${item.type ?? 'file or a folder'}.`,
    action: 'Let it be on other triggers if it should run here: docs/write-an-automation.md lists them.',
  }
}

/** Whether an event of a trigger can be about a file, or a folder. */
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
    reason: `No event of its triggers came, and what it watches depends on ${joined(unset)}, which serverless.yml gives no value for here, or one from elsewhere.`,
    action: `See which webhooks there are: npx boxhooks webhooks plan ${flags}`,
  }
}

function otherTarget({ path, item }: WhyFacts, { watch }: DeclaredFact): Explanation | undefined {
  if (path.is === 'unknown') return undefined
  if (path.is === 'unseen') return unseen(item, watch)
  const watched = new Set(watch.map(targetText))
  // The account is no folder that Box tells of everywhere.
  if (watched.has(targetText(ACCOUNT)) || path.path.some(one => watched.has(targetText(one))))
    return undefined
  const when = path.is === 'then' ? ' lay, at its last event,' : ' lies'
  return {
    verdict: 'other_target',
    reason: `It watches ${texts(watch)}; the item${when} in ${texts(path.path.slice(1))}.`,
    action: 'Let it watch one of those, or the item, if it should run here, and deploy; or move the item.',
  }
}

function unseen({ type, id }: WhyFacts['item'], watch: readonly Target[]): Explanation | undefined {
  if (watch.some(one => one.id === id && (type === undefined || type === one.type))) return undefined
  return {
    verdict: 'item_unseen',
    reason: `No event came, and Box shows the app no ${type ?? 'file and no folder'} ${id}: it is deleted or in the trash, or the app’s service account does not see it.`,
    action: 'Check the id. If it is right, invite the service account to the folder that is watched.',
  }
}

function uncovered(facts: WhyFacts, declared: DeclaredFact): Explanation {
  const { webhooks, flags } = facts
  const came = cameText(facts, declared)
  const targets = watchedAbove(facts, declared)
  const hidden = facts.path.is === 'unknown' ? ` Where the item lies is not known: ${facts.path.reason}` : ''
  if (targets.every(one => targetText(one) === targetText(ACCOUNT)))
    return {
      verdict: 'by_v1_only',
      reason: `${came} It watches the whole account, which only V1 callbacks tell of, and no API of Box lists those.`,
      action:
        'Look at the V1 webhook in Box’s Developer Console: is its address this stage’s, with a token, and the trigger chosen?',
    }
  if (!webhooks.known)
    return {
      verdict: 'webhooks_unknown',
      reason: `${came} Whether a webhook covers it is not known: ${webhooks.reason}${hidden}`,
      action: `Once that is mended, ask again; or look: npx boxhooks webhooks plan ${flags}`,
    }
  const covering = targets.map(target => coverOf(webhooks.value, target, declared))
  const best = covering.find(({ covers }) => covers) ?? covering[0]
  if (best && !best.covers)
    return {
      ...best.explanation,
      reason: `${came} ${best.explanation.reason}${hidden}`,
      action: best.explanation.action(flags),
    }
  return silence(facts, declared, came, hidden)
}

/** The watched targets that the item lies under; all where that is not known. */
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
        reason: `The stage as it is deployed wants no webhook for it on ${name}, so it is not deployed as this clone declares it.`,
        action: flags => `Deploy it, then look: npx boxhooks webhooks plan ${flags}`,
      },
    }
  if (found.kind === 'conflict')
    return {
      covers: false,
      explanation: {
        verdict: 'webhook_conflict',
        reason: `The webhook that it needs on ${name} can’t be: ${found.message}`,
        action: flags => `When that is out of the way: npx boxhooks webhooks apply ${flags}`,
      },
    }
  const has = new Set(found.actual.map(one => triggerOf(one) ?? one))
  const addressed = found.kind === 'leave' || (found.kind === 'update' && found.reason !== 'address_moved')
  if (addressed && on.some(trigger => has.has(trigger))) return { covers: true }
  return {
    covers: false,
    explanation: {
      verdict: 'no_webhook',
      reason: `The webhook that it needs on ${name} is not on Box, or not as it should be: ${found.message}`,
      action: flags =>
        `npx boxhooks webhooks apply ${flags}. What happened before is back-filled, or it never comes.`,
    },
  }
}

function silence(facts: WhyFacts, { on }: DeclaredFact, came: string, hidden: string): Explanation {
  const { refused, flags, events, path } = facts
  const turnedAway = refusedText(refused)
  const gone = path.is === 'then' && path.gone ? ' Box does not show the item to the app any more.' : ''
  const reason = `${came} A webhook covers it.${gone}${turnedAway} As far as is known, nothing of ${joined(on)} has happened to it.${hidden}`
  const action = /[1-9]/.test(turnedAway)
    ? `See why deliveries are turned away: docs/errors.md, and npx boxhooks verify on one that you captured.`
    : `Do in Box what it is on, and ask again; what is on the queue still shows only once it is claimed: npx boxhooks events list --since 1h ${flags}`
  return { verdict: events.length > 0 ? 'not_subscribed' : 'nothing_came', reason, action }
}

function refusedText(refused: WhyFacts['refused']): string {
  if (!refused) return ''
  if (!refused.known) return ` Whether deliveries were turned away is not known: ${refused.reason}`
  const counts = Object.entries(refused.value).map(([code, number]) => `${number} with ${code}`)
  return counts.length > 0
    ? ` In the last day deliveries were turned away, ${counts.join(', ')}; whether this item’s were among them nobody can tell.`
    : ' No delivery was turned away in the last day.'
}

function cameText({ events, since, now }: WhyFacts, { on }: DeclaredFact): string {
  if (events.length === 0) return `No event about it came since ${momentText(since, now)}.`
  const triggers = [...new Set(events.map(({ trigger }) => trigger))]
  return `What came about it is ${joined(triggers)}; it is on ${joined(on)}.`
}
