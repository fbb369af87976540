import { Command, InvalidArgumentError, Option } from 'commander'
import { demo } from './demo.ts'
import { start } from './start.ts'

/** A failure whose message is all that its user needs. */
const EXPECTED: ReadonlySet<string> = new Set([
  'PortTaken',
  'PackageError',
  'ManifestError',
  'SettingsMissing',
  'AwsEndpointFailed',
  'DemoFailed',
])

const PORT = 4400

function port(text: string): number {
  // An empty variable is one that is not set.
  if (text === '') return PORT
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535)
    throw new InvalidArgumentError('It must be a whole number from 0 to 65535.')
  return Number(text)
}

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
  .action(start)
program.command('demo').description('show the main job from end to end, and check it').action(demo)

async function run(): Promise<void> {
  try {
    await program.parseAsync()
  } catch (error) {
    const expected = error instanceof Error && EXPECTED.has(error.name)
    console.error(expected ? error.message : error)
    process.exitCode = 1
  }
}

if (import.meta.main) await run()
