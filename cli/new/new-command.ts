import { Command } from 'commander'
import { repeated } from '../terminal/options.ts'
import type { Shell } from '../terminal/shell.ts'
import type { NewOptions } from './new.ts'

/** Makes the command `new`. */
export const newCommand = (shell: Shell): Command =>
  new Command('new')
    .description('Create an automation and its test')
    .argument('<name>', 'its name in kebab case, such as remove-shared-link')
    .requiredOption('--on <trigger>', 'a trigger, such as FILE.UPLOADED; can be repeated', repeated)
    .requiredOption('--watch <target>', 'folder:ID or file:ID; can be repeated', repeated)
    .action(async (name: string, options: NewOptions) =>
      (await import('./new.ts')).newAutomation(shell, name, options),
    )
