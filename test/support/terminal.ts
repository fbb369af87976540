import { PassThrough } from 'node:stream'
import type { Terminal } from '../../cli/terminal/prompt.ts'

/** A terminal whose keyboard is the test. */
export type FakeTerminal = {
  readonly terminal: Terminal
  type(text: string): void
  /** What it has shown so far. */
  shown(): string
}

export function fakeTerminal(): FakeTerminal {
  const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => input })
  const output = new PassThrough()
  let shown = ''
  output.setEncoding('utf8').on('data', (text: string) => {
    shown += text
  })
  return { terminal: { input, output }, type: text => void input.write(text), shown: () => shown }
}
