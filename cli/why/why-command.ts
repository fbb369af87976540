import { Command, InvalidArgumentError } from 'commander'
import { readStageRef } from '../stage/stage-ref.ts'
import { type StageOptions, withJson, withStageOptions } from '../terminal/options.ts'
import type { Shell } from '../terminal/shell.ts'
import { type ItemRef, parseItem } from './why-facts.ts'

/** Makes the command `why`. */
export function whyCommand(shell: Shell): Command {
  const command = new Command('why')
    .description('Explain why an automation did or did not run for an item')
    .argument('<item>', 'its id, file:ID, folder:ID, or its address in Box’s web app', item)
    .argument('[automation]', 'explain only this automation')
  return withJson(withStageOptions(command)).action(
    async (
      asked: ItemRef,
      automation: string | undefined,
      options: StageOptions & { readonly json?: boolean },
    ) =>
      (await import('./why.ts')).why(shell, {
        ...(options.json ? { json: true } : {}),
        ref: readStageRef(options),
        item: asked,
        ...(automation === undefined ? {} : { automation }),
      }),
  )
}

function item(text: string): ItemRef {
  const asked = parseItem(text)
  if (asked) return asked
  throw new InvalidArgumentError(
    'It must be an id, file:ID, folder:ID, or an address such as https://app.box.com/file/123. A shared link names no item.',
  )
}
