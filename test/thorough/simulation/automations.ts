import { type Automation, automation, type Skip, skip } from '../../../lib/automation/automation.ts'
import type { BoxEvent } from '../../../lib/event/event.ts'
import { liveThrough, type Surroundings } from './author-code.ts'
import { judge } from './judge.ts'
import { chanceFor, type Plan } from './plan.ts'
import type { Random } from './random.ts'
import {
  canWatch,
  type Place,
  type SimulatedTrigger,
  TARGETS,
  WANTED_WITH_PATH,
  WANTED_WITHOUT_PATH,
} from './watched.ts'

/** How the code goes about its effects: one after the other, all at once, or whatever becomes of each. */
type Style = 'in_turn' | 'parallel' | 'best_effort' | 'all_settled'

/** What a filter answers: what it should, or what authors who do not compile their code have it answer. */
type Filter = 'none' | 'skips_even' | 'promise' | 'nothing' | 'number'

/** What the simulation knows of an automation beside what it declares. */
export type Simulated = {
  readonly name: string
  readonly on: readonly SimulatedTrigger[]
  readonly places: readonly Place[]
  readonly stepped: boolean
  readonly effects: readonly string[]
  readonly attempts: number
  readonly style: Style
  readonly filter: Filter
  /** Of the reason with which it skips, in characters. */
  readonly reasonLength: number
  readonly timeoutSeconds: number | undefined
  /** How long each effect takes beside its call of Box, in seconds. */
  readonly workSeconds: number
  /** Of a step's result, in bytes. */
  readonly resultBytes: number
  /** Whether it reads an uploaded file's content first, and whether it looks whether there is any. */
  readonly reads: 'never' | 'looks' | 'trusts'
  /** Whether its last call is not awaited. */
  readonly unawaited: boolean
  /** Whether it leaves a rejection unhandled at times. */
  readonly stray: boolean
}

/** What the automations of a plan are. */
export function simulatedOf(plan: Plan): Simulated[] {
  return Array.from({ length: plan.automations }, (_, index) => {
    const random = chanceFor(plan.seed, 'automation', index)
    const later = chanceFor(plan.seed, 'automation, later', index)
    const stepped = random.chance(0.5)
    const withPath = WANTED_WITH_PATH.filter(() => random.chance(0.7))
    const place: Place = plan.nested && random.chance(0.5) ? 'inner' : 'outer'
    const places = placesOf(place, plan, later)
    const on = [...withPath, ...WANTED_WITHOUT_PATH.filter(() => later.chance(0.5))]
    const count = 1 + random.int(stepped ? 4 : 2)
    const attempts = 2 + random.int(5)
    const skipsEven = random.chance(0.2)
    const habits = habitsOf(plan, later)
    const many = habits.resultBytes > 0 && stepped && later.chance(0.3) ? 8 : 0
    return {
      name: nameOf(index),
      on: on.filter(trigger => places.every(one => canWatch(one, trigger))),
      places,
      stepped,
      effects: Array.from({ length: count + many }, (__, effect) => `effect-${effect + 1}`),
      attempts,
      ...habits,
      filter: habits.filter === 'none' && skipsEven ? ('skips_even' as const) : habits.filter,
    }
  }).filter(({ on }) => on.length > 0)
}

/** Where there are many automations they have names of the usual length. */
const nameOf = (index: number): string =>
  index < 5 ? `automation-${index + 1}` : `automation-${index + 1}-copies-what-was-reviewed`

function placesOf(place: Place, plan: Plan, random: Random): readonly Place[] {
  if (!plan.nested) return [place]
  if (random.chance(0.2)) return ['file']
  return random.chance(0.2) ? ['outer', 'inner'] : [place]
}

function habitsOf({ rates }: Plan, random: Random) {
  const style = (): Style => {
    if (random.chance(rates.parallel)) return 'parallel'
    return random.chance(rates.bestEffort) ? random.pick(['best_effort', 'all_settled']) : 'in_turn'
  }
  const slow = random.chance(rates.longRuns)
  return {
    style: style(),
    filter: random.chance(rates.oddFilters)
      ? random.pick<Filter>(['promise', 'nothing', 'number'])
      : ('none' as const),
    reasonLength: random.chance(rates.longReasons) ? random.pick([2000, 100_000, 500_000]) : 20,
    timeoutSeconds: slow ? random.pick([undefined, 5, 30, 45]) : undefined,
    workSeconds: slow ? random.pick([1, 3, 6]) : 0,
    resultBytes: random.chance(rates.largeResults) ? random.pick([2000, 16_000, 16_300, 20_000]) : 0,
    reads: random.chance(0.5) ? random.pick(['looks', 'trusts'] as const) : ('never' as const),
    unawaited: random.chance(rates.unawaitedCalls),
    stray: random.chance(rates.strayRejections),
  }
}

/** The time that a run asks for where its automation does not say, in seconds. */
const USUAL_SECONDS = 20

/** How long a run may count on having, in milliseconds. */
export const askedMs = ({ timeoutSeconds = USUAL_SECONDS }: Simulated): number => timeoutSeconds * 1000

/** Whether an automation's own filter leaves an event about such an item alone. */
export const filtersOut = ({ filter }: Simulated, itemId: string): boolean =>
  filter === 'skips_even' && Number(itemId) % 2 === 0

/** Whether an automation's filter answers what no filter may. */
export const hasOddFilter = ({ filter }: Simulated): boolean => filter === 'nothing' || filter === 'number'

/** What lib/automate/disposition.ts keeps back, and how far clocks can be apart, in milliseconds. */
const RESERVED_MS = 2500 + 4000

/** The automation as boxhooks gets it. Its code does what the seed says of each attempt. */
export function automationOf(simulated: Simulated, surroundings: Surroundings): Automation {
  const { name, on, places, attempts, timeoutSeconds } = simulated
  const { witness, healed, now } = surroundings
  const [first, ...others] = on
  if (!first) throw new Error(`${name} has no trigger.`)
  return automation({
    name,
    on: [first, ...others],
    watch: places.map(place => watchOf(place)),
    retry: { attempts, baseSeconds: 2, capSeconds: 600 },
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
    when: event => answerOf(simulated, event, healed()),
    async run(context) {
      const { process, until } = surroundings.whereabouts()
      const { id } = context.event
      witness.check(
        'filter_faults_are_seen',
        healed() || !hasOddFilter(simulated),
        () => `${name} runs for ${id}, whose filter answered neither true nor false`,
      )
      const attempt = witness.runStarts(id, name, process, until)
      // The engine keeps the last seconds for itself; what ends in them has been given up already.
      const isLate = () => now() > until - RESERVED_MS
      try {
        await liveThrough({ simulated, context, attempt, ...surroundings })
        // A step whose result is kept ends within a few microtasks, whether or not the code awaits it.
        for (let turn = 0; turn < 10; turn += 1) await undefined
        if (context.signal.aborted) attempt.refused = true
        // What is not awaited, and what is not handled, fails its run for good.
        if (attempt.underWay > 0 || attempt.stray) attempt.permanent = true
        attempt.state = attempt.refused || attempt.permanent ? 'threw' : 'returned'
      } catch (error) {
        attempt.state = 'threw'
        // What is thrown when the time is over comes too late to say anything.
        if (!context.signal.aborted) judge(attempt, error, now())
        throw error
      } finally {
        attempt.endedAt = now()
        attempt.late = isLate()
        attempt.cutOff ||= attempt.late
      }
    },
  })
}

/** A place as an automation declares that it watches it. */
export function watchOf(place: Place) {
  const { type, id } = TARGETS[place]
  return type === 'file' ? { file: id } : { folder: id }
}

function answerOf(
  simulated: Simulated,
  event: BoxEvent,
  healed: boolean,
): boolean | Skip | Promise<boolean | Skip> {
  // Nothing compiles the code on its way to production, so a filter can answer anything.
  const answer = (value: unknown) => value as boolean | Skip
  if (filtersOut(simulated, event.item?.id ?? '')) return skip('ü'.repeat(simulated.reasonLength))
  if (healed) return true
  if (simulated.filter === 'promise') return Promise.resolve(true)
  if (simulated.filter === 'nothing') return answer(undefined)
  if (simulated.filter === 'number') return answer(1)
  return true
}
