import { fork } from 'node:child_process'
import { join } from 'node:path'
import { isObject } from '../lib/base/json.ts'

/** A process of the bench that answers one message after the other. */
export type Child = {
  /** What it said when it had started. */
  readonly greeting: unknown
  ask(message: object): Promise<unknown>
  end(): void
}

/**
 * Starts a file of this folder in a process of its own.
 * @throws Error where it ends before it has answered
 */
export async function startChild(file: string, env: Readonly<Record<string, string>> = {}): Promise<Child> {
  const child = fork(join(import.meta.dirname, file), {
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced',
  })
  const next = () =>
    new Promise<unknown>((resolve, reject) => {
      const dead = (code: number | null) => reject(new Error(`${file} ended with code ${code}.`))
      child.once('exit', dead)
      child.once('message', message => {
        child.off('exit', dead)
        resolve(message)
      })
    })
  return {
    greeting: await next(),
    ask(message) {
      const answered = next()
      child.send(message)
      return answered
    },
    end: () => void child.disconnect(),
  }
}

/** A number that a process of the bench has told; throws TypeError where it has not. */
export function numberIn(value: unknown, name: string): number {
  const found = isObject(value) ? value[name] : undefined
  if (typeof found === 'number') return found
  throw new TypeError(`A process of the bench told no number ${name}.`)
}

/** A text, likewise. */
export function textIn(value: unknown, name: string): string {
  const found = isObject(value) ? value[name] : undefined
  if (typeof found === 'string') return found
  throw new TypeError(`A process of the bench told no ${name}.`)
}
