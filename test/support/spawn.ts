import { type ChildProcess, spawn } from 'node:child_process'
import { ROOT } from '../../infra/build/bundle.ts'

/** What a command ended with, and what it printed. */
export type Ended = { readonly code: number | null; readonly out: string; readonly err: string }

/** A command in a process of its own. */
export type Spawned = {
  readonly child: ChildProcess
  /** What it has printed so far. */
  readonly printed: { readonly out: string; readonly err: string }
  readonly ended: Promise<Ended>
}

export type SpawnOptions = {
  readonly env?: Readonly<Record<string, string>>
  /** Standard input; empty by default. */
  readonly input?: string
  /** Options of Node itself. */
  readonly node?: readonly string[]
  /** What Node runs; cli/main.ts by default. */
  readonly entry?: string
}

/** Starts a command in a process of its own, with nobody at a terminal. */
export function spawnCommand(args: readonly string[], options: SpawnOptions = {}): Spawned {
  const { env = {}, input = '', node = [], entry = 'cli/main.ts' } = options
  const child = spawn(process.execPath, [...node, entry, ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
  })
  const printed = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed.out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    printed.err += text
  })
  // A command that ends before it has read its input is no fault of the test.
  child.stdin.on('error', () => {}).end(input)
  const ended = new Promise<Ended>(resolve => child.once('close', code => resolve({ code, ...printed })))
  return { child, printed, ended }
}

/** Runs a command to its end in a process of its own. */
export const runSpawned = (args: readonly string[], options?: SpawnOptions): Promise<Ended> =>
  spawnCommand(args, options).ended
