import type { Clock } from '../../../lib/base/clock.ts'
import type { Scheduler } from './scheduler.ts'

/** Why a process stopped being one that works as it should. */
export type Disturbance = 'killed' | 'frozen' | 'timed_out'

/**
 * One Lambda instance's process. All that its code does begins here: an answer or a timer enters it, where it is alive
 * and not frozen. So a process that dies at an await never goes on, and one that is frozen goes on late.
 */
export class Process {
  readonly id: number
  readonly clock: Clock
  /** Told of each disturbance. */
  onDisturbed: (disturbance: Disturbance) => void = () => {}
  #onKilled: () => void = () => {}
  #onThaw: () => void = () => {}
  readonly #scheduler: Scheduler
  #alive = true
  #frozen = false
  #blocked = false
  #deferred: (() => void)[] = []
  /** How many more crossings of the border it takes until something befalls the process. */
  #fate: { crossings: number; readonly befall: () => void } | undefined

  constructor(id: number, scheduler: Scheduler, skewMs: number) {
    this.id = id
    this.#scheduler = scheduler
    this.clock = {
      now: () => Math.floor(scheduler.now + skewMs),
      after: (ms, callback) => scheduler.after(ms, () => this.enter(callback)),
    }
  }

  get alive(): boolean {
    return this.#alive
  }

  get frozen(): boolean {
    return this.#frozen
  }

  /** Whether its own code keeps it busy for good. */
  get blocked(): boolean {
    return this.#blocked
  }

  /** Runs a callback in the process: now, after a thaw, or never. */
  enter(callback: () => void): void {
    this.#cross()
    if (!this.#alive) return
    if (this.#blocked) return
    if (this.#frozen) this.#deferred.push(callback)
    else callback()
  }

  /** Lets something out of the process, unless it dies at that moment. What is frozen then has just been sent. */
  leave(callback: () => void): void {
    this.#cross()
    if (this.#alive) callback()
  }

  #cross(): void {
    const fate = this.#fate
    if (!fate) return
    fate.crossings -= 1
    if (fate.crossings > 0) return
    this.#fate = undefined
    fate.befall()
  }

  /** Lets something befall the process when so much more has crossed its border. */
  doom(crossings: number, befall: () => void): void {
    this.#fate = { crossings, befall }
  }

  spare(): void {
    this.#fate = undefined
  }

  whenKilled(callback: () => void): void {
    this.#onKilled = callback
  }

  whenThawed(callback: () => void): void {
    this.#onThaw = callback
  }

  kill(disturbance: Disturbance = 'killed'): void {
    if (!this.#alive) return
    this.#alive = false
    this.#deferred = []
    this.onDisturbed(disturbance)
    this.#onKilled()
  }

  /** Keeps the process busy for good, as an endless loop does: nothing reaches its code any more. */
  block(): void {
    this.#blocked = true
  }

  /** Stops the process for a while. When it goes on, chance decides what it hears of first. */
  freeze(ms: number): void {
    if (!this.#alive || this.#frozen) return
    this.#frozen = true
    this.onDisturbed('frozen')
    this.#scheduler.after(ms, () => {
      this.#frozen = false
      this.#onThaw()
      for (const callback of this.#deferred.splice(0)) this.#scheduler.after(0, () => this.enter(callback))
    })
  }
}
