import { createRandom, type Random } from './random.ts'

/** What one simulated run is made of. All of it follows from the seed; a smaller plan of the same seed can be run as well. */
export type Plan = {
  readonly seed: number
  /** Events in Box, and the time over which they happen, in seconds. */
  readonly events: number
  readonly seconds: number
  readonly automations: number
  /** Whether automations watch folders within each other, so that Box has to be asked what an event is about. */
  readonly nested: boolean
  /** Whether Box is called through the official SDK and answered by the emulated Box; slower, and nearer to the truth. */
  readonly sdk: boolean
  /** Whether each webhook's delivery of one event has a body id of its own. Box sends one id for all of them. */
  readonly separateIds: boolean
  /** Which webhooks the stage's record has; Box knows all of them. */
  readonly recorded: 'none' | 'outer' | 'all'
  /** Whether redeliveries keep the first one's timestamp. Box's guide only says "when the payload was sent". */
  readonly firstTimestamp: boolean
  /** Whether Box never makes some deliveries, and an operator backfills them once all is at rest; not with separate ids. */
  readonly backfills: boolean
  /** Probabilities, from 0 to 1, of what can befall each of what they are named after. */
  readonly rates: Rates
  /** How often each of these happens while the events do. */
  readonly times: Times
}

export type Rates = {
  readonly duplicateDeliveries: number
  readonly lostDeliveries: number
  readonly lostAnswers: number
  readonly forgeries: number
  readonly replays: number
  /** Bodies that are signed and can't be read. */
  readonly unreadable: number
  readonly kills: number
  readonly freezes: number
  readonly zombies: number
  readonly recycles: number
  /** From 0 to 1, of two seconds. */
  readonly skew: number
  readonly lostRequests: number
  readonly lostResponses: number
  readonly serviceErrors: number
  readonly duplicateMessages: number
  readonly resurrectedMessages: number
  readonly throttledCalls: number
  readonly failedCalls: number
  /** Calls that Box carries out, and whose answer gets lost. */
  readonly lostCalls: number
  readonly transientErrors: number
  readonly permanentErrors: number
  readonly postponements: number
  readonly hangs: number
  readonly crashes: number
  /** Dead letters that somebody's script takes back at once. */
  readonly hastyRedrives: number
  /** Reads of a file's content that Box answers with 202 and Retry-After. */
  readonly freshContent: number
  /** Changes that Box refuses with a 409 that passes. */
  readonly temporaryConflicts: number
  /** Tokens that take seconds to get, and end within minutes. */
  readonly slowTokens: number
  /** Questions about a webhook that Box answers late or never. */
  readonly slowLookups: number
  /** Messages that something else puts on the queue, for each event. */
  readonly strangers: number
  /** Runs that never give the event loop back. */
  readonly blocks: number
  /** Of automations, those that do their work in Promise.all. */
  readonly parallel: number
  /** Of automations, those that go on after whatever a call throws. */
  readonly bestEffort: number
  /** Of automations, those that do not await their last call. */
  readonly unawaitedCalls: number
  /** Of automations, those that leave a rejection unhandled at times. */
  readonly strayRejections: number
  /** Of automations, those whose filter answers something else than true, false or a skip. */
  readonly oddFilters: number
  /** Of automations, those that skip with a reason of any length. */
  readonly longReasons: number
  /** Of automations, those that work for seconds and have a time-out of their own. */
  readonly longRuns: number
  /** Of automations, those whose steps return more than an id. */
  readonly largeResults: number
}

export type Times = {
  /** Of Secrets Manager, SQS, DynamoDB and Box's API. */
  readonly outages: number
  readonly keyRotations: number
  readonly revokedTokens: number
  /** Of the app in Box by an administrator, for hours. */
  readonly withdrawnAuthorisations: number
  /** Of the event source, up to days. */
  readonly pauses: number
  readonly redrives: number
  /** By somebody who has some events run again, some of them by force. */
  readonly eventReplays: number
}

export type Knob = `rates.${keyof Rates}` | `times.${keyof Times}`

/** Each seed has another mixture: most of what can happen is left out, so that what is left shows. */
export function planOf(seed: number): Plan {
  const random = createRandom(seed, 1)
  const calm = random.chance(0.1)
  const rate = (most: number): number =>
    calm || random.chance(0.55) ? 0 : Math.min(1, random.next() ** 2 * most)
  const times = (most: number): number => (calm || random.chance(0.6) ? 0 : 1 + random.int(most))
  // A stream of its own, so that what came later does not change what a seed had before.
  const later = createRandom(seed, 5)
  const laterRate = (most: number): number =>
    calm || later.chance(0.75) ? 0 : Math.min(1, later.next() ** 2 * most)
  const crowded = later.chance(0.03)
  const separateIds = later.chance(0.15)
  const withdrawn = !calm && createRandom(seed, 7).chance(0.1)
  const recorded = createRandom(seed, 6).pick(['none', 'outer', 'all'] as const)
  const plan: Plan = {
    seed,
    events: 5 + random.int(56),
    seconds: random.pick([1, 10, 120, 3600, 86_400]),
    automations: random.pick([1, 1, 2, 3, 5]),
    nested: random.chance(0.3),
    sdk: random.chance(0.025),
    separateIds,
    recorded,
    firstTimestamp: later.chance(0.1),
    backfills: !separateIds && createRandom(seed, 9).chance(0.15),
    rates: ratesOf(rate, laterRate),
    times: {
      outages: times(4),
      keyRotations: times(4),
      revokedTokens: times(3),
      withdrawnAuthorisations: withdrawn ? 1 : 0,
      pauses: times(2),
      redrives: times(3),
      eventReplays: times(3),
    },
  }
  return crowded ? crowdedPlan(plan, calm ? 0 : later.pick([0, 0.9])) : plan
}

/** Few events, each of which concerns very many automations. */
const crowdedPlan = (plan: Plan, permanentErrors: number): Plan => ({
  ...plan,
  events: Math.min(plan.events, 4),
  automations: 60,
  sdk: false,
  rates: { ...plan.rates, permanentErrors: Math.max(plan.rates.permanentErrors, permanentErrors) },
})

type Rate = (most: number) => number

const ratesOf = (rate: Rate, later: Rate): Rates => ({
  duplicateDeliveries: rate(1),
  lostDeliveries: rate(0.5),
  lostAnswers: rate(0.5),
  forgeries: rate(1),
  replays: rate(0.5),
  unreadable: rate(0.6),
  kills: rate(0.3),
  freezes: rate(0.6),
  zombies: rate(4),
  recycles: rate(0.3),
  skew: rate(4),
  lostRequests: rate(0.1),
  lostResponses: rate(0.2),
  serviceErrors: rate(0.3),
  duplicateMessages: rate(0.3),
  resurrectedMessages: rate(0.3),
  throttledCalls: rate(0.9),
  failedCalls: rate(0.4),
  lostCalls: rate(0.2),
  transientErrors: rate(0.5),
  permanentErrors: rate(0.2),
  postponements: rate(0.5),
  hangs: rate(0.1),
  crashes: rate(0.2),
  hastyRedrives: rate(0.9),
  freshContent: later(0.8),
  temporaryConflicts: later(0.5),
  slowTokens: later(0.8),
  slowLookups: later(0.8),
  strangers: later(0.3),
  blocks: later(0.3),
  parallel: later(2),
  bestEffort: later(2),
  unawaitedCalls: later(1),
  strayRejections: later(1),
  oddFilters: later(1),
  longReasons: later(1),
  longRuns: later(2),
  largeResults: later(2),
})

/** The knobs that are turned up. */
export function knobsOf({ rates, times }: Plan): Knob[] {
  return [
    ...keysOf(rates).flatMap(name => (rates[name] > 0 ? [`rates.${name}` as const] : [])),
    ...keysOf(times).flatMap(name => (times[name] > 0 ? [`times.${name}` as const] : [])),
  ]
}

/** Smaller plans of the same seed, the boldest first. */
function smallerPlans(plan: Plan): Plan[] {
  const fewer = (count: number): number[] =>
    [1, Math.floor(count / 2), count - 1].filter(less => less > 0 && less < count)
  return [
    ...fewer(plan.events).map(events => ({ ...plan, events })),
    ...knobsOf(plan).map(knob => without(plan, knob)),
    ...fewer(plan.automations).map(automations => ({ ...plan, automations })),
    ...(plan.nested ? [{ ...plan, nested: false }] : []),
    ...(plan.sdk ? [{ ...plan, sdk: false }] : []),
    ...(plan.separateIds ? [{ ...plan, separateIds: false }] : []),
    ...(plan.firstTimestamp ? [{ ...plan, firstTimestamp: false }] : []),
    ...(plan.backfills ? [{ ...plan, backfills: false }] : []),
    ...(plan.seconds > 1 ? [{ ...plan, seconds: 1 }] : []),
  ]
}

function without(plan: Plan, knob: Knob): Plan {
  const [group, name = ''] = knob.split('.')
  return group === 'rates'
    ? { ...plan, rates: { ...plan.rates, [name]: 0 } }
    : { ...plan, times: { ...plan.times, [name]: 0 } }
}

function keysOf<T extends object>(of: T): (keyof T & string)[] {
  return Object.keys(of).filter((name): name is keyof T & string => name in of)
}

/**
 * Finds a plan that fails in the same way and from which nothing can be left out.
 * @param fails whether a plan still fails
 */
export async function shrink(plan: Plan, fails: (smaller: Plan) => Promise<boolean>): Promise<Plan> {
  for (const smaller of smallerPlans(plan)) if (await fails(smaller)) return shrink(smaller, fails)
  return plan
}

/** What befalls one thing, whatever else happens: a chance of its own, from the seed and the thing's name. */
export function chanceFor(seed: number, ...names: readonly (string | number)[]): Random {
  let hash = 0x811c9dc5
  for (const character of names.join('|')) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193)
  return createRandom(seed, hash)
}
