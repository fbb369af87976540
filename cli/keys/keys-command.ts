import { Command, InvalidArgumentError, Option } from 'commander'
import type { KeyName } from '../../lib/ingest/signature.ts'
import { SETTLE_MS, SETTLE_MS_MIN } from '../../lib/key-rotation.ts'
import { readStageRef as placeOf } from '../stage/stage-ref.ts'
import {
  byOption,
  positive,
  type StageOptions,
  span,
  withJson,
  withStageOptions,
} from '../terminal/options.ts'
import type { Shell } from '../terminal/shell.ts'

type Rotating = StageOptions & {
  readonly only?: KeyName
  readonly keyFile?: string
  readonly wait: boolean
  readonly timeout: number
  readonly settle?: number
  readonly abort?: boolean
  readonly yes?: boolean
  readonly by: string
  readonly json?: boolean
}

/** Makes the command `keys` with its subcommands. */
export function keysCommand(shell: Shell): Command {
  const command = new Command('keys').description('Check and rotate the webhook signature keys')
  const add = (name: string, description: string): Command =>
    withJson(withStageOptions(command.command(name).description(description)))

  add('status', 'Show since when each key is stored, when traffic last used it, and what is wrong')
    .addOption(new Option('--since <age>', 'how far to look back').default(3_600_000, '1h').argParser(span))
    .addOption(
      new Option('--last <number>', 'look no further back than for so many deliveries')
        .default(500)
        .argParser(positive),
    )
    .action(async (options: StageOptions & { since: number; last: number; json?: boolean }) =>
      (await import('./keys-status.ts')).status(shell, { ...options, place: placeOf(options) }),
    )
  add('rotate', 'Replace the keys one after the other without rejecting a delivery; resumes where it stopped')
    .addOption(new Option('--only <key>', 'replace just this one').choices(['primary', 'secondary']))
    .option('--key-file <file>', 'the new key for the step at hand: a file, or standard input with -')
    .option('--no-wait', 'do what can be done now, say what is next, and end')
    .addOption(
      new Option('--timeout <age>', 'how long to wait for traffic').default(1_800_000, '30m').argParser(span),
    )
    .addOption(
      new Option(
        '--settle <age>',
        `how long a new key is watched before the next is reset; ${SETTLE_MS / 60_000}m by default, 45s on the local stack`,
      ).argParser(settle),
    )
    .option('--abort', 'end the rotation that is under way, so that deliveries pass as they do now')
    .option('-y, --yes', 'do not ask before --abort, for scripts')
    .addOption(byOption('who rotates'))
    .action(async ({ settle: settleMs, timeout: timeoutMs, ...options }: Rotating) =>
      (await import('./keys-rotate.ts')).rotate(shell, {
        ...options,
        settleMs,
        timeoutMs,
        place: placeOf(options),
      }),
    )
  return command
}

function settle(text: string): number {
  const ms = span(text)
  if (ms >= SETTLE_MS_MIN) return ms
  throw new InvalidArgumentError(
    `It must be ${SETTLE_MS_MIN / 1000}s at least: so long the front door may keep to the keys that it has just read.`,
  )
}
