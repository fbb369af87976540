import { Command, InvalidArgumentError, Option } from 'commander'
import { regionOf } from '../infra/aws-reason.ts'
import { stageProblem } from '../infra/stage-name.ts'
import { AGE_MAX_SECONDS, SKEW_MAX_SECONDS } from '../lib/signature.ts'
import { EVENTS_MAX } from '../local/journal.ts'
import { backfillCommand } from './backfill/backfill-command.ts'
import { costCommand } from './cost/cost-command.ts'
import { dlqCommand } from './dlq/dlq-command.ts'
import { doctorCommand } from './doctor/doctor-command.ts'
import { eventsCommand } from './events/events-command.ts'
import { keysCommand } from './keys/keys-command.ts'
import { PORT } from './place/place.ts'
import { replayCommand } from './replay/replay-command.ts'
import { secretsCommand } from './secrets/secrets-command.ts'
import { parseAge } from './terminal/age.ts'
import { verifyCommand } from './verify/verify-command.ts'
import { webhooksCommand } from './webhooks/webhooks-command.ts'
import { whyCommand } from './why/why-command.ts'

/** Where `inspect` serves the page where no other port is named: beside the local stack's. */
const INSPECT_PORT = PORT + 1

/** A failure whose message is all that its user needs. */
const EXPECTED: ReadonlySet<string> = new Set([
  'PortTaken',
  'PackageError',
  'FileNotWritten',
  'ManifestError',
  'SettingsMissing',
  'AwsEndpointFailed',
  'DemoFailed',
  'ConformanceUnusable',
  'FunctionUnreachable',
  'BackfillFailed',
  'WebhooksFailed',
  'AwsUnreachable',
  'SecretsFailed',
  'KeysFailed',
  'KeysUnreadable',
  'KeysChanged',
  'PromptEnded',
  'PlaceUnclear',
  'NotConfirmed',
  'DlqFailed',
  'EventNotFound',
  'WhyUnclear',
  'ReplayImpossible',
  'LocalReplayFailed',
  'ReplayTestFailed',
  'StageParamsError',
  'NewRefused',
  'PricesUnusable',
  'StageUnmeasured',
  'VerifyUnusable',
  'CaptureUnreadable',
  'DoctorImpossible',
])

function port(text: string): number {
  // An empty variable is one that is not set.
  if (text === '') return PORT
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535)
    throw new InvalidArgumentError('It must be a whole number from 0 to 65535.')
  return Number(text)
}

function seconds(text: string): number {
  if (/^\d{1,4}$/.test(text) && Number(text) > 0) return Number(text)
  throw new InvalidArgumentError('It must be a whole number of seconds from 1 up.')
}

function stage(text: string): string {
  const problem = stageProblem(text)
  if (problem === undefined) return text
  throw new InvalidArgumentError(problem)
}

/** How long ago, in milliseconds. */
function age(text: string): number {
  const found = parseAge(text)
  if (found) return found * 1000
  throw new InvalidArgumentError('It must be an age such as 90s, 30m, 2h or 3d.')
}

function events(text: string): number {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a whole number from 1 up.')
}

const more = (text: string, before: readonly string[] = []): string[] => [...before, text]

/** The command line, which a test can read as well. */
export const program = new Command('boxhooks').description(
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
      .argParser(events),
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

program
  .command('inspect')
  .description('open the page on a deployed stage, read-only: its deliveries, runs, logs, ledger and queues')
  .requiredOption('--stage <stage>', 'the deployed stage', stage)
  .option('--region <region>', 'its region (or set AWS_REGION)')
  .addOption(
    new Option('--since <age>', 'how far to look back: 15m, 2h, 3d').default(3_600_000, '1h').argParser(age),
  )
  .addOption(new Option('-p, --port <number>', 'the port to serve on').default(INSPECT_PORT).argParser(port))
  .action(async ({ region, ...options }) =>
    (await import('./inspect.ts')).inspect({ ...options, region: regionOf(region) }),
  )

program
  .command('conformance')
  // 1 says that the receiver fails, so what was asked wrongly needs another code.
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .description('ask any receiver of Box webhooks, in any language, for all that one must do')
  .argument('[url]', 'the address that Box would deliver to')
  .option(
    '--primary-key-file <file>',
    'holds the receiver’s primary signature key (or set BOXHOOKS_PRIMARY_KEY)',
  )
  .option('--secondary-key-file <file>', 'holds its secondary key (or set BOXHOOKS_SECONDARY_KEY)')
  .option('--retired-key-file <file>', 'holds a key that it must refuse by now (or set BOXHOOKS_RETIRED_KEY)')
  .option('--only <id>', 'just this requirement or group; can be repeated', more)
  .option('--list', 'only list the requirements')
  .option('--json', 'print the report as JSON')
  .option('--junit <file>', 'also write the report as JUnit XML')
  .option('--header <header>', 'send this header, "Name: value", too; can be repeated', more)
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
  .action(async (url, options) => (await import('./conformance.ts')).conformance(url, options))

program.addCommand(doctorCommand(port))
program.addCommand(verifyCommand(seconds))
program.addCommand(webhooksCommand(port, more))
program.addCommand(secretsCommand())
program.addCommand(keysCommand(port))
program.addCommand(dlqCommand(port, more))
program.addCommand(replayCommand(port))
program.addCommand(backfillCommand(port))
program.addCommand(eventsCommand(port, more))
program.addCommand(whyCommand(port))
program.addCommand(costCommand(stage))

program
  .command('automations')
  .description('what is declared, on what, and with which settings')
  .addOption(
    new Option('--stage <stage>', 'the stage that the settings need values in')
      .default('dev')
      .argParser(stage),
  )
  .option('--json', 'print JSON')
  .action(async options => (await import('./automations.ts')).automations(options))

program
  .command('new')
  .description('write an automation and its test, ready to run')
  .argument('<name>', 'its name in kebab case, such as remove-shared-link')
  .requiredOption('--on <trigger>', 'a trigger, such as FILE.UPLOADED; can be repeated', more)
  .requiredOption('--watch <target>', 'folder:ID or file:ID; can be repeated', more)
  .action(async (name, options) => (await import('./new/new.ts')).newAutomation(name, options))

/** A failure before anything was judged, where the exit code 1 is a judgement. */
const UNUSABLE: ReadonlySet<string> = new Set([
  'ConformanceUnusable',
  'VerifyUnusable',
  'CaptureUnreadable',
  'DoctorImpossible',
])

async function run(): Promise<void> {
  try {
    await program.parseAsync()
  } catch (error) {
    const expected = error instanceof Error && EXPECTED.has(error.name)
    console.error(expected ? error.message : error)
    process.exitCode = error instanceof Error && UNUSABLE.has(error.name) ? 2 : 1
  }
}

if (import.meta.main) await run()
