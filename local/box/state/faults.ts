import { BoxRefusal } from './refusal.ts'

/** Makes matching calls to the API fail, the next `times` of them. */
export type Fault = {
  /** Any method where none is given. */
  readonly method?: string
  /** Any path where none is given, that of the token endpoint included. */
  readonly path?: RegExp
  times: number
  /**
   * `timeout` leaves the call without an answer until its caller hangs up; 202 says that something is not ready yet, and when to
   * ask again.
   */
  readonly status: number | 'timeout'
  /** Box's code of the error; the usual one of the status by default. */
  readonly code?: string
  readonly retryAfterSeconds?: number
}

/** Finds the first fault that is due for a call, and counts it. */
export function takeFault(faults: readonly Fault[], method: string, path: string): Fault | undefined {
  const fault = faults.find(
    one =>
      one.times > 0 && (one.method ?? method) === method && (one.path === undefined || one.path.test(path)),
  )
  if (fault) fault.times -= 1
  return fault
}

const CODES: Readonly<Record<number, string>> = {
  400: 'bad_request',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
  412: 'precondition_failed',
  429: 'rate_limit_exceeded',
  503: 'unavailable',
}

export const faultRefusal = (status: number, code?: string): BoxRefusal =>
  new BoxRefusal(status, code ?? CODES[status] ?? 'internal_server_error', `Answered ${status} on request`)

/** Waits until the caller hangs up or the emulated Box is closed. */
export function hangUp(...signals: readonly AbortSignal[]): Promise<void> {
  return new Promise(resolve => {
    for (const signal of signals) {
      if (signal.aborted) resolve()
      signal.addEventListener('abort', () => resolve(), { once: true })
    }
  })
}
