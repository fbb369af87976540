export type WitnessOptions = {
  readonly now: () => number
  readonly start: number
  /** The furthest that two clocks can be apart, in milliseconds. */
  readonly apartMs: number
  /** The token under which an event is leased at this moment. */
  readonly leaseOf: (eventId: string) => string | undefined
  /** What must not be in a log, by what it is. */
  readonly canaries: ReadonlyMap<string, string>
  /** How often a message can be sent for one that was asked for, as its answer can be lost and an SDK tries again. */
  readonly sendsMax: number
  /** Whether nothing but code and Box can make a function slow: it is never frozen, and AWS always answers. */
  readonly steady: boolean
  /** Told each thing that is seen, where somebody wants to read along. */
  readonly trace?: (line: string) => void
}
