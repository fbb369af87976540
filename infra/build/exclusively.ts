import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { ExpectedError } from '../../lib/base/expected-error.ts'

const WAIT_MS = 50

/**
 * Runs work that no other process, nor this one, may do at the same time; waits until it is free.
 * @param lockFile holds the id of the process at work; one left behind by a process that is gone does not count
 * @throws ExpectedError naming the process that still works after `patienceMs`, in milliseconds
 */
export async function exclusively<T>(
  lockFile: string,
  work: () => Promise<T>,
  patienceMs = 120_000,
): Promise<T> {
  await mkdir(dirname(lockFile), { recursive: true })
  for (let waitedMs = 0; !(await take(lockFile)); waitedMs += WAIT_MS) {
    const holder = await holderOf(lockFile)
    if (holder !== undefined && !isRunning(holder)) await rm(lockFile, { force: true })
    else if (waitedMs >= patienceMs)
      throw new ExpectedError(
        `Process ${holder} packages or deploys in this folder already. Wait until it is done; if it is none of yours, delete ${lockFile}.`,
      )
    else await delay(WAIT_MS)
  }
  try {
    return await work()
  } finally {
    await rm(lockFile, { force: true })
  }
}

async function take(lockFile: string): Promise<boolean> {
  try {
    await writeFile(lockFile, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

/** The process that holds the lock; none where it was just given back, or is just being taken. */
async function holderOf(lockFile: string): Promise<number | undefined> {
  const text = await readFile(lockFile, 'utf8').catch(() => '')
  return text === '' ? undefined : Number(text)
}

/** Whether a process of this machine runs, whoever it belongs to. */
export function isRunning(processId: number): boolean {
  try {
    return process.kill(processId, 0)
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}

const codeOf = (error: unknown): unknown => (error instanceof Object ? Reflect.get(error, 'code') : undefined)
