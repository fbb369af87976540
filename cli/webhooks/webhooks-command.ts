import { Command, InvalidArgumentError } from 'commander'
import { type Place, type PlaceOptions, placeOf, withPlaceOptions } from '../stage/stage-ref.ts'
import { repeated } from '../terminal/options.ts'
import type { Shell } from '../terminal/shell.ts'
import type { Fields } from './webhooks.ts'

type Shared = PlaceOptions & { readonly json?: boolean; readonly yes?: boolean }

/** Makes the command `webhooks` with its subcommands. */
export function webhooksCommand(shell: Shell): Command {
  const command = new Command('webhooks').description(
    'what Box tells this stage of: plan, apply, and each of Box’s endpoints',
  )
  const add = (name: string, description: string): Command =>
    withPlaceOptions(command.command(name).description(description)).option('--json', 'print JSON')
  const fields = (one: Command): Command =>
    one
      .option('--folder <id>', 'the folder that it is for')
      .option('--file <id>', 'the file that it is for')
      .option('--on <trigger>', 'a trigger, such as FILE.UPLOADED; can be repeated', repeated)
      .option('--address <url>', 'where it delivers to; this stage by default')
  const yes = (one: Command): Command => one.option('-y, --yes', 'do not ask, for scripts')

  add('plan', 'show what apply would do')
    .option('--check', 'exit with 2 where there is anything to do')
    .action(async (options: Shared & { readonly check?: boolean }) =>
      (await webhooks()).plan(shell, withPlace(options)),
    )
  yes(add('apply', 'make the webhooks those that the automations declare')).action(async (options: Shared) =>
    (await webhooks()).apply(shell, withPlace(options)),
  )
  add('list', 'every webhook of the Box application').action(async (options: Shared) =>
    (await webhooks()).list(shell, withPlace(options)),
  )
  add('get', 'one webhook')
    .argument('<id>', 'the webhook’s id', webhookId)
    .action(async (id: string, options: Shared) => (await webhooks()).get(shell, id, withPlace(options)))
  fields(add('create', 'make one by hand')).action(async (options: Shared & Fields) =>
    (await webhooks()).create(shell, withPlace(options)),
  )
  fields(add('update', 'change the given fields of one by hand'))
    .argument('<id>', 'the webhook’s id', webhookId)
    .action(async (id: string, options: Shared & Fields) =>
      (await webhooks()).update(shell, id, withPlace(options)),
    )
  yes(add('delete', 'delete one by hand'))
    .argument('<id>', 'the webhook’s id', webhookId)
    .action(async (id: string, options: Shared) => (await webhooks()).remove(shell, id, withPlace(options)))
  return command
}

function webhookId(text: string): string {
  if (/^\d{1,32}$/.test(text)) return text
  throw new InvalidArgumentError('It must be a number; `boxhooks webhooks list` shows the ids.')
}

const withPlace = <O extends PlaceOptions>(options: O): O & { readonly place: Place } => ({
  ...options,
  place: placeOf(options),
})

const webhooks = () => import('./webhooks.ts')
