import { parseObject } from '../../lib/base/json.ts'
import type { Shell } from '../terminal/shell.ts'

/** How the front door answered a request. */
export type Answered = {
  readonly status: number
  /** The code of an answer of ours; see docs/errors.md. */
  readonly code: string | undefined
  /** Milliseconds from the request to the whole answer. */
  readonly ms: number
  /** The answer's own time by its header Date, and this machine's in the middle of the request; milliseconds since the epoch. */
  readonly date: number | undefined
  readonly at: number
}

/** Nothing answered; the message says why. */
export class DoorClosed extends Error {
  override readonly name = 'DoorClosed'
  /** What the system or TLS calls it, such as ENOTFOUND. */
  readonly code: string

  constructor(address: string, code: string, options: ErrorOptions) {
    super(`Nothing answers at ${address}: ${code}.`, options)
    this.code = code
  }
}

export type DoorRequest = {
  readonly method: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal: AbortSignal
}

/**
 * Sends a request to the front door, as anybody on the internet can.
 * @throws DoorClosed; the signal's reason
 */
export async function askDoor(
  { fetch, now }: Shell,
  address: string,
  request: DoorRequest,
): Promise<Answered> {
  const { method, headers = {}, body, signal } = request
  const begun = now()
  try {
    const answer = await fetch(address, {
      method,
      headers: { 'user-agent': 'boxhooks-doctor', 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body }),
      redirect: 'manual',
      signal,
    })
    const json = parseObject((await answer.text()).slice(0, 100_000))
    const ended = now()
    const date = Date.parse(answer.headers.get('date') ?? '')
    return {
      status: answer.status,
      code: typeof json?.code === 'string' ? json.code : undefined,
      ms: ended - begun,
      // The header has whole seconds, so on average it is half a second behind.
      date: Number.isFinite(date) ? date + 500 : undefined,
      at: (begun + ended) / 2,
    }
  } catch (error) {
    signal.throwIfAborted()
    throw new DoorClosed(address, codeOf(error), { cause: error })
  }
}

function codeOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code
  return cause instanceof Error ? cause.message : String(cause)
}
