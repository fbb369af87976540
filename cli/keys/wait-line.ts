/** A line that tells how waiting goes on. */
export type WaitLine = {
  /** Says how it stands now. */
  tell(text: string): void
  /** Leaves the line to others. */
  end(): void
}

/** How often somebody who has no terminal is told, in milliseconds. */
const TOLD_MS = 30_000

/**
 * Keeps one line of a terminal up to date; a log gets a line now and then.
 * @param now milliseconds
 */
export function createWaitLine(
  stream: Pick<NodeJS.WriteStream, 'write'> & { readonly isTTY?: boolean } = process.stderr,
  now: () => number = () => performance.now(),
): WaitLine {
  let toldAt = Number.NEGATIVE_INFINITY
  return {
    tell(text) {
      if (stream.isTTY) stream.write(`\r\x1b[K${text}`)
      else if (now() - toldAt >= TOLD_MS) stream.write(`${text}\n`)
      else return
      toldAt = now()
    },
    end() {
      if (stream.isTTY) stream.write('\r\x1b[K')
      toldAt = Number.NEGATIVE_INFINITY
    },
  }
}
