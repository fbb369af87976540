import type { TestProject } from 'vitest/node'
import { EXAMPLES } from '../../infra/bundle.ts'
import type { ManifestEntry } from '../../infra/manifest.ts'
import { packageStage } from '../../infra/package.ts'

declare module 'vitest' {
  interface ProvidedContext {
    manifest: readonly ManifestEntry[]
  }
}

/** Builds and packages once, so that every test runs what Lambda would get. */
export default async function setup(project: TestProject): Promise<void> {
  const { bundles } = await packageStage({ stage: 'local', project: EXAMPLES })
  project.provide('manifest', bundles.manifest)
}
