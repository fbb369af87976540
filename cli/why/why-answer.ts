import { isDeadAsWhole } from '../../lib/automate/claim.ts'
import { triggerOf } from '../../lib/event/event.ts'
import type { EventRecord } from '../../lib/ledger/record.ts'
import { answerFromEvent, type EventAnswer, watchesOther } from './explain-event.ts'
import { answerFromSilence } from './explain-no-event.ts'
import type { Answer, DeclaredFact, WhyFacts } from './why-facts.ts'

/**
 * Says of every automation that is declared, or has a run at one of the item's events, whether and why it did or did not run:
 * one answer for each, in order of their names. Pure, and never throws.
 */
export function answersTo(facts: WhyFacts): readonly Answer[] {
  return automationsIn(facts).map(name => answerFor(facts, name))
}

/** The automations that there is something to say of. */
export function automationsIn({
  declared,
  events,
}: Pick<WhyFacts, 'declared' | 'events'>): readonly string[] {
  const names = new Set([
    ...declared.map(({ name }) => name),
    ...events.flatMap(({ runs }) => Object.keys(runs)),
  ])
  return [...names].sort()
}

/**
 * The event that decides about an automation: the latest that it ran at, or should have. What came through another's webhook
 * counts only where there is nothing else.
 */
export function decisiveEvent(
  { declared, events }: Pick<WhyFacts, 'declared' | 'events'>,
  name: string,
): EventRecord | undefined {
  const own = declared.find(one => one.name === name)
  const candidates = events.filter(record => Object.hasOwn(record.runs, name) || isOn(own, record))
  const isOthers = (record: EventRecord) =>
    own !== undefined &&
    !Object.hasOwn(record.runs, name) &&
    (watchesOther(own, record) || (record.origin === 'v1' && !own.v1))
  return candidates.find(record => !isOthers(record)) ?? candidates[0]
}

function isOn(declared: DeclaredFact | undefined, record: EventRecord): boolean {
  const trigger = triggerOf(record.trigger) ?? record.trigger
  // What could not be read may have been for any automation.
  if (isDeadAsWhole(record) && triggerOf(trigger) === undefined) return declared !== undefined
  return declared?.on.some(one => (triggerOf(one) ?? one) === trigger) ?? false
}

function answerFor(facts: WhyFacts, name: string): Answer {
  const declared = facts.declared.find(one => one.name === name)
  const event = decisiveEvent(facts, name)
  if (event)
    return { automation: name, ...withDeliveries(facts, answerFromEvent(facts, event, name, declared)) }
  // Whatever is not declared is known from an event.
  const nobody: DeclaredFact = { name, on: [], watch: [], v1: false, unset: [] }
  return { automation: name, ...answerFromSilence(facts, declared ?? nobody) }
}

function withDeliveries({ deliveries }: WhyFacts, answer: EventAnswer): EventAnswer {
  const times = deliveries.get(answer.eventId) ?? 0
  if (times < 2) return answer
  const others = times === 2 ? 'The other was' : `The ${times - 1} others were`
  return {
    ...answer,
    because: `${answer.because} Box delivered the event ${times} times. ${others} recognised as the same event, and nothing is done twice for it.`,
  }
}
