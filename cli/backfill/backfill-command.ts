import { Command, InvalidArgumentError, Option } from 'commander'
import { isTime } from '../../lib/backfill/backfill-request.ts'
import { STREAMS } from '../../lib/backfill/stream-event.ts'
import { type PlaceOptions, placeOf, withPlaceOptions } from '../stage/stage-ref.ts'
import type { Shell } from '../terminal/shell.ts'
import type { BackfillOptions } from './backfill.ts'

/** Events a second where nobody says how many: Box takes about 1000 calls a minute. */
const RATE = 10

/** Makes the command `backfill`. */
export function backfillCommand(shell: Shell): Command {
  const command = new Command('backfill').description(
    'make up for events that webhooks did not bring: read Box’s event stream, skip what the ledger has seen, queue the rest',
  )
  return withPlaceOptions(command)
    .requiredOption('--since <time>', 'from when on, such as 2026-11-23T09:00Z', time)
    .option(
      '--until <time>',
      'up to when; by default as late as Box has given up what it could not deliver',
      time,
    )
    .addOption(
      new Option('--stream <name>', 'the enterprise’s log, the same as it comes in, or the app’s own user’s')
        .choices([...STREAMS])
        .default('enterprise'),
    )
    .addOption(new Option('--rate <number>', 'so many events a second').default(RATE).argParser(rate))
    .option('--dry-run', 'only count')
    .option('--restart', 'begin anew, whatever is unfinished')
    .option('--even-if-queue-is-busy', 'also while messages wait on the queue')
    .option('--even-if-box-may-deliver', 'also what Box may yet deliver by itself')
    .option('--json', 'print JSON')
    .option('-y, --yes', 'do not ask, for scripts')
    .action(async (options: PlaceOptions & Omit<BackfillOptions, 'place'>) =>
      (await import('./backfill.ts')).backfill(shell, { ...options, place: placeOf(options) }),
    )
}

function time(text: string): string {
  if (isTime(text)) return new Date(text).toISOString()
  throw new InvalidArgumentError(
    'It must be a time with its offset, such as 2026-11-23T09:00Z or 2026-11-23T10:00+01:00.',
  )
}

function rate(text: string): number {
  const perSecond = Number(text)
  if (perSecond > 0 && perSecond <= 1000) return perSecond
  throw new InvalidArgumentError('It must be a number above 0, at most 1000.')
}
