import { Argument, Command, Option } from 'commander'
import { regionOf } from '../infra/stage/aws-reason.ts'
import { AGE_MAX_SECONDS, SKEW_MAX_SECONDS } from '../lib/ingest/signature.ts'
import { EVENTS_MAX } from '../local/journal.ts'
import type { AutomationsOptions } from './automations.ts'
import { COMPLETION_SHELLS } from './completion.ts'
import type { ConformanceOptions } from './conformance.ts'
import type { InspectOptions } from './inspect.ts'
import type { StartOptions } from './start.ts'
import { PORT, port, positive, repeated, seconds, stage, withJson, withSince } from './terminal/options.ts'
import type { Shell } from './terminal/shell.ts'

// The commands that have one file each.

/** Makes the command `start`. */
export const startCommand = (): Command =>
  new Command('start')
    .description('Run the whole system on this machine with an emulated Box')
    .addOption(
      new Option('-p, --port <number>', 'the port to serve on').default(PORT).env('PORT').argParser(port),
    )
    .addOption(
      new Option('--events <number>', 'how many events the page remembers')
        .default(EVENTS_MAX)
        .argParser(positive),
    )
    .addOption(
      new Option('--retries <curve>', 'how the emulated Box spaces its retries: 12 or 10 over two hours')
        .choices(['current', 'former'])
        .default('current'),
    )
    .action(async (options: StartOptions) => (await import('./start.ts')).start(options))

/** Makes the command `demo`. */
export const demoCommand = (): Command =>
  new Command('demo')
    .description('Run an end-to-end demo')
    .action(async () => (await import('./demo.ts')).demo())

/** Makes the command `automations`. */
export const automationsCommand = (shell: Shell): Command =>
  withJson(
    new Command('automations')
      .description('List the automations, their triggers, targets and settings')
      .addOption(
        new Option('--stage <stage>', 'the stage that the settings need values in')
          .default('dev')
          .argParser(stage),
      ),
  ).action(async (options: AutomationsOptions) =>
    (await import('./automations.ts')).automations(shell, options),
  )

/** Where `inspect` serves the page unless another port is named: beside the local stack's. */
const INSPECT_PORT = PORT + 1

/** Makes the command `inspect`. */
export const inspectCommand = (shell: Shell): Command =>
  withSince(
    new Command('inspect')
      .description('Open the inspector on a deployed stage, read-only')
      .requiredOption('--stage <stage>', 'the deployed stage', stage)
      .option('--region <region>', 'its region (or set AWS_REGION)')
      .addOption(
        new Option('-p, --port <number>', 'the port to serve on').default(INSPECT_PORT).argParser(port),
      ),
    shell,
    '1h',
  ).action(async ({ region, ...options }: Omit<InspectOptions, 'region'> & { readonly region?: string }) =>
    (await import('./inspect.ts')).inspect(shell, { ...options, region: regionOf(region) }),
  )

/** Makes the command `conformance`. */
export const conformanceCommand = (shell: Shell): Command =>
  new Command('conformance')
    .description('Run the conformance suite against a webhook receiver')
    .argument('[url]', 'the address that Box would deliver to')
    .option(
      '--primary-key-file <file>',
      'holds the receiver’s primary signature key (or set BOXHOOKS_PRIMARY_KEY)',
    )
    .option('--secondary-key-file <file>', 'holds its secondary key (or set BOXHOOKS_SECONDARY_KEY)')
    .option(
      '--retired-key-file <file>',
      'holds a retired key, which it must reject (or set BOXHOOKS_RETIRED_KEY)',
    )
    .option('--only <id>', 'run this requirement or group; can be repeated', repeated)
    .option('--list', 'list the requirements and run none')
    .option('--json', 'print the report as JSON')
    .option('--junit <file>', 'also write the report as JUnit XML')
    .option('--header <header>', 'send this header too, as "Name: value"; can be repeated', repeated)
    .addOption(
      new Option('--timeout <seconds>', 'how long an answer may take; Box waits 30 s')
        .default(30)
        .argParser(seconds),
    )
    .addOption(
      new Option('--age-max <seconds>', 'how old a delivery the receiver takes')
        .default(AGE_MAX_SECONDS)
        .argParser(seconds),
    )
    .addOption(
      new Option('--skew-max <seconds>', 'how far ahead of its clock a delivery may be')
        .default(SKEW_MAX_SECONDS)
        .argParser(seconds),
    )
    .action(async (url: string | undefined, options: ConformanceOptions) =>
      (await import('./conformance.ts')).conformance(shell, url, options),
    )

/** Makes the command `completion`. It reads the commands of the program that it becomes a part of. */
export function completionCommand(shell: Shell): Command {
  const command = new Command('completion')
    .description('Print a script that completes command lines in a shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(COMPLETION_SHELLS))
    .addHelpText('after', "\nIt completes boxhooks. To use it with npx: alias boxhooks='npx boxhooks'")
  return command.action(async (name: string) => {
    const { completionScript } = await import('./completion.ts')
    await shell.print(completionScript(command.parent ?? command, name))
  })
}
