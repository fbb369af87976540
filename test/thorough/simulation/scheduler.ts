import type { Random } from './random.ts'

type Entry = { readonly at: number; readonly tie: number; readonly callback: () => void; cancelled: boolean }

/**
 * Virtual time: what is due happens in order of time, and chance decides between what is due at once. Between two
 * happenings every promise that can go on does, so nothing depends on the machine.
 */
export class Scheduler {
  now: number
  /** How many things have happened. */
  happened = 0
  readonly #random: Random
  readonly #heap: Entry[] = []
  /** What goes on outside virtual time; nothing else happens until it is over. */
  readonly #held = new Set<Promise<unknown>>()

  constructor(start: number, random: Random) {
    this.now = start
    this.#random = random
  }

  /** Calls back after a number of milliseconds; the returned function cancels it. */
  after(ms: number, callback: () => void): () => void {
    const entry = { at: this.now + Math.max(0, ms), tie: this.#random.next(), callback, cancelled: false }
    push(this.#heap, entry)
    return () => {
      entry.cancelled = true
    }
  }

  /** A promise of a time; only for what no process does, as it can't be killed. */
  wait(ms: number): Promise<void> {
    return new Promise(resolve => void this.after(ms, resolve))
  }

  /** Stops time until a promise is settled that other machinery than this settles. */
  hold<T>(promise: Promise<T>): Promise<T> {
    this.#held.add(promise)
    const release = () => this.#held.delete(promise)
    promise.then(release, release)
    return promise
  }

  /**
   * Lets everything happen until nothing is left to.
   * @param stop asked after each happening whether to leave it at that
   * @returns false where there was still something to do
   */
  async run(stop: () => boolean): Promise<boolean> {
    await settle()
    for (let entry = pop(this.#heap); entry; entry = pop(this.#heap)) {
      if (entry.cancelled) continue
      if (stop()) return false
      this.happened += 1
      this.now = Math.max(this.now, entry.at)
      entry.callback()
      await settle()
      while (this.#held.size > 0) {
        await Promise.allSettled(this.#held)
        await settle()
      }
    }
    return true
  }
}

/** By the time an immediate is due, every microtask has run; by the next one, also what waited for an immediate itself. */
const settle = (): Promise<void> => new Promise(resolve => setImmediate(() => setImmediate(resolve)))

const before = (one: Entry, other: Entry): boolean =>
  one.at < other.at || (one.at === other.at && one.tie < other.tie)

function push(heap: Entry[], entry: Entry): void {
  let index = heap.length
  heap.push(entry)
  while (index > 0) {
    const above = (index - 1) >> 1
    const parent = heap[above]
    if (!parent || !before(entry, parent)) break
    heap[index] = parent
    index = above
  }
  heap[index] = entry
}

function pop(heap: Entry[]): Entry | undefined {
  const top = heap[0]
  const last = heap.pop()
  if (!top || !last || top === last) return top
  let index = 0
  for (;;) {
    let below = 2 * index + 1
    let child = heap[below]
    const right = heap[below + 1]
    if (child && right && before(right, child)) {
      child = right
      below += 1
    }
    if (!child || !before(child, last)) break
    heap[index] = child
    index = below
  }
  heap[index] = last
  return top
}
