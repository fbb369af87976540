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
}

export type Times = {
  /** Of Secrets Manager, SQS, DynamoDB and Box's API. */
  readonly outages: number
  readonly keyRotations: number
  readonly revokedTokens: number
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
  return {
    seed,
    events: 5 + random.int(56),
    seconds: random.pick([1, 10, 120, 3600, 86_400]),
    automations: random.pick([1, 1, 2, 3, 5]),
    nested: random.chance(0.3),
    sdk: random.chance(0.025),
    rates: ratesOf(rate),
    times: {
      outages: times(4),
      keyRotations: times(4),
      revokedTokens: times(3),
      pauses: times(2),
      redrives: times(3),
      eventReplays: times(3),
    },
  }
}

const ratesOf = (rate: (most: number) => number): Rates => ({
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
