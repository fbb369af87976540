import type { BoundAutomation } from '../automation/automation.ts'
import type { Clock } from '../base/clock.ts'
import type { LeftBehind } from '../base/under-way.ts'
import type { Box, BoxRun, TargetLookup } from '../box/box.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Log } from '../log/log.ts'
import type { DecodedMessage, Message } from '../queue/message.ts'
import type { Queue } from '../queue/queue.ts'

/** The collaborators of a dispatch. */
export type DispatchDeps = {
  readonly automations: readonly BoundAutomation[]
  readonly ledger: Ledger
  readonly deadLetters: Pick<Queue, 'send'>
  readonly targetOf: TargetLookup
  readonly box: (run: BoxRun) => Box
  /** The runs of this process that went on when they had to stop. */
  readonly leftBehind: LeftBehind
  readonly clock: Clock
  /** From 0 up to, not including, 1. */
  readonly random: () => number
  /** Makes a text that is never made twice, for leases. */
  readonly newToken: () => string
  readonly log: Log
}

/** One message as SQS handed it out. */
export type DispatchInput = {
  readonly decoded: DecodedMessage
  /** How often SQS has handed the message out. */
  readonly receiveCount: number
  /** When the Lambda began with its batch, in milliseconds since the epoch. */
  readonly begunAt: number
  /** When the Lambda will be stopped, in milliseconds since the epoch; the lease ends with it. */
  readonly deadline: number
  /** Whether nothing else is worked on beside this message. */
  readonly alone: boolean
}

/** What becomes of the message: SQS deletes it, it comes back later, or it is worked off again with nothing beside it. */
export type Disposition =
  | { readonly kind: 'finished' }
  | { readonly kind: 'later'; readonly delaySeconds: number }
  | { readonly kind: 'suspect' }

export const FINISHED: Disposition = { kind: 'finished' }

export const SUSPECT: Disposition = { kind: 'suspect' }

export const later = (delaySeconds: number): Disposition => ({ kind: 'later', delaySeconds })

/** Kept back at the end of the Lambda's time for writing the outcome, in milliseconds. */
export const RESERVE_MS = 2500

/** Whole seconds from now to a time, at least one. */
export const secondsUntil = (time: number, clock: Clock): number =>
  Math.max(1, Math.ceil((time - clock.now()) / 1000))

/** A dead letter is redriven for what it says itself; what its message was asked for has been done by then. */
export function withoutReplay({ replay, ...message }: Message): Message {
  return message
}
