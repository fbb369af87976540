import { Command, Option } from 'commander'
import { STREAMS } from '../../lib/backfill/stream-event.ts'
import { readStageRef } from '../stage/stage-ref.ts'
import { rate, type StageOptions, time, withJson, withStageOptions, withYes } from '../terminal/options.ts'
import type { Shell } from '../terminal/shell.ts'
import type { BackfillOptions } from './backfill.ts'

/** The default events a second: Box takes about 1000 calls a minute. */
const RATE = 10

/** Makes the command `backfill`. */
export function backfillCommand(shell: Shell): Command {
  const command = new Command('backfill').description(
    'Queue events that webhooks missed, from Box’s event stream',
  )
  return withYes(withJson(withStageOptions(command)))
    .requiredOption('--since <time>', 'backfill from this time, such as 2026-11-23T09:00Z', time)
    .option('--until <time>', 'backfill up to this time; by default up to where Box no longer retries', time)
    .addOption(
      new Option('--stream <name>', 'the enterprise’s log, the same as it comes in, or the app’s own user’s')
        .choices([...STREAMS])
        .default('enterprise'),
    )
    .addOption(new Option('--rate <number>', 'queue this many events a second').default(RATE).argParser(rate))
    .option('--dry-run', 'only count')
    .option('--restart', 'start over instead of resuming an unfinished backfill')
    .option('--even-if-queue-is-busy', 'queue while messages wait on the queue, too')
    .option('--even-if-box-may-deliver', 'include events that Box may still deliver')
    .action(async (options: StageOptions & Omit<BackfillOptions, 'ref'>) =>
      (await import('./backfill.ts')).backfill(shell, { ...options, ref: readStageRef(options) }),
    )
}
