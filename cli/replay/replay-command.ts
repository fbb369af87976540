import { Command, Option } from 'commander'
import { type PlaceOptions, placeOf, withPlaceOptions } from '../stage/stage-ref.ts'
import { usageError } from '../terminal/command-error.ts'
import { eventId } from '../terminal/options.ts'
import type { Shell } from '../terminal/shell.ts'

type Options = PlaceOptions & {
  readonly automation?: string
  readonly force?: boolean
  readonly toLocal?: boolean
  readonly watch?: string
  readonly asTest?: boolean
  readonly dryRun?: boolean
  readonly yes?: boolean
  readonly json?: boolean
}

/** Makes the command `replay`. */
export function replayCommand(shell: Shell): Command {
  const command = new Command('replay')
    .description('run an event again from the payload that the ledger keeps')
    .argument('<event>', 'the event’s id, as logs, the ledger and `boxhooks dlq list` have it', eventId)
    .option('--automation <name>', 'only this automation')
    .option('--force', 'run again what is done, too; its effects happen anew')
    .addOption(
      new Option('--to-local', 'run it in the local stack instead').conflicts([
        'asTest',
        'force',
        'local',
        'dryRun',
      ]),
    )
    .option(
      '--watch <target>',
      'with --to-local: what stands there for the watched item, such as folder:100001',
    )
    .addOption(
      new Option('--as-test', 'write it as a fixture without names, and a test').conflicts([
        'force',
        'dryRun',
      ]),
    )
    .option('--dry-run', 'only show what would run again')
    .option('-y, --yes', 'do not ask, for scripts')
    .option('--json', 'print JSON')
  return withPlaceOptions(command).action((id: string, options: Options) => run(shell, id, options))
}

async function run(shell: Shell, id: string, options: Options): Promise<void> {
  if (options.watch !== undefined && !options.toLocal)
    throw usageError('--watch is for --to-local, where another item is watched than in the stage.')
  const place = placeOf(options)
  if (options.toLocal)
    return (await import('./replay-local.ts')).replayToLocal(shell, id, { ...options, place })
  return options.asTest
    ? (await import('./replay-test.ts')).replayAsTest(shell, id, { ...options, place })
    : (await import('./replay.ts')).replay(shell, id, { ...options, place })
}
