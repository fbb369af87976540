import type { RunFailure } from './errors.ts'

/** When a failed run is tried again. */
export type RetryPolicy = {
  /** How many attempts a run has in all, the first included. */
  readonly attempts: number
  /** The longest wait after the first attempt; it doubles with each further one. */
  readonly baseSeconds: number
  /** The longest wait there is. */
  readonly capSeconds: number
}

/**
 * Outlasts the two hours in which Box redelivers, so that an outage that Box waits out is waited out here as well: 18 attempts
 * take 4.2 hours in the median, 2.9 at the 5th percentile, 5.5 at the 95th and 8.4 at most, the runs themselves not counted.
 */
export const DEFAULT_RETRY: RetryPolicy = { attempts: 18, baseSeconds: 5, capSeconds: 3600 }

/**
 * For what AWS could not do: at most a minute. SQS counts every receive of a message, those that only waited as well, so the
 * count says little of how long AWS has been away.
 */
export const OUTAGE_RETRY: RetryPolicy = { ...DEFAULT_RETRY, capSeconds: 60 }

export type RetryDecision =
  | {
      readonly kind: 'retry'
      readonly delaySeconds: number
      /** Whether the attempt just made counts against the policy. */
      readonly counts: boolean
    }
  | { readonly kind: 'give-up' }

export type RetryInput = {
  readonly failure: RunFailure
  readonly policy: RetryPolicy
  /** Attempts made and counted, the failed one included. */
  readonly attempts: number
  /** How often in a row the run has waited uncounted before this. */
  readonly throttles: number
  /** For how long credentials have been refused in a row, in milliseconds; 0 where this is the first time. */
  readonly refusedMs?: number
  /** From 0 up to, not including, 1. */
  readonly random: () => number
}

/** For how long refused credentials are waited out before attempts count, in milliseconds: a person has to repair them. */
export const AUTH_WAIT_MS_MAX = 86_400_000

/** The longest wait for credentials: whoever has repaired them sees soon that it was enough. */
const AUTH_CAP_SECONDS = 900

/** After so long without an attempt that counts a waiting run is reported, in milliseconds. */
export const WAITING_LONG_MS = 7 * 86_400_000

/**
 * Decides what becomes of a failed run. Backoff is exponential with full jitter; a wait that Box asked for is kept
 * to, with a little jitter on top so that the waiting don't all come back at once, and never counts. Neither does a wait
 * for credentials, for a day.
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function decideRetry(input: RetryInput): RetryDecision {
  const { failure, policy, attempts, throttles, refusedMs = 0, random } = input
  if (failure.class === 'permanent') return { kind: 'give-up' }
  if (failure.class === 'throttled') {
    const asked = askedSeconds(failure) ?? backoffSeconds(policy, throttles + 1, random)
    return { kind: 'retry', delaySeconds: asked + random() * Math.min(1 + asked / 10, 60), counts: false }
  }
  if (failure.class === 'auth' && refusedMs < AUTH_WAIT_MS_MAX) {
    const quicker = { ...policy, capSeconds: Math.min(policy.capSeconds, AUTH_CAP_SECONDS) }
    return { kind: 'retry', delaySeconds: backoffSeconds(quicker, throttles + 1, random), counts: false }
  }
  if (attempts >= policy.attempts) return { kind: 'give-up' }
  return { kind: 'retry', delaySeconds: backoffSeconds(policy, attempts, random), counts: true }
}

/** The longest wait that is kept to, in seconds: the ledger must outlive it. */
export const WAIT_SECONDS_MAX = 14 * 86_400

/** A wait that was asked for, where it is a number at all: a header that was misread must not stop the ledger. */
function askedSeconds({ retryAfterSeconds: asked }: RunFailure): number | undefined {
  return asked !== undefined && asked >= 0 ? Math.min(asked, WAIT_SECONDS_MAX) : undefined
}

/** A wait drawn evenly from 0 up to min(cap, base × 2^(attempts − 1)), in seconds. */
export function backoffSeconds(policy: RetryPolicy, attempts: number, random: () => number): number {
  return random() * Math.min(policy.capSeconds, policy.baseSeconds * 2 ** Math.min(attempts - 1, 40))
}
