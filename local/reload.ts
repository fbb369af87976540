import { type FSWatcher, mkdirSync, watch } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { bundle, ROOT } from '../infra/build/bundle.ts'
import { ownFolder } from './runtime/own-folder.ts'
import type { Stack } from './stack.ts'

/** Changes that come within this time, in milliseconds, are one change: editors write a file in several steps. */
const SETTLE_MS = 120

/** Builds that stay on disk: a function under way on an old one may still load a part of it. */
const BUILDS_KEPT = 5

/**
 * Watches the sources and lets new bundles take over when one changes. A source that does not build leaves the old
 * bundles at work, and says what is wrong with it.
 * @param project the folder that holds automations/
 */
export function watchSources(
  stack: Pick<Stack, 'replace'>,
  onLine: (line: string) => void,
  project = ROOT,
): { close(): Promise<void> } {
  // Another stack may run from the same folder.
  const folder = ownFolder(join(ROOT, '.boxhooks', 'reload'))
  let builds = 0
  let timer: NodeJS.Timeout | undefined
  let building = Promise.resolve()
  let waiting = false
  const rebuild = async (changed: string): Promise<void> => {
    waiting = false
    builds += 1
    const outDir = join(folder, String(builds))
    try {
      const { manifest } = await bundle({ outDir, project })
      await stack.replace(outDir, manifest)
      onLine(`${changed} changed; loaded: ${manifest.map(({ name }) => name).join(', ')}`)
    } catch (error) {
      onLine(
        `${changed} changed, but what was loaded before stays: ${error instanceof Error ? error.message : error}`,
      )
    }
    await rm(join(folder, String(builds - BUILDS_KEPT)), { recursive: true, force: true })
  }
  const sources = [
    [project, 'automations'],
    [ROOT, 'functions'],
    [ROOT, 'lib'],
  ] as const
  // Git keeps no empty folder; a first automation may come later.
  mkdirSync(join(project, 'automations'), { recursive: true })
  const watchers: FSWatcher[] = sources.map(([parent, source]) =>
    watch(join(parent, source), (_, file) => {
      if (!file?.endsWith('.ts')) return
      clearTimeout(timer)
      timer = setTimeout(() => {
        // A build that has not begun yet sees this change as well.
        if (waiting) return
        waiting = true
        building = building.then(() => rebuild(join(source, file)))
      }, SETTLE_MS)
    }),
  )
  return {
    async close() {
      clearTimeout(timer)
      for (const watcher of watchers) watcher.close()
      await building
      await rm(folder, { recursive: true, force: true })
    },
  }
}
