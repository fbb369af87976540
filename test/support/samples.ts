import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bundle, ROOT } from '../../infra/bundle.ts'
import type { Stack } from '../../local/stack.ts'

/** The automations that boxhooks comes with, by the names of their files. */
export const SAMPLES = ['archive-uploads', 'remove-outside-collaborators', 'remove-shared-link']

/**
 * Lets just the automations that boxhooks comes with take over, so that a test of what they do holds whatever others are
 * added to automations/.
 * @returns removes their bundles, once the stack has stopped
 */
export async function onlySamples(stack: Stack): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(ROOT, '.boxhooks', 'samples-'))
  const automationsDir = join(folder, 'automations')
  await mkdir(automationsDir)
  for (const name of SAMPLES) {
    const original = `../../../examples/automations/${name}.ts`
    await writeFile(join(automationsDir, `${name}.ts`), `export { default } from '${original}'\n`)
  }
  const { manifest } = await bundle({ outDir: folder, automationsDir })
  await stack.replace(folder, manifest)
  return () => rm(folder, { recursive: true, force: true })
}
