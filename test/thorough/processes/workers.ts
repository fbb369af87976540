import { serve } from '../../../local/serve.ts'
import { numberIn } from './channel.ts'
import { type Child, startChild } from './child.ts'
import { until } from './until.ts'
import type { Effect, Witness } from './witness.ts'

export type WorkersOptions = {
  readonly witness: Witness
  /** What each worker-process is told. */
  readonly settings: object
  /** The function's environment; each worker adds an access key of its own, by which it is known. */
  readonly env: Readonly<Record<string, string>>
  /** The emulated Box. */
  readonly box: (request: Request) => Promise<Response>
  /** Told of each call that changed something in Box, before it is answered. */
  readonly onEffect: (effect: Effect, worker: Worker) => Promise<void>
}

/** A process with an event source and a Lambda. */
export type Worker = {
  readonly name: string
  readonly state: 'up' | 'stopped' | 'woken' | 'gone'
  /** Whether a batch is under way. */
  readonly busy: boolean
  /** When the time of its latest batch is up, in milliseconds since the epoch. */
  readonly deadline: number
}

type WorkerState = {
  readonly name: string
  readonly child: Child
  state: Worker['state']
  busy: boolean
  deadline: number
}

/** How long a worker that was stopped may take to finish its batch, in milliseconds. */
const WOKEN_MS = 60_000

/** The workers there are: one that is lost is replaced, as Lambda does. */
export class Workers {
  readonly #options: WorkersOptions
  readonly #workers = new Set<WorkerState>()
  #started = 0
  #closed = false
  kills = 0
  stops = 0
  /** How many were killed because their time was up. */
  timeouts = 0

  constructor(options: WorkersOptions) {
    this.#options = options
  }

  /** Those that are up. */
  get up(): readonly Worker[] {
    return [...this.#workers].filter(({ state }) => state === 'up')
  }

  async add(): Promise<Worker> {
    this.#started += 1
    const name = `worker-${this.#started}`
    const { settings, env, witness } = this.#options
    const box = await serve({ fetch: request => this.#callBox(name, request), port: 0 })
    const child = await startChild({
      entry: 'worker-process.ts',
      settings,
      env: { ...env, AWS_ACCESS_KEY_ID: name, BOX_API_URL: `http://127.0.0.1:${box.port}` },
      onLine: line => witness.line(name, line),
    })
    const worker: WorkerState = { name, child, state: 'up', busy: false, deadline: 0 }
    this.#workers.add(worker)
    child.listen(({ kind, ...message }) => {
      worker.busy = kind === 'begun'
      if (kind === 'begun') this.#limit(worker, numberIn(message, 'deadline'))
    })
    void child.ended.then(async how => {
      if (worker.state !== 'gone' && !this.#closed) witness.surprise(`${name} ended of itself: ${how}`)
      this.#workers.delete(worker)
      await box.close()
    })
    return worker
  }

  /** Kills a worker at once, and starts another. */
  async kill(worker: Worker): Promise<void> {
    if (await this.#end(worker)) {
      this.kills += 1
      await this.#replace()
    }
  }

  /** Stops a worker in the middle of whatever it does, and starts another. */
  async stop(worker: Worker): Promise<void> {
    const stopped = this.#stateOf(worker)
    if (stopped?.state !== 'up') return
    this.stops += 1
    this.#options.witness.lost(stopped.name)
    stopped.state = 'stopped'
    stopped.child.signal('SIGSTOP')
    await this.#replace()
  }

  /** Lets a stopped worker go on, waits until it has finished its batch, and then ends it. */
  async wake(worker: Worker): Promise<void> {
    const woken = this.#stateOf(worker)
    if (woken?.state !== 'stopped') return
    woken.state = 'woken'
    woken.child.signal('SIGCONT')
    const { deadline } = woken
    const isOver = () => !woken.busy || woken.deadline !== deadline
    await until(`${woken.name} has finished its batch`, WOKEN_MS, isOver)
    await this.#end(woken)
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#workers].map(worker => this.#end(worker)))
  }

  async #end(worker: Worker): Promise<boolean> {
    const ended = this.#stateOf(worker)
    if (!ended || ended.state === 'gone') return false
    ended.state = 'gone'
    this.#options.witness.lost(ended.name)
    ended.child.signal('SIGKILL')
    await ended.child.ended
    return true
  }

  async #replace(): Promise<void> {
    if (!this.#closed) await this.add()
  }

  /** Kills a worker whose batch is not over in time, as AWS does; but not one that was stopped, to see what it does. */
  #limit(worker: WorkerState, deadline: number): void {
    worker.deadline = deadline
    const timer = setTimeout(async () => {
      if (worker.state !== 'up' || !worker.busy || worker.deadline !== deadline) return
      this.timeouts += 1
      await this.#end(worker)
      await this.#replace()
    }, deadline - Date.now())
    timer.unref()
  }

  async #callBox(name: string, request: Request): Promise<Response> {
    const at = Date.now()
    const key = request.headers.get('effect-key')
    const response = await this.#options.box(request)
    if (key === null || !response.ok) return response
    const effect = this.#options.witness.effect(key, name, at)
    const worker = [...this.#workers].find(one => one.name === name)
    if (worker) await this.#options.onEffect(effect, worker)
    return response
  }

  #stateOf(worker: Worker): WorkerState | undefined {
    return [...this.#workers].find(one => one === worker)
  }
}
