import { once } from 'node:events'

/**
 * Prints a text, at the pace of whoever reads it.
 * @returns false where nobody reads any more, as after `| head`
 */
export async function print(text: string, end = '\n'): Promise<boolean> {
  const { stdout } = process
  if (stdout.destroyed || stdout.writableEnded) return false
  listen()
  if (!stdout.write(`${text}${end}`)) await Promise.race([once(stdout, 'drain'), once(stdout, 'close')])
  return !closed
}

let closed = false
let listening = false

/** That the reader has gone is no failure of the command. */
function listen(): void {
  if (listening) return
  listening = true
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    closed = true
  })
}
