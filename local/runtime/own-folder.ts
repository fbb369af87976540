import { randomUUID } from 'node:crypto'
import { readdirSync, rmSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { isRunning } from '../../infra/build/exclusively.ts'

/** Of this machine: a folder can be shared with another, such as a container, whose processes have numbers of their own. */
const MACHINE = hostname().replace(/[^\w-]/g, '_')

/**
 * Names a folder below another that is this process's alone, and removes what processes that were killed have left there.
 * @param parent need not exist
 */
export function ownFolder(parent: string): string {
  for (const name of namesIn(parent)) {
    const [machine, processId] = name.split('.')
    if (machine === MACHINE && processId !== undefined && !isRunning(Number(processId)))
      rmSync(join(parent, name), { recursive: true, force: true })
  }
  return join(parent, `${MACHINE}.${process.pid}.${randomUUID()}`)
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
