import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { isatty } from 'node:tty'
import { CommandError } from './command-error.ts'
import type { Terminal } from './prompt.ts'

/** The outside world of a command. A test passes its own and runs the command in its process. */
export type Shell = {
  /**
   * Prints to standard output, at the pace of the reader.
   * @param end what follows the text; a line break by default
   * @returns false when the reader has closed the pipe, as after `| head`
   * @throws CommandError where it can't be written
   */
  print(text: string, end?: string): Promise<boolean>
  /** Prints a line to standard error. */
  printError(text: string): void
  /** Standard error itself, for lines that change. */
  readonly stderr: Stderr
  /** What the process ends with; 0 unless a command sets it. */
  exitCode: number
  readonly env: Readonly<Record<string, string | undefined>>
  /** The time, in milliseconds since the epoch. */
  now(): number
  /** Waits so many milliseconds, or until the signal is aborted. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  readonly fetch: typeof fetch
  /** Reads standard input to its end. @throws what the system says */
  readStdin(): Uint8Array
  /** Where a person can be asked; undefined when a program started the command. */
  readonly terminal: Terminal | undefined
  /**
   * Calls back once, when the user stops the command.
   * @returns stops listening
   */
  onInterrupt(listener: () => void): () => void
  /** The folder that holds serverless.yml, automations/ and their tests. */
  readonly project: string
}

export type Stderr = { write(text: string): unknown; readonly isTTY?: boolean }

/** The exit code of a command that the user stopped, as shells have it for Ctrl-C. */
export const INTERRUPTED = 130

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Ctrl-C in a terminal comes twice, from the terminal and from the launcher, and is still one. */
const ONE_MS = 1000

/** The clone that this file is in. */
const CLONE = resolve(import.meta.dirname, '..', '..')

/** Returns the shell of this process. */
export function processShell(): Shell {
  const { stdout, stderr } = process
  // Each write reports its own error; without a listener the first one would end the process with a stack trace.
  for (const stream of [stdout, stderr]) stream.on('error', () => {})
  return {
    async print(text, end = '\n') {
      try {
        await new Promise<void>((resolve, reject) => {
          stdout.write(`${text}${end}`, error => (error ? reject(error) : resolve()))
        })
        return true
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
        if (READER_GONE.has(code)) return false
        throw new CommandError(`Standard output can't be written (${code}).`, { cause: error })
      }
    },
    printError: text => void stderr.write(`${text}\n`),
    stderr,
    exitCode: 0,
    env: process.env,
    now: Date.now,
    sleep: (ms, signal) => delay(ms, undefined, signal ? { signal } : {}).catch(() => {}),
    fetch,
    readStdin: () => readFileSync(0),
    get terminal() {
      // Not process.stdin.isTTY: a look at process.stdin lets a pipe refuse to be read by readStdin.
      return isatty(0) && isatty(2) ? { input: process.stdin, output: stderr } : undefined
    },
    onInterrupt,
    project: CLONE,
  }
}

/** The reader has closed the pipe, as `| head` does; that is not a failure of the command. */
const READER_GONE: ReadonlySet<string> = new Set(['EPIPE', 'ERR_STREAM_DESTROYED'])

/** Calls back at the first interrupt; a second one ends the process at once. */
function onInterrupt(listener: () => void): () => void {
  let firstAt: number | undefined
  const hear = () => {
    if (firstAt === undefined) {
      firstAt = performance.now()
      listener()
    } else if (performance.now() - firstAt > ONE_MS) process.exit(INTERRUPTED)
  }
  for (const name of SIGNALS) process.on(name, hear)
  return () => {
    for (const name of SIGNALS) process.off(name, hear)
  }
}

/**
 * Runs work that ends in order when the user interrupts the command: aborts the signal and sets the exit code.
 * @param stopping what the user is shown then
 */
export async function interruptible<T>(
  shell: Shell,
  stopping: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  const forget = shell.onInterrupt(() => {
    shell.exitCode = INTERRUPTED
    shell.printError(`\n${stopping}`)
    controller.abort()
  })
  try {
    return await work(controller.signal)
  } finally {
    forget()
  }
}
