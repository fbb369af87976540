import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { CommandError } from './command-error.ts'

/** The user has left a prompt without an answer. */
export class PromptEnded extends CommandError {
  override readonly name = 'PromptEnded'

  constructor() {
    super('Broken off; nothing was changed.')
  }
}

export type Terminal = {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  readonly output: NodeJS.WritableStream
}

export type Prompt = {
  /**
   * Asks a person for a line. Lines that were pasted together answer one question after the other.
   * @param options.hidden shows nothing of what is typed or pasted
   * @returns what was entered, without white space around it
   * @throws PromptEnded at Ctrl-C, Ctrl-D or the end of the input
   */
  ask(question: string, options?: { readonly hidden?: boolean }): Promise<string>
  close(): void
}

/** Opens a terminal for questions. What comes while none is asked is not shown. */
export function openPrompt({ input, output }: Terminal): Prompt {
  let hidden = true
  let ended = false
  let asked: PromiseWithResolvers<string> | undefined
  const pasted: string[] = []
  const shown = new Writable({
    write(chunk, _encoding, done) {
      if (!hidden) output.write(chunk)
      done()
    },
  })
  const lines = createInterface({ input, output: shown, terminal: true })
  const end = () => {
    ended = true
    asked?.reject(new PromptEnded())
    lines.close()
  }
  lines.on('line', line => {
    hidden = true
    if (asked) asked.resolve(line.trim())
    else pasted.push(line.trim())
    asked = undefined
  })
  lines.once('SIGINT', end)
  lines.once('close', end)
  return {
    async ask(question, options = {}) {
      output.write(question)
      const next = pasted.shift()
      if (next === undefined && ended) throw new PromptEnded()
      hidden = next !== undefined || (options.hidden ?? false)
      try {
        if (next !== undefined) return next
        asked = Promise.withResolvers()
        return await asked.promise
      } finally {
        if (options.hidden || next !== undefined) output.write('\n')
      }
    },
    close: () => lines.close(),
  }
}
