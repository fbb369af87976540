import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'

/** Somebody has broken a prompt off. */
export class PromptEnded extends Error {
  override readonly name = 'PromptEnded'

  constructor() {
    super('Broken off; nothing was changed.')
  }
}

export type Terminal = {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  readonly output: NodeJS.WritableStream
}

const THIS: Terminal = { input: process.stdin, output: process.stderr }

/**
 * Asks a person for a line.
 * @param options.hidden shows nothing of what is typed or pasted
 * @returns what was entered, without white space around it
 * @throws PromptEnded at Ctrl-C, Ctrl-D or the end of the input
 */
export function ask(
  question: string,
  options: { readonly hidden?: boolean; readonly terminal?: Terminal } = {},
): Promise<string> {
  const { hidden = false, terminal: { input, output } = THIS } = options
  const silence = new Writable({ write: (_chunk, _encoding, done) => done() })
  output.write(question)
  const lines = createInterface({ input, output: hidden ? silence : output, terminal: true })
  return new Promise((resolve, reject) => {
    const end = (settle: () => void) => {
      lines.removeAllListeners()
      lines.close()
      if (hidden) output.write('\n')
      settle()
    }
    lines.on('line', line => end(() => resolve(line.trim())))
    lines.on('SIGINT', () => end(() => reject(new PromptEnded())))
    lines.on('close', () => end(() => reject(new PromptEnded())))
  })
}
