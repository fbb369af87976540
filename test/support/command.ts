import { type ChildProcess, spawn } from 'node:child_process'
import { expect } from 'vitest'
import { ROOT } from '../../infra/bundle.ts'
import { serve } from '../../local/serve.ts'

/** What a command of the CLI ended with, and what it printed. */
export type Ended = { readonly code: number | null; readonly out: string; readonly err: string }

/** A command of the CLI that runs in a process of its own. */
export type Running = {
  readonly child: ChildProcess
  /** What it has printed so far. */
  readonly printed: { readonly out: string; readonly err: string }
  readonly ended: Promise<Ended>
}

export type CommandOptions = {
  readonly env?: Readonly<Record<string, string>>
  /** Options of Node itself. */
  readonly node?: readonly string[]
}

/** Starts a command as npx starts it, with nobody at a terminal. */
export function startCommand(args: readonly string[], { env = {}, node = [] }: CommandOptions = {}): Running {
  const child = spawn(process.execPath, [...node, 'cli/main.ts', ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const printed = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed.out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    printed.err += text
  })
  const ended = new Promise<Ended>(resolve => child.once('close', code => resolve({ code, ...printed })))
  return { child, printed, ended }
}

/** Runs a command to its end. */
export const runCommand = (args: readonly string[], options?: CommandOptions): Promise<Ended> =>
  startCommand(args, options).ended

/**
 * Runs a command against a service of AWS that never answers, and interrupts it once it has asked.
 * @param variable what says where that service is, such as AWS_ENDPOINT_URL_SQS
 */
export async function runInterrupted(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  variable: string,
): Promise<Ended & { readonly by: NodeJS.Signals | null }> {
  let asked = 0
  const hanging = await serve({
    fetch: () => {
      asked += 1
      return new Promise<Response>(() => {})
    },
    port: 0,
  })
  const { child, ended } = startCommand(args, { env: { ...env, [variable]: hanging.url } })
  await expect.poll(() => asked, { timeout: 30_000 }).toBeGreaterThan(0)
  child.kill('SIGINT')
  const end = await ended
  await hanging.close()
  return { ...end, by: child.signalCode }
}
