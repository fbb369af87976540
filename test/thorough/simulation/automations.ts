import { type Automation, automation, type RunContext, skip } from '../../../lib/automation.ts'
import { isBoxError } from '../../../lib/box-error.ts'
import { AutomationError, PermanentError, RetryLater } from '../../../lib/errors.ts'
import { chanceFor, type Plan } from './plan.ts'
import type { Process } from './process.ts'
import type { Random } from './random.ts'
import type { Attempt, Witness } from './witness.ts'

export const FOLDERS = { outer: '100001', inner: '100003' } as const
export type Folder = keyof typeof FOLDERS

/** What the simulation knows of an automation beside what it declares. */
export type Simulated = {
  readonly name: string
  readonly on: readonly SimulatedTrigger[]
  readonly folder: Folder
  readonly stepped: boolean
  readonly effects: readonly string[]
  readonly attempts: number
  /** Whether it filters events of files with an even id. */
  readonly filters: boolean
}

const TRIGGERS = ['FILE.DOWNLOADED', 'FILE.UPLOADED', 'FILE.RENAMED', 'FILE.PREVIEWED'] as const
export type SimulatedTrigger = (typeof TRIGGERS)[number]
export const SIMULATED_TRIGGERS = TRIGGERS
type SimulatedContext = RunContext<SimulatedTrigger>

/** What the automations of a plan are. */
export function simulatedOf(plan: Plan): Simulated[] {
  return Array.from({ length: plan.automations }, (_, index) => {
    const random = chanceFor(plan.seed, 'automation', index)
    const stepped = random.chance(0.5)
    return {
      name: `automation-${index + 1}`,
      on: TRIGGERS.filter(trigger => trigger !== 'FILE.PREVIEWED' && random.chance(0.7)),
      folder: plan.nested && random.chance(0.5) ? ('inner' as const) : ('outer' as const),
      stepped,
      effects: Array.from(
        { length: 1 + random.int(stepped ? 4 : 2) },
        (__, effect) => `effect-${effect + 1}`,
      ),
      attempts: 2 + random.int(5),
      filters: random.chance(0.2),
    }
  }).filter(({ on }) => on.length > 0)
}

/** Whatever an automation's code can do besides its work. */
export type Surroundings = {
  readonly plan: Plan
  readonly witness: Witness
  /** The process that a run is in, and when its time is up. */
  readonly whereabouts: () => { readonly process: Process; readonly until: number }
  readonly now: () => number
  /** Whether everything has been mended. */
  readonly healed: () => boolean
}

/** What lib/claimed-event.ts keeps back, and how far clocks can be apart, in milliseconds. */
const RESERVED_MS = 2500 + 4000

export const isEven = (fileId: string): boolean => Number(fileId) % 2 === 0

/** The automation as boxhooks gets it. Its code does what the seed says of each attempt. */
export function automationOf(simulated: Simulated, surroundings: Surroundings): Automation {
  const { name, on, folder, filters, attempts } = simulated
  const [first, ...others] = on
  if (!first) throw new Error(`${name} has no trigger.`)
  return automation({
    name,
    on: [first, ...others],
    watch: { folder: FOLDERS[folder] },
    retry: { attempts, baseSeconds: 2, capSeconds: 600 },
    when: event => (filters && isEven(event.item?.id ?? '') ? skip('the file’s id is even') : true),
    async run(context) {
      const { process, until } = surroundings.whereabouts()
      const attempt = surroundings.witness.runStarts(context.event.id, name, process, until)
      // The engine keeps the last seconds for itself; what ends in them has been given up already.
      const isLate = () => surroundings.now() > until - RESERVED_MS
      try {
        await live(simulated, context, attempt, surroundings)
        attempt.state = 'returned'
      } catch (error) {
        attempt.state = 'threw'
        judge(attempt, error, surroundings)
        throw error
      } finally {
        attempt.late = isLate()
        attempt.cutOff ||= attempt.late
      }
    },
  })
}

async function live(
  simulated: Simulated,
  context: SimulatedContext,
  attempt: Attempt,
  { plan, healed, now }: Surroundings,
): Promise<void> {
  const { name, effects, stepped } = simulated
  const chance = chanceFor(plan.seed, context.event.id, name, attempt.serial)
  const mended = healed()
  if (!mended) await befall(plan, context, attempt, chance, 'before', now)
  for (const effect of effects) {
    const act = () => actOn(context, attempt, effect)
    if (stepped) {
      await context.step(effect, act)
      attempt.steps.add(effect)
    } else await act()
    if (!mended) await befall(plan, context, attempt, chance, 'between', now)
  }
}

/** One effect on Box, whose request says whose it is. */
async function actOn({ event, box }: SimulatedContext, attempt: Attempt, effect: string): Promise<null> {
  const description = `${attempt.serial} ${effect}`
  await box.files.updateFileById(event.item?.id ?? '', { requestBody: { description } })
  return null
}

async function befall(
  { seed, rates }: Plan,
  { event, signal }: SimulatedContext,
  attempt: Attempt,
  chance: Random,
  when: 'before' | 'between',
  now: () => number,
): Promise<void> {
  const { automation: name } = attempt
  // Some events stay what they are, however often they are tried.
  const fixed = chanceFor(seed, event.id, name)
  const [hopeless, deadly] = [fixed.chance(rates.permanentErrors), fixed.chance(rates.crashes / 4)]
  if (hopeless && when === 'before') {
    attempt.permanent = true
    throw new PermanentError('It will never work.')
  }
  if (deadly || chance.chance(rates.crashes / 4)) {
    attempt.process.clock.after(0, () => attempt.process.kill())
    await never()
  }
  if (chance.chance(rates.hangs)) await stopped(signal)
  if (chance.chance(rates.hangs)) await deaf(attempt.process)
  if (chance.chance(rates.transientErrors / 2)) throw new Error('It did not work this time.')
  if (chance.chance(rates.postponements / 2)) {
    const seconds = chance.pick([1, 30, 600, 7200, 100_000, 400_000])
    attempt.notBefore = now() + seconds * 1000
    throw new RetryLater(seconds, 'Not now.')
  }
}

const never = (): Promise<never> => new Promise(() => {})

const stopped = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))

/** Code that does not listen when it is told to stop. */
const deaf = (process: Process): Promise<void> =>
  new Promise(resolve => void process.clock.after(70_000, resolve))

/** What the automation threw tells an onlooker how it must be treated. */
function judge(attempt: Attempt, error: unknown, { now }: Surroundings): void {
  if (error instanceof RetryLater) attempt.throttled = true
  // No outage lasts for the day after which these count.
  if (error instanceof AutomationError && error.failure.class === 'auth') attempt.throttled = true
  if (!isBoxError(error)) return
  const { retryAfterSeconds, class: kind } = error.failure
  if (kind === 'throttled') {
    attempt.throttled = true
    attempt.notBefore = now() + (retryAfterSeconds ?? 0) * 1000
  }
  if (kind === 'permanent') attempt.permanent = true
}
