import type { Process } from './process.ts'

/** One attempt at a run, as seen from outside the engine. */
export type Attempt = {
  readonly serial: number
  readonly eventId: string
  readonly automation: string
  readonly process: Process
  /** The lease under which it began. */
  readonly token: string | undefined
  /** When its function's time is up, in real (virtual) time. */
  readonly until: number
  state: 'running' | 'returned' | 'threw'
  /** When its code ended, in milliseconds since the epoch; undefined while it has not. */
  endedAt: number | undefined
  /** Box or the automation has asked to wait. */
  throttled: boolean
  /** It ended when its time was over or nearly so, so that the engine may have given it up before. */
  late: boolean
  /** Not to be tried again before this time. */
  notBefore: number
  /** It failed in a way that is not to be tried again. */
  permanent: boolean
  /** Something has happened after which the ledger may not know how it ended. */
  cutOff: boolean
  /** The ledger has it as done. */
  recorded: boolean
  /** A forced replay has asked for its effects again. */
  released: boolean
  /** Its signal was aborted, or a call or a step of it was refused. */
  refused: boolean
  /** Its code has left a rejection unhandled. */
  stray: boolean
  /** Its code does not listen when it is stopped. */
  deaf: boolean
  /** How many steps and calls of Box it has begun that have not ended. */
  underWay: number
  readonly steps: Set<string>
  /** Effects that Box has refused and that its code did without. */
  readonly forgone: Set<string>
}

/** Makes an attempt that has just begun. */
export const newAttempt = (
  given: Pick<Attempt, 'serial' | 'eventId' | 'automation' | 'process' | 'token' | 'until'>,
): Attempt => ({
  ...given,
  state: 'running',
  endedAt: undefined,
  throttled: false,
  late: false,
  notBefore: 0,
  permanent: false,
  cutOff: given.process.frozen,
  recorded: false,
  released: false,
  refused: false,
  stray: false,
  deaf: false,
  underWay: 0,
  steps: new Set(),
  forgone: new Set(),
})

/** Whether an attempt's code can still do something. */
export const isUnderWay = ({ process, until }: Attempt, now: number): boolean =>
  process.alive && !process.frozen && now < until
