import { CommandError } from './command-error.ts'
import { openPrompt } from './prompt.ts'
import type { Shell } from './shell.ts'

/**
 * Asks the user for a yes.
 * @param nobody the message when a program started the command, and no person can answer
 * @throws CommandError unless the answer is yes, PromptEnded
 */
export async function confirm({ terminal }: Shell, question: string, nobody: string): Promise<void> {
  if (!terminal) throw new CommandError(nobody)
  const prompt = openPrompt(terminal)
  try {
    const answer = await prompt.ask(`${question} [y/N] `)
    if (!/^y(es)?$/i.test(answer)) throw new CommandError('Nothing was changed.')
  } finally {
    prompt.close()
  }
}
