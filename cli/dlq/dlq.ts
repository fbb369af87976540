import { walkDeadLetters } from '../../lib/operations/dead-letter-walk.ts'
import type { DeadLetters } from '../../lib/operations/dead-letters.ts'
import { atStage } from '../stage/stage-aws.ts'
import type { StageRef } from '../stage/stage-ref.ts'
import { count } from '../terminal/progress.ts'
import { interruptible, type Shell } from '../terminal/shell.ts'
import {
  formatLetter,
  formatLetterTable,
  formatNone,
  type ShownLetter,
  shownLetter,
  shownRecord,
} from './dlq-text.ts'
import { createMatcher, type LetterFilter } from './letter-filter.ts'

export type DlqOptions = {
  readonly ref: StageRef
  readonly filter: LetterFilter
  /** Prints JSON, for programs. */
  readonly json?: boolean
}

/**
 * Lists dead letters, the oldest first, and leaves each where it is.
 * @param options.limit lists at most so many
 * @throws AwsUnreachable
 */
export function list(shell: Shell, options: DlqOptions & { readonly limit: number }): Promise<void> {
  return atStage(shell, options.ref, async ({ deadLetters }) => {
    const { letters, seen, more } = await readDeadLetters(shell, deadLetters, options.filter, options.limit)
    letters.sort((one, other) => other.ageSeconds - one.ageSeconds)
    if (options.json) await shell.print(JSON.stringify(letters, null, 2))
    else
      await shell.print(
        letters.length > 0 ? formatLetterTable(letters) : await formatNone(deadLetters, options, seen),
      )
    if (more)
      shell.printError(
        `There are more than the ${count(options.limit)} that are listed. Use --limit to list more.`,
      )
  })
}

/**
 * Shows an event's dead letters: why it failed, what the ledger says, and what a redrive would run. The exit code is 1
 * where it has none.
 * @throws AwsUnreachable
 */
export function show(shell: Shell, eventId: string, options: Omit<DlqOptions, 'filter'>): Promise<void> {
  return atStage(shell, options.ref, async ({ deadLetters, ledger }) => {
    const filter = { events: [eventId] }
    const { letters, seen } = await readDeadLetters(shell, deadLetters, filter, SHOWN_MAX)
    const record = await ledger.read(eventId)
    const shown = { letters, record: record ? shownRecord(record) : null }
    if (options.json) await shell.print(JSON.stringify(shown, null, 2))
    else {
      if (letters.length === 0) await shell.print(`${await formatNone(deadLetters, options, seen)}\n`)
      await shell.print(formatLetter(shown))
    }
    if (letters.length === 0) shell.exitCode ||= 1
  })
}

/** An event has one dead letter for each time that a part of it failed permanently. */
const SHOWN_MAX = 100

type Gathered = {
  readonly letters: ShownLetter[]
  /** How many were read, whether they match or not. */
  readonly seen: number
  /** Whether there are more than were asked for. */
  readonly more: boolean
}

function readDeadLetters(
  shell: Shell,
  deadLetters: DeadLetters,
  filter: LetterFilter,
  limit: number,
): Promise<Gathered> {
  const isMeant = createMatcher(filter)
  const letters: ShownLetter[] = []
  let seen = 0
  let more = false
  return interruptible(shell, 'Stopping; every dead letter stays in the queue.', async signal => {
    await walkDeadLetters({
      deadLetters,
      now: shell.now,
      stop: () => more || signal.aborted,
      async visit(letter) {
        seen += 1
        if (!isMeant(letter)) return 'left'
        if (letters.length < limit) letters.push(shownLetter(letter))
        else more = true
        return 'left'
      },
    })
    return { letters, seen, more }
  })
}
