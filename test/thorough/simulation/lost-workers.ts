import type { Process } from './process.ts'

/** What an item of the ledger says of its lease. */
export type Lease = { readonly token: string; readonly until: number }

/** Sees which claims were lost with their process, and in whose company. */
export class LostWorkers {
  readonly #leases = new Map<Process, Map<string, string>>()
  /** Lease token → how many other events were under way in its process when something befell that. */
  readonly #company = new Map<string, number>()
  /** Event → the company of each claim that was lost since the last that was not; undefined where nothing befell its process. */
  readonly #losses = new Map<string, (number | undefined)[]>()

  /** The ledger has written an event's item. */
  written(eventId: string, before: Lease | undefined, after: Lease, by: Process): void {
    if (before?.token === after.token) {
      if (after.until === 0) this.#leases.get(by)?.delete(eventId)
      return
    }
    if (before && before.until > 0)
      this.#losses.set(eventId, [...(this.#losses.get(eventId) ?? []), this.#company.get(before.token)])
    else this.#losses.delete(eventId)
    if (after.until === 0) return
    const leases = this.#leases.get(by) ?? new Map<string, string>()
    this.#leases.set(by, leases.set(eventId, after.token))
  }

  /** A process begins with another batch. */
  invoked(process: Process): void {
    this.#leases.delete(process)
  }

  /** Something befell a process while runs of these events were under way in it. */
  struck(process: Process, underWay: ReadonlySet<string>): void {
    for (const [eventId, token] of this.#leases.get(process) ?? []) {
      // What could not be written leaves its lease behind; nothing of it is at work any more.
      if (!underWay.has(eventId)) continue
      const others = [...underWay].filter(other => other !== eventId)
      this.#company.set(token, others.length)
    }
  }

  /** How many other events were under way when an event was lost for the last time; 0 where it was lost only once. */
  companyOf(eventId: string): number {
    const losses = this.#losses.get(eventId) ?? []
    return losses.length < 2 ? 0 : (losses.at(-1) ?? 0)
  }
}
