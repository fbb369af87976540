import { type DeadLetter, type DeadLetters, type HeldLetter, HIDDEN_SECONDS } from './dead-letters.ts'

export type WalkOptions = {
  readonly deadLetters: Pick<DeadLetters, 'receive' | 'hide'>
  /**
   * Looks at a letter, or does something with it; up to ten at a time.
   * @returns whether the letter is gone from the queue now, or left there
   */
  readonly visit: (letter: DeadLetter) => Promise<'gone' | 'left'>
  /** Asked before each letter; true ends the walk after those in hand. */
  readonly stop?: () => boolean
  /**
   * Letters that SQS took after this time are left unseen, in milliseconds since the epoch. Whoever redrives gives the time
   * at which he begins: what fails again comes back at once, and the walk would never end.
   */
  readonly sentUntil?: number
  /** How many letters are received at a time, at most ten: where each takes long, fewer, so that none reappears meanwhile. */
  readonly pageMax?: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/**
 * Shows every letter that can be received, each once, however many there are. What was left stays hidden until all have been
 * seen, and is given back at the end, whichever way the walk ends; where the process is killed, it comes back by itself
 * after {@link HIDDEN_SECONDS}. SQS hides at most 120,000 letters of a queue at a time, so a walk that leaves more ends there.
 * @returns whether the end was reached
 * @throws what `visit` throws, once the other letters of its page are through; what the client of SQS throws
 * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
 */
export async function walkDeadLetters(options: WalkOptions): Promise<boolean> {
  const { deadLetters, visit, stop = () => false, sentUntil = Number.POSITIVE_INFINITY } = options
  const left = new LeftLetters(deadLetters, options.now)
  try {
    while (!stop()) {
      await left.keepHidden()
      const page = await deadLetters.receive(options.pageMax)
      if (page.length === 0) return true
      // SQS hands a letter out twice now and then; who has seen it need not see it again.
      const fresh = page.filter(letter => left.add(letter.held) && letter.sentAt <= sentUntil)
      const visits = await Promise.allSettled(fresh.map(async letter => (stop() ? 'left' : visit(letter))))
      for (const [index, { held }] of fresh.entries()) {
        const visited = visits[index]
        if (visited?.status === 'fulfilled' && visited.value === 'gone') left.delete(held)
      }
      for (const visited of visits) if (visited.status === 'rejected') throw visited.reason
    }
    return false
  } finally {
    await left.giveBack()
  }
}

/** With less than this left, in milliseconds, a letter is hidden anew. */
const HIDE_AGAIN_MS = (HIDDEN_SECONDS * 1000) / 2

type Kept = { readonly receiptHandle: string; readonly until: number }

/** The letters that a walk has seen and left, the soonest to reappear first. */
class LeftLetters {
  readonly #deadLetters: Pick<DeadLetters, 'hide'>
  readonly #now: () => number
  readonly #kept = new Map<string, Kept>()

  constructor(deadLetters: Pick<DeadLetters, 'hide'>, now: () => number) {
    this.#deadLetters = deadLetters
    this.#now = now
  }

  /** @returns whether the letter is new */
  add({ messageId, receiptHandle }: HeldLetter): boolean {
    const isNew = !this.#kept.delete(messageId)
    this.#kept.set(messageId, { receiptHandle, until: this.#now() + HIDDEN_SECONDS * 1000 })
    return isNew
  }

  delete({ messageId }: HeldLetter): void {
    this.#kept.delete(messageId)
  }

  async keepHidden(): Promise<void> {
    const due: [string, Kept][] = []
    for (const entry of this.#kept) {
      if (entry[1].until - this.#now() > HIDE_AGAIN_MS) break
      due.push(entry)
    }
    if (due.length === 0) return
    await this.#deadLetters.hide(
      due.map(([, kept]) => kept),
      HIDDEN_SECONDS,
    )
    const until = this.#now() + HIDDEN_SECONDS * 1000
    for (const [messageId, { receiptHandle }] of due) {
      this.#kept.delete(messageId)
      this.#kept.set(messageId, { receiptHandle, until })
    }
  }

  giveBack(): Promise<void> {
    return this.#deadLetters.hide([...this.#kept.values()], 0)
  }
}
