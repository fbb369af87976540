import { Command, Option } from 'commander'
import { readStageRef } from '../stage/stage-ref.ts'
import {
  age,
  byOption,
  eventId,
  positive,
  rate,
  repeated,
  type StageOptions,
  withJson,
  withStageOptions,
  withYes,
} from '../terminal/options.ts'
import type { Shell } from '../terminal/shell.ts'
import type { DlqOptions } from './dlq.ts'
import type { WorkOptions } from './dlq-work.ts'
import type { LetterFilter } from './letter-filter.ts'

type Shared = StageOptions & { readonly json?: boolean }

type Filtering = Shared & {
  readonly code?: readonly string[]
  readonly automation?: readonly string[]
  readonly olderThan?: number
  readonly newerThan?: number
}

type Working = Filtering & Pick<WorkOptions, 'all' | 'limit' | 'rate' | 'dryRun' | 'yes'>

/** How many are listed by default, so that a long queue fills neither a terminal nor the memory. */
const LISTED = 200

/** Dead letters a second by default: Box takes about 1000 calls a minute. */
const RATE = 10

/** Makes the command `dlq` with its subcommands. */
export function dlqCommand(shell: Shell): Command {
  const command = new Command('dlq').description('List, redrive and drop dead letters')
  const add = (name: string, description: string): Command =>
    withJson(withStageOptions(command.command(name).description(description)))
  const filters = (one: Command): Command =>
    one
      .option('--code <code>', 'with this error code; can be repeated', repeated)
      .option('--automation <name>', 'of this automation; can be repeated', repeated)
      .addOption(new Option('--older-than <age>', 'such as 30m, 2h or 3d').argParser(age))
      .addOption(new Option('--newer-than <age>', 'such as 30m, 2h or 3d').argParser(age))
  const working = (one: Command): Command =>
    withYes(filters(one))
      .argument('[events...]', 'ids of events; `boxhooks dlq list` shows them', eventIds)
      .option('--all', 'every dead letter')
      .addOption(new Option('--limit <number>', 'at most this many').argParser(positive))
      .addOption(new Option('--rate <number>', 'this many a second').default(RATE).argParser(rate))
      .option('--dry-run', 'only show what would be done')

  filters(add('list', 'List dead letters, the oldest first'))
    .addOption(new Option('--limit <number>', 'at most this many').default(LISTED).argParser(positive))
    .action(async (options: Filtering & { readonly limit: number }) =>
      (await import('./dlq.ts')).list(shell, { ...options, ...readSelection(options), limit: options.limit }),
    )
  add('show', 'Show why an event failed and what a redrive would run')
    .argument('<event>', 'the event’s id; `boxhooks dlq list` shows it', eventId)
    .action(async (id: string, options: Shared) =>
      (await import('./dlq.ts')).show(shell, id, { ...options, ref: readStageRef(options) }),
    )
  working(add('redrive', 'Send dead letters back to the queue, to run what is unfinished')).action(
    async (events: readonly string[], options: Working) =>
      (await import('./dlq-work.ts')).redrive(shell, { ...options, ...readSelection(options, events) }),
  )
  working(add('drop', 'Delete dead letters; the ledger keeps the reason'))
    .requiredOption('--reason <text>', 'why they need no action')
    .addOption(byOption('who drops them'))
    .action(
      async (
        events: readonly string[],
        options: Working & { readonly reason: string; readonly by: string },
      ) => (await import('./dlq-work.ts')).drop(shell, { ...options, ...readSelection(options, events) }),
    )
  return command
}

function readSelection(
  options: Filtering,
  events: readonly string[] = [],
): Pick<DlqOptions, 'ref' | 'filter'> {
  const { code: codes, automation: automations } = options
  const { olderThan: olderThanSeconds, newerThan: newerThanSeconds } = options
  const filter: LetterFilter = { events, codes, automations, olderThanSeconds, newerThanSeconds }
  return { ref: readStageRef(options), filter }
}

const eventIds = (text: string, before: readonly string[] = []): string[] => [...before, eventId(text)]
