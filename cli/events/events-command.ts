import { Command, InvalidArgumentError, Option } from 'commander'
import { TRIGGERS, triggerOf } from '../../lib/event/event.ts'
import { readStageRef } from '../stage/stage-ref.ts'
import { usageError } from '../terminal/command-error.ts'
import { near } from '../terminal/near.ts'
import {
  eventId,
  moment,
  positive,
  repeated,
  type StageOptions,
  withJson,
  withSince,
  withStageOptions,
} from '../terminal/options.ts'
import type { Shell } from '../terminal/shell.ts'
import { isStatusFilter, STATUSES, type StatusFilter } from './event-filter.ts'
import type { ListOptions } from './events.ts'

type Shared = StageOptions & { readonly json?: boolean }

type Listing = Shared & {
  readonly trigger?: readonly string[]
  readonly item?: readonly string[]
  readonly automation?: readonly string[]
  readonly status?: readonly StatusFilter[]
  readonly since: number
  readonly until?: number
  readonly limit: number
}

/** How many are listed by default. */
const LISTED = 50

/** Makes the command `events` with its subcommands. */
export function eventsCommand(shell: Shell): Command {
  const command = new Command('events').description('List events and show what happened to them')
  const add = (name: string, description: string): Command =>
    withJson(withStageOptions(command.command(name).description(description)))
  withSince(add('list', 'List the events in the ledger, the newest first'), shell, '1h')
    .addOption(new Option('--trigger <trigger>', 'of this trigger; can be repeated').argParser(triggers))
    .addOption(new Option('--item <item>', 'about file:ID, folder:ID, or ID').argParser(items))
    .option('--automation <name>', 'with a run of this automation; can be repeated', repeated)
    .addOption(
      new Option(
        '--status <status>',
        `${Object.keys(STATUSES).join(', ')}; of the run where --automation is given; can be repeated`,
      ).argParser(statuses),
    )
    .addOption(new Option('--until <time>', 'no later than that').argParser(moment(shell)))
    .addOption(new Option('--limit <number>', 'at most this many').default(LISTED).argParser(positive))
    .action(async (options: Listing) =>
      (await import('./events.ts')).listEvents(shell, listing(options, shell.now())),
    )
  withSince(add('show', 'Show an event: its deliveries, runs, steps, calls and errors'), shell, '3d')
    .argument('<event>', 'the event’s id, or that of one of its deliveries', eventId)
    .option('--payload', 'print the body as well, which names files and people')
    .action(async (id: string, options: Shared & { readonly payload?: boolean; readonly since: number }) =>
      (await import('./events.ts')).showEvent(shell, id, { ...options, ref: readStageRef(options) }),
    )
  return command
}

function listing(options: Listing, now: number): ListOptions {
  const { trigger, item, automation, status, since: from, until: to = now, ...rest } = options
  if (from > to) throw usageError('--since must be before --until.')
  return {
    ...rest,
    ref: readStageRef(options),
    span: { from, to },
    filter: { triggers: trigger, automations: automation, statuses: status },
    ...(item ? { items: item } : {}),
  }
}

function triggers(text: string, before: readonly string[] = []): string[] {
  const trigger = triggerOf(text) ?? triggerOf(text.toUpperCase())
  if (trigger !== undefined) return [...before, trigger]
  const similar = near(text, Object.keys(TRIGGERS))
  throw new InvalidArgumentError(
    `Box has no such trigger.${similar.length > 0 ? ` Did you mean ${similar.join(' or ')}?` : ''} docs/write-an-automation.md lists them.`,
  )
}

/** Parses an item; an id alone is a file's or a folder's. */
function items(text: string, before: readonly string[] = []): string[] {
  if (/^\d{1,32}$/.test(text)) return [...before, `file:${text}`, `folder:${text}`]
  if (/^[a-z][\w-]{0,63}:[\w-]{1,128}$/.test(text)) return [...before, text]
  throw new InvalidArgumentError('It must be file:ID, folder:ID, or an id.')
}

function statuses(text: string, before: readonly StatusFilter[] = []): StatusFilter[] {
  if (isStatusFilter(text)) return [...before, text]
  const all = Object.entries(STATUSES).map(([status, meaning]) => `\n  ${status.padEnd(8)}  ${meaning}`)
  throw new InvalidArgumentError(`It must be one of${all.join('')}`)
}
