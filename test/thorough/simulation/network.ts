import type { Process } from './process.ts'
import type { Random } from './random.ts'
import type { Scheduler } from './scheduler.ts'

/** What can befall a call between a process and a service, each as a probability. */
export type Weather = {
  /** The request never arrives. */
  readonly lostRequests: number
  /** The service does what was asked, and the answer never arrives. */
  readonly lostResponses: number
  /** The service answers with an error of its own, having done nothing. */
  readonly serviceErrors: number
}

/** A call that a service has refused; `retryable` says whether an SDK tries it again. */
export class ServiceRefusal extends Error {
  readonly retryable: boolean

  constructor(name: string, message: string, retryable: boolean) {
    super(message)
    this.name = name
    this.retryable = retryable
  }
}

/** What an SDK throws where no answer came in time. */
class TimedOut extends Error {
  override readonly name = 'TimeoutError'

  constructor(service: string) {
    super(`${service} gave no answer in time.`)
  }
}

export type Service = {
  readonly name: string
  down: boolean
  /** When it last came back, in milliseconds since the epoch. */
  upAt?: number
}

export type CallOptions<T> = {
  readonly process: Process
  readonly service: Service
  /** What the service does when the request arrives. It may throw. */
  readonly apply: () => T
  readonly attempts: number
  readonly timeoutMs: number
  /** How long all attempts have together; any time by default. */
  readonly totalMs?: number
}

/** Carries calls of an SDK: with latency, faults, and the SDK's own retries. */
export class Network {
  /** How often each kind of fault has struck. */
  readonly struck: Record<string, number> = {}
  /** Told where a call has failed for good, as its caller sees it. */
  onGaveUp: (process: Process) => void = () => {}
  readonly #scheduler: Scheduler
  readonly #random: Random
  #weather: Weather

  constructor(scheduler: Scheduler, random: Random, weather: Weather) {
    this.#scheduler = scheduler
    this.#random = random
    this.#weather = weather
  }

  clear(): void {
    this.#weather = { lostRequests: 0, lostResponses: 0, serviceErrors: 0 }
  }

  strike(kind: string): void {
    this.struck[kind] = (this.struck[kind] ?? 0) + 1
  }

  /** Makes a call as an SDK's client does, with its retries. */
  call<T>(options: CallOptions<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const { process, totalMs = Number.POSITIVE_INFINITY } = options
      const until = process.clock.now() + totalMs
      const attempt = (number: number): void => {
        const timeoutMs = Math.min(options.timeoutMs, until - process.clock.now())
        this.#try({ ...options, timeoutMs }, resolve, error => {
          const again = !(error instanceof ServiceRefusal) ? error instanceof TimedOut : error.retryable
          const backoffMs = again ? this.#random.between(0, 100 * 2 ** number) : 0
          if (again && number < options.attempts && process.clock.now() + backoffMs < until) {
            process.clock.after(backoffMs, () => attempt(number + 1))
            return
          }
          if (again) this.onGaveUp(process)
          reject(error)
        })
      }
      attempt(1)
    })
  }

  #try<T>(
    { process, service, apply, timeoutMs }: CallOptions<T>,
    resolve: (value: T) => void,
    reject: (error: unknown) => void,
  ): void {
    const random = this.#random
    const { lostRequests, lostResponses, serviceErrors } = this.#weather
    const late = () => process.clock.after(timeoutMs, () => reject(new TimedOut(service.name)))
    process.leave(() => {
      if (service.down || random.chance(lostRequests)) {
        this.strike('request lost')
        late()
        return
      }
      this.#scheduler.after(random.between(1, 30), () => {
        let answer: () => void
        try {
          if (random.chance(serviceErrors)) {
            const throttled = random.chance(0.5)
            this.strike(throttled ? 'service throttled' : 'service error')
            throw new ServiceRefusal(
              throttled ? 'ThrottlingException' : 'InternalFailure',
              service.name,
              true,
            )
          }
          const value = apply()
          if (random.chance(lostResponses)) {
            this.strike('response lost')
            late()
            return
          }
          answer = () => resolve(value)
        } catch (error) {
          answer = () => reject(error)
        }
        this.#scheduler.after(random.between(1, 30), () => process.enter(answer))
      })
    })
  }
}
