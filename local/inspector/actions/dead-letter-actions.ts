import { idText } from '../../../lib/event/event-body.ts'
import { walkDeadLetters } from '../../../lib/operations/dead-letter-walk.ts'
import type { DeadLetter, DeadLetters } from '../../../lib/operations/dead-letters.ts'
import { ReplayImpossible, type ReplayParts, sendReplay } from '../../../lib/operations/replay.ts'
import type { DeadLetterView } from '../protocol.ts'
import type { Action } from './action.ts'
import { ActionRefused } from './action.ts'

export type DeadLetterParts = {
  readonly deadLetters: DeadLetters
  readonly replay: ReplayParts
}

/** How many dead letters the page lists. */
const LISTED_MAX = 100

/** Walks are one after the other: a letter that one has received is hidden from the next. */
let walking: Promise<unknown> = Promise.resolve()

function inTurn<T>(walk: () => Promise<T>): Promise<T> {
  const turn = walking.then(walk)
  walking = turn.catch(() => {})
  return turn
}

/** The dead letters that SQS hands out first, up to a hundred; they stay where they are. */
export const listDeadLetters = (deadLetters: DeadLetters): Promise<readonly DeadLetterView[]> =>
  inTurn(async () => {
    const listed: DeadLetterView[] = []
    await walkDeadLetters({
      deadLetters,
      now: Date.now,
      stop: () => listed.length >= LISTED_MAX,
      async visit(letter) {
        listed.push(viewOf(letter))
        return 'left'
      },
    })
    return listed.sort((a, b) => a.at.localeCompare(b.at))
  })

const viewOf = ({ held, eventId, trigger, code, message, at, automations }: DeadLetter): DeadLetterView => ({
  messageId: held.messageId,
  ...{ eventId, trigger, code, message, at },
  automations: automations.map(({ name }) => name),
})

/** What is done about events that ended on the dead-letter queue, or that should run once more. */
export function deadLetterActions(parts: DeadLetterParts): Readonly<Record<string, Action>> {
  return {
    async redrive({ event = '', all = 'false' }) {
      const count = await redrive(parts.deadLetters, letter => all === 'true' || letter.eventId === event)
      if (count === 0) throw new ActionRefused('There is no such dead letter (any more).')
      const what = count === 1 ? '1 dead letter is' : `${count} dead letters are`
      const message = `${what} back on the queue. Only what failed runs again.`
      return all === 'true' ? { message } : { message, eventId: event }
    },
    async replay({ event = '' }) {
      if (idText(event) === undefined) throw new ActionRefused('This is no id of an event.')
      try {
        const { takenBack } = await sendReplay(parts.replay, event, { force: true })
        const runs = takenBack.map(({ name }) => name).join(', ') || 'what concerns it now'
        return { message: `The event runs again: ${runs}.`, eventId: event }
      } catch (error) {
        if (!(error instanceof ReplayImpossible)) throw error
        throw new ActionRefused(error.message)
      }
    },
  }
}

const redrive = (deadLetters: DeadLetters, wanted: (letter: DeadLetter) => boolean): Promise<number> =>
  inTurn(async () => {
    let count = 0
    await walkDeadLetters({
      deadLetters,
      now: Date.now,
      async visit(letter) {
        if (!wanted(letter)) return 'left'
        await deadLetters.redrive(letter)
        count += 1
        return 'gone'
      },
    })
    return count
  })
