import { Command, InvalidArgumentError, Option } from 'commander'
import { parseTimestamp } from '../../lib/base/timestamp.ts'
import { AGE_MAX_SECONDS, SKEW_MAX_SECONDS } from '../../lib/ingest/signature.ts'
import { seconds } from '../terminal/options.ts'
import type { Shell } from '../terminal/shell.ts'
import { FORMATS } from './read-captures.ts'
import type { VerifyOptions } from './verify.ts'

/** Makes the command `verify`. */
export function verifyCommand(shell: Shell): Command {
  return new Command('verify')
    .description('Diagnose why a delivery is rejected, offline')
    .argument('[capture]', 'a file with the request (HTTP text, HAR, Lambda event), or - for standard input')
    .addOption(
      new Option('--format <format>', 'what the capture is; found out by default').choices([...FORMATS]),
    )
    .addOption(new Option('--entry <number>', 'which request of a HAR, from 0 on').argParser(entry))
    .option(
      '--keys <file>',
      'holds {"primary": "…", "secondary": "…"} (or set BOX_SIGNATURE_PRIMARY_KEY and BOX_SIGNATURE_SECONDARY_KEY; asked for otherwise)',
    )
    .addOption(
      new Option(
        '--at <time>',
        'when it was received, as 2026-11-23T10:00:00Z; by default as in the capture, or now',
      ).argParser(moment),
    )
    .addOption(
      new Option('--age-max <seconds>', 'how old a delivery may be')
        .default(AGE_MAX_SECONDS)
        .argParser(seconds),
    )
    .addOption(
      new Option('--skew-max <seconds>', 'how far ahead of the clock a delivery may be')
        .default(SKEW_MAX_SECONDS)
        .argParser(seconds),
    )
    .option('--json', 'print the diagnosis as JSON')
    .action(async (capture: string | undefined, options: VerifyOptions) =>
      (await import('./verify.ts')).verifyCapture(shell, capture, options),
    )
}

function entry(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a non-negative integer.')
}

function moment(text: string): number {
  const at = parseTimestamp(text)
  if (at !== undefined) return at
  throw new InvalidArgumentError('It must be a date-time with its zone, such as 2026-11-23T10:00:00Z.')
}
