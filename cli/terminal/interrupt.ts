/** The exit code of a command that was stopped, as shells have it for Ctrl-C. */
export const INTERRUPTED = 130

/** Ctrl-C in a terminal comes twice, from the terminal and from the launcher, and is still one. */
const ONE_MS = 1000

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Lets work end in an orderly way where somebody stops the command: the first Ctrl-C aborts the signal and sets the exit
 * code, a later one ends the process at once.
 * @param stopping is told on the first
 */
export async function interruptible<T>(
  stopping: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  let firstAt = Number.POSITIVE_INFINITY
  const hear = () => {
    if (performance.now() - firstAt > ONE_MS) process.exit(INTERRUPTED)
    if (controller.signal.aborted) return
    firstAt = performance.now()
    process.exitCode = INTERRUPTED
    process.stderr.write(`\n${stopping}\n`)
    controller.abort()
  }
  for (const name of SIGNALS) process.on(name, hear)
  try {
    return await work(controller.signal)
  } finally {
    for (const name of SIGNALS) process.off(name, hear)
  }
}
