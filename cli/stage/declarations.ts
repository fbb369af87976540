import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ROOT } from '../../infra/build/bundle.ts'
import { type Declaration, readDeclarations } from '../../infra/build/manifest.ts'
import type { Shell } from '../terminal/shell.ts'

/** Reads what the automations of the project declare; a file that can't be loaded is an entry with its error. */
export async function readProjectAutomations({ project }: Shell): Promise<Declaration[]> {
  const workFolder = join(ROOT, '.boxhooks', 'declarations', randomUUID())
  try {
    return await readDeclarations(join(project, 'automations'), workFolder)
  } finally {
    await rm(workFolder, { recursive: true, force: true })
  }
}
