import { type Disturbance, Process } from './process.ts'
import type { Random } from './random.ts'
import type { Scheduler } from './scheduler.ts'

/** What befalls instances, as probabilities for each invocation. */
export type Chaos = {
  readonly kills: number
  readonly freezes: number
  /** Of instances frozen beyond their time, those that wake up and go on for a while all the same. */
  readonly zombies: number
  /** Of instances that are done, those that are not used again. */
  readonly recycles: number
  /** How far a clock may be off, in milliseconds. */
  readonly skewMs: number
}

export type Remaining = { getRemainingTimeInMillis(): number }

export type LambdaOptions<I, O> = {
  readonly scheduler: Scheduler
  readonly random: Random
  readonly chaos: Chaos
  readonly timeoutMs: number
  readonly concurrency: number
  /** A number for each process. */
  readonly newId: () => number
  /** Makes the function's handler as loading its code in a new process does. */
  readonly load: (process: Process) => (event: I, context: Remaining) => Promise<O>
  readonly onInvoked: (process: Process, event: I, deadline: number) => void
  readonly onDisturbed: (process: Process, disturbance: Disturbance) => void
}

/** An invocation without a result. */
class InvocationFailed extends Error {
  override readonly name = 'InvocationFailed'
}

type Instance<I, O> = {
  readonly process: Process
  readonly handler: (event: I, context: Remaining) => Promise<O>
}

/** A function on Lambda: an instance for each invocation at a time, kept warm for later ones, stopped at its time-out. */
export class SimulatedLambda<I, O> {
  readonly #options: LambdaOptions<I, O>
  #chaos: Chaos
  #idle: Instance<I, O>[] = []
  #busy = 0

  constructor(options: LambdaOptions<I, O>) {
    this.#options = options
    this.#chaos = options.chaos
  }

  /** Lets nothing befall instances any more. */
  calm(): void {
    this.#chaos = { ...this.#chaos, kills: 0, freezes: 0, zombies: 0 }
  }

  get busy(): number {
    return this.#busy
  }

  /** @throws InvocationFailed */
  invoke(event: I): Promise<O> {
    const { scheduler, random, concurrency } = this.#options
    if (this.#busy >= concurrency) return Promise.reject(new InvocationFailed('Rate exceeded'))
    this.#busy += 1
    const warm = this.#idle.pop()
    const instance = warm ?? this.#start()
    return new Promise((resolve, reject) => {
      scheduler.after(warm ? 1 : random.between(80, 400), () =>
        this.#run(
          instance,
          event,
          value => {
            this.#busy -= 1
            resolve(value)
          },
          reason => {
            this.#busy -= 1
            reject(new InvocationFailed(reason))
          },
        ),
      )
    })
  }

  #start(): Instance<I, O> {
    const { scheduler, random, newId, load, onDisturbed } = this.#options
    const skew = random.between(-1, 1) * this.#chaos.skewMs
    const process = new Process(newId(), scheduler, skew)
    process.onDisturbed = disturbance => onDisturbed(process, disturbance)
    return { process, handler: load(process) }
  }

  #run(
    instance: Instance<I, O>,
    event: I,
    succeed: (value: O) => void,
    fail: (reason: string) => void,
  ): void {
    const { scheduler, random, timeoutMs, onInvoked } = this.#options
    const { process, handler } = instance
    const deadline = scheduler.now + timeoutMs
    let over = false
    const end = (): boolean => {
      if (over) return false
      over = true
      stopClock()
      process.spare()
      return true
    }
    const stopClock = scheduler.after(timeoutMs, () => {
      if (!end()) return
      this.#timeOut(process)
      fail('Task timed out')
    })
    this.#doom(process)
    process.whenKilled(() => {
      if (end()) fail('Runtime exited')
    })
    process.enter(() => {
      onInvoked(process, event, deadline)
      handler(event, { getRemainingTimeInMillis: () => Math.max(0, deadline - scheduler.now) }).then(
        value =>
          process.leave(() => {
            if (!end()) return
            if (!random.chance(this.#chaos.recycles)) this.#idle.push(instance)
            succeed(value)
          }),
        (error: unknown) =>
          process.leave(() => {
            if (!end()) return
            this.#idle.push(instance)
            fail(error instanceof Error ? error.name : 'thrown')
          }),
      )
    })
  }

  #doom(process: Process): void {
    const { random } = this.#options
    if (random.chance(this.#chaos.kills)) process.doom(1 + random.int(15), () => process.kill())
    else if (random.chance(this.#chaos.freezes)) {
      const ms = random.pick([200, 5000, 57_000, 62_000, 68_000, 75_000, 100_000]) * random.between(0.9, 1.1)
      process.doom(1 + random.int(15), () => process.freeze(ms))
    }
  }

  /** Lambda ends what is out of time; what is frozen may for once be noticed only after it has gone on a little. */
  #timeOut(process: Process): void {
    const { scheduler, random } = this.#options
    if (process.frozen && !process.blocked && random.chance(this.#chaos.zombies)) {
      process.whenThawed(
        () => void scheduler.after(random.between(0, 20_000), () => process.kill('timed_out')),
      )
    } else process.kill('timed_out')
  }
}
