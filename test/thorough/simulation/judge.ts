import { AutomationError, RetryLater } from '../../../lib/base/errors.ts'
import { isBoxError } from '../../../lib/box/box-error.ts'
import { LeaseLost } from '../../../lib/ledger/ledger.ts'
import type { Attempt } from './attempt.ts'

/**
 * The codes of a 409 that passes by itself.
 * @see https://developer.box.com/guides/api-calls/permissions-and-errors/common-errors/
 */
export const TEMPORARY_CONFLICTS = ['name_temporarily_reserved', 'operation_blocked_temporary'] as const

/** Takes from what an attempt threw how it must be treated. */
export function judge(attempt: Attempt, error: unknown, now: number): void {
  // No outage lasts for the day after which these count.
  if (error instanceof AutomationError && error.failure.class === 'auth') attempt.throttled = true
  if (!isBoxError(error) && !(error instanceof RetryLater)) return
  const { retryAfterSeconds, class: kind } = error.failure
  if (kind === 'throttled') {
    attempt.throttled = true
    attempt.notBefore = now + (retryAfterSeconds ?? 0) * 1000
  }
  if (kind === 'permanent' && isBoxError(error) && !passes(error)) attempt.permanent = true
}

const passes = ({ status, boxCode }: { readonly status: number; readonly boxCode: string | undefined }) =>
  status === 202 || TEMPORARY_CONFLICTS.some(code => code === boxCode)

/** Whether a call of Box has failed: by Box's answer, or for want of the app's credentials. */
export const isFailedCall = (error: unknown): boolean =>
  isBoxError(error) || (error instanceof AutomationError && error.failure.class === 'auth')

/** Whether a call or a step was refused by the engine, rather than failed by Box, AWS or its own code. */
export const isRefusal = (error: unknown, signal: AbortSignal): boolean =>
  signal.aborted || error instanceof LeaseLost || (error instanceof AutomationError && !isFailedCall(error))
