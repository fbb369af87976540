import { textIn } from './channel.ts'
import { type Child, startChild } from './child.ts'

export type DoorOptions = {
  /** What each ingest-process is told. */
  readonly settings: object
  readonly env: Readonly<Record<string, string>>
  readonly onLine: (line: string) => void
  /** Told where a process ends that should not. */
  readonly onEnd: (reason: string) => void
}

type Instance = { readonly child: Child; readonly url: string }

/** The front door: processes with the gateway and ingest, which take turns. One that is killed is started anew, cold. */
export class Door {
  readonly #options: DoorOptions
  #instances: Instance[] = []
  #turn = 0
  #killed = new Set<Child>()
  kills = 0

  constructor(options: DoorOptions) {
    this.#options = options
  }

  async add(): Promise<void> {
    const { settings, env, onLine, onEnd } = this.#options
    const child = await startChild({ entry: 'ingest-process.ts', settings, env, onLine })
    this.#instances.push({ child, url: textIn(child.ready, 'url') })
    void child.ended.then(how => {
      if (!this.#killed.has(child)) onEnd(`ingest ended of itself: ${how}`)
    })
  }

  /** Passes a request on to the instance whose turn it is. Throws where there is none, or it dies. */
  async fetch(request: Request): Promise<Response> {
    this.#turn += 1
    const instance = this.#instances[this.#turn % this.#instances.length]
    if (!instance) throw new Error('There is no front door.')
    const { pathname } = new URL(request.url)
    const { method, headers, signal } = request
    return fetch(new URL(pathname, instance.url), {
      method,
      headers,
      signal,
      body: await request.arrayBuffer(),
    })
  }

  /** Kills an instance in the middle of whatever it does, and starts another. */
  async killOne(): Promise<void> {
    const [instance] = this.#instances
    if (!instance) return
    await this.#end(instance)
    this.kills += 1
    await this.add()
  }

  async close(): Promise<void> {
    await Promise.all(this.#instances.map(instance => this.#end(instance)))
  }

  async #end(instance: Instance): Promise<void> {
    this.#killed.add(instance.child)
    instance.child.signal('SIGKILL')
    // It is gone at once for those who come to kill another, and refuses its share of the requests until it is replaced.
    this.#instances = this.#instances.filter(one => one !== instance)
    await instance.child.ended
  }
}
