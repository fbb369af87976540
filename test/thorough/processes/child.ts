import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { ROOT } from '../../../infra/build/bundle.ts'
import { isObject } from '../../../lib/base/json.ts'
import type { ChildMessage } from './channel.ts'

export type ChildOptions = {
  /** A file of this folder. */
  readonly entry: `${string}-process.ts`
  /** What the process is told at its start; it goes through JSON. */
  readonly settings: object
  readonly env?: Readonly<Record<string, string>>
  /** Takes each line that the process writes. */
  readonly onLine?: (line: string) => void
}

/** A process of its own. */
export type Child = {
  /** What it said once it was ready. */
  readonly ready: ChildMessage
  /** Takes what it says, from the first message on, whenever this is called. */
  listen(listener: (message: ChildMessage) => void): void
  /** Has it do something, and waits until it is done. One at a time. */
  ask(message: object): Promise<void>
  signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void
  /** Resolves once it is gone, with how it ended. */
  readonly ended: Promise<string>
}

const living = new Set<ChildProcess>()

// A stopped process does not notice that its parent is gone, so none is left behind whichever way this one ends.
process.on('exit', killAll)

/** Ends every process that was started here. */
export function killAll(): void {
  for (const child of living) child.kill('SIGKILL')
}

/** @throws Error with what the process wrote, where it ends before it is ready */
export async function startChild(options: ChildOptions): Promise<Child> {
  const child = fork(
    join(ROOT, 'test', 'thorough', 'processes', options.entry),
    [JSON.stringify(options.settings)],
    {
      env: { ...options.env },
      execArgv: ['--enable-source-maps', '--no-deprecation'],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    },
  )
  living.add(child)
  const written: string[] = []
  for (const stream of [child.stdout, child.stderr])
    if (stream)
      createInterface({ input: stream }).on('line', line => {
        if (written.length < 50) written.push(line)
        options.onLine?.(line)
      })
  const ended = new Promise<string>(resolve =>
    child.once('exit', (code, signal) => {
      living.delete(child)
      resolve(signal ?? `exit code ${code}`)
    }),
  )
  const asked: (() => void)[] = []
  const unheard: ChildMessage[] = []
  let hear = (message: ChildMessage): void => void unheard.push(message)
  const ready = await new Promise<ChildMessage>((resolve, reject) => {
    child.on('message', message => {
      if (!isObject(message)) return
      if (message.kind === 'ready') resolve(message)
      else if (message.kind === 'answered') asked.shift()?.()
      else hear(message)
    })
    child.once('error', reject)
    void ended.then(how => reject(new Error(`${options.entry} ended (${how}): ${written.join('\n')}`)))
  })
  return {
    ready,
    ended,
    listen(listener) {
      hear = listener
      for (const message of unheard.splice(0)) listener(message)
    },
    signal: signal => void child.kill(signal),
    ask: message =>
      new Promise((resolve, reject) => {
        asked.push(resolve)
        child.send(message, error => error && reject(error))
        void ended.then(how => reject(new Error(`${options.entry} ended (${how}) before it answered.`)))
      }),
  }
}
