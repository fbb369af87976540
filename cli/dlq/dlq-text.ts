import { isTakenBackBy } from '../../lib/automate/claim.ts'
import type { EventRecord, RunRecord } from '../../lib/ledger/record.ts'
import type { DeadLetter, DeadLetters } from '../../lib/operations/dead-letters.ts'
import { formatStage, type StageRef } from '../stage/stage-ref.ts'
import { ageText } from '../terminal/age.ts'
import { count } from '../terminal/progress.ts'
import { table } from '../terminal/table.ts'

/** What is shown of a dead letter: everything but the body, in which files and people are named. */
export type ShownLetter = Omit<DeadLetter, 'body' | 'held' | 'sentAt'> & { readonly messageId: string }

export function shownLetter({ body, held, sentAt, ...letter }: DeadLetter): ShownLetter {
  return { ...letter, messageId: held.messageId }
}

/** What is shown of an event's record: everything but the payload and the results of steps. */
export type ShownRecord = Omit<EventRecord, 'payload' | 'runs' | 'leaseToken'> & {
  readonly runs: Readonly<Record<string, ShownRun>>
}
type ShownRun = Omit<RunRecord, 'steps'> & { readonly steps: readonly string[] }

export function shownRecord({ payload, leaseToken, runs, ...record }: EventRecord): ShownRecord {
  const shown = Object.entries(runs).map(([name, run]) => [name, { ...run, steps: Object.keys(run.steps) }])
  return { ...record, runs: Object.fromEntries(shown) }
}

/** Stands for the automations where the event as a whole failed. */
const WHOLE = '(the whole event)'

const namesOf = ({ automations }: Pick<DeadLetter, 'automations'>): readonly string[] =>
  automations.length > 0 ? automations.map(({ name }) => name) : [WHOLE]

export function formatLetterTable(letters: readonly ShownLetter[]): string {
  const rows = letters.map(letter => [
    ageText(letter.ageSeconds),
    letter.eventId,
    letter.trigger,
    letter.code,
    namesOf(letter).join(', '),
  ])
  return table([['AGE', 'EVENT', 'TRIGGER', 'CODE', 'AUTOMATIONS'], ...rows])
}

/** What a command would do, in numbers. */
export type Survey = {
  readonly letters: number
  readonly byCode: Readonly<Record<string, number>>
  /** A dead letter counts for each automation that failed permanently. */
  readonly byAutomation: Readonly<Record<string, number>>
  readonly oldestSeconds: number
}

/** Counts dead letters, however many. */
export class SurveyCount {
  #letters = 0
  #oldestSeconds = 0
  readonly #codes = new Map<string, number>()
  readonly #automations = new Map<string, number>()

  add(letter: DeadLetter): void {
    this.#letters += 1
    this.#oldestSeconds = Math.max(this.#oldestSeconds, letter.ageSeconds)
    const addTo = (counts: Map<string, number>, name: string) => counts.set(name, (counts.get(name) ?? 0) + 1)
    addTo(this.#codes, letter.code)
    for (const name of namesOf(letter)) addTo(this.#automations, name)
  }

  get letters(): number {
    return this.#letters
  }

  get survey(): Survey {
    const sorted = (counts: Map<string, number>) =>
      Object.fromEntries([...counts].sort(([, one], [, other]) => other - one))
    return {
      letters: this.#letters,
      byCode: sorted(this.#codes),
      byAutomation: sorted(this.#automations),
      oldestSeconds: this.#oldestSeconds,
    }
  }
}

/** Formats what would be done. */
export function formatSurvey(survey: Survey, verb: string, ref: string): string {
  const { letters, byCode, byAutomation, oldestSeconds } = survey
  const rows = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts).map(([name, number]) => [name, count(number)])
  return [
    `${formatLetters(letters)} of ${ref} would be ${verb}, the oldest ${ageText(oldestSeconds)} old:`,
    '',
    table([['CODE', 'LETTERS'], ...rows(byCode)]),
    '',
    table([['AUTOMATION', 'LETTERS'], ...rows(byAutomation)]),
    '',
  ].join('\n')
}

export const formatLetters = (number: number): string =>
  `${count(number)} dead ${number === 1 ? 'letter' : 'letters'}`

/** Formats an event's dead letters and its record. */
export function formatLetter(shown: {
  readonly letters: readonly ShownLetter[]
  readonly record: ShownRecord | null
}): string {
  return [...shown.letters.map(letter => letterText(letter, shown.record)), recordText(shown.record)].join(
    '\n\n',
  )
}

function letterText(letter: ShownLetter, record: ShownRecord | null): string {
  const lines = [
    ['event', letter.eventId],
    ['trigger', letter.trigger],
    ['delivery', `${letter.deliveryId}, received ${letter.receivedAt}`],
    ['dead since', `${letter.at} (${ageText(letter.ageSeconds)})`],
    ['code', letter.code],
    ['message', letter.message],
    ['redrive runs', redriveText(letter, record)],
  ]
  const runs = letter.automations.map(({ name, code, attempts, message }) => [
    name,
    code,
    String(attempts),
    message,
  ])
  return [
    table(lines),
    ...(runs.length > 0 ? ['', table([['AUTOMATION', 'CODE', 'ATTEMPTS', 'MESSAGE'], ...runs])] : []),
  ].join('\n')
}

/** Formats what a redrive would run: what the dead letter names, unless that was redriven since. */
function redriveText(letter: ShownLetter, record: ShownRecord | null): string {
  if (!record) return 'every automation that the event concerns, because the ledger has no record of it'
  if (letter.automations.length === 0)
    return record.status === 'dead'
      ? 'every automation that the event concerns'
      : 'nothing: it was redriven since'
  const due = Object.entries(record.runs).filter(([name, run]) => isTakenBackBy(letter, name, run))
  return due.map(([name]) => name).join(', ') || 'nothing: each run was redriven since'
}

function recordText(record: ShownRecord | null): string {
  if (!record) return 'The ledger has no record of the event.'
  const rows = Object.entries(record.runs).map(([name, run]) => [
    name,
    run.status,
    String(run.attempts),
    String(run.redrives),
    run.steps.join(', '),
    run.error?.code ?? run.reason ?? '',
  ])
  const header = ['RUN', 'STATUS', 'ATTEMPTS', 'REDRIVES', 'SAVED STEPS', 'WHY']
  const { dropped } = record
  return [
    `The ledger has the event as ${record.status}.`,
    ...(rows.length > 0 ? [table([header, ...rows])] : []),
    ...(dropped
      ? [`Dropped ${dropped.at}${dropped.by === undefined ? '' : ` by ${dropped.by}`}: ${dropped.reason}`]
      : []),
  ].join('\n')
}

/** Formats that no dead letter matches, and why there may be some all the same. */
export async function formatNone(
  deadLetters: Pick<DeadLetters, 'count'>,
  { ref }: { readonly ref: StageRef },
  seen: number,
): Promise<string> {
  const where = formatStage(ref)
  if (seen > 0)
    return `No dead letter of ${where} matches; ${count(seen)} ${seen === 1 ? 'was' : 'were'} read.`
  const { hidden } = await deadLetters.count()
  const none = `There is no dead letter in ${where}.`
  if (hidden === 0) return none
  return `No dead letter of ${where} can be received now: about ${count(hidden)} are in flight, because another command reads them or did a moment ago. Try again in two minutes.`
}
