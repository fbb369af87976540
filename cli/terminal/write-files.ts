import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

export type NewFile = { readonly path: string; readonly text: string }

/**
 * Writes all of the files or none; none is ever written over.
 * @param folder that the paths begin at
 * @throws what the file system says, with nothing left of what was written
 */
export async function writeAll(folder: string, files: readonly NewFile[]): Promise<void> {
  const written: string[] = []
  try {
    for (const { path, text } of files) {
      const file = join(folder, path)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, text, { flag: 'wx' })
      written.push(file)
    }
  } catch (error) {
    await Promise.all(written.map(file => rm(file, { force: true })))
    throw error
  }
}
