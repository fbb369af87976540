import { userInfo } from 'node:os'
import { Command, InvalidArgumentError, Option } from 'commander'
import { type PlaceOptions, placeOf, withPlaceOptions } from '../place/place.ts'
import { parseAge } from '../terminal/age.ts'
import type { DlqOptions } from './dlq.ts'
import type { WorkOptions } from './dlq-work.ts'
import type { LetterFilter } from './letter-filter.ts'

type Shared = PlaceOptions & { readonly json?: boolean }

type Filtering = Shared & {
  readonly code?: readonly string[]
  readonly automation?: readonly string[]
  readonly olderThan?: number
  readonly newerThan?: number
}

type Working = Filtering & Pick<WorkOptions, 'all' | 'limit' | 'rate' | 'dryRun' | 'yes'>

/** How many are listed where nobody says how many, so that a long queue does not fill a terminal, or a memory. */
const LISTED = 200

/** Letters a second where nobody says how many: Box takes about 1000 calls a minute. */
const RATE = 10

/**
 * Makes the command `dlq` with its own.
 * @param port reads a port
 * @param more gathers what is said repeatedly
 */
export function dlqCommand(
  port: (text: string) => number,
  more: (text: string, before?: readonly string[]) => string[],
): Command {
  const command = new Command('dlq').description(
    'what was given up: list and show dead letters, run again what is unfinished, or drop them',
  )
  const add = (name: string, description: string): Command =>
    withPlaceOptions(command.command(name).description(description), port).option('--json', 'print JSON')
  const filters = (one: Command): Command =>
    one
      .option('--code <code>', 'with this error code; can be repeated', more)
      .option('--automation <name>', 'of this automation; can be repeated', more)
      .addOption(new Option('--older-than <age>', 'such as 30m, 2h or 3d').argParser(age))
      .addOption(new Option('--newer-than <age>', 'such as 30m, 2h or 3d').argParser(age))
  const working = (one: Command): Command =>
    filters(one)
      .argument('[events...]', 'ids of events; `boxhooks dlq list` shows them', eventIds)
      .option('--all', 'every dead letter there is')
      .addOption(new Option('--limit <number>', 'at most so many').argParser(whole))
      .addOption(new Option('--rate <number>', 'so many a second').default(RATE).argParser(rate))
      .option('--dry-run', 'only show what would be done')
      .option('-y, --yes', 'do not ask, for scripts')

  filters(add('list', 'the dead letters, the oldest first'))
    .addOption(new Option('--limit <number>', 'at most so many').default(LISTED).argParser(whole))
    .action(async (options: Filtering & { readonly limit: number }) =>
      (await import('./dlq.ts')).list({ ...options, ...meant(options), limit: options.limit }),
    )
  add('show', 'why an event is dead, what the ledger says of it, and what a redrive would run')
    .argument('<event>', 'the event’s id; `boxhooks dlq list` shows it', eventId)
    .action(async (id: string, options: Shared) =>
      (await import('./dlq.ts')).show(id, { ...options, place: placeOf(options) }),
    )
  working(add('redrive', 'run again what is unfinished of dead events')).action(
    async (events: readonly string[], options: Working) =>
      (await import('./dlq-work.ts')).redrive({ ...options, ...meant(options, events) }),
  )
  working(add('drop', 'take dead letters away for good; the ledger keeps the reason'))
    .requiredOption('--reason <text>', 'why nothing is to be done about them')
    .option('--by <name>', 'who says so', userInfo().username)
    .action(
      async (
        events: readonly string[],
        options: Working & { readonly reason: string; readonly by: string },
      ) => (await import('./dlq-work.ts')).drop({ ...options, ...meant(options, events) }),
    )
  return command
}

function meant(options: Filtering, events: readonly string[] = []): Pick<DlqOptions, 'place' | 'filter'> {
  const { code: codes, automation: automations } = options
  const { olderThan: olderThanSeconds, newerThan: newerThanSeconds } = options
  const filter: LetterFilter = { events, codes, automations, olderThanSeconds, newerThanSeconds }
  return { place: placeOf(options), filter }
}

/** Reads the id of an event, which is text without spaces. */
export function eventId(text: string): string {
  if (/^[!-~]{1,128}$/.test(text)) return text
  throw new InvalidArgumentError('It must be the id of an event: up to 128 characters without a space.')
}

const eventIds = (text: string, before: readonly string[] = []): string[] => [...before, eventId(text)]

function age(text: string): number {
  const seconds = parseAge(text)
  if (seconds !== undefined) return seconds
  throw new InvalidArgumentError('It must be a whole number with a unit: 90s, 30m, 2h or 3d.')
}

function whole(text: string): number {
  if (/^\d{1,9}$/.test(text) && Number(text) > 0) return Number(text)
  throw new InvalidArgumentError('It must be a whole number from 1 up.')
}

function rate(text: string): number {
  if (/^\d{1,4}(\.\d{1,3})?$/.test(text) && Number(text) >= 0.05) return Number(text)
  throw new InvalidArgumentError('It must be a number from 0.05 to 9999.')
}
