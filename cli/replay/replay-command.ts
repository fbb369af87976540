import { Command, Option } from 'commander'
import { readStageRef } from '../stage/stage-ref.ts'
import { usageError } from '../terminal/command-error.ts'
import { eventId, type StageOptions, withJson, withStageOptions, withYes } from '../terminal/options.ts'
import type { Shell } from '../terminal/shell.ts'

type Options = StageOptions & {
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
    .description('Run an event again from the payload in the ledger')
    .argument('<event>', 'the event’s id, as logs, the ledger and `boxhooks dlq list` have it', eventId)
    .option('--automation <name>', 'run only this automation')
    .option('--force', 'run finished automations again, too; their effects are repeated')
    .addOption(
      new Option('--to-local', 'run it in the local stack').conflicts(['asTest', 'force', 'local', 'dryRun']),
    )
    .option(
      '--watch <target>',
      'with --to-local: the local item in place of the watched one, such as folder:100001',
    )
    .addOption(
      new Option('--as-test', 'write it as a redacted fixture with a test').conflicts(['force', 'dryRun']),
    )
    .option('--dry-run', 'only show what would run again')
  return withYes(withJson(withStageOptions(command))).action((id: string, options: Options) =>
    run(shell, id, options),
  )
}

async function run(shell: Shell, id: string, options: Options): Promise<void> {
  if (options.watch !== undefined && !options.toLocal)
    throw usageError('--watch is for --to-local, where another item is watched than in the stage.')
  const ref = readStageRef(options)
  if (options.toLocal)
    return (await import('./replay-local.ts')).replayToLocal(shell, id, { ...options, ref })
  return options.asTest
    ? (await import('./replay-test.ts')).replayAsTest(shell, id, { ...options, ref })
    : (await import('./replay.ts')).replay(shell, id, { ...options, ref })
}
