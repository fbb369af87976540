import type { Shell } from '../terminal/shell.ts'

/** A line that tells how waiting goes on. */
export type WaitLine = {
  /** Says how it stands now. */
  tell(text: string): void
  /** Leaves the line to others. */
  end(): void
}

/** How often somebody who has no terminal is told, in milliseconds. */
const TOLD_MS = 30_000

/** Keeps one line of a terminal up to date; a log gets a line now and then. */
export function createWaitLine({ stderr, now }: Pick<Shell, 'stderr' | 'now'>): WaitLine {
  let toldAt = Number.NEGATIVE_INFINITY
  return {
    tell(text) {
      if (stderr.isTTY) stderr.write(`\r\x1b[K${text}`)
      else if (now() - toldAt >= TOLD_MS) stderr.write(`${text}\n`)
      else return
      toldAt = now()
    },
    end() {
      if (stderr.isTTY) stderr.write('\r\x1b[K')
      toldAt = Number.NEGATIVE_INFINITY
    },
  }
}
