import { Command, InvalidArgumentError } from 'commander'
import { type Place, type PlaceOptions, placeOf, withPlaceOptions } from '../place/place.ts'
import { apply, create, type Fields, get, list, plan, remove, update } from './webhooks.ts'

type Shared = PlaceOptions & { readonly json?: boolean; readonly yes?: boolean }

/**
 * Makes the command `webhooks` with its own.
 * @param port reads a port
 * @param more gathers what is said repeatedly
 */
export function webhooksCommand(
  port: (text: string) => number,
  more: (text: string, before?: readonly string[]) => string[],
): Command {
  const command = new Command('webhooks').description(
    'what Box tells this stage of: plan, apply, and each of Box’s endpoints',
  )
  const add = (name: string, description: string): Command =>
    withPlaceOptions(command.command(name).description(description), port).option('--json', 'print JSON')
  const fields = (one: Command): Command =>
    one
      .option('--folder <id>', 'the folder that it is for')
      .option('--file <id>', 'the file that it is for')
      .option('--on <trigger>', 'a trigger, such as FILE.UPLOADED; can be repeated', more)
      .option('--address <url>', 'where it delivers to; this stage by default')
  const yes = (one: Command): Command => one.option('-y, --yes', 'do not ask, for scripts')

  add('plan', 'show what apply would do')
    .option('--check', 'exit with 2 where there is anything to do')
    .action((options: Shared & { readonly check?: boolean }) => plan(withPlace(options)))
  yes(add('apply', 'make the webhooks those that the automations declare')).action((options: Shared) =>
    apply(withPlace(options)),
  )
  add('list', 'every webhook of the Box application').action((options: Shared) => list(withPlace(options)))
  add('get', 'one webhook')
    .argument('<id>', 'the webhook’s id', webhookId)
    .action((id: string, options: Shared) => get(id, withPlace(options)))
  fields(add('create', 'make one by hand')).action((options: Shared & Fields) => create(withPlace(options)))
  fields(add('update', 'change the given fields of one by hand'))
    .argument('<id>', 'the webhook’s id', webhookId)
    .action((id: string, options: Shared & Fields) => update(id, withPlace(options)))
  yes(add('delete', 'delete one by hand'))
    .argument('<id>', 'the webhook’s id', webhookId)
    .action((id: string, options: Shared) => remove(id, withPlace(options)))
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
