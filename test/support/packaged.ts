import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inject } from 'vitest'
import { EXAMPLES, type FunctionName } from '../../infra/bundle.ts'
import { exclusively } from '../../infra/exclusively.ts'
import type { ManifestEntry } from '../../infra/manifest.ts'
import { type Packaged, packagedStage, packageStage } from '../../infra/package.ts'

/**
 * The stage local as Lambda would get it. The first test file of a run that asks for it builds and packages it for all of them.
 * @throws PackageError with what osls said
 */
export async function packagedLocal(): Promise<Packaged> {
  const written = `${inject('packagedIn')}.json`
  const manifest =
    (await readManifest(written)) ??
    (await exclusively(`${inject('packagedIn')}.lock`, async () => {
      const byAnother = await readManifest(written)
      if (byAnother) return byAnother
      const packaged = await packageStage({ stage: 'local', project: EXAMPLES })
      await writeFile(written, JSON.stringify(packaged.manifest))
      return packaged.manifest
    }))
  return packagedStage({ stage: 'local', project: EXAMPLES, manifest })
}

async function readManifest(file: string): Promise<readonly ManifestEntry[] | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined)
  return text === undefined ? undefined : JSON.parse(text)
}

/** A function's bundle: the file that Lambda would load. */
export async function builtBundle(name: FunctionName): Promise<string> {
  await packagedLocal()
  return join(EXAMPLES, 'dist', name, 'index.mjs')
}
