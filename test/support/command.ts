import { setTimeout as delay, setImmediate } from 'node:timers/promises'
import { run } from '../../cli/program.ts'
import type { Terminal } from '../../cli/terminal/prompt.ts'
import type { Shell } from '../../cli/terminal/shell.ts'
import { ROOT } from '../../infra/build/bundle.ts'
import type { Ended } from './spawn.ts'

export type CommandOptions = Partial<Pick<Shell, 'now' | 'sleep' | 'project'>> & {
  /** What its environment has besides this process's; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Standard input; empty by default. */
  readonly input?: string | Uint8Array
  /** Where a person answers; nobody does by default. */
  readonly terminal?: Terminal
}

/** A command that runs in this process. */
export type Running = {
  /** What it has printed so far. */
  readonly printed: { readonly out: string; readonly err: string }
  readonly ended: Promise<Ended>
  /** Stops it as Ctrl-C does. */
  interrupt(): void
}

let isRunning = false

/**
 * Starts a command in this process.
 * @throws while another runs: the AWS SDK reads process.env, and two commands can't share it
 */
export function startCommand(args: readonly string[], options: CommandOptions = {}): Running {
  if (isRunning) throw new Error('Another command still runs; await its end first.')
  isRunning = true
  const restore = setEnvironment(options.env ?? {})
  const printed = { out: '', err: '' }
  const listeners = new Set<() => void>()
  const shell = testShell(options, printed, listeners)
  const ended = run(args, shell)
    .then(code => ({ code, ...printed }))
    .finally(() => {
      restore()
      isRunning = false
    })
  return {
    printed,
    ended,
    interrupt() {
      for (const listener of listeners) listener()
    },
  }
}

/** Runs a command to its end in this process. */
export const runCommand = (args: readonly string[], options?: CommandOptions): Promise<Ended> =>
  startCommand(args, options).ended

/**
 * Makes a shell whose output is gathered.
 * @param listeners are called when the command is to be interrupted
 */
export function testShell(
  options: CommandOptions = {},
  printed = { out: '', err: '' },
  listeners: Set<() => void> = new Set(),
): Shell {
  return {
    async print(text, end = '\n') {
      printed.out += `${text}${end}`
      return true
    },
    printError(text) {
      printed.err += `${text}\n`
    },
    stderr: {
      write(text) {
        printed.err += text
      },
    },
    exitCode: 0,
    env: process.env,
    now: options.now ?? Date.now,
    sleep: options.sleep ?? ((ms, signal) => delay(ms, undefined, signal ? { signal } : {}).catch(() => {})),
    fetch,
    readStdin: () => Buffer.from(options.input ?? ''),
    terminal: options.terminal,
    onInterrupt(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    project: options.project ?? ROOT,
  }
}

/** @returns puts everything back */
function setEnvironment(env: Readonly<Record<string, string | undefined>>): () => void {
  const before = Object.keys(env).map(name => [name, process.env[name]] as const)
  for (const [name, value] of Object.entries(env)) setVariable(name, value)
  return () => {
    for (const [name, value] of before) setVariable(name, value)
  }
}

function setVariable(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name]
  else process.env[name] = value
}

/** A clock that stands still but for a command's own waits, which take no time. */
export type WaitClock = Pick<Shell, 'now' | 'sleep'> & {
  /** How long was waited in all, in milliseconds. */
  readonly waitedMs: number
  advance(ms: number): void
}

/**
 * Makes a clock for {@link CommandOptions}.
 * @param start in milliseconds since the epoch
 * @param onWait called at each wait, with how many there were before
 */
export function waitClock(
  start: number = Date.now(),
  onWait: (before: number) => void = () => {},
): WaitClock {
  let now = start
  let waits = 0
  let waitedMs = 0
  return {
    now: () => now,
    async sleep(ms, signal) {
      const due = now + ms
      onWait(waits)
      waits += 1
      // Waits that begin at the same time run side by side.
      await setImmediate()
      if (signal?.aborted || due <= now) return
      waitedMs += due - now
      now = due
    },
    get waitedMs() {
      return waitedMs
    },
    advance(ms) {
      now += ms
    },
  }
}
