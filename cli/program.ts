import { Command, CommanderError } from 'commander'
import manifest from '../package.json' with { type: 'json' }
import { backfillCommand } from './backfill/backfill-command.ts'
import {
  automationsCommand,
  completionCommand,
  conformanceCommand,
  demoCommand,
  inspectCommand,
  startCommand,
} from './commands.ts'
import { dlqCommand } from './dlq/dlq-command.ts'
import { doctorCommand } from './doctor/doctor-command.ts'
import { eventsCommand } from './events/events-command.ts'
import { keysCommand } from './keys/keys-command.ts'
import { newCommand } from './new/new-command.ts'
import { replayCommand } from './replay/replay-command.ts'
import { secretsCommand } from './secrets/secrets-command.ts'
import { CommandError, errorText, USAGE_ERROR } from './terminal/command-error.ts'
import { withExamples } from './terminal/options.ts'
import type { Shell } from './terminal/shell.ts'
import { verifyCommand } from './verify/verify-command.ts'
import { webhooksCommand } from './webhooks/webhooks-command.ts'
import { whyCommand } from './why/why-command.ts'

/**
 * Runs a command line.
 * @param args the words after `boxhooks`
 * @returns the exit code: 2 where the command line is wrong
 */
export async function run(args: readonly string[], shell: Shell): Promise<number> {
  try {
    await createProgram(shell).parseAsync(args, { from: 'user' })
    return shell.exitCode
  } catch (error) {
    // Commander has shown the mistake, or the help.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE_ERROR
    shell.printError(errorText(error))
    return error instanceof CommandError ? error.exitCode : 1
  }
}

/** Makes the command line. Wrong usage and a call for help throw a CommanderError after commander has shown the text. */
export function createProgram(shell: Shell): Command {
  const program = new Command('boxhooks')
    .description('Run automations on Box webhooks, on AWS.')
    .version(manifest.version, '--version', 'Show the version')
  const add = (command: Command, ...examples: string[]) =>
    program.addCommand(withExamples(command, ...examples))

  program.commandsGroup('Develop:')
  add(startCommand(), 'start', 'start --port 4500')
  add(demoCommand(), 'demo')
  add(newCommand(shell), "new archive-upload --on FILE.UPLOADED --watch 'folder:${REVIEW_FOLDER_ID}'")
  add(automationsCommand(shell), 'automations', 'automations --stage prod')
  add(
    conformanceCommand(shell),
    'conformance https://example.com/box/webhook --primary-key-file primary.txt',
    'conformance --list',
  )

  program.commandsGroup('Set up:')
  add(
    secretsCommand(shell),
    'secrets set signature-keys --stage prod',
    'secrets set box-app --stage prod --file app.json',
    'secrets check --stage prod',
  )
  add(keysCommand(shell), 'keys status --stage prod', 'keys rotate --stage prod')
  add(
    webhooksCommand(shell),
    'webhooks plan --stage prod',
    'webhooks apply --stage prod',
    'webhooks create --stage prod --folder 123 --on FILE.UPLOADED',
  )

  program.commandsGroup('Operate:')
  add(doctorCommand(shell), 'doctor --stage prod', 'doctor --local')
  add(
    eventsCommand(shell),
    'events list --stage prod --since 2h --status failed',
    'events show 7d2f6d1c-6a0e --stage prod',
  )
  add(
    whyCommand(shell),
    'why file:123 --stage prod',
    'why https://app.box.com/file/123 archive-upload --stage prod',
  )
  add(
    dlqCommand(shell),
    'dlq list --stage prod',
    'dlq redrive --stage prod --code box_unavailable',
    'dlq drop 7d2f6d1c-6a0e --stage prod --reason "The file is deleted"',
  )
  add(
    replayCommand(shell),
    'replay 7d2f6d1c-6a0e --stage prod --dry-run',
    'replay 7d2f6d1c-6a0e --stage prod --as-test',
  )
  add(backfillCommand(shell), 'backfill --stage prod --since 2026-11-23T09:00Z --dry-run')
  add(inspectCommand(shell), 'inspect --stage prod --since 2h')
  add(verifyCommand(shell), 'verify request.http --keys keys.json')
  program.commandsGroup('More:').helpCommand('help [command]', HELP)
  add(
    completionCommand(shell),
    'completion bash > ~/.local/share/bash-completion/completions/boxhooks',
    'completion fish > ~/.config/fish/completions/boxhooks.fish',
    'completion zsh > ~/.boxhooks.zsh   # and in ~/.zshrc: source ~/.boxhooks.zsh',
  )
  program.addHelpText('after', '\nTo deploy a stage: npm run deploy -- --stage prod')
  for (const command of everyCommand(program)) bind(command, shell)
  return program
}

/** Lists a command and all that are within it. */
export const everyCommand = (command: Command): Command[] => [
  command,
  ...command.commands.flatMap(everyCommand),
]

const HELP = 'Show help and examples'

/** Lets a command print to the shell, and throw where commander would end the process. */
function bind(command: Command, shell: Shell): void {
  command
    .configureHelp({ subcommandTerm: one => one.name() })
    .helpOption('-h, --help', HELP)
    .configureOutput({
      writeOut: text => void shell.print(text, ''),
      writeErr: text => void shell.stderr.write(text),
    })
    .exitOverride(error => {
      throw error
    })
}
