import { openPrompt } from './prompt.ts'

/** Somebody has said no, or nobody was there to ask. */
export class NotConfirmed extends Error {
  override readonly name = 'NotConfirmed'
}

/**
 * Asks a person for a yes, in this process's terminal.
 * @param nobody what to say where a program has started the command, and there is nobody to answer
 * @throws NotConfirmed, PromptEnded
 */
export async function confirm(question: string, nobody: string): Promise<void> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) throw new NotConfirmed(nobody)
  const prompt = openPrompt()
  try {
    const answer = await prompt.ask(`${question} [y/N] `)
    if (!/^y(es)?$/i.test(answer)) throw new NotConfirmed('Nothing was changed.')
  } finally {
    prompt.close()
  }
}
