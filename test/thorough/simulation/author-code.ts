import type { RunContext } from '../../../lib/automation/automation.ts'
import { PermanentError, RetryLater } from '../../../lib/base/errors.ts'
import type { Attempt } from './attempt.ts'
import type { Simulated } from './automations.ts'
import { isFailedCall, isRefusal } from './judge.ts'
import { chanceFor, type Plan } from './plan.ts'
import type { Process } from './process.ts'
import type { Random } from './random.ts'
import { StrayRejection } from './unhandled-rejections.ts'
import { type SimulatedTrigger, TARGETS } from './watched.ts'
import type { Witness } from './witness.ts'

/** Whatever an automation's code can do besides its work. */
export type Surroundings = {
  readonly plan: Plan
  readonly witness: Witness
  /** The process that a run is in, and when its time is up. */
  readonly whereabouts: () => { readonly process: Process; readonly until: number }
  readonly now: () => number
  /** Whether everything has been repaired. */
  readonly healed: () => boolean
  /** Counts a fault of a kind. */
  readonly strike: (kind: string) => void
}

/** One attempt at a run, from inside its code. */
export type Life = Surroundings & {
  readonly simulated: Simulated
  readonly context: RunContext<SimulatedTrigger>
  readonly attempt: Attempt
}

/** Does what an automation's author wrote, and what befalls it. */
export async function liveThrough(life: Life): Promise<void> {
  const { simulated, context, attempt, plan } = life
  const chance = chanceFor(plan.seed, context.event.id, simulated.name, attempt.serial)
  const repaired = life.healed()
  if (!repaired) {
    await befall(life, chance, 'before')
    if (simulated.stray && chance.chance(0.5)) await leaveRejection(life)
  }
  if (!(await readContent(life))) return
  const last = simulated.unawaited && !repaired ? simulated.effects.at(-1) : undefined
  const awaited = simulated.effects.filter(effect => effect !== last)
  const have = async (effect: string): Promise<void> => {
    await haveEffect(life, effect)
    if (!repaired) await befall(life, chance, 'between')
  }
  switch (simulated.style) {
    case 'in_turn':
      for (const effect of awaited) await have(effect)
      break
    case 'parallel':
      await Promise.all(awaited.map(have))
      break
    case 'best_effort':
      for (const effect of awaited) await haveEffect(life, effect).catch(doWithout(attempt, effect))
      break
    case 'all_settled':
      await Promise.allSettled(
        awaited.map(effect => haveEffect(life, effect).catch(doWithout(attempt, effect))),
      )
  }
  if (last) void haveEffect(life, last).catch(() => {})
}

/** A best effort goes on without what Box has refused. */
const doWithout = (attempt: Attempt, effect: string) => (error: unknown) => {
  if (isFailedCall(error) && !attempt.refused) attempt.forgone.add(effect)
}

/** Reads what was uploaded. @returns false where the code finds nothing to do */
async function readContent(life: Life): Promise<boolean> {
  const { simulated, context } = life
  const { event, box } = context
  if (simulated.reads === 'never' || event.trigger !== 'FILE.UPLOADED') return true
  const content = await begin(life, () => box.downloads.downloadFile(event.source.id ?? ''))
  if (simulated.reads === 'looks') return content !== undefined
  if (content === undefined) throw new TypeError("Cannot read properties of undefined (reading 'toArray')")
  return true
}

async function haveEffect(life: Life, effect: string): Promise<void> {
  const { simulated, context, attempt, witness } = life
  if (!simulated.stepped) return act(life, effect)
  await begin(life, () =>
    context.step(effect, async () => {
      const end = witness.stepBegins(attempt, effect)
      try {
        await act(life, effect)
        return resultOf(life)
      } finally {
        end()
      }
    }),
  )
  attempt.steps.add(effect)
}

/** JSON of as many bytes as the automation's steps return, until its author has read the guide. */
const resultOf = ({ simulated: { resultBytes }, healed }: Life): string | null =>
  resultBytes === 0 || healed() ? null : 'x'.repeat(resultBytes - 2)

/** One effect on Box, whose request says whose it is. */
async function act(life: Life, effect: string): Promise<void> {
  const { simulated, context, attempt, healed } = life
  const { event, box, signal } = context
  // A call that is not awaited begins before its run ends; of one that begins later the engine can't know.
  const begunByThen = simulated.unawaited && !simulated.stepped
  // What goes on at the same time is over at different times.
  const isLonger = simulated.style === 'parallel' && !simulated.stepped && effect === simulated.effects.at(-1)
  if (simulated.workSeconds > 0 && !begunByThen && !healed())
    await work(attempt.process, simulated.workSeconds * (isLonger ? 2 : 1), signal)
  const description = `${attempt.serial} ${effect}`
  const fileId = event.item?.type === 'file' ? event.item.id : TARGETS.file.id
  await begin(life, () => box.files.updateFileById(fileId, { requestBody: { description } }))
}

/** Begins a step or a call of Box, and sees how it ends, whether or not its code does. */
function begin<T>({ attempt, context, simulated }: Life, call: () => Promise<T>): Promise<T> {
  attempt.underWay += 1
  const promise = call()
  promise.then(
    () => {
      attempt.underWay -= 1
    },
    (error: unknown) => {
      attempt.underWay -= 1
      if (!isRefusal(error, context.signal)) return
      attempt.refused = true
      // A result that is too large, or for which there is no room, is refused for good; never because of a sibling's.
      if (error instanceof PermanentError && simulated.resultBytes > 0) attempt.permanent = true
    },
  )
  return promise
}

/** Work that stops when it is told to. */
const work = (process: Process, seconds: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    process.clock.after(seconds * 1000, resolve)
  })

/** Node.js reports a rejection when the event loop turns; the code goes on as if nothing were. */
function leaveRejection({ attempt, witness, simulated, strike, context }: Life): Promise<void> {
  const { process } = attempt
  attempt.stray = true
  strike('rejection unhandled')
  const stray = new StrayRejection(isHeard => {
    if (!process.alive) return
    const what = () => `${simulated.name} ended the process of ${context.event.id}`
    witness.check('rejections_fail_alone', isHeard, what)
    if (!isHeard) process.kill()
  })
  void Promise.reject(stray)
  return new Promise(resolve => void process.clock.after(1, resolve))
}

async function befall(life: Life, chance: Random, when: 'before' | 'between'): Promise<void> {
  const { attempt, plan, strike } = life
  const { seed, rates } = plan
  const { event, signal } = life.context
  // Some events stay what they are, however often they are tried.
  const fixed = chanceFor(seed, event.id, attempt.automation)
  const [hopeless, deadly] = [fixed.chance(rates.permanentErrors), fixed.chance(rates.crashes / 4)]
  const blocking = fixed.chance(rates.blocks / 4)
  if (hopeless && when === 'before') {
    attempt.permanent = true
    throw new PermanentError('It will never work.')
  }
  if (deadly || chance.chance(rates.crashes / 4)) {
    attempt.process.clock.after(0, () => attempt.process.kill())
    await never()
  }
  if (blocking) {
    strike('process blocked')
    attempt.process.block()
    await never()
  }
  if (chance.chance(rates.hangs)) await stopped(signal)
  if (chance.chance(rates.hangs)) await ignoringSignal(attempt)
  if (chance.chance(rates.transientErrors / 2)) throw new Error('It did not work this time.')
  if (chance.chance(rates.postponements / 2)) {
    const seconds = chance.pick([1, 30, 600, 7200, 100_000, 400_000])
    throw new RetryLater(seconds, 'Not now.')
  }
}

const never = (): Promise<never> => new Promise(() => {})

const stopped = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))

/** Code that does not listen when it is told to stop. */
function ignoringSignal(attempt: Attempt): Promise<void> {
  attempt.deaf = true
  return new Promise(resolve => void attempt.process.clock.after(70_000, resolve))
}
