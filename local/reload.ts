import { type FSWatcher, watch } from 'node:fs'
import { join } from 'node:path'
import { bundle, ROOT } from '../infra/bundle.ts'
import type { Stack } from './stack.ts'

/** Changes that come within this time, in milliseconds, are one change: editors write a file in several steps. */
const SETTLE_MS = 120

/**
 * Watches the sources and lets new bundles take over when one changes. A source that does not build leaves the old
 * bundles at work, and says what is wrong with it.
 */
export function watchSources(stack: Stack, onLine: (line: string) => void): { close(): void } {
  let builds = 0
  let timer: NodeJS.Timeout | undefined
  let building = Promise.resolve()
  const rebuild = async (changed: string): Promise<void> => {
    builds += 1
    // Old bundles stay where they are: a function under way may still load a part of its own.
    const outDir = join('.boxhooks', 'reload', String(builds))
    try {
      const { manifest } = await bundle({ outDir })
      stack.replace(join(ROOT, outDir), manifest)
      onLine(`${changed} changed; loaded: ${manifest.map(({ name }) => name).join(', ')}`)
    } catch (error) {
      onLine(
        `${changed} changed, but what was loaded before stays: ${error instanceof Error ? error.message : error}`,
      )
    }
  }
  const watchers: FSWatcher[] = ['automations', 'functions', 'lib'].map(folder =>
    watch(join(ROOT, folder), (_, file) => {
      if (!file?.endsWith('.ts')) return
      clearTimeout(timer)
      timer = setTimeout(() => {
        building = building.then(() => rebuild(`${folder}/${file}`))
      }, SETTLE_MS)
    }),
  )
  return {
    close() {
      clearTimeout(timer)
      for (const watcher of watchers) watcher.close()
    },
  }
}
