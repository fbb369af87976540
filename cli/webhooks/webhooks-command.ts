import { Command, InvalidArgumentError } from 'commander'
import { readStageRef, type StageRef } from '../stage/stage-ref.ts'
import { repeated, type StageOptions, withJson, withStageOptions, withYes } from '../terminal/options.ts'
import type { Shell } from '../terminal/shell.ts'
import type { Fields } from './webhooks.ts'

type Shared = StageOptions & { readonly json?: boolean; readonly yes?: boolean }

/** Makes the command `webhooks` with its subcommands. */
export function webhooksCommand(shell: Shell): Command {
  const command = new Command('webhooks').description('Manage the stage’s Box webhooks')
  const add = (name: string, description: string): Command =>
    withJson(withStageOptions(command.command(name).description(description)))
  const fields = (one: Command): Command =>
    one
      .option('--folder <id>', 'the folder that it watches')
      .option('--file <id>', 'the file that it watches')
      .option('--on <trigger>', 'a trigger, such as FILE.UPLOADED; can be repeated', repeated)
      .option('--address <url>', 'where it delivers; this stage by default')

  add('plan', 'Show what apply would change')
    .option('--check', 'exit with 2 if there is anything to change')
    .action(async (options: Shared & { readonly check?: boolean }) =>
      (await webhooks()).plan(shell, withPlace(options)),
    )
  withYes(add('apply', 'Make the webhooks match what the automations declare')).action(
    async (options: Shared) => (await webhooks()).apply(shell, withPlace(options)),
  )
  add('list', 'List every webhook of the Box application').action(async (options: Shared) =>
    (await webhooks()).list(shell, withPlace(options)),
  )
  add('get', 'Show a webhook')
    .argument('<id>', 'the webhook’s id', webhookId)
    .action(async (id: string, options: Shared) => (await webhooks()).get(shell, id, withPlace(options)))
  fields(add('create', 'Create a webhook by hand')).action(async (options: Shared & Fields) =>
    (await webhooks()).create(shell, withPlace(options)),
  )
  fields(add('update', 'Change fields of a webhook by hand'))
    .argument('<id>', 'the webhook’s id', webhookId)
    .action(async (id: string, options: Shared & Fields) =>
      (await webhooks()).update(shell, id, withPlace(options)),
    )
  withYes(add('delete', 'Delete a webhook by hand'))
    .argument('<id>', 'the webhook’s id', webhookId)
    .action(async (id: string, options: Shared) => (await webhooks()).remove(shell, id, withPlace(options)))
  return command
}

function webhookId(text: string): string {
  if (/^\d{1,32}$/.test(text)) return text
  throw new InvalidArgumentError('It must be a number; `boxhooks webhooks list` shows the ids.')
}

const withPlace = <O extends StageOptions>(options: O): O & { readonly ref: StageRef } => ({
  ...options,
  ref: readStageRef(options),
})

const webhooks = () => import('./webhooks.ts')
