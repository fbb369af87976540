import type { Clock } from '../../../lib/base/clock.ts'
import {
  SIGNATURE_ALGORITHM,
  SIGNATURE_VERSION,
  type SignatureKeys,
  sign,
} from '../../../lib/ingest/signature.ts'
import { boxTime } from './wire.ts'

/**
 * When a delivery that fails is sent again, in seconds after the attempt before. Box tells the number of retries and the
 * time they take together, not their spacing: two readings of its guide, both with growing waits over two hours.
 */
export const RETRY_CURVES = {
  /** Up to 12 retries over 2 hours, as the guide says today. */
  current: [30, 60, 120, 240, 480, 600, 720, 840, 900, 960, 1050, 1200],
  /** Up to 10 retries over 2 hours, the first after 5 minutes, as it used to say. */
  former: [300, 420, 540, 660, 720, 780, 840, 900, 960, 1080],
} as const satisfies Record<string, readonly number[]>

/** How long Box waits for an answer, in milliseconds. */
const ANSWER_MS_MAX = 30_000

/** One HTTP request and what came of it. */
export type Attempt = {
  readonly eventId: string
  readonly trigger: string
  readonly webhookId: string
  readonly deliveryId: string
  /** 1 for the first. */
  readonly attempt: number
  /** Milliseconds since the epoch. */
  readonly sentAt: number
  readonly ms: number
  readonly address: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  /** HTTP status; 0 where no answer came. */
  readonly status: number
  /** The answer's body; where no answer came, why. */
  readonly answer: string
  /** Milliseconds since the epoch; undefined where it is delivered, or given up. */
  readonly nextAttemptAt: number | undefined
}

export type Outgoing = {
  readonly eventId: string
  readonly trigger: string
  readonly webhookId: string
  readonly address: string
  readonly body: Uint8Array
}

/** How a delivery is to differ from what Box would send. */
export type Bend = {
  /** Headers laid over Box's own; undefined leaves one out. */
  readonly headers?: Readonly<Record<string, string | undefined>>
  /** Signs with these keys instead. */
  readonly keys?: SignatureKeys
  /** Dates the delivery this many seconds back. */
  readonly ageSeconds?: number
  /** Whether a failure is retried; true by default. */
  readonly retry?: boolean
  /** Sends these bytes; the signature stays that of the body as it should be. */
  readonly body?: Uint8Array
  /** Uses this delivery id, as when one and the same request arrives twice. */
  readonly deliveryId?: string
}

/** Sends a delivery's request and gives back the answer; throws where none comes. */
export type Post = (request: {
  readonly address: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  readonly signal: AbortSignal
}) => Promise<Pick<Attempt, 'status' | 'answer'>>

/** Posts over HTTP. */
export const postWith =
  (fetch: (request: Request) => Promise<Response>): Post =>
  async ({ address, headers, body, signal }) => {
    const init = { method: 'POST', headers, body: Uint8Array.from(body), signal, redirect: 'manual' } as const
    const response = await fetch(new Request(address, init))
    return { status: response.status, answer: await response.text() }
  }

export type DeliveriesOptions = {
  readonly clock: Clock
  readonly newId: () => string
  readonly keys: () => SignatureKeys
  readonly post: Post
  /** Seconds after the attempt before. */
  readonly retrySeconds?: readonly number[]
  /**
   * Whether retries keep the first attempt's timestamp. Either is a guess: Box's guide says of the timestamp only that it is
   * "when the payload was sent".
   * @see https://developer.box.com/guides/webhooks/v2/
   */
  readonly keepFirstTimestamp?: boolean
  readonly onAttempt?: (attempt: Attempt) => void
}

/** Sends deliveries as Box does, and again until they are taken. */
export class Deliveries {
  readonly #options: DeliveriesOptions
  /** The retries that are planned, each with what begins it at once. */
  readonly #pending = new Map<() => void, () => void>()
  readonly #waiting = new Set<AbortController>()
  #held: (() => void)[] = []
  #hold = 0
  #losing = 0
  #closed = false

  constructor(options: DeliveriesOptions) {
    this.#options = options
  }

  /**
   * Sends one delivery and, where it fails, plans its retries.
   * @returns the first attempt
   */
  send(outgoing: Outgoing, bend: Bend = {}): Promise<Attempt> {
    const begin = () => this.#attempt(outgoing, bend, 1, undefined)
    if (this.#held.length >= this.#hold) return begin()
    return new Promise(resolve => {
      this.#held.push(() => resolve(begin()))
      if (this.#held.length >= this.#hold) this.release()
    })
  }

  /** Keeps back the next deliveries until there are so many, then sends them with the last one first. */
  reorderNext(count: number): void {
    this.release()
    this.#hold = count
  }

  /** Sends what was kept back, without waiting for more. */
  release(): void {
    this.#hold = 0
    for (const send of this.#held.splice(0).reverse()) send()
  }

  /** How many deliveries are kept back at the moment. */
  get held(): number {
    return this.#held.length
  }

  /** Lets the next attempts get lost on their way, as when the endpoint is down. */
  loseNext(count: number): void {
    this.#losing = count
  }

  /** How many of the next attempts will get lost. */
  get losing(): number {
    return this.#losing
  }

  /** How many deliveries wait to be tried again. */
  get waiting(): number {
    return this.#pending.size
  }

  /** Begins every retry that is planned now, without the rest of its wait. */
  hurry(): void {
    for (const [cancel, begin] of [...this.#pending]) {
      cancel()
      begin()
    }
  }

  /** Stops all retries, and waits no longer for answers. */
  async close(): Promise<void> {
    this.#closed = true
    this.release()
    for (const cancel of this.#pending.keys()) cancel()
    this.#pending.clear()
    for (const waiting of this.#waiting) waiting.abort(CLOSED)
  }

  async #attempt(
    outgoing: Outgoing,
    bend: Bend,
    attempt: number,
    first: string | undefined,
  ): Promise<Attempt> {
    const { clock, onAttempt, keepFirstTimestamp } = this.#options
    const sentAt = clock.now()
    const timestamp = keepFirstTimestamp && first ? first : boxTime(sentAt - (bend.ageSeconds ?? 0) * 1000)
    const deliveryId = bend.deliveryId ?? this.#options.newId()
    const headers = this.#headers(outgoing.body, timestamp, deliveryId, bend)
    const { status, answer } = await this.#post(
      bend.body ? { ...outgoing, body: bend.body } : outgoing,
      headers,
    )
    const waitSeconds = this.#options.retrySeconds ?? RETRY_CURVES.current
    const wait = status >= 200 && status < 300 ? undefined : waitSeconds[attempt - 1]
    const again = wait !== undefined && (bend.retry ?? true) && !this.#closed
    const done: Attempt = {
      ...outgoing,
      ...(bend.body ? { body: bend.body } : {}),
      deliveryId,
      attempt,
      sentAt,
      ms: clock.now() - sentAt,
      headers,
      status,
      answer,
      nextAttemptAt: again ? clock.now() + wait * 1000 : undefined,
    }
    onAttempt?.(done)
    if (again) this.#plan(wait * 1000, () => this.#attempt(outgoing, bend, attempt + 1, first ?? timestamp))
    return done
  }

  #plan(ms: number, attempt: () => Promise<unknown>): void {
    const begin = () => {
      this.#pending.delete(cancel)
      void attempt()
    }
    const cancel = this.#options.clock.after(ms, begin)
    this.#pending.set(cancel, begin)
  }

  #headers(body: Uint8Array, timestamp: string, deliveryId: string, bend: Bend): Record<string, string> {
    const { primary, secondary } = bend.keys ?? this.#options.keys()
    const headers: Record<string, string | undefined> = {
      'content-type': 'application/json; charset=utf-8',
      'user-agent': 'Box-WH-Client/0.1',
      'box-delivery-id': deliveryId,
      'box-delivery-timestamp': timestamp,
      'box-signature-version': SIGNATURE_VERSION,
      'box-signature-algorithm': SIGNATURE_ALGORITHM,
      ...(primary ? { 'box-signature-primary': sign(body, timestamp, primary) } : {}),
      ...(secondary ? { 'box-signature-secondary': sign(body, timestamp, secondary) } : {}),
      ...bend.headers,
    }
    const entries = Object.entries(headers)
    return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== undefined))
  }

  async #post({ address, body }: Outgoing, headers: Record<string, string>): Promise<Answer> {
    if (this.#closed) return { status: 0, answer: CLOSED.message }
    if (this.#losing > 0) {
      this.#losing -= 1
      return { status: 0, answer: LOST }
    }
    const waiting = new AbortController()
    const { signal } = waiting
    const cancel = this.#options.clock.after(ANSWER_MS_MAX, () => waiting.abort(LATE))
    this.#waiting.add(waiting)
    try {
      const posted = this.#options.post({ address, headers, body, signal })
      return await Promise.race([posted, rejectedOn(signal)])
    } catch (error) {
      return { status: 0, answer: reasonOf(error) }
    } finally {
      cancel()
      this.#waiting.delete(waiting)
    }
  }
}

type Answer = Pick<Attempt, 'status' | 'answer'>

const LATE = new Error(`There was no answer within ${ANSWER_MS_MAX / 1000} s.`)
const LOST = 'It got lost on its way: the endpoint could not be reached.'
const CLOSED = new Error('The emulated Box was closed.')

const rejectedOn = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))

/** Node says "fetch failed", and why in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause instanceof Error ? error.cause.message : ''
  return cause ? `${error.message}: ${cause}` : error.message
}
