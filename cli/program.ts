import { Command, CommanderError, Option } from 'commander'
import { regionOf } from '../infra/stage/aws-reason.ts'
import { AGE_MAX_SECONDS, SKEW_MAX_SECONDS } from '../lib/ingest/signature.ts'
import { EVENTS_MAX } from '../local/journal.ts'
import { backfillCommand } from './backfill/backfill-command.ts'
import { dlqCommand } from './dlq/dlq-command.ts'
import { doctorCommand } from './doctor/doctor-command.ts'
import { eventsCommand } from './events/events-command.ts'
import { keysCommand } from './keys/keys-command.ts'
import { replayCommand } from './replay/replay-command.ts'
import { secretsCommand } from './secrets/secrets-command.ts'
import { CommandError, errorText } from './terminal/command-error.ts'
import { PORT, port, positive, repeated, seconds, span, stage } from './terminal/options.ts'
import type { Shell } from './terminal/shell.ts'
import { verifyCommand } from './verify/verify-command.ts'
import { webhooksCommand } from './webhooks/webhooks-command.ts'
import { whyCommand } from './why/why-command.ts'

/** Where `inspect` serves the page unless another port is named: beside the local stack's. */
const INSPECT_PORT = PORT + 1

/** Commands whose exit code 1 is a judgement of what they examined, so that wrong usage needs another: 2. */
const JUDGES: ReadonlySet<string> = new Set(['conformance', 'doctor', 'verify'])

/**
 * Runs a command line.
 * @param args the words after `boxhooks`
 * @returns the exit code
 */
export async function run(args: readonly string[], shell: Shell): Promise<number> {
  try {
    await createProgram(shell).parseAsync(args, { from: 'user' })
    return shell.exitCode
  } catch (error) {
    // Commander has shown what is wrong, or the help.
    if (error instanceof CommanderError) return error.exitCode
    shell.printError(errorText(error))
    return error instanceof CommandError ? error.exitCode : 1
  }
}

/** Makes the command line. Wrong usage, and a call for help, throw a CommanderError once the user is shown what is to be shown. */
export function createProgram(shell: Shell): Command {
  const program = new Command('boxhooks').description(
    'Serverless functions between Box and your automations.',
  )
  program
    .command('start')
    .description('run the whole system on this machine, with an emulated Box')
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
    .action(async options => (await import('./start.ts')).start(options))
  program
    .command('demo')
    .description('show the main job from end to end, and check it')
    .action(async () => (await import('./demo.ts')).demo())
  program.addCommand(inspectCommand(shell))
  program.addCommand(conformanceCommand(shell))
  program.addCommand(doctorCommand(shell))
  program.addCommand(verifyCommand(shell))
  program.addCommand(webhooksCommand(shell))
  program.addCommand(secretsCommand(shell))
  program.addCommand(keysCommand(shell))
  program.addCommand(dlqCommand(shell))
  program.addCommand(replayCommand(shell))
  program.addCommand(backfillCommand(shell))
  program.addCommand(eventsCommand(shell))
  program.addCommand(whyCommand(shell))
  program
    .command('automations')
    .description('what is declared, on what, and with which settings')
    .addOption(
      new Option('--stage <stage>', 'the stage that the settings need values in')
        .default('dev')
        .argParser(stage),
    )
    .option('--json', 'print JSON')
    .action(async options => (await import('./automations.ts')).automations(shell, options))
  program
    .command('new')
    .description('write an automation and its test, ready to run')
    .argument('<name>', 'its name in kebab case, such as remove-shared-link')
    .requiredOption('--on <trigger>', 'a trigger, such as FILE.UPLOADED; can be repeated', repeated)
    .requiredOption('--watch <target>', 'folder:ID or file:ID; can be repeated', repeated)
    .action(async (name, options) => (await import('./new/new.ts')).newAutomation(shell, name, options))
  for (const command of everyCommand(program)) bind(command, shell)
  return program
}

/** Lists a command and all that are within it. */
export const everyCommand = (command: Command): Command[] => [
  command,
  ...command.commands.flatMap(everyCommand),
]

/** Lets a command print to the shell, and throw where commander would end the process. */
function bind(command: Command, shell: Shell): void {
  command
    .configureOutput({
      writeOut: text => void shell.print(text, ''),
      writeErr: text => void shell.stderr.write(text),
    })
    .exitOverride(({ exitCode, code, message }) => {
      throw new CommanderError(exitCode !== 0 && JUDGES.has(command.name()) ? 2 : exitCode, code, message)
    })
}

const inspectCommand = (shell: Shell): Command =>
  new Command('inspect')
    .description(
      'open the page on a deployed stage, read-only: its deliveries, runs, logs, ledger and queues',
    )
    .requiredOption('--stage <stage>', 'the deployed stage', stage)
    .option('--region <region>', 'its region (or set AWS_REGION)')
    .addOption(
      new Option('--since <age>', 'how far to look back: 15m, 2h, 3d')
        .default(3_600_000, '1h')
        .argParser(span),
    )
    .addOption(
      new Option('-p, --port <number>', 'the port to serve on').default(INSPECT_PORT).argParser(port),
    )
    .action(async ({ region, ...options }) =>
      (await import('./inspect.ts')).inspect(shell, { ...options, region: regionOf(region) }),
    )

const conformanceCommand = (shell: Shell): Command =>
  new Command('conformance')
    .description('ask any receiver of Box webhooks, in any language, for all that one must do')
    .argument('[url]', 'the address that Box would deliver to')
    .option(
      '--primary-key-file <file>',
      'holds the receiver’s primary signature key (or set BOXHOOKS_PRIMARY_KEY)',
    )
    .option('--secondary-key-file <file>', 'holds its secondary key (or set BOXHOOKS_SECONDARY_KEY)')
    .option(
      '--retired-key-file <file>',
      'holds a key that it must refuse by now (or set BOXHOOKS_RETIRED_KEY)',
    )
    .option('--only <id>', 'just this requirement or group; can be repeated', repeated)
    .option('--list', 'only list the requirements')
    .option('--json', 'print the report as JSON')
    .option('--junit <file>', 'also write the report as JUnit XML')
    .option('--header <header>', 'send this header, "Name: value", too; can be repeated', repeated)
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
    .action(async (url, options) => (await import('./conformance.ts')).conformance(shell, url, options))
